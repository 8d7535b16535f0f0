"""The Flask application: the built site, and ``POST /api/session`` in front of the core."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request, send_from_directory
from ringside.session import Session
from werkzeug.exceptions import HTTPException

from .sessions import Sessions

LARGEST_REQUEST = 1_000_000  # bytes; the longest program the editor may send fits five times
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
NAME = re.compile(r"[A-Za-z0-9-]{8,64}")

# Everything from here, nothing inline: a program typed into the editor can never become script.
POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
))

log = logging.getLogger(__name__)


def find_site() -> Path:
    """The folder of the built site: packed beside this module, or the checkout's build/site."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "site", here.parents[2] / "build" / "site"):
        if (folder / "index.html").is_file():
            return folder
    raise FileNotFoundError("The page has not been built. Run 'make site' first.")


def create_app(site: Path | None = None, sessions: Sessions | None = None) -> Flask:
    """An application serving ``site`` (by default the one that was built)."""
    folder = find_site() if site is None else site
    open_sessions = Sessions(Session) if sessions is None else sessions
    page = _for_server((folder / "index.html").read_text(encoding="utf-8"))
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST

    @app.before_request
    def only_this_machine() -> None:
        # A page elsewhere could point a name of its own at 127.0.0.1; its Host gives it away.
        host = re.sub(r":\d+$", "", request.headers.get("Host", ""))
        if host not in LOOPBACK:
            abort(403, "This server answers to 127.0.0.1 and localhost only.")

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-cache")
        return response

    @app.get("/")
    @app.get("/index.html")
    def index() -> Response:
        return Response(page, mimetype="text/html")

    @app.get("/<path:name>")
    def file(name: str) -> Response:
        types = {".mjs": "text/javascript", ".wasm": "application/wasm"}
        return send_from_directory(folder, name, mimetype=types.get(Path(name).suffix))

    @app.post("/api/session")
    def session() -> Response:
        origin = request.headers.get("Origin")
        if origin is not None and origin != request.host_url.rstrip("/"):
            abort(403, "This request comes from another site.")
        if request.mimetype != "application/json":
            abort(415, "Send JSON, with the header Content-Type: application/json.")
        message = request.get_json(silent=True)
        if not isinstance(message, dict):
            abort(400, "Send a JSON object with 'session' and 'request'.")
        name, wanted = message.get("session"), message.get("request")
        if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(wanted, dict):
            abort(400, "'session' must be a word of 8 to 64 letters, 'request' an object.")
        return _json(open_sessions.answer(name, wanted))

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        return _json(_refusal(error.name, error.description or ""), error.code or 400)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        # A mistake of ours must not take the page down; it is logged and said, not hidden.
        log.exception("the session failed")
        text = f"The machine failed: {type(error).__name__}: {error}"
        return _json(_refusal(text, "Please report this; another lab or step may still work."))

    return app


def _for_server(page: str) -> str:
    """The page as this server gives it out: it asks the server instead of starting a worker."""
    marked = page.replace('data-backend="worker"', 'data-backend="http"', 1)
    if marked == page:
        raise ValueError("index.html does not say which back end it uses")
    return marked


def _refusal(message: str, hint: str) -> dict[str, Any]:
    return {"ok": False, "error": {"message": message, "hint": hint}}


def _json(answer: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status=status, mimetype="application/json")
