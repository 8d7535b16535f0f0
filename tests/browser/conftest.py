"""The real page in real Chromium, over both back ends: a static host with the Pyodide worker, and
the Flask app with CPython. Nothing is replaced by a stand-in."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"
LIVE = 60_000  # ms; a busy machine is slow, a hanging page is slower
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium; as root it needs its sandbox switched off."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("Chromium is missing: run 'make test', or set CHROMIUM to its path.")
    return {**browser_type_launch_args, "executable_path": path, "args": ["--no-sandbox"]}


@pytest.fixture(scope="session")
def site() -> Path:
    """The built site."""
    if not (SITE / "index.html").is_file():
        pytest.fail("The site has not been built: run 'make site'.")
    return SITE


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A static host with nothing special about it, but knowing what .mjs and .wasm are."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript", ".wasm": "application/wasm",
    }

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="session")
def static_host(site: Path) -> Iterator[str]:
    """The site in a sub-folder of a plain host, as on most pages of universities."""
    handler = functools.partial(Quiet, directory=str(site.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{site.name}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def flask_host(site: Path) -> Iterator[str]:
    """The desktop app behind its real server."""
    from ringside_desktop import create_app
    from waitress.server import create_server

    server = create_server(create_app(site), host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}/"
    server.close()


@pytest.fixture(params=["worker", "flask"])
def host(request: pytest.FixtureRequest) -> str:
    """The page's address, once with each back end."""
    fixture = {"worker": "static_host", "flask": "flask_host"}[request.param]
    address: str = request.getfixturevalue(fixture)
    return address


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """Errors on the console or in the page; any left at the end fail the test."""
    found: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert not found


Visit = Callable[..., Page]


@pytest.fixture
def visit(page: Page, host: str, complaints: list[str]) -> Visit:
    """Open the page at a hash; with ``live`` wait until the machine itself answers."""

    def go(where: str = "lab=rings&lang=en", live: bool = True) -> Page:
        page.goto("about:blank")
        page.goto(f"{host}#{where}")
        if live:
            page.locator(".chip.live").wait_for(state="attached", timeout=LIVE)
            page.locator("#stage [data-key]").first.wait_for(state="attached")
        return page

    return go
