"""Runs inside Pyodide at build time: /input.zip with sources becomes /output.zip with byte code.

Each .py becomes a .pyc, marked "unchecked": there is no source file whose date it could be held
against.
"""

import importlib.util
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc


def byte_code(name, source):
    code = compile(source, name, "exec", dont_inherit=True)
    return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))


def convert(source, target):
    for entry in sorted(source.infolist(), key=lambda entry: entry.filename):
        if entry.is_dir():
            continue
        name, data = entry.filename, source.read(entry)
        if name.endswith(".py"):
            name, data = name + "c", byte_code(name, data)
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the same input, the same bytes
        info.compress_type = zipfile.ZIP_DEFLATED
        target.writestr(info, data, compresslevel=9)


with zipfile.ZipFile("/input.zip") as source, zipfile.ZipFile("/output.zip", "w") as target:
    convert(source, target)
