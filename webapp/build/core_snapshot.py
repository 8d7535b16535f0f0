"""The core for the worker: its sources, and a Pyodide's memory with all of it imported.

The sources are needed besides: the translator inlines instruction meanings by reading their
source, guests are assembled from theirs, and a browser may refuse the snapshot.
"""

from __future__ import annotations

import json
from pathlib import Path

from stages import node

HERE = Path(__file__).parent
WEB = HERE.parent
LEFT_OUT = {"ringside/cli.py", "ringside/__main__.py", "ringside/bench.py"}  # not for browsers


def core(package: Path, pyodide: Path, folder: Path) -> None:
    """Write ``sources.json`` and ``memory.gz.bin`` into ``folder``."""
    sources = {}
    for file in sorted(package.rglob("*")):
        name = file.relative_to(package.parent)
        hidden = any(part == "__pycache__" or part.startswith(".") for part in name.parts)
        if file.is_dir() or hidden or name.as_posix() in LEFT_OUT:
            continue
        sources[name.as_posix()] = file.read_text(encoding="utf-8")
    opened = Path("ringside_web/opened.py")
    sources[opened.as_posix()] = (WEB / opened).read_text(encoding="utf-8")
    listing = folder / "sources.json"
    listing.write_text(json.dumps(sources, ensure_ascii=False), encoding="utf-8")
    node(HERE / "snapshot.mjs", pyodide, listing, folder / "memory.gz.bin")
