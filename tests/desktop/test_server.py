"""The server behind the desktop app: what it serves, what it refuses, and that it never breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ringside.session import Session
from ringside_desktop import create_app
from ringside_desktop.sessions import Sessions

PAGE = '<!doctype html><html data-backend="worker"><body></body></html>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "a.mjs").write_text("export {};", encoding="utf-8")
    return tmp_path


@pytest.fixture
def client(site: Path) -> Any:
    return create_app(site).test_client()


def ask(client: Any, request: Any, name: str = "a-page-of-mine", **more: Any) -> Any:
    return client.post("/api/session", json={"session": name, "request": request}, **more)


def test_the_page_is_told_to_ask_this_server(client):
    text = client.get("/").get_data(as_text=True)
    assert 'data-backend="http"' in text
    assert 'data-backend="worker"' not in text


def test_a_strict_policy_allows_no_inline_script(client):
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy


def test_modules_are_served_as_javascript(client):
    with client.get("/a.mjs") as reply:
        assert reply.mimetype == "text/javascript"


@pytest.mark.parametrize("path", ["/nothing.js", "/../app.py", "/%2e%2e/%2e%2e/etc/passwd"])
def test_a_file_that_is_not_of_the_site_is_not_found(client, path):
    assert client.get(path).status_code in (400, 404)


def test_a_session_answers_and_remembers(client):
    loaded = ask(client, {"op": "load", "lab": "rings"}).get_json()
    assert loaded["ok"] and loaded["frame"]["step"] == 0
    stepped = ask(client, {"op": "step", "direction": 1}).get_json()
    assert stepped["frame"]["step"] == 1


def test_two_pages_have_sessions_of_their_own(client):
    ask(client, {"op": "load", "lab": "rings"}, name="the-first-page")
    ask(client, {"op": "load", "lab": "rings"}, name="the-second-page")
    ask(client, {"op": "step", "direction": 1}, name="the-first-page")
    other = ask(client, {"op": "frame"}, name="the-second-page").get_json()
    assert other["frame"]["step"] == 0


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1:80"])
def test_a_foreign_host_name_is_refused(client, host):
    response = client.get("/", headers={"Host": host})
    assert response.status_code == 403


def test_a_request_from_another_site_is_refused(client):
    answer = ask(client, {"op": "catalogue"}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_a_request_from_the_page_itself_is_answered(client):
    answer = ask(client, {"op": "catalogue"}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 200 and answer.get_json()["ok"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{", "application/json"), ("[]", "application/json"), ("null", "application/json"),
        ('{"session": 3, "request": {}}', "application/json"),
        ('{"session": "../../etc", "request": {}}', "application/json"),
        ('{"session": "abcdefgh", "request": "x"}', "application/json"),
        ("session=abcdefgh", "application/x-www-form-urlencoded"),
        ("\x00\xff", "application/json"), ("", "application/json"),
    ],
)
def test_a_malformed_request_is_refused_with_words(client, body, kind):
    answer = client.post("/api/session", data=body, content_type=kind)
    assert 400 <= answer.status_code < 500
    assert answer.get_json()["error"]["hint"]


@pytest.mark.parametrize(
    "request_",
    [
        {}, {"op": None}, {"op": "nonsense"}, {"op": "load"}, {"op": "load", "lab": 7},
        {"op": "load", "lab": "nowhere"}, {"op": "load", "lab": "rings", "guest": "nobody"},
        {"op": "load", "lab": "rings", "technique": "magic"},
        {"op": "load", "lab": "rings", "options": []},
        {"op": "load", "lab": "rings", "options": {"x": "y"}},
        {"op": "load", "lab": "rings", "step": -1}, {"op": "load", "lab": "rings", "step": "x"},
        {"op": "load", "lab": "rings", "lang": "xx"}, {"op": "load", "lab": "rings", "shape": 1},
        {"op": "load", "lab": "rings", "source": "mov mov mov"},
        {"op": "load", "lab": "rings", "source": 5}, {"op": "frame"}, {"op": "step"},
        {"op": "run"}, {"op": "run", "steps": -5}, {"op": "run", "steps": 10**18},
        {"op": "input"}, {"op": "input", "text": {}}, {"op": "breakpoints", "list": 3},
        {"op": "breakpoints", "list": [3]}, {"op": "breakpoints", "list": [{"what": []}]},
        {"op": "assemble"}, {"op": "figure", "step": []}, {"op": "frame", "step": 1.5},
    ],
    ids=lambda value: json.dumps(value)[:50],
)
@pytest.mark.parametrize("loaded", [False, True])
def test_a_wrong_request_is_answered_not_broken(client, request_, loaded):
    if loaded:
        ask(client, {"op": "load", "lab": "rings"})
    response = ask(client, request_)
    assert response.status_code == 200
    answer = response.get_json()
    assert answer["ok"] is True or answer["error"]["message"]
    assert not answer.get("error", {}).get("message", "").startswith("The machine failed")


def test_a_request_that_is_too_large_is_refused(client):
    answer = ask(client, {"op": "assemble", "source": "x" * 2_000_000})
    assert answer.status_code == 413
    assert answer.get_json()["ok"] is False


def test_a_failing_session_is_said_not_hidden(site, caplog):
    class Broken:
        def handle(self, request: Any) -> dict[str, Any]:
            raise RuntimeError("out of cheese")

    client = create_app(site, Sessions(Broken)).test_client()
    response = ask(client, {"op": "load", "lab": "rings"})
    assert response.status_code == 200
    assert "out of cheese" in response.get_json()["error"]["message"]
    assert "the session failed" in caplog.text


def test_only_so_many_sessions_are_kept_and_the_oldest_goes_first():
    sessions = Sessions(Session, limit=3)
    for name in ("one", "two", "three"):
        sessions.answer(name, {"op": "load", "lab": "rings"})
    sessions.answer("one", {"op": "frame"})
    sessions.answer("four", {"op": "load", "lab": "rings"})
    assert len(sessions) == 3
    assert sessions.answer("one", {"op": "frame"})["ok"]
    assert sessions.answer("two", {"op": "frame"})["lost"]


def test_a_site_that_was_not_built_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("ringside_desktop.app.__file__", str(tmp_path / "a" / "b" / "app.py"))
    with pytest.raises(FileNotFoundError, match="make site"):
        create_app()
