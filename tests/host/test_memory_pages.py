"""Frames, sharing, ballooning and swapping, on real bytes: nobody ever reads anything but what it
would read if it had all the memory in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.host.memory import frames as frames_module
from ringside.host.memory import sharing as sharing_module
from ringside.host.memory.frames import FRAME, Frames, OutOfFrames, hashes
from ringside.host.memory.guest import GuestOs, contents
from ringside.host.memory.paging import COPIED, Host
from ringside.host.memory.sharing import Sharing
from ringside.host.memory.space import BALLOONED, HERE, SWAPPED, Space

PAGES, FRAMES = 6, 9  # three VMs of 6 pages over-commit 9 frames twofold


def make_host(frames: int = FRAMES, vms: int = 3, pages: int = PAGES) -> Host:
    return Host(frames, [Space(f"vm{n}", pages) for n in range(vms)])


def write(host: Host, vm: int, page: int, value: int) -> None:
    """Fill a page, as its guest would."""
    host.open_page(host.spaces[vm], page, True)
    host.frames.words[int(host.spaces[vm].frame[page])] = value


def share_all(host: Host) -> Sharing:
    sharing = Sharing(host, np.random.default_rng(1))
    sharing.scan(1000)
    return sharing


Operation = tuple[str, int, int, int]
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["write", "read", "balloon", "give", "swap", "scan"]),
        st.integers(0, 2), st.integers(0, PAGES - 1), st.integers(0, 2),
    ),
    max_size=60,
)


@settings(max_examples=80)
@given(OPERATIONS)
def test_whatever_the_host_does_every_guest_reads_what_it_wrote(operations: list[Operation]) -> None:
    host = make_host()
    sharing = Sharing(host, np.random.default_rng(7))
    expected: dict[tuple[int, int], int] = {}
    for what, vm, page, value in operations:
        space = host.spaces[vm]
        ballooned = space.place[page] == BALLOONED
        if what in ("write", "read") and not ballooned and host.free:
            if what == "write":
                write(host, vm, page, value)
                expected[vm, page] = value
            else:
                host.open_page(space, page, False)
        elif what == "balloon" and not ballooned:
            host.take(space, page)
            expected.pop((vm, page), None)
        elif what == "give" and ballooned:
            host.give(space, page)
        elif what == "swap" and space.place[page] == HERE:
            host.swap_out(space, page)
        elif what == "scan":
            sharing.scan(100)
        assert host.faults() == []
        for number, other in enumerate(host.spaces):
            for at in range(PAGES):
                word = np.frombuffer(host.read(other, at), np.uint64)
                assert (word == expected.get((number, at), 0)).all()


def test_equal_pages_of_different_vms_end_up_in_one_frame() -> None:
    host = make_host()
    for vm in range(3):
        write(host, vm, vm, 5)
    share_all(host)
    assert len({int(host.spaces[vm].frame[vm]) for vm in range(3)}) == 1
    assert host.saved == 2 and host.free == FRAMES - 1


def test_a_write_to_a_shared_page_is_seen_by_the_writer_only() -> None:
    host = make_host()
    for vm in range(3):
        write(host, vm, 0, 5)
    share_all(host)
    assert host.open_page(host.spaces[1], 0, True) == COPIED
    host.frames.words[int(host.spaces[1].frame[0])] = 6
    seen = [int(np.frombuffer(host.read(space, 0), np.uint64)[0]) for space in host.spaces]
    assert seen == [5, 6, 5]


def test_pages_with_one_hash_but_different_bytes_are_not_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        sharing_module, "hashes", lambda pages: np.zeros(len(pages), np.uint64))
    host = make_host()
    write(host, 0, 0, 1)
    write(host, 1, 0, 2)
    write(host, 2, 0, 2)
    share_all(host)
    assert host.read(host.spaces[0], 0) != host.read(host.spaces[1], 0)
    assert int(host.frames.references.max()) <= 2


def test_a_hinted_page_that_was_written_since_is_not_shared() -> None:
    host = make_host()
    write(host, 0, 0, 1)
    sharing = share_all(host)  # leaves a hint
    write(host, 0, 0, 9)
    write(host, 1, 0, 1)
    scan = sharing.try_pages(np.array([1]), np.array([0]))
    assert scan.merged == 0
    assert np.frombuffer(host.read(host.spaces[0], 0), np.uint64)[0] == 9


def test_a_page_taken_by_the_balloon_begins_as_zeros_when_it_comes_back() -> None:
    host = make_host()
    write(host, 0, 0, 77)
    host.take(host.spaces[0], 0)
    write(host, 1, 3, 78)  # somebody else gets the frame
    host.give(host.spaces[0], 0)
    host.open_page(host.spaces[0], 0, False)
    assert host.read(host.spaces[0], 0) == bytes(FRAME)


def test_a_page_on_the_hosts_disk_comes_back_as_it_was() -> None:
    host = make_host()
    write(host, 0, 2, 0x0123_4567_89AB_CDEF)
    before = host.read(host.spaces[0], 2)
    assert host.swap_out(host.spaces[0], 2)
    assert host.spaces[0].place[2] == SWAPPED and host.read(host.spaces[0], 2) == before
    host.open_page(host.spaces[0], 2, False)
    assert host.read(host.spaces[0], 2) == before and not host.spaces[0].disk


def test_swapping_a_shared_page_frees_nothing_so_it_is_not_offered() -> None:
    host = make_host()
    write(host, 0, 0, 5)
    write(host, 1, 0, 5)
    write(host, 0, 1, 6)
    share_all(host)
    assert host.swappable(host.spaces[0]).tolist() == [1]
    assert not host.swap_out(host.spaces[0], 0)
    assert host.faults() == []


def test_frames_run_out_and_cannot_be_released_twice() -> None:
    frames = Frames(2)
    first = frames.allocate()
    frames.allocate()
    with pytest.raises(OutOfFrames):
        frames.allocate()
    frames.release(first)
    with pytest.raises(ValueError, match="free already"):
        frames.release(first)


def test_hashes_differ_where_a_single_bit_does() -> None:
    pages = np.zeros((513, frames_module.WORDS), np.uint64)
    for bit in range(512):
        pages[bit + 1, bit] = np.uint64(1) << np.uint64(bit % 64)
    assert len(set(hashes(pages).tolist())) == 513


def test_the_guest_gives_up_what_it_used_longest_ago() -> None:
    guest = GuestOs(8, 2, np.arange(1, 7), np.zeros(6, np.bool_))
    for thing in range(6):
        guest.put(thing, guest.free.pop(), dirty=False)
        guest.clock += 1
    assert not guest.free
    oldest: Any = guest.where[0]
    assert guest.oldest() == oldest
    guest.note_uses(np.array([oldest]), np.array([False]))
    assert guest.oldest() == guest.where[1]
    for _ in range(6):
        guest.forget(guest.oldest())
    assert guest.oldest() == -1  # the kernel's own pages are never given up


def test_contents_are_told_apart_by_their_seed_and_seed_0_is_zero() -> None:
    assert not contents(0).any()
    assert not (contents(1) == contents(2)).any()
