"""What the house promises of its own structure. The import directions are held by import-linter
(see pyproject.toml); ``make check`` runs it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core" / "ringside"
LONGEST = 620  # lines; "files stay small"
FILES = sorted(CORE.rglob("*.py"))


def imports(file: Path) -> set[str]:
    """The top-level packages a file imports, relative imports left out."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_core_needs_numpy_and_the_standard_library_only():
    allowed = sys.stdlib_module_names | {"ringside", "numpy"}
    optional = {"dask", "distributed", "mpi4py", "pycachesim", "cachesim", "ringside_desktop"}
    others = {
        str(file.relative_to(ROOT)): sorted(extra)
        for file in FILES
        if (extra := imports(file) - allowed - optional)
    }
    assert others == {}


OPEN_FIRST_LAB = """
import sys
from ringside.session import Session
session = Session()
assert session.handle({"op": "catalogue", "lang": "en"})["ok"]
assert session.handle({"op": "load", "lab": "rings", "lang": "en"})["ok"]
sys.exit("numpy" in sys.modules)
"""


def test_the_first_figure_does_not_wait_for_numpy():
    done = subprocess.run([sys.executable, "-c", OPEN_FIRST_LAB], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_files_stay_small():
    lengths = {
        str(file.relative_to(CORE)): len(file.read_text(encoding="utf-8").splitlines())
        for file in FILES
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_the_top_level_is_as_the_readme_says():
    shown = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )
    if shown.returncode:
        pytest.skip("not a git checkout")
    usual = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "package.json",
             "package-lock.json", "docs"}
    fixed = {"pyproject.toml", "core", "webapp", "desktop", "static", "tests", "README.md"}
    assert {name for name in shown.stdout.split() if name[0] != "."} <= usual | fixed


def test_the_readme_s_table_names_every_folder_and_file_of_the_house():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("## The house")[2].partition("\n\nReading order")[0]
    built = {"build", "node_modules"}
    folders = [path for path in (*ROOT.iterdir(), *CORE.iterdir())
               if path.is_dir() and not path.name.startswith((".", "__")) and path.name not in built
               and not path.name.endswith(".egg-info") and path.name != "core"]
    files = [path for path in CORE.glob("*.py") if not path.name.startswith("__")]
    missing = [path.name for path in (*folders, *files)
               if f"{path.name}{'/' * path.is_dir()}`" not in table]
    assert missing == []
