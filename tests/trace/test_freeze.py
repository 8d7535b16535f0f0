"""Freezing and thawing is the identity, for anything made of slots."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.trace.freeze import Frames, freeze, thaw


class Part:
    __slots__ = ("cache", "items", "label")
    transient: ClassVar[frozenset[str]] = frozenset({"cache"})

    def __init__(self, label: Any, items: Any) -> None:
        self.label = label
        self.items = items
        self.cache: Any = "wired"

    def after_thaw(self) -> None:
        self.cache = ("rebuilt", self.label)


@dataclass(frozen=True, slots=True)
class Fact:
    number: int


class Derived(Part):
    __slots__ = ("extra", "never_set")

    def __init__(self, label: Any, items: Any, extra: Any) -> None:
        super().__init__(label, items)
        self.extra = extra


atoms = st.one_of(st.integers(), st.text(max_size=3), st.binary(max_size=3), st.none(),
                  st.booleans(), st.builds(Fact, st.integers()))  # fmt: skip
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.lists(inner, max_size=4).map(deque),
        st.dictionaries(st.integers(0, 9), inner, max_size=4),
        st.sets(st.integers(0, 9), max_size=4),
        st.binary(max_size=9).map(bytearray),
        st.builds(Part, atoms, inner),
    ),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """A comparable description of everything frozen in ``value``."""
    if isinstance(value, Part):
        return ("part", shape(value.label), shape(value.items))
    if isinstance(value, (list, tuple, deque)):
        return (type(value).__name__, [shape(item) for item in value])
    if isinstance(value, dict):
        return ("dict", [(key, shape(item)) for key, item in value.items()])
    return (type(value).__name__, copy.copy(value))


@given(first=values, second=values)
def test_thawing_restores_whatever_was_there(first: Any, second: Any) -> None:
    whole = Part("whole", first)
    before = shape(whole)
    picture = freeze(whole)
    whole.items = second
    later = freeze(whole, picture)
    assert thaw(whole, picture) is whole
    assert shape(whole) == before
    thaw(whole, later)
    assert shape(whole) == shape(Part("whole", second))


@given(first=values, change=values)
def test_a_picture_does_not_change_with_the_object(first: Any, change: Any) -> None:
    part = Part("x", [first, [1, 2], {3: [4]}])
    picture = freeze(part)
    before = shape(part)
    part.items[1].append(change)
    part.items[2][3].append(change)
    part.items.append(change)
    thaw(part, picture)
    assert shape(part) == before


def test_transient_slots_are_left_alone_and_rebuilt() -> None:
    part = Part("a", [])
    picture = freeze(part)
    part.cache = "other"
    part.label = "b"
    thaw(part, picture)
    assert part.label == "a" and part.cache == ("rebuilt", "a")


def test_containers_are_restored_in_place() -> None:
    part = Part([1], {"k": deque((1,))})
    picture = freeze(part)
    label, inner = part.label, part.items["k"]
    label.append(2)
    inner.append(2)
    thaw(part, picture)
    assert part.label is label and label == [1]
    assert part.items["k"] is inner and list(inner) == [1]


def test_slots_of_every_base_class_and_unset_ones_are_state() -> None:
    derived = Derived("a", [1], {"e": 1})
    picture = freeze(derived)
    derived.extra["e"] = 2
    derived.never_set = 5
    thaw(derived, picture)
    assert derived.extra == {"e": 1} and not hasattr(derived, "never_set")


def test_an_unchanged_object_shares_the_whole_of_its_last_picture() -> None:
    part = Part("a", [Part("b", [1, 2, 3]), {"x": (4, 5)}])
    first = freeze(part)
    part.items[0].items.append(4)
    second = freeze(part, first)
    assert second is not first
    assert freeze(part, second) is second


def test_memory_shares_unchanged_frames_and_thawing_names_those_it_wrote() -> None:
    part = Part("ram", bytearray(64 * 4096))
    view = memoryview(part.items)
    view[5 * 4096] = 1
    first = freeze(part)
    view[9 * 4096 + 7] = 2
    second = freeze(part, first)
    frames = (first.parts[0], second.parts[0])
    assert all(isinstance(picture, Frames) for picture in frames)
    changed = [n for n in range(64) if frames[0].frames[n] is not frames[1].frames[n]]
    assert changed == [9]
    written: list[int] = []
    thaw(part, first, written)
    assert written == [9] and view[9 * 4096 + 7] == 0 and view[5 * 4096] == 1


def test_what_cannot_be_frozen_says_what_to_do() -> None:
    class Loose:
        def __init__(self) -> None:
            self.x = 1

    number = 3
    with pytest.raises(TypeError, match="no __slots__"):
        freeze(Part("a", Loose()))
    with pytest.raises(TypeError, match="transient"):
        freeze(Part("a", lambda: number))
