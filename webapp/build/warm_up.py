"""Runs inside Pyodide at build time, before its memory is kept: imports the core, and opens every
lab once, so that what is made on first use (tables, assembled guests) is there at the start."""

import gc
import importlib
import pkgutil

import ringside
from ringside.session import Session

for module in pkgutil.walk_packages(ringside.__path__, "ringside."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as missing:
        if missing.name != "numpy":  # bulk work fetches it when it begins
            raise

session = Session()
for lab in session.handle({"op": "catalogue"})["labs"]:
    try:
        answer = session.handle({"op": "load", "lab": lab["id"]})
        if answer["ok"]:
            session.handle({"op": "run", "steps": 50})
    except ModuleNotFoundError as missing:
        if missing.name != "numpy":
            raise
        continue
    if not answer["ok"]:
        raise SystemExit(answer["error"]["message"])

del session, answer, lab, module
importlib.import_module("ringside_web.opened")
gc.collect()
