"""index.html as it is delivered: with the first lab's first step already in it, so that there is
something to see before any script has run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recordings import ask


def fill(template: str, recordings: Path) -> str:
    """``template`` with its marks (``<!--figure-->`` and so on) replaced."""
    from ringside.session import Session
    from ringside_web import chrome, panels
    from ringside_web.choice import choose
    from ringside_web.tree import to_html
    from ringside_web.words import Words

    words = Words("en")
    catalogue = json.loads((recordings / "catalogue.en.json").read_text(encoding="utf-8"))
    lab, choice, _ = choose(catalogue, {}, words)
    session = Session()
    ask(session, op="load", lab=lab["id"], lang="en")
    frames = {shape: ask(session, op="frame", shape=shape)["frame"] for shape in ("tall", "wide")}
    frame = frames["wide"]
    status = {"name": "recorded", "step": 0}
    state = {"playing": False, "kinds": lab["kinds"], "kind": "step", "speed": "1", "stops": 0}
    trees: dict[str, list[Any]] = {
        "top": chrome.head(catalogue["labs"], lab, words, "auto", chrome.chip(words, status)),
        "controls": chrome.controls(lab, choice, words),
        "transport": chrome.transport(words, state),
        "sentence": panels.segments(frame["sentence"], words),
        "where": [],
        "left": [], "right": [],
    }
    for panel in frame["panels"]:
        trees[panels.side(panel)].append(panels.panel_tree(panel, words, [], lab["editable"]))
    page = name_labs(template, catalogue)
    for place, tree in trees.items():
        page = page.replace(f"<!--{place}-->", "".join(to_html(part) for part in tree))
    return page.replace("<!--figure-->", "".join(map(_svg, frames.items())))


def name_labs(page: str, catalogue: dict[str, Any]) -> str:
    """``page`` knowing which labs there are, the usual one first."""
    labs = " ".join(lab["id"] for lab in catalogue["labs"])
    return page.replace('data-labs="rings"', f'data-labs="{labs}"')


def _svg(item: tuple[str, dict[str, Any]]) -> str:
    from ringside.scenes.svg import render

    shape, frame = item
    text: str = render(frame["scene"])
    return text.replace('class="stage"', f'class="stage {shape}"').replace('role="img"', "")
