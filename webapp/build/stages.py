"""Stages of the site build: each is made again only when something it is made from changed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"
STAGES = ROOT / "build" / "stages"


def digest(paths: Iterable[Path]) -> str:
    """A digest of the files (for folders: of every file below), names included."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if any(part == "__pycache__" or part[0] == "." for part in file.relative_to(path.parent).parts):
                continue
            total.update(str(file.relative_to(path.parent)).encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def stage(name: str, made_from: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """The folder of a stage; ``make(folder)`` fills it when it is missing or out of date."""
    folder, mark = STAGES / name, STAGES / f"{name}.digest"
    wanted = digest(made_from)
    if folder.is_dir() and mark.is_file() and mark.read_text() == wanted:
        return folder
    print(f"  {name}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    mark.unlink(missing_ok=True)
    folder.mkdir(parents=True)
    make(folder)
    mark.write_text(wanted)
    return folder


def node(*arguments: str | Path) -> None:
    """Run a tool of the build in Node; its failure is the build's failure."""
    _run(["node", *map(str, arguments)])


def esbuild(*arguments: str | Path) -> None:
    """Run esbuild."""
    tool = MODULES / ".bin" / "esbuild"
    _run([str(tool), "--log-level=warning", *map(str, arguments)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        # Node prints the whole minified line an error came from; only the short ones say anything.
        lines = [line for line in done.stderr.splitlines() if len(line) < 400]
        raise SystemExit("\n".join([*lines[-30:], f"failed: {' '.join(command)}"]))
