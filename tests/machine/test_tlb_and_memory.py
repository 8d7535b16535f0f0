"""The TLB's replacement and flushing, and memory's edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.machine.memory import FRAME, Memory
from ringside.machine.tlb import GLOBAL, Tlb


def test_a_full_set_forgets_its_oldest_translation():
    tlb = Tlb(4, 2)
    assert tlb.fill(0, 10, 0) == -1
    assert tlb.fill(4, 11, 0) == -1
    assert tlb.fill(1, 12, 0) == -1  # another set
    tlb.lookup(0)  # being used does not make it younger
    assert tlb.fill(8, 13, 0) == 0
    assert tlb.fill(12, 14, 0) == 4
    assert [page for page in (0, 4, 8, 12, 1) if tlb.lookup(page)] == [8, 12, 1]


def test_filling_a_page_again_replaces_it_in_its_slot():
    tlb = Tlb(4, 2)
    tlb.fill(0, 10, 0)
    tlb.fill(4, 11, 0)
    assert tlb.fill(0, 12, 3) == -1
    assert tlb.lookup(0) == (0, 12, 3)
    assert [slot for slot, found in tlb if found.page == 0] == [0]


def test_a_flush_can_keep_global_translations():
    tlb = Tlb(4, 2)
    tlb.fill(0, 10, GLOBAL)
    tlb.fill(1, 11, 0)
    assert tlb.flush(keep_global=True) == [1]
    assert len(tlb) == 1
    assert tlb.flush() == [0]
    assert list(tlb) == []


@pytest.mark.parametrize(("sets", "ways"), [(0, 4), (3, 4), (4, 0)])
def test_only_a_power_of_two_of_sets_makes_a_tlb(sets, ways):
    with pytest.raises(ValueError, match="power of two"):
        Tlb(sets, ways)


@given(st.lists(st.tuples(st.sampled_from("fid"), st.integers(0, 20)), max_size=60))
def test_a_tlb_is_fifo_per_set(script):
    """Compared with a list per set: the shortest way to say what FIFO means."""
    tlb, model = Tlb(2, 3), {0: [], 1: []}
    for action, page in script:
        queue = model[page % 2]
        if action == "f":
            if page not in queue:
                queue.append(page)
                if len(queue) > 3:
                    queue.pop(0)
            tlb.fill(page, page + 100, 0)
        elif action == "i":
            assert tlb.invalidate(page) == (page in queue)
            if page in queue:
                queue.remove(page)
        else:
            tlb.lookup(page)
    assert sorted(tlb.entries) == sorted(model[0] + model[1])
    assert sorted(found.page for _, found in tlb) == sorted(tlb.entries)
    assert all(found.page % 2 == slot // 3 for slot, found in tlb)


def test_memory_is_little_endian_in_every_view():
    memory = Memory(FRAME)
    memory.write32(0x10, 0x44332211)
    assert memory.m8[0x10] == 0x11
    assert memory.m16[0x12 >> 1] == 0x4433
    assert memory.m32[0x10 >> 2] == 0x44332211
    assert memory.read64(0x10) == 0x44332211


def test_an_access_across_the_end_of_ram_keeps_what_is_there():
    memory = Memory(FRAME)
    memory.write(FRAME - 2, 0x12345678, 4)
    assert memory.read(FRAME - 2, 4) == 0xFFFF5678
    assert memory.read_bytes(FRAME - 1, 3) == b"\x56\xff\xff"
    assert len(memory.ram) == FRAME


@pytest.mark.parametrize("size", [0, 100, -FRAME])
def test_memory_comes_in_whole_frames(size):
    with pytest.raises(ValueError, match="multiple"):
        Memory(size)


def test_every_write_to_a_watched_frame_is_told_with_its_range():
    memory = Memory(4 * FRAME)
    told = []
    memory.on_code_write = lambda *what: told.append(what)
    memory.code_frames.update({1, 2})
    memory.write_bytes(FRAME - 2, bytes(FRAME + 4))
    memory.write32(3 * FRAME, 1)
    assert told == [(1, FRAME, 2 * FRAME), (2, 2 * FRAME, 2 * FRAME + 2)]


def test_a_device_can_answer_a_frame():
    class Echo:
        def read(self, hpa, size):
            return hpa & 0xFF

        def write(self, hpa, value, size):
            seen.append((hpa, value, size))

    seen = []
    memory = Memory(2 * FRAME)
    memory.windows[1] = Echo()
    memory.write(FRAME + 4, 0x12345, 2)
    memory.write(FRAME, 0x030201, 3)
    assert seen == [(FRAME + 4, 0x2345, 2), (FRAME, 1, 1), (FRAME + 1, 2, 1), (FRAME + 2, 3, 1)]
    assert memory.read(FRAME + 4, 1) == 4
    assert memory.read(FRAME, 3) == 0x020100
    assert not memory.is_plain(1)
