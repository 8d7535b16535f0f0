"""Runs inside Pyodide at build time, before its memory is kept: imports the core, and opens every
lab once, so that what is made on first use (tables, assembled guests) is there at the start."""

import gc
import importlib
import pkgutil

import ringside
from ringside.session import Session

LEFT_OUT = ("ringside.bulk", "ringside.cli", "ringside.__main__", "ringside.bench")  # not used here

for module in pkgutil.walk_packages(ringside.__path__, "ringside."):
    if not module.name.startswith(LEFT_OUT):
        importlib.import_module(module.name)

session = Session()
for lab in session.handle({"op": "catalogue"})["labs"]:
    answer = session.handle({"op": "load", "lab": lab["id"]})
    if not answer["ok"]:
        raise SystemExit(answer["error"]["message"])
    session.handle({"op": "run", "steps": 50})

del session, answer, lab, module
gc.collect()
