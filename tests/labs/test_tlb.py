"""The lab "TLB": its figures are the models' own, and the models are those of the simulator."""

from __future__ import annotations

import base64
import random

import pytest
from ringside.labs.lab import InputError
from ringside.labs.tlb import GEOMETRIES, LAB
from ringside.labs.tlb_model import FirstIn, LeastRecent, Plan, play
from ringside.machine.walk_caches import LruCache
from ringside.session import Session


def open_run(guest: str = "zipf", technique: str = "vpid", **options: str):
    return LAB.open(LAB.setup(guest, technique, options, None))


def final(run):
    run.seek(run.last)
    return run.beats[-1].counters


@pytest.mark.parametrize("policy", [FirstIn, LeastRecent])
@pytest.mark.parametrize(("sets", "ways"), [(1, 4), (4, 2), (8, 1)])
def test_a_model_holds_what_it_says_in_slots_of_the_right_set(policy, sets: int, ways: int) -> None:
    rng = random.Random(5)
    model = policy(sets, ways)
    for _ in range(400):
        key = rng.randrange(24)
        if rng.random() < 0.1:
            model.drop(key)
        elif model.find(key) is None:
            gone = model.fill(key, key + 100)
            assert gone < 0 or model.find(gone) is None
        held = [(at // ways, slot) for at, slot in enumerate(model.slots()) if slot]
        assert all(key & sets - 1 == at and frame == key + 100 for at, (key, frame) in held)
        assert len({key for _, (key, _) in held}) == len(held)


def test_the_least_recent_model_hits_as_the_scalar_cache_of_the_bulk_engine() -> None:
    rng = random.Random(6)
    model, cache = LeastRecent(4, 2), LruCache(4, 2)
    for _ in range(500):
        key = rng.randrange(20)
        there = model.find(key) is not None
        assert there == cache.use(key, key)
        if not there:
            model.fill(key, 0)


def test_tags_keep_what_a_flush_loses() -> None:
    tagged, flushed = final(open_run(pages="6")), final(open_run(technique="flush", pages="6"))
    assert tagged.hits > flushed.hits and tagged.flushed == 0
    assert flushed.flushes == 480 // 24 - 1 and flushed.flushed > 0
    assert tagged.misses + tagged.hits == tagged.accesses == 480


def test_tags_are_no_help_when_the_other_machine_pushes_everything_out() -> None:
    hits = {t: final(open_run("loop", t, geometry="1x16", policy="lru")).hits
            for t in ("vpid", "flush")}
    assert hits["vpid"] == hits["flush"]


def test_a_loop_larger_than_the_tlb_never_hits_under_lru() -> None:
    run = open_run("loop", geometry="1x16", policy="lru", machines="1", pages="20")
    assert final(run).hits == 0


def test_the_other_curve_is_the_same_stream_with_the_other_way_of_switching() -> None:
    one, other = open_run(), open_run(technique="flush")
    assert [b.rate for b in one.others] == [b.rate for b in other.beats]


def test_a_forgotten_shootdown_leaves_stale_translations_that_are_used() -> None:
    asked, forgotten = (final(open_run("shootdown", ipi=ipi)) for ipi in ("sent", "forgotten"))
    assert asked.stale == 0 and asked.shootdowns == 10
    assert forgotten.stale > 0 and forgotten.shootdowns == 0


def test_a_stale_use_says_which_frame_is_right() -> None:
    run = open_run("shootdown", ipi="forgotten")
    assert run.find("stale", 1)
    beat = run.beats[run.step - 1]
    assert beat.frame != beat.count
    text = "".join(part["text"] for part in run.sentence("en"))
    assert f"{beat.frame:x}" in text and f"{beat.count:x}" in text


def test_the_kernels_own_processor_is_never_stale_after_invlpg() -> None:
    run = open_run("shootdown", ipi="forgotten")
    assert {beat.processor for beat in run.beats if beat.kind == "stale"} == {1}


def test_with_two_processors_every_access_names_the_one_that_makes_it() -> None:
    run = open_run("shootdown", pages="12")
    run.receive("invlpg 50")
    words = {"en": "rocessor {}", "hu": "{}. processzor"}
    seen = set()
    for step, beat in enumerate(run.beats, 1):
        run.seek(step)
        for lang, name in words.items():
            said = "".join(part["text"] for part in run.sentence(lang))
            assert name.format(beat.processor + 1) in said and "VM" not in said, said
        seen.add(beat.kind)
    assert {"hit", "miss", "remapped", "shot", "invalidated"} <= seen


def test_with_one_processor_an_access_names_its_virtual_machine() -> None:
    run = open_run()
    run.seek(3)
    assert "VM 1" in "".join(part["text"] for part in run.sentence("en"))


def test_typing_an_access_appends_it() -> None:
    run = open_run(machines="1")
    run.receive("123")
    run.receive("123")
    assert [beat.kind for beat in run.beats[-2:]] == ["miss", "hit"]
    run.receive("invlpg 123")
    run.receive("123")
    assert run.beats[-1].kind == "miss"


@pytest.mark.parametrize("text", ["", "hello", "100000", "-1", "switch", "1 2 3"])
def test_what_cannot_be_looked_up_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        open_run(machines="1").receive(text)


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("guest", ["zipf", "shootdown"])
def test_every_geometry_has_a_picture_in_which_all_texts_end_inside(
    guest: str, geometry: str, shape: str
) -> None:
    run = open_run(guest, geometry=geometry)
    for step in (0, 1, 30, 200, run.last):
        run.seek(step)
        scene = run.picture(shape, "hu")
        assert run.sentence("hu")
        for node in scene:
            if node["shape"] == "text":
                width = len(node["text"]) * node["size"] * 0.6
                left = node["x"] - {"middle": width / 2, "end": width}.get(node["anchor"], 0.0)
                assert left > -6 and left + width < scene.width + 6, node


def test_the_same_plan_plays_the_same_beats() -> None:
    plan = Plan("uniform", 2, 24, 12, 4, 4, "fifo", tagged=True)
    assert play(plan, 50)[1] == play(plan, 50)[1]


# -- dropped traces ----------------------------------------------------------------------------

LACKEY = b"==1== Lackey\nI  04000000,3\n L 1ffe000100,8\nnonsense\n S 04001ffe,4\n"


def drop(session: Session, content: bytes, name: str = "ls.trace"):
    data = base64.b64encode(content).decode()
    return session.handle({"op": "drop", "name": name, "data": data})


def test_a_dropped_trace_is_played_page_by_page() -> None:
    session = Session()
    told = drop(session, LACKEY)
    assert told["ok"] and told["accesses"] == 4  # the last one crosses into the next page
    assert told["garbage"] == 1 and told["shown"] == [[4, "nonsense"]]
    answer = session.handle({"op": "load", "lab": "tlb", "guest": "trace", "step": 1})
    assert answer["ok"] and answer["frame"]["last"] >= 4
    panel = next(panel for panel in answer["frame"]["panels"] if panel["id"] == "trace")
    text = "".join(part["text"] for part in panel["segments"])
    assert "ls.trace" in text and "4: nonsense" in text


def test_of_many_garbage_lines_ten_are_shown_and_the_rest_counted() -> None:
    told = drop(Session(), LACKEY + b"what is this\n" * 500)
    assert told["garbage"] == 501 and len(told["shown"]) == 10


@pytest.mark.parametrize("content", [b"", b"no trace at all\n" * 20, b"\x1f\x8b damaged"])
def test_what_is_no_trace_is_refused_with_its_name(content: bytes) -> None:
    told = drop(Session(), content, "picture.png")
    assert not told["ok"] and "picture.png" in told["error"]["message"]


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    told = drop(Session(), bytes((16 << 20) + 1))
    assert not told["ok"]


def test_without_a_trace_the_trace_stream_says_what_to_do() -> None:
    frame = Session().handle({"op": "load", "lab": "tlb", "guest": "trace"})["frame"]
    assert frame["last"] == 0 and frame["ended"]
    assert "Drop a trace file" in "".join(part["text"] for part in frame["sentence"])
