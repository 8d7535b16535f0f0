"""Starting and stopping the desktop app as a user does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_page_and_stops_cleanly(number):
    if not (ROOT / "build/site/index.html").is_file():
        pytest.fail("The site has not been built: run 'make site'.")
    process = subprocess.Popen(
        [sys.executable, "-m", "ringside", "serve", "--no-browser"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, line
        with urllib.request.urlopen(found[0], timeout=10) as reply:
            assert b'data-backend="http"' in reply.read()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "stopped" in rest
    assert "Traceback" not in errors


def test_a_port_that_is_taken_is_said(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "ringside_desktop", "--no-browser", "--port", port], text=True,
            capture_output=True, timeout=30,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert done.returncode == 2
    assert "ringside:" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["99999", "abc"])
def test_what_is_no_port_is_refused_and_nothing_is_served(port):
    done = subprocess.run(
        [sys.executable, "-m", "ringside_desktop", "--no-browser", "--port", port], text=True,
        capture_output=True, timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 2 and not done.stdout
    assert "is not a port" in done.stderr and "Traceback" not in done.stderr
