"""Starting and stopping the desktop app: a server on the loopback, and a browser or a window."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import webbrowser
from collections.abc import Sequence
from types import FrameType
from typing import Any

from . import window

HOST = "127.0.0.1"
LAST_PORT = 65535
THREADS = 8  # a page asks for its files all at once; a session answers one request at a time


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or until the window is closed; returns the exit status."""
    options = _parser().parse_args(argv)
    wanted = options.window or options.window is None and not options.no_browser
    native = window.webview() if wanted else None
    if options.window and native is None:
        print(f"ringside: {window.MISSING}", file=sys.stderr)
        return 2
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
    closing = threading.Event()
    threading.Thread(target=_serve, args=(server, closing), daemon=True).start()
    status = 0
    try:
        if native is not None:
            status = _in_window(native, address, options)
        else:
            _until_stopped(address, options)
    except KeyboardInterrupt:
        pass
    finally:
        closing.set()
        server.task_dispatcher.shutdown(timeout=1)  # who is still answering may finish
        server.close()
    print("Ringside: stopped", flush=True)
    return status


def _serve(server: Any, closing: threading.Event) -> None:
    """Answer requests until the server is closed, which takes its sockets from under its loop."""
    try:
        server.run()
    except Exception:  # which one depends on where the loop is just then
        if not closing.is_set():
            raise


def _in_window(native: Any, address: str, options: argparse.Namespace) -> int:
    """Show the window until it is closed; without a toolkit for it, go on with the browser."""
    try:
        window.show(native, address)
    except window.NoWindow as error:
        print(f"ringside: no native window: {error}", file=sys.stderr, flush=True)
        if options.window:
            return 2
        _until_stopped(address, options)
    return 0


def _until_stopped(address: str, options: argparse.Namespace) -> None:
    """Open a browser, unless told not to, and wait for Ctrl-C."""
    if not options.no_browser:
        threading.Timer(0.1, webbrowser.open, [address]).start()
    while not threading.Event().wait(0.5):  # without an end to it, Windows would not see Ctrl-C
        pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ringside serve", description="Start the desktop app.")
    parser.add_argument("--port", type=_port, default=0,
                        help="port on the loopback (default: free)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--window", action="store_true", default=None,
                        help="a native window (needs 'ringside[native]')")
    choice.add_argument("--no-window", dest="window", action="store_false", default=None,
                        help="a browser even if a native window is possible")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LAST_PORT):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; give a number from 1 to {LAST_PORT}, or 0 for a free one")
    return int(text)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
