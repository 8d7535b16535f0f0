"""The native window. pywebview itself needs a display and a toolkit; here stands a module with the
signatures its documentation gives, so that what is asked of it is what it offers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEBVIEW = '''
import threading, urllib.request
settings = {"ALLOW_DOWNLOADS": False, "OPEN_EXTERNAL_LINKS_IN_BROWSER": True}
windows = []
class WebViewException(Exception):
    pass
def create_window(title, url=None, html=None, js_api=None, width=800, height=600, x=None, y=None,
                  screen=None, resizable=True, fullscreen=False, min_size=(200, 100), hidden=False,
                  frameless=False, easy_drag=True, shadow=False, focus=True, minimized=False,
                  maximized=False, on_top=False, confirm_close=False, background_color="#FFFFFF",
                  transparent=False, text_select=False, zoomable=False, draggable=False):
    windows.append((title, url))
def start(func=None, args=None, localization={}, gui=None, debug=False, private_mode=True):
    if threading.current_thread() is not threading.main_thread():
        raise WebViewException("pywebview must be run on a main thread.")
    (title, url), = windows
    page = urllib.request.urlopen(url, timeout=10).read()
    print("shown:", title, b"data-backend=\\"http\\"" in page, settings["ALLOW_DOWNLOADS"])
'''
NO_TOOLKIT = WEBVIEW.replace(
    "    (title, url), = windows",
    "    raise WebViewException('You must have either QT or GTK')")


def serve(folder: Path, module: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    if not (ROOT / "build/site/index.html").is_file():
        pytest.fail("The site has not been built: run 'make site'.")
    if module is not None:
        (folder / "webview.py").write_text(module)
    return subprocess.run(
        [sys.executable, "-m", "ringside", "serve", *arguments], text=True, capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])})


@pytest.mark.parametrize("arguments", [(), ("--window",)])
def test_the_window_shows_the_page_and_closing_it_ends_the_app(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = serve(tmp_path, WEBVIEW, *arguments)
    assert done.returncode == 0, done.stderr
    assert "shown: Ringside True True" in done.stdout and "stopped" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_window_without_a_toolkit_says_why(tmp_path: Path) -> None:
    done = serve(tmp_path, NO_TOOLKIT, "--window")
    assert done.returncode == 2
    assert "no native window: You must have either QT or GTK" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_window_without_pywebview_says_what_to_install(tmp_path: Path) -> None:
    hidden = "raise ModuleNotFoundError('No module named webview', name='webview')\n"
    done = serve(tmp_path, hidden, "--window")
    assert done.returncode == 2
    assert done.stderr.startswith("ringside: the native window needs pywebview")
    assert "ringside[native]" in done.stderr


def test_window_and_no_window_exclude_each_other(tmp_path: Path) -> None:
    done = serve(tmp_path, None, "--window", "--no-window")
    assert done.returncode == 2 and "not allowed with" in done.stderr
