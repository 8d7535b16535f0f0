"""Starting and stopping the desktop app: a server on the loopback, and a browser or a window."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import threading
import webbrowser
from collections.abc import Sequence
from types import FrameType
from typing import Any

HOST = "127.0.0.1"
THREADS = 8  # a page asks for its files all at once; a session answers one request at a time


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or until the window is closed; returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        from waitress.server import create_server

        from .app import create_app
    except ModuleNotFoundError as missing:
        print(f"ringside: {missing.name} is not installed; install 'ringside[desktop]'.",
              file=sys.stderr)
        return 2
    try:
        app = create_app()
        server = create_server(app, host=HOST, port=options.port, threads=THREADS)
    except (FileNotFoundError, OSError) as error:
        print(f"ringside: {error}", file=sys.stderr)
        return 2
    address = f"http://{HOST}:{server.effective_port}/"
    print(f"Ringside: {address}  (Ctrl-C stops)", flush=True)
    signal.signal(signal.SIGTERM, _stop)
    window = _native() if options.window is not False and not options.no_browser else None
    if window is not None:
        return _in_window(window, server, address)
    if not options.no_browser:
        threading.Timer(0.3, webbrowser.open, [address]).start()
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
    print("Ringside: stopped", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ringside serve", description="Start the desktop app.")
    parser.add_argument("--port", type=int, default=0, help="port on the loopback (default: free)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--no-window", dest="window", action="store_false", default=None,
                        help="a browser even if a native window is possible")
    return parser


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _native() -> Any:
    """The optional extra for a native window, if it is installed."""
    try:
        return importlib.import_module("webview")
    except ModuleNotFoundError:
        return None


def _in_window(webview: Any, server: Any, address: str) -> int:
    threading.Thread(target=server.run, daemon=True).start()
    webview.create_window("Ringside", address, width=1360, height=860)
    webview.start()
    server.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
