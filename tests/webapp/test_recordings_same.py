"""A recording gives back the very frames the session gave."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import recordings
from ringside.session import Session

ROOT = Path(__file__).resolve().parents[2]
OPEN = """
  import { readFileSync } from "node:fs";
  import { Recording } from "./static/js/recording.js";
  const record = new Recording(JSON.parse(readFileSync(process.argv[1], "utf8")));
  const steps = JSON.parse(process.argv[2]);
  console.log(JSON.stringify([record.last, ...steps.map((step) => record.frame(step))]));
"""


@pytest.mark.parametrize("lab", ["rings", "walks"])
def test_the_page_opens_the_frames_that_were_recorded(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "STEPS", 30)
    made = recordings.record(Session(), lab)[("hu", "tall")]
    file = tmp_path / "recording.json"
    file.write_text(json.dumps(made), encoding="utf-8")
    last = len(made["frames"]) - 1
    steps = [0, 1, last // 2, last, 0]
    done = subprocess.run(
        ["node", "--input-type=module", "-e", OPEN, str(file), json.dumps(steps)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )
    found_last, *frames = json.loads(done.stdout)
    assert found_last == last
    session = Session()
    recordings.ask(session, op="load", lab=lab, lang="hu", shape="tall")
    recordings.ask(session, op="run", steps=30)
    for step, frame in zip(steps, frames, strict=True):
        wanted = recordings.ask(session, op="frame", step=step)["frame"]
        for panel in frame["panels"]:
            panel.pop("$rows", None)
        for name in ("step", "sentence", "scene", "panels", "outcome"):
            assert frame[name] == json.loads(json.dumps(wanted[name])), (name, step)


def test_equal_things_are_kept_once(monkeypatch):
    monkeypatch.setattr(recordings, "STEPS", 30)
    made = recordings.record(Session(), "rings")[("en", "wide")]
    texts = [json.dumps(piece, sort_keys=True) for piece in made["pieces"]]
    assert len(texts) == len(set(texts))
    assert len(texts) < sum(len(frame[2]) for frame in made["frames"])
