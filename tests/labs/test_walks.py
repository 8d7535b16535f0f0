"""The lab "Walks" counts what the walkers read, and the counts are those of the literature."""

from __future__ import annotations

import pytest
from ringside.labs.lab import InputError
from ringside.labs.walk_tour import TLB_SETS
from ringside.labs.walks import LAB
from ringside.machine.nested import expected_references
from ringside.machine.paging import BY_NAME
from ringside.session import Session

LEVELS = {"32-bit": 2, "pae": 3, "4-level": 4, "5-level": 5}
NESTED = {"ept-4": 4, "ept-5": 5, "4-level": 4, "pae": 3, "32-bit": 2}
SIZES = {  # levels fewer than with 4 KiB pages
    "4K": 0, "2M": 1, "1G": 2,
}  # fmt: skip


def open_run(guest: str, technique: str, address: str = "mapped", **options: str):
    return LAB.open(LAB.setup(guest, technique, {"address": address, **options}, None))


def told(run, lang: str = "en") -> str:
    return "".join(part["text"] for part in run.sentence(lang))


def at_end(run):
    run.seek(run.last)
    return run


@pytest.mark.parametrize("address", ["mapped", "high"])
@pytest.mark.parametrize(("guest", "levels"), LEVELS.items())
def test_bare_metal_reads_one_entry_per_level(guest: str, levels: int, address: str) -> None:
    assert open_run(guest, "none", address).last == levels


def has_page(format: str, size: str) -> bool:
    return size == "4K" or (size == "2M") or BY_NAME[format].levels[-3].large


@pytest.mark.parametrize("host", SIZES)
@pytest.mark.parametrize("page", SIZES)
@pytest.mark.parametrize(("nested", "m"), NESTED.items())
@pytest.mark.parametrize(("guest", "n"), LEVELS.items())
def test_every_mix_of_formats_and_pages_reads_n_plus_1_times_m_plus_1_less_1(
    guest: str, n: int, nested: str, m: int, page: str, host: str
) -> None:
    if page == "1G" and n < 4 or host == "1G" and m < 4:
        with pytest.raises(InputError, match="no such page of size 1G"):
            open_run(guest, "nested", nested=nested, page=page, host=host)
        return
    run = open_run(guest, "nested", nested=nested, page=page, host=host)
    n, m = n - SIZES[page], m - SIZES[host]
    assert run.last == expected_references(n, m)
    assert run.tours[0].facts["whole"] == run.last
    dots = [node for node in run.picture("wide", "en") if node["key"].endswith(":number")]
    assert [node["text"] for node in dots] == [str(k + 1) for k in range(run.last)]


@pytest.mark.parametrize(
    ("guest", "nested", "page", "count"),
    [("4-level", "ept-4", "4K", 24), ("5-level", "ept-5", "4K", 35), ("4-level", "ept-4", "2M", 15),
     ("5-level", "ept-4", "4K", 29), ("4-level", "ept-4", "1G", 8)],
)  # fmt: skip
def test_the_counts_of_the_literature(guest: str, nested: str, page: str, count: int) -> None:
    assert open_run(guest, "nested", nested=nested, page=page, host=page).last == count


@pytest.mark.parametrize(("guest", "levels"), LEVELS.items())
def test_a_shadow_costs_a_miss_and_a_look_once_and_then_one_dimension_only(
    guest: str, levels: int
) -> None:
    run = open_run(guest, "shadow", program="twice")
    rows = [read.row for read in run.tours[0].reads]
    assert rows.count(2) == levels
    assert rows.count(1) == levels
    assert rows.count(0) == 1  # the empty shadow misses at its root
    assert run.tours[1].made == levels  # the second access finds the shadow filled


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
@pytest.mark.parametrize("guest", LEVELS)
def test_an_unmapped_page_ends_in_a_page_fault_and_says_so(guest: str, technique: str) -> None:
    run = at_end(open_run(guest, technique, "unmapped"))
    assert "#PF" in run.picture("wide", "en")["result"]["text"]
    assert "page fault" in told(run)


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
@pytest.mark.parametrize(
    ("address", "access", "error"),
    [("unmapped", "read", 4), ("unmapped", "write", 6), ("readonly", "write", 7),
     ("kernel", "read", 5), ("kernel", "write", 7), ("reserved", "read", 13)],
)  # fmt: skip
@pytest.mark.parametrize("guest", LEVELS)
def test_a_page_fault_has_the_error_code_of_its_cause_under_every_technique(
    guest: str, technique: str, address: str, access: str, error: int
) -> None:
    assert open_run(guest, technique, address, access=access).tours[0].fault == error


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
@pytest.mark.parametrize("guest", ["4-level", "5-level"])
def test_a_page_of_data_can_be_read_and_written_but_not_run(guest: str, technique: str) -> None:
    faults = {access: open_run(guest, technique, "noexec", access=access).tours[0].fault
              for access in ("read", "write", "fetch")}
    assert faults == {"read": None, "write": None, "fetch": 1 | 4 | 16}
    run = open_run(guest, technique, "noexec", caches="tlb")
    run.receive("x " + hex(run.tours[0].gva))  # the TLB knows the page, and that it is data
    assert run.tours[1].fault == 21 and not run.tours[1].hit


@pytest.mark.parametrize("guest", ["pae", "32-bit"])
def test_a_format_without_execute_disable_says_so(guest: str) -> None:
    with pytest.raises(InputError, match="cannot forbid fetching"):
        open_run(guest, "none", "noexec")


def test_what_the_host_does_not_let_run_is_a_violation_of_a_fetch() -> None:
    run = at_end(open_run("4-level", "nested", "host-noexec", access="fetch"))
    (tour,) = run.tours
    # Fetch (bit 2), readable and writable (3 and 4), address valid (7), final (8).
    assert tour.exit == "violation"
    assert tour.reads[-1].error == 1 << 2 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 8
    assert "allow only RW" in told(run)
    assert open_run("4-level", "nested", "host-noexec", access="write").tours[0].hpa >= 0
    amd = open_run("4-level", "nested", "host-noexec", access="fetch", nested="4-level")
    assert amd.tours[0].exit == "npf" and amd.tours[0].reads[-1].error & 16


def test_a_page_the_host_lets_read_only_hits_for_reads_and_walks_again_for_fetches() -> None:
    run = open_run("4-level", "nested", "host-noexec", caches="tlb")
    gva = hex(run.tours[0].gva)
    run.receive(gva)
    run.receive("x " + gva)
    assert run.tours[1].hit and run.tours[2].exit == "violation"
    assert run.tours[2].beats[0].kind == "rights"


@pytest.mark.parametrize(("nested", "accessed", "dirty"), [
    ("ept-4", 0x100, 0x200), ("ept-5", 0x100, 0x200), ("4-level", 0x20, 0x40),
    ("pae", 0x20, 0x40), ("32-bit", 0x20, 0x40)])
def test_the_hosts_entries_get_accessed_by_use_and_dirty_by_writes(nested, accessed, dirty):
    run = open_run("4-level", "nested", nested=nested, program="twice")
    run.receive("w " + hex(run.tours[0].gva))
    run.receive(hex(run.tours[0].gva))
    first, second, write, after = run.tours

    def leaf(tour, row: int) -> int:
        return [read.reference.entry for read in tour.reads
                if read.context == "vmm" and read.row == row][-1]

    data = first.reads[-1].row
    assert not leaf(first, data) & accessed  # as it was found
    assert leaf(second, data) & (accessed | dirty) == accessed
    assert leaf(write, data) & dirty == 0 and leaf(after, data) & dirty
    # Setting flags in the guest's own tables is writing, so their pages are dirty from the first.
    assert leaf(second, 0) & (accessed | dirty) == accessed | dirty
    assert not any(tour.exit or tour.fault is not None for tour in run.tours)


def test_what_is_not_mapped_by_the_host_gets_no_accessed_flag() -> None:
    run = open_run("4-level", "nested", "swapped")
    run.receive(hex(run.tours[0].gva))
    assert run.tours[1].exit == "violation" and run.tours[1].reads[-1].reference.entry & 0x100 == 0


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
def test_a_read_only_page_can_be_read(technique: str) -> None:
    assert open_run("4-level", technique, "readonly").tours[0].fault is None


@pytest.mark.parametrize(
    ("address", "access", "exit", "words"),
    [("swapped", "read", "violation", "nothing here"),
     ("host-readonly", "write", "violation", "allow only RX"),
     ("misconfigured", "read", "misconfiguration", "impossible")],
)  # fmt: skip
def test_what_the_hosts_tables_forbid_is_an_exit_and_no_page_fault(
    address: str, access: str, exit: str, words: str
) -> None:
    run = at_end(open_run("4-level", "nested", address, access=access))
    assert run.tours[0].exit == exit and run.tours[0].fault is None
    assert words in told(run)
    assert "#PF" not in run.picture("wide", "en")["result"]["text"]


def test_a_violation_tells_the_access_the_rights_and_that_it_was_the_final_one() -> None:
    (tour,) = open_run("4-level", "nested", "host-readonly", access="write").tours
    # Write (bit 1), readable and executable (3 and 5), address valid (7), final (8).
    assert tour.reads[-1].error == 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7 | 1 << 8


@pytest.mark.parametrize("access", ["read", "write"])
def test_a_violation_at_a_guest_table_is_a_read_and_a_write_and_not_the_final_one(access) -> None:
    (tour,) = open_run("4-level", "nested", "outside", access=access).tours
    assert tour.exit == "violation"
    # With accessed and dirty flags in use an access to a guest's entry counts as a write.
    assert tour.reads[-1].error == 0x83


def test_on_amd_an_access_to_a_guest_table_is_a_write_too() -> None:
    (tour,) = open_run("4-level", "nested", "outside", nested="4-level").tours
    assert tour.exit == "npf" and tour.reads[-1].error == 4 | 2


@pytest.mark.parametrize("nested", ["ept-4", "4-level"])
def test_a_guest_table_beyond_memory_is_no_fault_of_the_hosts_and_that_is_said(nested) -> None:
    run = at_end(open_run("pae", "nested", "outside", nested=nested))
    assert "f0000000 is beyond this machine's memory" in told(run)
    assert "tables are in order" not in told(run) and "bejegyzése volt rossz" in told(run, "hu")


def test_amd_has_a_nested_page_fault_with_an_error_code() -> None:
    (tour,) = open_run("4-level", "nested", "swapped", nested="4-level").tours
    assert tour.exit == "npf" and tour.reads[-1].error == 4


def test_reads_beyond_memory_give_ones_which_the_long_formats_take_for_a_reserved_bit() -> None:
    assert open_run("4-level", "none", "outside").tours[0].fault == 13
    run = at_end(open_run("32-bit", "none", "outside"))
    assert run.tours[0].hpa == 0xFFFF_F050 and "answers with ones" in told(run)


@pytest.mark.parametrize(("technique", "words"), [("none", "bus answers with ones"),
                                                  ("shadow", "takes ones for the entry")])
@pytest.mark.parametrize("guest", LEVELS)
def test_a_table_beyond_memory_is_said_to_be_read_as_ones_before_what_they_lead_to(
    guest: str, technique: str, words: str
) -> None:
    run = at_end(open_run(guest, technique, "outside"))
    assert words in told(run) and "csupa egyes" in told(run, "hu")
    if guest != "32-bit":  # whose entries have no bit that must be clear
        assert told(run).index(words) < told(run).index("must be 0")


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
@pytest.mark.parametrize("guest", ["32-bit", "4-level", "5-level"])
def test_a_table_that_points_to_itself_ends_after_its_levels_at_the_table(
    guest: str, technique: str
) -> None:
    run = open_run(guest, technique, "loop")
    own = [read for read in run.tours[0].reads if read.context == "kernel"]
    assert len(own) == LEVELS[guest]
    assert len({read.reference.entry & ~0x60 for read in own}) == 1  # but for A and D
    machine = run.journey.machine
    assert run.tours[0].hpa == machine.place(machine.tables.root) + 0x60


@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
@pytest.mark.parametrize("guest", LEVELS)
def test_a_table_that_points_to_itself_is_named_as_such_at_every_level_and_at_the_end(
    guest: str, technique: str
) -> None:
    run = open_run(guest, technique, "loop")
    said = []
    for step in range(1, run.last + 1):
        run.seek(step)
        if run._read().context == "kernel":
            said.append(told(run))
            assert "tábl" in told(run, "hu")
    assert all("points back to itself" in one for one in said[:-1])
    assert len(said) == LEVELS[guest] and "levels are used up" in said[-1]
    assert "same table" in told(run) or "the table that points to itself" in told(run)
    if guest == "pae":
        assert run.tours[0].fault == 5 and "no bits for rights" in said[-1]


@pytest.mark.parametrize("guest", LEVELS)
def test_no_other_walk_is_called_a_loop(guest: str) -> None:
    for address in ("mapped", "high", "unmapped", "readonly", "reserved", "outside"):
        for page in ("4K", "2M"):
            for read in open_run(guest, "none", address, page=page).tours[0].reads:
                assert not read.oddity.startswith("loop")


@pytest.mark.parametrize("guest", LEVELS)
def test_shadow_and_nested_find_the_same_guest_address(guest: str) -> None:
    found = {open_run(guest, technique).tours[0].gpa for technique in ("shadow", "nested")}
    assert len(found) == 1 and found != {-1}


def test_with_a_tlb_the_second_access_needs_no_reference() -> None:
    run = at_end(open_run("4-level", "nested", program="twice", caches="tlb"))
    assert [tour.made for tour in run.tours] == [24, 0]
    assert run.tours[1].hit and run.tours[1].hpa == run.tours[0].hpa
    assert "without a single reference" in told(run)


def test_a_write_to_a_clean_translation_walks_again_to_set_dirty() -> None:
    run = open_run("4-level", "nested", caches="tlb")
    run.receive("w " + hex(run.tours[0].gva))
    assert run.tours[1].beats[0].kind == "clean" and run.tours[1].made == 24
    assert run.tours[1].reads[-6].reference.entry & 0x40 == 0
    run.receive(hex(run.tours[0].gva))
    assert run.tours[2].hit


def test_walk_caches_skip_all_but_the_last_level_and_the_data() -> None:
    run = open_run("4-level", "nested", program="twice", caches="walk")
    assert [tour.made for tour in run.tours] == [12, 2]
    # In the first walk only the first nested walk needs its upper levels. The second reads the
    # guest's PTE and the last level of the data's nested walk.
    assert {read.skipped for read in run.tours[1].reads} >= {"walk cache", "nested walk cache"}


def test_a_nested_tlb_saves_whole_nested_walks() -> None:
    run = open_run("4-level", "nested", program="twice", caches="ntlb")
    second = run.tours[1]
    assert second.made == 4  # the guest's own entries
    assert {read.skipped for read in second.reads if read.context == "vmm"} == {"nested tlb"}


def test_without_tags_a_switch_flushes_and_with_tags_it_does_not() -> None:
    hits = {
        vpid: sum(tour.hit for tour in open_run(
            "4-level", "nested", program="turns", caches="tlb", vpid=vpid).tours)
        for vpid in ("on", "off")
    }
    assert hits == {"on": 12, "off": 0}


def test_the_two_machines_never_share_a_translation() -> None:
    run = open_run("4-level", "nested", program="turns", caches="tlb+walk+ntlb")
    frames = [{tour.hpa >> 12 for tour in run.tours if tour.machine == m} for m in (0, 1)]
    assert frames[0] and frames[1] and not frames[0] & frames[1]


def test_invlpg_makes_the_next_access_walk_again() -> None:
    run = open_run("4-level", "nested", program="twice", caches="tlb")
    run.receive(f"invlpg {run.tours[0].gva:x}")
    run.receive(f"{run.tours[0].gva:x}")
    assert [tour.hit for tour in run.tours] == [False, True, False, False]


def test_a_large_page_of_the_guest_on_small_frames_fills_the_tlb_with_small_pages() -> None:
    run = open_run("4-level", "nested", program="array", page="2M", host="4K", caches="tlb")
    assert [tour.hit for tour in run.tours].count(False) == 3  # 12 KiB are three host pages
    run = open_run("4-level", "nested", program="array", page="2M", host="2M", caches="tlb")
    assert [tour.hit for tour in run.tours].count(False) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Nothing"), ("hello", "hexadecimal"), ("w", "not understood"),
     ("1 2", "not understood"), ("8000000000000000", "canonical"), ("-5", "canonical")],
)  # fmt: skip
def test_what_cannot_be_walked_is_refused_with_a_hint(text: str, words: str) -> None:
    run = open_run("4-level", "nested")
    with pytest.raises(InputError) as refusal:
        run.receive(text)
    assert words in refusal.value.message and refusal.value.hint
    assert len(run.tours) == 1


def test_a_typed_address_is_walked_and_shown_from_its_first_reference() -> None:
    session = Session()
    session.handle({"op": "load", "lab": "walks", "technique": "none"})
    answer = session.handle({"op": "input", "text": "400000203008"})
    frame = answer["frame"]
    assert (frame["step"], frame["last"]) == (5, 8)
    assert any(node["key"] == "access:2" for node in frame["scene"]["nodes"])


def test_the_upper_half_of_the_address_space_may_be_typed_in_canonical_form() -> None:
    run = open_run("4-level", "none")
    run.receive("ffff800000000000")
    assert run.tours[1].gva == 0x8000_0000_0000


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("technique", ["none", "shadow", "nested"])
@pytest.mark.parametrize("options", [{}, {"program": "turns", "caches": "tlb+walk+ntlb",
                                          "vpid": "off", "page": "2M"}])
def test_every_step_has_a_picture_and_a_sentence(
    technique: str, shape: str, options: dict[str, str]
) -> None:
    session = Session()
    answer = session.handle(
        {"op": "load", "lab": "walks", "technique": technique, "shape": shape, "options": options})
    for step in range(answer["frame"]["last"] + 1):
        frame = session.handle({"op": "frame", "step": step, "lang": "hu"})["frame"]
        assert frame["step"] == step
        assert frame["sentence"] and frame["panels"]
        assert frame["scene"]["nodes"]


def test_leaping_by_kind_finds_rows_guest_entries_accesses_hits_and_faults() -> None:
    run = open_run("4-level", "nested", program="twice", caches="tlb")
    stops = {}
    for kind in ("row", "guest", "access", "hit", "fault"):
        run.seek(0)
        stops[kind] = []
        while run.find(kind, 1):
            stops[kind].append(run.step)
    assert stops["row"] == [2, 7, 12, 17, 22]
    assert stops["guest"] == [6, 11, 16, 21]
    assert stops["access"] == [1, 26] and stops["hit"] == [26] and stops["fault"] == []


def test_what_a_cache_made_needless_is_drawn_hollow_without_a_number() -> None:
    run = open_run("4-level", "nested", program="twice", caches="walk+ntlb")
    run.seek(run.last)
    nodes = list(run.picture("wide", "en"))
    hollow = [node for node in nodes if "skipped" in node["cls"].split()]
    numbers = [node for node in nodes if node["key"].endswith(":number")]
    assert len(hollow) + len(numbers) == 24 and len(numbers) == run.tours[1].made


def test_the_tlb_of_the_lab_has_a_power_of_two_of_sets() -> None:
    assert TLB_SETS & TLB_SETS - 1 == 0


@pytest.mark.parametrize("lang", ["en", "hu"])
@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize(
    ("guest", "technique", "options"),
    [("5-level", "nested", {"nested": "ept-5", "program": "turns", "caches": "tlb+walk+ntlb"}),
     ("4-level", "nested", {"address": "misconfigured"}),
     ("pae", "shadow", {"program": "chain", "caches": "tlb+walk"}),
     ("32-bit", "none", {"page": "2M", "program": "array"})],
)  # fmt: skip
def test_every_text_ends_inside_the_picture(
    guest: str, technique: str, options: dict[str, str], shape: str, lang: str
) -> None:
    run = LAB.open(LAB.setup(guest, technique, options, None))
    for step in range(0, run.last + 1, max(run.last // 12, 1)):
        run.seek(step)
        scene = run.picture(shape, lang)
        for node in scene:
            if node["shape"] == "text" and node.get("text"):
                width = len(node["text"]) * node["size"] * 0.55
                left = node["x"] - {"middle": width / 2, "end": width}.get(node["anchor"], 0.0)
                assert left > -6 and left + width < scene.width + 6, (step, node)


@pytest.mark.parametrize("lang", ["en", "hu"])
def test_an_ept_entry_that_points_to_a_table_has_reserved_bits_and_no_memory_type(lang) -> None:
    run = open_run("4-level", "nested")
    names = []
    for step in (1, 4):  # the first nested level, and the last
        run.seek(step)
        scene = run.picture("wide", lang)
        names.append({node["text"] for node in scene
                      if node["key"].startswith("field:") and node["key"].endswith(":name")})
    reserved, kind = ("reserved", "memory type") if lang == "en" else (
        "fenntartott", "memóriatípus")
    assert reserved in names[0] and kind not in names[0]
    assert kind in names[1] and reserved not in names[1]


@pytest.mark.parametrize(("guest", "technique"), [("4-level", "nested"), ("32-bit", "none")])
def test_the_address_in_an_entry_is_where_the_next_table_begins(guest, technique) -> None:
    run = open_run(guest, technique)
    run.seek(1)
    shown = int(run.picture("wide", "en")["field:12"]["text"], 16)
    run.seek(2)
    assert shown == run.tours[0].reads[1].reference.table


def test_in_hungarian_the_fields_are_hungarian_too() -> None:
    for guest, technique in (("4-level", "nested"), ("pae", "none"), ("32-bit", "shadow")):
        run = open_run(guest, technique)
        for step in range(1, run.last + 1):
            run.seek(step)
            fields = [{node["key"]: node.get("tip", "") for node in run.picture("wide", lang)
                       if node["key"].startswith("field:")} for lang in ("en", "hu")]
            assert all(hungarian != fields[0][key] for key, hungarian in fields[1].items())


def test_a_walk_that_stops_early_says_what_the_whole_grid_would_count() -> None:
    run = open_run("4-level", "nested", "unmapped", nested="ept-5")
    for shape in ("wide", "tall"):
        texts = {node["key"]: node.get("text", "") for node in run.picture(shape, "en")}
        assert texts["total"].startswith("0 / 24") and texts["total:formula"].endswith("= 29")
        assert texts["total:saved"] == "in full; this walk stops at 24"
    whole = open_run("4-level", "nested", nested="ept-5").picture("wide", "en")
    assert "total:saved" not in whole and whole["total:formula"]["text"].endswith("= 29")


@pytest.mark.parametrize("program", ["one", "turns"])
def test_every_reference_in_the_picture_leads_to_the_step_that_makes_it(program: str) -> None:
    run = open_run("4-level", "nested", program=program, caches="tlb+walk+ntlb")
    run.seek(run.last // 2)
    for node in list(run.picture("wide", "en")):
        if node["key"].startswith("ref:") and node["shape"] == "circle" and "go" in node:
            run.seek(node["go"])
            assert "current" in run.picture("wide", "en")[node["key"]]["cls"]


def test_every_access_in_the_picture_leads_to_its_walk() -> None:
    run = open_run("4-level", "nested", program="array", caches="tlb")
    ways = [node for node in run.picture("wide", "en") if node["key"].startswith("access:")
            and node["shape"] == "rect"]
    assert len(ways) > 3
    for node in ways:
        run.seek(node["go"])
        picture = run.picture("wide", "en")
        assert "current" in picture[node["key"]]["cls"]
        assert picture["address:title"]["text"].endswith(node["tip"])


def test_every_page_offered_to_be_walked_is_mapped() -> None:
    run = open_run("5-level", "nested", program="chain")
    console = next(panel for panel in run.panels("en") if panel["id"] == "console")
    assert len(console["picks"]) > 3
    for page in console["picks"]:
        run.receive(page)
        assert run.tours[-1].hpa >= 0
