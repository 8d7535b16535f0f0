"""The runtimes the page is served with: PyScript, MicroPython, Pyodide, and a slim NumPy."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

from stages import MODULES, ROOT, node

HERE = Path(__file__).parent
NUMPY = MODULES / "@bentopdf/pymupdf-wasm/assets/numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl"
NUMPY_SHA256 = "125230b4c3ecd08803e5c43f1162e017c0718d9f253146225a705a952b9c16c2"

# Of the NumPy wheel, what a simulator never imports.
NUMPY_WITHOUT = re.compile(
    r"/tests/|/testing/|/f2py/|/distutils/|/doc/|/include/|/lib/pkg-config/|/_pyinstaller/"
    r"|\.pyi$|\.h$|\.a$|\.c$|\.pxd$|/conftest\.py$|_tests?\.cpython-|_umath_tests|_rational_tests"
    r"|_struct_ufunc_tests|_operand_flag_tests|_multiarray_tests|_simd\.cpython|/random/lib/"
    r"|/random/_examples/|numpy/fft/_pocketfft|numpy/polynomial/(?!__init__)"
)


def vendor(folder: Path) -> None:
    """Everything third-party that the browser loads, as it comes from the npm packages."""
    pyscript = folder / "pyscript"
    pyscript.mkdir()
    dist = MODULES / "@pyscript/core/dist"
    wanted = _reachable(dist, "core.js")
    for name in sorted(wanted):
        text = (dist / name).read_text(encoding="utf-8")
        (pyscript / name).write_text(_without_map(text), encoding="utf-8")
    micropython = folder / "micropython"
    micropython.mkdir()
    for name in ("micropython.mjs", "micropython.wasm"):
        shutil.copy(MODULES / "@micropython/micropython-webassembly-pyscript" / name, micropython)
    pyodide = folder / "pyodide"
    pyodide.mkdir()
    for name in ("pyodide.mjs", "pyodide.asm.js"):
        text = (MODULES / "pyodide" / name).read_text(encoding="utf-8")
        (pyodide / name).write_text(_without_map(text), encoding="utf-8")
    shutil.copyfile(MODULES / "pyodide/pyodide.asm.wasm", pyodide / "pyodide.asm.wasm")
    shutil.copyfile(MODULES / "pyodide/package.json", pyodide / "package.json")  # Node wants it
    _lock({}, pyodide)
    node(HERE / "compile.mjs", MODULES / "pyodide/python_stdlib.zip",
         pyodide / "python_stdlib.zip")


def numpy(folder: Path) -> None:
    """The slim NumPy wheel and the lock file through which Pyodide finds it."""
    data = NUMPY.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != NUMPY_SHA256:
        raise SystemExit(f"{NUMPY.name} has SHA-256 {found}, expected {NUMPY_SHA256}")
    slim = folder / "slim.zip"
    with zipfile.ZipFile(NUMPY) as wheel, zipfile.ZipFile(slim, "w") as target:
        for info in wheel.infolist():
            if not info.is_dir() and not NUMPY_WITHOUT.search("/" + info.filename):
                target.writestr(info.filename, wheel.read(info))
    wheel_path = folder / NUMPY.name
    node(HERE / "compile.mjs", slim, wheel_path)
    slim.unlink()
    changes = {
        "file_name": wheel_path.name,
        "sha256": hashlib.sha256(wheel_path.read_bytes()).hexdigest(),
        "version": "2.2.5",
    }
    _lock({"numpy": changes}, folder)


def _lock(packages: dict[str, dict[str, str]], folder: Path) -> None:
    """Pyodide's lock file with these packages only, so that it never asks for another."""
    lock = json.loads((MODULES / "pyodide/pyodide-lock.json").read_text(encoding="utf-8"))
    lock["packages"] = {name: lock["packages"][name] | new for name, new in packages.items()}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock, indent=1), encoding="utf-8")


def inputs() -> list[Path]:
    """What decides whether the runtimes are made again."""
    return [HERE / "runtimes.py", HERE / "compile.mjs", HERE / "archive.py",
            ROOT / "package-lock.json"]


def _without_map(text: str) -> str:
    """No reference to a source map that is not delivered."""
    return re.sub(r"\n//# sourceMappingURL=\S+\s*$", "\n", text)


# Parts of PyScript that a page asks for by tags and attributes this page does not use.
_UNUSED = re.compile(r"^(?:codemirror|xterm|zip-|toml-|pyodide_graph)")


def _reachable(folder: Path, first: str) -> set[str]:
    """The chunks of PyScript that ``first`` imports, directly or not."""
    wanted, todo = set(), [first]
    while todo:
        name = todo.pop()
        if name in wanted or not (folder / name).is_file():
            continue
        wanted.add(name)
        text = (folder / name).read_text(encoding="utf-8")
        for other in re.findall(r"""["'`]\./([\w.-]+\.js)["'`]""", text):
            if not _UNUSED.match(other):
                todo.append(other)
    return wanted
