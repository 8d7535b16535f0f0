"""The page's worker: Pyodide around the session. It never touches the document.

``call`` is its only door: a request as JSON text in, the answer as JSON text out.
"""

from __future__ import annotations

import json

import pyodide_js

from ringside_web.opened import session


async def call(text: str) -> str:
    """Answer one request. NumPy is fetched when the first request needs it, not before."""
    request = json.loads(text)
    try:
        answer = session.handle(request)
    except ModuleNotFoundError as missing:
        if missing.name != "numpy":
            raise
        await pyodide_js.loadPackage("numpy")
        answer = session.handle(request)
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


__export__ = ["call"]
