"""A picture of memory is exact although only frames that were written are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringside import guests
from ringside.host.systems import BUILDERS, DEFINES, Image, System, build
from ringside.trace.freeze import FRAME, Frames, Frozen, Pages, freeze, thaw

SHELF = ("cli_sti", "page_fault", "system_call", "sort")


def frames_in(picture: Any) -> Iterator[Frames]:
    if type(picture) is Frames:
        yield picture
    parts = picture.parts if type(picture) is Frozen else picture
    if isinstance(parts, tuple):
        for part in parts:
            if isinstance(part, Frames | Frozen | tuple):
                yield from frames_in(part)


def is_exact(system: System, picture: Any) -> bool:
    ram = system.machine.memory.ram
    (found,) = [frames for frames in frames_in(picture) if frames.size == len(ram)]
    return b"".join(found.frames) == bytes(ram)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    technique=st.sampled_from(sorted(BUILDERS)),
    guest=st.sampled_from(SHELF),
    moves=st.lists(st.tuples(st.booleans(), st.integers(1, 2500)), min_size=2, max_size=6),
)
def test_every_picture_holds_all_of_memory(
    technique: str, guest: str, moves: list[tuple[bool, int]]
) -> None:
    system = build(technique, Image(guests.program(guest, DEFINES[technique]), guest, 4 << 20))
    kept = [system.freeze()]
    assert is_exact(system, kept[0])
    for back, steps in moves:
        if back:
            picture = kept[steps % len(kept)]
            system.thaw(picture)
            assert is_exact(system, picture)
        system.run(steps)
        kept.append(system.freeze())
        assert is_exact(system, kept[-1])


def test_frames_nobody_wrote_are_shared_and_those_written_are_not() -> None:
    pages = Pages(8 * FRAME)
    pages.writers.append(tuple)
    first = freeze(pages)
    pages[FRAME] = 1
    pages.changed.add(1)
    second = freeze(pages, first)
    assert [n for n in range(8) if first.frames[n] is not second.frames[n]] == [1]
    assert freeze(pages, second) is second
    changed: list[int] = []
    assert thaw(pages, first, changed) is pages
    assert changed == [1] and pages[FRAME] == 0


def test_a_writer_who_goes_on_writing_is_asked_again_after_each_picture() -> None:
    pages = Pages(4 * FRAME)
    pages.writers.append(lambda: [2])
    picture = freeze(pages)
    for value in (1, 2, 3):
        pages[2 * FRAME] = value
        picture = freeze(pages, picture)
        assert picture.frames[2][0] == value


def test_without_a_writer_to_ask_everything_is_compared() -> None:
    pages = Pages(4 * FRAME)
    picture = freeze(pages)
    pages[3 * FRAME] = 7
    assert freeze(pages, picture).frames[3][0] == 7


@pytest.mark.parametrize("frame", [0, 3])
def test_a_pinned_frame_is_always_looked_at(frame: int) -> None:
    pages = Pages(4 * FRAME)
    pages.writers.append(tuple)
    pages.pinned.add(frame)
    picture = freeze(pages)
    for value in (1, 2):
        pages[frame * FRAME] = value
        picture = freeze(pages, picture)
        assert picture.frames[frame][0] == value
