"""The lab "Walks" steps the accesses of real programs: recorded guests and dropped traces."""

from __future__ import annotations

import base64

import pytest
from ringside.cli import main
from ringside.guests import program
from ringside.labs.dropped import read_dropped
from ringside.labs.lab import InputError
from ringside.labs.walk_programs import MOST_SPACES, TRACED
from ringside.labs.walk_record import FETCH, GUESTS, MOST, Made, record
from ringside.labs.walks import LAB
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine
from ringside.session import Session
from ringside.trace.events import FaultRaised, Retired

PAGED = tuple(name for name in GUESTS if record(name).paged)


def played(name: str, technique: str = "none", format: str = "4-level", **options: str):
    return LAB.open(LAB.setup(format, technique, {"program": name, **options}, None))


def traced(lines: list[str], format: str = "4-level", technique: str = "none", **options: str):
    trace = read_dropped("some.csv", "\n".join(["address,kind,space", *lines]).encode())
    options = {"program": "trace", **options}
    return LAB.open(LAB.setup(format, technique, options, None, trace))


def told(run, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def accesses(name: str) -> list[Made]:
    return [one for one in record(name).happenings if isinstance(one, Made)]


class Heard:
    """What a plain machine retires and what faults, from the recording's first access on."""

    def __init__(self, name: str, first: int) -> None:
        machine = Machine()
        load_program(machine, program(name))
        self.events: list[Retired | FaultRaised] = []
        while machine.pc != first or not self._begun(machine, name):
            machine.step()
        machine.listener = self._hear
        for _ in range(MOST):
            machine.step()

    @staticmethod
    def _begun(machine: Machine, name: str) -> bool:
        return name not in PAGED or bool(machine.cpu.cr0 >> 31)

    def _hear(self, event: object) -> None:
        if isinstance(event, Retired | FaultRaised):
            self.events.append(event)


@pytest.mark.parametrize("name", GUESTS)
def test_the_instructions_fetched_are_those_another_machine_retires_in_that_order(name) -> None:
    fetched = [one.origin for one in accesses(name) if one.origin.kind == FETCH]
    heard = [event.eip for event in Heard(name, fetched[0].eip).events]
    assert [origin.eip for origin in fetched] == heard[: len(fetched)]


def test_an_access_that_faults_is_the_one_the_machine_reports() -> None:
    for name, error in (("rings", 6), ("page_tables", 0)):
        missing = [one for one in accesses(name) if one.leaf.frame < 0]
        faults = [event for event in Heard(name, accesses(name)[0].origin.eip).events
                  if isinstance(event, FaultRaised) and event.vector == 14]
        assert [(one.origin.address, one.origin.eip) for one in missing] == [
            (event.address, event.eip) for event in faults]
        run = played(name)
        assert [tour.fault for tour in run.tours if tour.fault is not None] == [error]


def test_the_list_adds_its_numbers_up_twice() -> None:
    machine = Machine()
    load_program(machine, program("linked_list"))
    assert machine.run(10_000) == "exit"
    assert machine.console == "sum of the numbers: 552\n"


def test_the_list_is_read_node_by_node_as_its_links_go() -> None:
    reads = [one.origin.address for one in accesses("linked_list") if one.origin.kind == "read"]
    nodes = [0x200000 + 0x1040 * (7 * step % 24) for step in range(len(reads) // 2)]
    assert reads[: 2 * len(nodes)] == [at for node in nodes for at in (node + 4, node)]


@pytest.mark.parametrize("format", ["32-bit", "pae", "4-level", "5-level"])
@pytest.mark.parametrize("name", GUESTS)
def test_on_bare_metal_every_walk_ends_where_the_guests_own_tables_led(name, format) -> None:
    run = played(name, "none", format)
    tours = [tour for tour in run.tours if tour.beats[0].kind not in ("invalidated", "emptied")]
    for tour, one in zip(tours, accesses(name), strict=True):
        if one.leaf.frame < 0:
            assert tour.fault is not None
        else:
            assert tour.hpa == one.leaf.frame << 12 | one.origin.address & 0xFFF


@pytest.mark.parametrize("technique", ["shadow", "nested"])
@pytest.mark.parametrize("name", GUESTS)
def test_shadow_and_nested_paging_give_the_guest_the_addresses_bare_metal_gives(
    name: str, technique: str
) -> None:
    bare, run = played(name, "none"), played(name, technique)
    assert [tour.hpa for tour in bare.tours] == [tour.gpa for tour in run.tours]
    assert [tour.fault for tour in bare.tours] == [tour.fault for tour in run.tours]
    assert not any(tour.exit for tour in run.tours)


def test_without_caches_every_access_that_finds_its_page_makes_24_references() -> None:
    made = [tour.made for tour in played("matrix", "nested").tours]
    assert made == [24] * MOST


def test_a_tlb_helps_the_matrix_more_than_the_list() -> None:
    hits = {name: sum(tour.hit for tour in played(name, caches="tlb").tours)
            for name in ("matrix", "linked_list")}
    assert hits["linked_list"] < hits["matrix"] - 20


def test_large_pages_shorten_the_walks_of_a_guest_without_tables() -> None:
    assert {tour.made for tour in played("matrix", page="2M").tours} == {3}
    for name in PAGED:
        with pytest.raises(InputError, match="pages of 4 KiB"):
            played(name, page="2M")


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
def test_a_changed_entry_is_noticed_after_invlpg_and_not_before(technique: str) -> None:
    run = played("page_tables", technique, "32-bit", caches="tlb")
    reads = [tour for tour in run.tours if tour.gva == 0x300000 and tour.beats[0].kind not in (
        "invalidated", "emptied")]
    machine = run.journey.machine
    frames = [tour.hpa for tour in reads]
    assert frames[:3] == [machine.place(at) for at in (0x200000, 0x200000, 0x201000)]
    assert [tour.beats[0].kind for tour in reads[:3]] == ["miss", "stale", "miss"]
    run.seek(0)
    while not run._place[1].stale:
        assert run.find("access", 1)
    assert "stale translation" in told(run)
    assert "stale" in run.picture("wide", "en")["notice"]["text"]
    # Then the processes take turns, each with a CR3 of its own.
    assert frames[3:] == [machine.place(at) for at in (0x204000, 0x201000) * 2]


def test_without_a_tlb_nothing_is_stale() -> None:
    reads = [tour.hpa for tour in played("page_tables", "none").tours if tour.gva == 0x300000]
    assert reads[:2] == [0x200000, 0x201000]


def test_a_load_of_cr3_empties_the_tlb_of_the_machine_that_runs() -> None:
    run = played("page_tables", caches="tlb")
    emptied = [tour.beats[0].count for tour in run.tours if tour.beats[0].kind == "emptied"]
    assert len(emptied) == 4 and all(emptied)


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
def test_accessed_is_set_by_the_first_access_and_dirty_only_by_a_write(technique: str) -> None:
    run = played("page_tables", technique, "32-bit")
    entries = [tour.reads[-1].reference.entry if technique == "none" else None
               for tour in run.tours if tour.gva >> 12 == 0x301]
    if technique == "none":  # read before, at and after the write: as the walk finds the entry
        assert [entry & 0x60 for entry in entries] == [0, 0x20]
    machine = run.journey.machine
    machine.load_root(accesses("page_tables")[0].root)
    entry = machine.host.memory.read(machine.entry(0x301000, 1), 4)
    assert entry & 0x60 == 0x60  # the guest wrote to its second page
    entry = machine.host.memory.read(machine.entry(0x302000, 1), 4)
    assert entry & 0x60 == 0x20  # and only read the third


def test_the_processor_sets_the_flags_of_the_shadows_entries_too() -> None:
    run = LAB.open(LAB.setup("4-level", "shadow", {"program": "twice"}, None))
    gva = hex(run.tours[0].gva)
    for _ in range(2):
        run.receive("w " + gva)
    leaves = [tour.reads[-1].reference.entry & 0x60 for tour in run.tours]
    assert leaves == [0, 0x20, 0, 0x60]  # as each walk found them; the third has a new entry


def test_a_shadow_notices_the_first_write_to_a_page_that_was_read() -> None:
    run = LAB.open(LAB.setup("4-level", "shadow", {}, None))
    run.receive("w " + hex(run.tours[0].gva))
    write = run.tours[1]
    assert [read.after for read in write.reads if read.after] == ["hidden.denied", "filled"]
    run.receive("w " + hex(run.tours[0].gva))
    assert run.tours[2].made == 4


def test_a_cached_translation_without_the_right_is_walked_again() -> None:
    run = LAB.open(LAB.setup("4-level", "none", {"caches": "tlb", "address": "kernel"}, None))
    gva = run.tours[0].gva
    kernel = run.journey.access(0, gva, user=False)
    user = run.journey.access(0, gva)
    assert kernel.fault is None and user.fault == 5
    assert user.beats[0].kind == "rights"


@pytest.mark.parametrize(
    ("name", "address", "parts"),
    [("matrix", 0x200900, ("imul eax, [ebx]", "0010250e", "matrix.asm, line 40", "reads")),
     ("rings", 0x3FF000, ("mov [0x3ff000], ebx", "0010007d", "rings.asm, line 108", "writes")),
     ("rings", 0x100510, ("int 0x80", "processor itself", "IDT"))],
)  # fmt: skip
def test_each_access_says_which_instruction_made_it_and_what_kind_it_is(
    name: str, address: int, parts: tuple[str, ...]
) -> None:
    run = played(name, "nested")
    while run._place[1].gva != address:
        assert run.find("data", 1)
    assert all(part in told(run) for part in parts), told(run)
    panel = next(panel for panel in run.panels("en") if panel["id"] == "access")
    assert any(row["value"] == parts[0] for row in panel["rows"])
    title = run.picture("wide", "en")["accesses:title"]["text"]
    assert f"{address:08x}" in title and parts[0] in title


def test_going_by_data_accesses_leaves_the_fetches_out() -> None:
    run = played("matrix")
    kinds = set()
    while run.find("data", 1):
        origin = run._place[1].origin
        assert origin is not None
        kinds.add(origin.kind)
    assert kinds == {"read"}


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("name", GUESTS)
def test_every_step_of_a_guest_can_be_told_and_shown_and_every_text_fits(
    name: str, lang: str, shape: str
) -> None:
    run = played(name, "shadow", caches="tlb", host="2M")
    for step in range(0, run.last + 1, 9):
        run.seek(step)
        assert run.panels(lang) and "{" not in told(run, lang)
        scene = run.picture(shape, lang)
        for node in scene:
            if node["shape"] == "text" and node.get("text"):
                width = len(node["text"]) * node["size"] * 0.55
                left = node["x"] - {"middle": width / 2, "end": width}.get(node["anchor"], 0.0)
                assert left > -6 and left + width < scene.width + 6, (step, node)


def test_back_and_forward_show_the_same() -> None:
    session = Session()
    options = {"program": "rings", "caches": "tlb"}
    load = {"op": "load", "lab": "walks", "options": options, "step": 60}
    there = session.handle(load)["frame"]
    for direction in (1, 1, -1, -1):
        again = session.handle({"op": "step", "direction": direction, "by": "access"})["frame"]
    session.handle({"op": "frame", "step": 60})
    again = session.handle({"op": "frame", "step": 60})["frame"]
    assert again == there


@pytest.mark.parametrize("name", GUESTS)
def test_without_pictures_the_instruction_stands_beside_each_walk(name, capsys) -> None:
    assert main(["run", "walks", "--option", f"program={name}"]) == 0
    out = capsys.readouterr().out
    one = accesses(name)[4].origin
    assert f"{one.kind:<13} " in out and f"{one.eip:08x}: {one.text}" in out


def test_without_the_page_there_is_no_trace_to_walk(capsys) -> None:
    assert main(["run", "walks", "--option", "program=trace"]) == 2
    assert "sweep" in capsys.readouterr().err


def test_a_long_run_has_a_short_timeline() -> None:
    run = played("linked_list", "nested")
    assert run.last == 24 * MOST and len(run.timeline()["segments"]) < MOST


# -- traces --------------------------------------------------------------------------------------


def test_a_dropped_trace_is_walked_access_by_access() -> None:
    session = Session()
    lackey = "I  04016d80,3\n L 1ffefff7e0,8\n S 1ffefff7e8,8\n M 04222c4c,4\n not a line\n"
    data = base64.b64encode(lackey.encode()).decode()
    assert session.handle({"op": "drop", "name": "ls.trace", "data": data})["ok"]
    load = {"op": "load", "lab": "walks", "technique": "none", "options": {"program": "trace"}}
    frame = session.handle(load)["frame"]
    assert frame["last"] == 16
    panels = {panel["id"]: panel for panel in frame["panels"]}
    text = "".join(part["text"] for part in panels["trace"]["segments"])
    assert "the first 4 of 4" in text and "5:  not a line" in text
    steps = [session.handle({"op": "frame", "step": step})["frame"] for step in (5, 9)]
    told = ["".join(part["text"] for part in frame["sentence"]) for frame in steps]
    assert "reads or fetches 1ffefff7e0" in told[0] and "writes 1ffefff7e8" in told[1]


def test_each_process_of_a_trace_has_tables_of_its_own() -> None:
    lines = [f"0x400000,r,{space}" for space in range(MOST_SPACES + 2)]
    run = traced(lines, technique="nested")
    assert [tour.machine for tour in run.tours] == list(range(MOST_SPACES))
    assert len({tour.hpa for tour in run.tours}) == MOST_SPACES


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
@pytest.mark.parametrize("page", ["4K", "2M"])
def test_no_two_pages_of_a_scattered_trace_share_a_frame(technique: str, page: str) -> None:
    lines = [f"{(n << 39 | n % 7 << 30 | n << 21 | n << 12) & (1 << 47) - 1},w,{n % 3}"
             for n in range(2 * TRACED)]
    run = traced(lines, technique=technique, page=page, host=page)
    assert len(run.tours) == TRACED and all(tour.hpa >= 0 for tour in run.tours)
    shift = 12 if page == "4K" else 21
    data = {tour.hpa >> shift for tour in run.tours}
    tables = {read.reference.address >> 12 for tour in run.tours for read in tour.reads}
    assert len(data) == TRACED
    assert not data & {table >> shift - 12 for table in tables} or technique == "shadow"


def test_a_kernels_address_may_be_in_the_upper_half() -> None:
    run = traced(["0xffff800000001000,r,0"])
    assert run.tours[0].gva == 0x8000_0000_1000 and run.tours[0].fault is None


@pytest.mark.parametrize(("format", "address"), [("32-bit", 1 << 32), ("4-level", 1 << 48)])
def test_an_address_too_long_for_the_format_is_refused(format: str, address: int) -> None:
    with pytest.raises(InputError, match="too long for this format"):
        traced([f"{address:#x},r,0"], format)


@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_without_a_trace_the_lab_says_what_to_do(shape: str, lang: str) -> None:
    run = played("trace")
    assert run.last == 0 and run.picture(shape, lang) and run.panels(lang)
    assert "Valgrind" in told(run, lang)
    run.receive("400000203008")
    assert run.last > 0


def test_the_page_is_told_that_a_trace_is_an_option_here() -> None:
    labs = {lab["id"]: lab for lab in Session().handle({"op": "catalogue"})["labs"]}
    option, _, value = labs["walks"]["drops"].partition("=")
    values = next(one["values"] for one in labs["walks"]["options"] if one["id"] == option)
    assert value in [one["id"] for one in values]
