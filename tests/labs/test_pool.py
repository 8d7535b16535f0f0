"""The lab "Memory pool": what is drawn and said is what the pool's books hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from ringside.cli import main
from ringside.labs.pool import KINDS, LAB, PoolRun
from ringside.scenes.pool import ACTIVE, BALLOON, DISK, SHARED, UNTOUCHED
from ringside.session import Session

GUESTS = ("turns", "idle", "like")


def opened(guest: str = "turns", **options: str) -> PoolRun:
    run = LAB.open(LAB.setup(guest, None, options, None))
    assert isinstance(run, PoolRun)
    return run


def at_end(guest: str = "turns", **options: str) -> PoolRun:
    run = opened(guest, **options)
    run.seek(10_000)
    return run


def said(run: PoolRun, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def nodes(run: PoolRun, shape: str = "wide") -> dict[str, dict[str, Any]]:
    return {node["key"]: node for node in run.picture(shape, "en")}


def test_the_catalogue_does_without_numpy() -> None:
    """The page fetches NumPy when this lab is opened, and not before."""
    code = (
        "import sys\nfrom ringside.session import Session\ns = Session()\n"
        "assert s.handle({'op': 'catalogue'})['ok']\n"
        "print('numpy' in sys.modules)\n"
        "s.handle({'op': 'load', 'lab': 'pool'})\nprint('numpy' in sys.modules)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("guest", GUESTS)
def test_a_step_looks_the_same_however_it_was_reached(guest: str) -> None:
    session = Session()
    direct = session.handle({"op": "load", "lab": "pool", "guest": guest, "step": 75})["frame"]
    other = Session()
    other.handle({"op": "load", "lab": "pool", "guest": guest})
    for step in (90, 3, 76):
        other.handle({"op": "frame", "step": step})
    found = other.handle({"op": "step", "direction": -1})["frame"]
    for part in ("scene", "sentence", "panels"):
        assert json.dumps(found[part]) == json.dumps(direct[part])


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("guest", GUESTS)
def test_every_step_has_a_picture_a_sentence_and_panels(guest: str, shape: str) -> None:
    run = at_end(guest)
    for step in (*range(0, run.last, 6), run.last):
        run.seek(step)
        scene = run.picture(shape, "hu").as_dict()
        for node in scene["nodes"]:
            if node["shape"] == "rect":
                assert node["x"] >= 0 and node["x"] + node["w"] <= scene["width"] + 1
                assert node["y"] >= 0 and node["y"] + node["h"] <= scene["height"] + 1
        for lang in ("en", "hu"):
            assert re.search(r"\w", said(run, lang)) and "{" not in said(run, lang)
        assert len(run.panels("hu")) == 1 + len(run.moment.vms) + (guest != "turns")


def test_one_tile_a_page_and_its_shape_tells_its_state() -> None:
    run = at_end()
    drawn = nodes(run)
    shapes = {}
    for vm in run.moment.vms:
        for page, state in enumerate(vm.tiles):
            node = drawn[f"tile:{vm.name}:{page}"]
            shapes.setdefault(state, set()).add((node["w"], node["h"], node.get("r"), node["cls"]))
    assert {ACTIVE, SHARED, BALLOON, DISK, UNTOUCHED} <= set(shapes)
    assert all(len(found) == 1 for found in shapes.values())
    assert len(set.union(*shapes.values())) == len(shapes)


def test_the_hosts_bar_adds_up_to_all_its_frames() -> None:
    run = at_end()
    for step in range(0, run.last + 1, 5):
        run.seek(step)
        now = run.moment
        assert sum(vm.alone for vm in now.vms) + now.common + now.free == now.total
        assert sum(vm.charge for vm in now.vms) == pytest.approx(now.total - now.free)
        for vm in now.vms:
            assert vm.tiles.count(BALLOON) == vm.balloon
            assert vm.tiles.count(DISK) == vm.disk


def test_no_frame_stands_behind_two_pages_unless_it_is_shown_as_shared() -> None:
    run = at_end("like")
    for step in range(0, run.last + 1, 7):
        run.seek(step)
        owners: dict[int, int] = {}
        for vm in run.moment.vms:
            for frame in vm.frames:
                owners[frame] = owners.get(frame, 0) + 1
        for vm in run.moment.vms:
            for frame, state in zip(vm.frames, vm.tiles, strict=True):
                assert (frame >= 0 and owners[frame] > 1) == (state == SHARED)


def test_memory_flows_to_the_vm_that_needs_it_and_back() -> None:
    run = at_end()
    a, b = [], []
    for moment in run.recorder.moments:
        a.append(moment.vms[0].charge)
        b.append(moment.vms[1].charge)
    most = b.index(max(b))
    assert a[most] < max(a[:most]) - 30
    assert a[-1] > a[most] + 20 and b[-1] < b[most]


def test_a_growing_balloon_is_drawn_as_an_arrow_from_the_vm_and_said() -> None:
    run = opened()
    assert run.find("inflate", 1)
    arrow = next(node for key, node in nodes(run).items()
                 if key.startswith("flow:") and key.endswith(":inflate"))
    assert arrow["y2"] < arrow["y"] and "kernel" in arrow["cls"]
    event = next(event for event in run.moment.events if event.kind == "inflate")
    assert f"grows by {event.count} pages" in said(run)


def test_every_kind_a_jump_can_look_for_happens_somewhere_and_names_the_step() -> None:
    seen = set()
    runs = [at_end("turns", overcommit="2"), at_end("idle", tax="later"),
            at_end("turns", swapping="off", overcommit="2")]
    for run in runs:
        for kind in KINDS:
            run.seek(0)
            if run.find(kind, 1):
                seen.add(kind)
                assert kind in {event.kind for event in run.moment.events}
    assert seen == set(KINDS)


@pytest.mark.parametrize(("option", "kinds"), [
    ("balloon", {"inflate", "deflate"}), ("sharing", {"share", "copy"}),
    ("swapping", {"swapout", "swapin", "double"})])
def test_what_is_switched_off_never_happens(option: str, kinds: set[str]) -> None:
    happened = {event.kind for moment in at_end("turns", **{option: "off"}).recorder.moments
                for event in moment.events}
    assert not happened & kinds


def test_without_over_commitment_nothing_has_to_be_taken_back() -> None:
    happened = {event.kind for moment in at_end("turns", overcommit="1").recorder.moments
                for event in moment.events}
    assert not happened & {"inflate", "swapout", "stall", "level"}


def test_the_tax_moves_memory_from_the_idle_vm_when_it_is_introduced() -> None:
    run = opened("idle", tax="later", sharing="off", overcommit="2")
    assert run.find("tax", 1) and "4 times" in said(run)
    before = run.moment.vms
    run.seek(10_000)
    idle, busy = run.moment.vms
    assert idle.charge < before[0].charge - 30 and busy.charge > before[1].charge + 20


def average(run: PoolRun, vm: int) -> float:
    """Frames a VM used, over the whole story."""
    moments = run.recorder.moments
    return sum(moment.vms[vm].charge for moment in moments) / len(moments)


@pytest.mark.parametrize("guest", GUESTS)
def test_more_shares_get_a_vm_more_memory_at_the_cost_of_the_others(guest: str) -> None:
    runs = [at_end(guest, overcommit="2", shares=shares) for shares in ("equal", "b", "b4")]
    equal, double, four = (average(run, 1) for run in runs)
    assert equal + 8 < double and double + 4 < four
    assert average(runs[2], 0) < average(runs[0], 0) - 5
    shares = {row["name"]: row["value"] for row in runs[2].panels("en")[2]["rows"]}["shares"]
    assert shares == "4000"
    for shape in ("wide", "tall"):
        assert "shares × 4" in {node.get("text") for node in nodes(runs[2], shape).values()}


def test_the_higher_the_tax_the_less_the_idle_vm_keeps() -> None:
    idle = [average(at_end("idle", overcommit="2", sharing="off", tax=tax, least="0"), 0)
            for tax in ("0", "50", "75", "90")]
    assert idle == sorted(idle, reverse=True) and idle[0] > idle[-1] + 15


def test_nobody_is_taken_below_its_minimum() -> None:
    """What it may not go below it gets by touching; before it has, there is nothing to take."""
    for least in ("0", "25", "50"):
        run = at_end("idle", overcommit="2", sharing="off", tax="90", least=least)
        kept = 288 * int(least) // 100
        assert all(vm.target >= kept for moment in run.recorder.moments for vm in moment.vms)
        reached = False
        for moment in run.recorder.moments:
            reached = reached or moment.vms[0].charge >= kept + 8
            assert not reached or moment.vms[0].charge >= kept - 8
    free = average(at_end("idle", overcommit="2", sharing="off", tax="90", least="0"), 0)
    bound = average(at_end("idle", overcommit="2", sharing="off", tax="90", least="50"), 0)
    assert free < bound


def test_what_was_published_stands_beside_what_this_story_came_to() -> None:
    def text(run: PoolRun) -> str:
        panel = next(panel for panel in run.panels("en") if panel["id"] == "published")
        return "".join(part["text"] for part in panel["segments"])

    run = at_end("idle", tax="later", sharing="off", overcommit="2")
    idle, busy = (round(vm.charge) for vm in run.moment.vms)
    assert "over 30 %" in text(run) and f"to {idle} frames" in text(run)
    assert f"to {busy}." in text(run)
    assert "does not change" in text(opened("idle"))
    run = at_end("like")
    assert f"{run.moment.saved} frames saved" in text(run) and "67 %" in text(run)


def test_the_story_has_an_end_and_says_so() -> None:
    run = at_end()
    assert run.ended and run.outcome("en")
    assert run.advance(5) and not run.find("tax", 1)
    run.seek(3)
    assert run.outcome("en") == ""


@pytest.mark.parametrize("guest", ["turns", "idle"])
def test_in_hungarian_no_vm_can_be_taken_for_an_article(guest: str) -> None:
    run = opened(guest)
    named = set()
    for step in range(1, 400):
        run.seek(step)
        text = said(run, "hu")
        assert not re.search(r"(^|\. )A \d", text), text
        for article, name in re.findall(r"(\w+) ([A-D]) gép\b", text):
            named.add(name)
            assert article.lower() == ("az" if name == "A" else "a"), text
    assert {"A", "B"} <= named


def test_hungarian_numbers_have_a_decimal_comma() -> None:
    run = opened()
    assert run.find("level", 1)
    assert re.search(r"\d,\d %", said(run, "hu"))


def test_nonsense_is_refused_plainly() -> None:
    session = Session()
    for request in (
        {"op": "load", "lab": "pool", "options": {"overcommit": "9"}},
        {"op": "load", "lab": "pool", "options": {"colour": "red"}},
        {"op": "load", "lab": "pool", "guest": "nobody"},
    ):
        answer = session.handle(request)
        assert not answer["ok"] and answer["error"]["hint"]
    session.handle({"op": "load", "lab": "pool"})
    assert not session.handle({"op": "input", "text": "x"})["ok"]
    assert not session.handle({"op": "step", "by": "nothing"})["ok"]
    assert not session.handle({"op": "breakpoints", "list": [{"kind": "tax"}]})["ok"]


def test_the_lab_runs_without_pictures_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "pool", "--guest", "like", "--option", "sharing=off", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["saved by sharing"] == 0 and len(report["vms"]) == 4
    assert main(["run", "pool", "--guest", "like"]) == 0
    assert "saved by sharing" in capsys.readouterr().out
