"""The native window, optional: pywebview, as its API is documented for version 5 and later."""

from __future__ import annotations

import importlib
from typing import Any

MISSING = (
    "the native window needs pywebview, which is not installed; install 'ringside[native]', or "
    "leave out --window to use the browser")
SIZE, LEAST = (1360, 860), (360, 480)  # width and height in pixels


class NoWindow(Exception):
    """There is pywebview, but no toolkit or display it could use."""


def webview() -> Any:
    """pywebview if it is installed, else None."""
    try:
        return importlib.import_module("webview")
    except ModuleNotFoundError as missing:
        if missing.name != "webview":
            raise
        return None


def show(webview: Any, address: str) -> None:
    """Open a window on ``address`` and return when it is closed; call it on the main thread.

    Raises :class:`NoWindow`.
    """
    webview.settings["ALLOW_DOWNLOADS"] = True  # figures are saved as files
    try:
        webview.create_window(
            "Ringside", address, width=SIZE[0], height=SIZE[1], min_size=LEAST,
            text_select=True, zoomable=True)
        webview.start()
    except Exception as error:  # which one depends on the toolkit that could not be loaded
        raise NoWindow(str(error) or type(error).__name__) from error
