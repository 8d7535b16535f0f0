"""Figures keep to their room: what is written fits the picture and covers no card."""

from __future__ import annotations

import pytest
from ringside.session import Session

LETTER = 0.55  # of the font's size: a fair guess at an average letter


def extent(node: dict) -> tuple[float, float]:
    """The left and right end of a text."""
    mono = "mono" in node["cls"].split() or "value" in node["cls"].split()
    width = len(node["text"]) * node["size"] * (0.6 if mono else LETTER)
    left = node["x"] - {"middle": width / 2, "end": width}.get(node.get("anchor"), 0.0)
    return left, left + width


CASES = [
    ("rings", {"guest": "popf", "technique": "trap-and-emulate"}, range(0, 170, 7)),
    ("rings", {"guest": "port_io", "technique": "trap-and-emulate"}, range(0, 120, 9)),
    ("rings", {"guest": "system_call", "technique": "bare-metal"}, range(0, 140, 9)),
    ("rings", {"guest": "vtx_tour", "technique": "hardware-assist"}, range(0, 120, 7)),
    ("rings", {"guest": "rings", "technique": "hardware-assist",
               "options": {"memory": "shadow"}}, range(60, 90, 3)),
    ("vtx", {}, (0, 1, 2, 3, 4, 45, 46, 55, 67, 68, 90, 113, 116, 117, 1118, 1632, 1634)),
    ("vtx", {"guest": "rings", "technique": "shadow"}, range(60, 90, 3)),
    ("translation", {}, range(0, 60, 3)),
    ("translation", {"guest": "self_modifying"}, range(0, 70, 5)),
    ("translation", {"guest": "system_call"}, range(0, 120, 9)),
    ("paravirtual", {}, range(0, 144, 5)),
    ("paravirtual", {"guest": "pv_hostile"}, (8, 43, 330, 898, 1738, 3434)),
    ("classification", {}, (0, 1, 3, 5, 7, 12, 40, 60)),
    ("classification", {"options": {"isa": "rv32"}}, (0, 1, 3, 5, 30, 65)),
    ("properties", {}, (0, 1, 3, 9, 10, 16, 18, 27)),
    ("emulated", {"guest": "tour"}, (0, 5, 144, 178, 334, 3000)),
    ("walks", {"guest": "5-level", "technique": "nested"}, (0, 12, 29)),
    ("walks", {"guest": "pae", "technique": "shadow"}, (0, 5, 7)),
    ("walks", {"guest": "32-bit", "technique": "none"}, (1, 2)),
    ("phone", {"technique": "round-robin"}, (0, 9, 30)),
    ("phone", {"technique": "fixed-priority", "options": {"frame": "lte"}}, (5, 60)),
]


@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize(("lab", "choice", "steps"), CASES)
def test_every_text_ends_inside_the_picture(lab, choice, steps, shape, lang) -> None:
    session = Session()
    assert session.handle({"op": "load", "lab": lab, "lang": lang, "shape": shape, **choice})["ok"]
    for step in steps:
        scene = session.handle({"op": "frame", "step": step})["frame"]["scene"]
        for node in scene["nodes"]:
            if node["shape"] == "text" and node["text"]:
                left, right = extent(node)
                assert left > -6 and right < scene["width"] + 6, (step, node["key"], node["text"])


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("guest", ["popf", "port_io", "system_call"])
def test_the_instruction_beside_the_token_covers_no_card(guest: str, shape: str) -> None:
    session = Session()
    session.handle({"op": "load", "lab": "rings", "guest": guest, "shape": shape})
    for step in range(1, 120):
        scene = session.handle({"op": "frame", "step": step})["frame"]["scene"]
        nodes = {node["key"]: node for node in scene["nodes"]}
        label = nodes.get("token:label")
        for key, box in nodes.items():
            if label and key.endswith(":box"):
                left, right = extent(label)
                beside = right <= box["x"] or left >= box["x"] + box["w"]
                apart = not box["y"] < label["y"] < box["y"] + box["h"]
                assert beside or apart, (step, label["text"])


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("technique", ["trap-and-emulate", "hardware-assist"])
def test_the_instruction_stands_on_a_plate_inside_the_picture(technique: str, shape: str) -> None:
    session = Session()
    session.handle({
        "op": "load", "lab": "rings", "guest": "popf", "technique": technique, "shape": shape})
    for step in range(1, 90):
        scene = session.handle({"op": "frame", "step": step})["frame"]["scene"]
        nodes = {node["key"]: node for node in scene["nodes"]}
        if label := nodes.get("token:label"):
            plate, (left, right) = nodes["token:plate"], extent(label)
            assert 0 <= plate["x"] <= left and right <= plate["x"] + plate["w"] <= scene["width"]
            assert 0 <= plate["y"] < label["y"] < plate["y"] + plate["h"] <= scene["height"]
