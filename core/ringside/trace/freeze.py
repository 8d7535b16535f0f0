"""Freeze and thaw: the state of any slotted object, without a line of save or load code in it.

``freeze`` walks ``__slots__`` and gives an immutable picture of what it finds; ``thaw`` writes a
picture back *in place*, so references held elsewhere (wires, views of memory) stay good. An
object joins in by having slots. It may declare

* ``transient``: the names of slots that are wiring or caches; they are left alone;
* ``after_thaw()``: called once its other slots are back, to rebuild those.

Big byte arrays (RAM) are kept as 4 KiB frames, and a frame equal to the one in the previous
picture is shared with it: a keyframe costs one comparison of memory and holds only what changed.
:class:`Pages` are told which frames are written, so that only those need be compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import compress
from operator import is_not
from types import BuiltinFunctionType, FunctionType
from typing import Any

FRAME = 4096
_FRAMED = 4 * FRAME  # byte arrays from this size on are kept by frames
_ZERO = bytes(FRAME)

_ATOMS = frozenset({
    int, str, bytes, bool, float, type(None), frozenset, range, type, BuiltinFunctionType,
})  # fmt: skip


class _Unset:
    """The value of a slot nothing was assigned to."""

    __slots__ = ()


_UNSET = _Unset()


class Frozen:
    """A picture of one object: its type and its parts. Immutable, compared by identity."""

    __slots__ = ("kind", "parts")

    def __init__(self, kind: type, parts: tuple[Any, ...]) -> None:
        self.kind = kind
        self.parts = parts


class Frames:
    """A picture of a byte array by 4 KiB frames."""

    __slots__ = ("frames", "size")

    def __init__(self, size: int, frames: tuple[bytes, ...]) -> None:
        self.size = size
        self.frames = frames


class Pages(bytearray):
    """A byte array that knows which frames may differ from its last picture.

    Whoever writes adds the frame's number to ``changed``. Those in ``writers`` may go on writing
    to frames they once announced; each gives the numbers of its own when asked. Frames in
    ``pinned`` may always have changed. Without any writer nothing is known, and every frame is
    compared.
    """

    __slots__ = ("changed", "pictured", "pinned", "writers")

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.changed: set[int] = set()
        self.pictured: Frames | None = None
        self.pinned: set[int] = set()
        self.writers: list[Callable[[], Iterable[int]]] = []

    def keep(self, picture: Frames) -> None:
        """``picture`` is what is here now."""
        self.pictured = picture
        self.changed.clear()
        self.changed.update(self.pinned)
        for writes in self.writers:
            self.changed.update(writes())


_slots_of: dict[type, tuple[str, ...]] = {}


def slots(kind: type) -> tuple[str, ...]:
    """The names of ``kind``'s slots that are state, base classes first."""
    known = _slots_of.get(kind)
    if known is None:
        names: list[str] = []
        for base in reversed(kind.__mro__):
            own = base.__dict__.get("__slots__", ())
            names += (own,) if isinstance(own, str) else own
        if kind.__dictoffset__:
            raise TypeError(
                f"{kind.__name__} (or a base of it) has no __slots__, so its state cannot be "
                "frozen; give it slots or name the field that holds it in 'transient'"
            )
        left_out: frozenset[str] = getattr(kind, "transient", frozenset())
        known = tuple(name for name in names if name not in left_out and name != "__weakref__")
        _slots_of[kind] = known
    return known


def freeze(value: Any, before: Any = None) -> Any:
    """A picture of ``value``; parts equal to those of the picture ``before`` are shared with it."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    take = _TAKE.get(kind)
    if take is None:
        take = _TAKE[kind] = _choose(kind)
    return take(value, before)


def thaw(value: Any, picture: Any, changed: list[int] | None = None) -> Any:
    """Bring ``value`` back to ``picture`` in place where it can be, and return the result.

    Numbers of memory frames that had to be written are appended to ``changed``.
    """
    if type(picture) is Frozen:
        give = _GIVE.get(picture.kind, _give_object)
        return give(value, picture, [] if changed is None else changed)
    if type(picture) is Frames:
        return _give_frames(value, picture, [] if changed is None else changed)
    return picture


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two pictures differ, as ``path: this, that``; for tests and for looking closer."""
    if type(one) is Frames and type(other) is Frames and one.size == other.size:
        for n, (frame, frame_there) in enumerate(zip(one.frames, other.frames, strict=True)):
            if frame != frame_there:
                yield f"{path}: frame {n:#x}"
    elif type(one) is Frozen and type(other) is Frozen and one.kind is other.kind:
        names = _part_names(one)
        if names != _part_names(other):
            yield f"{path}: {names}, {_part_names(other)}"
        else:
            for name, part, there in zip(names, _parts(one), _parts(other), strict=True):
                yield from differences(part, there, f"{path}.{name}")
    elif not _same(one, other):
        yield f"{path}: {one!r}, {other!r}"


def _parts(picture: Frozen) -> tuple[Any, ...]:
    return tuple(picture.parts[1]) if picture.kind is dict else picture.parts


def _part_names(picture: Frozen) -> tuple[Any, ...]:
    if picture.kind is dict:
        return tuple(picture.parts[0])
    if picture.kind in _GIVE:
        return tuple(range(len(picture.parts)))
    return slots(picture.kind)


def _immutable(kind: type) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    named_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
    return named_tuple or (parameters is not None and bool(parameters.frozen))


def _choose(kind: type) -> Callable[[Any, Any], Any]:
    return _take_itself if _immutable(kind) else _take_object


def _take_itself(value: Any, before: Any) -> Any:
    return value


def _take_function(value: Any, before: Any) -> Any:
    if value.__closure__ is not None:
        raise TypeError(f"{value.__qualname__} is a closure; name its slot in 'transient'")
    return value


def _same(one: Any, other: Any) -> bool:
    """Equal in type as well as value: 0, False and 0.0 are three different things."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if type(one) is tuple:
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _share(kind: type, parts: tuple[Any, ...], before: Any) -> Frozen:
    if type(before) is Frozen and before.kind is kind and _same(before.parts, parts):
        return before
    return Frozen(kind, parts)


def _old_parts(before: Any, count: int) -> tuple[Any, ...]:
    if type(before) is Frozen and len(before.parts) == count:
        return before.parts
    return (None,) * count


def _take_object(value: Any, before: Any) -> Any:
    kind = type(value)
    names = slots(kind)
    parts = [getattr(value, name, _UNSET) for name in names]
    olds = _old_parts(before, len(names))
    for n, part in enumerate(parts):
        if type(part) not in _ATOMS and part is not _UNSET:
            parts[n] = freeze(part, olds[n])
    return _share(kind, tuple(parts), before)


def _take_sequence(value: Any, before: Any) -> Any:
    parts = tuple(value)
    if not _ATOMS.issuperset(map(type, parts)):
        olds = _old_parts(before, len(parts))
        parts = tuple(map(freeze, parts, olds))
    return _share(type(value), parts, before)


def _take_tuple(value: Any, before: Any) -> Any:
    if _ATOMS.issuperset(map(type, value)):
        return value
    return _take_sequence(value, before)


def _take_dict(value: Any, before: Any) -> Any:
    # The keys must be immutable anyway; only the values can hold state
    keys = tuple(value)
    values = tuple(value.values())
    if not _ATOMS.issuperset(map(type, values)):
        values = tuple(map(freeze, values, (None,) * len(values)))
    return _share(dict, (keys, values), before)


def _take_bytearray(value: Any, before: Any) -> Any:
    if len(value) < _FRAMED:
        return _share(bytearray, (bytes(value),), before)
    size = len(value)
    same = value.startswith  # compares in place, without cutting a slice out
    frames: list[bytes] = []
    if type(before) is Frames and before.size == size:
        at = 0
        for old in before.frames:
            frames.append(old if same(old, at) else bytes(value[at : at + FRAME]))
            at += FRAME
    else:
        for at in range(0, size, FRAME):
            frames.append(_ZERO if same(_ZERO, at) else bytes(value[at : at + FRAME]))
    return Frames(size, tuple(frames))


def _take_pages(value: Pages, before: Any) -> Any:
    known = value.pictured
    if not value.writers or known is None or before is not known:
        picture = _take_bytearray(value, before)
    else:
        picture = known
        frames: list[bytes] | None = None
        for n in value.changed:
            at = n * FRAME
            if not value.startswith(known.frames[n], at):
                if frames is None:
                    frames = list(known.frames)
                frames[n] = bytes(value[at : at + FRAME])
        if frames is not None:
            picture = Frames(known.size, tuple(frames))
    if type(picture) is Frames:
        value.keep(picture)
    return picture


def _give_object(value: Any, picture: Frozen, changed: list[int]) -> Any:
    kind = picture.kind
    if type(value) is not kind:
        value = object.__new__(kind)
    for name, part in zip(slots(kind), picture.parts, strict=True):
        if part is _UNSET:
            if hasattr(value, name):
                delattr(value, name)
        elif type(part) is Frozen or type(part) is Frames:
            now = getattr(value, name, None)
            back = thaw(now, part, changed)
            if back is not now:
                setattr(value, name, back)
        else:
            setattr(value, name, part)
    after = getattr(value, "after_thaw", None)
    if after is not None:
        after()
    return value


def _restore(values: Any, parts: tuple[Any, ...], changed: list[int]) -> list[Any]:
    now = list(values) if len(values) == len(parts) else [None] * len(parts)
    return [thaw(old, part, changed) for old, part in zip(now, parts, strict=True)]


def _give_list(value: Any, picture: Frozen, changed: list[int]) -> Any:
    now = value if type(value) is list else []
    now[:] = _restore(now, picture.parts, changed)
    return now


def _give_tuple(value: Any, picture: Frozen, changed: list[int]) -> Any:
    now = value if type(value) is tuple else ()
    return tuple(_restore(now, picture.parts, changed))


def _give_deque(value: Any, picture: Frozen, changed: list[int]) -> Any:
    now = value if type(value) is deque else deque()
    back = _restore(now, picture.parts, changed)
    now.clear()
    now.extend(back)
    return now


def _give_set(value: Any, picture: Frozen, changed: list[int]) -> Any:
    now = value if type(value) is set else set()
    now.clear()
    now.update(picture.parts)
    return now


def _give_dict(value: Any, picture: Frozen, changed: list[int]) -> Any:
    now = value if type(value) is dict else {}
    keys, values = picture.parts
    back = {k: thaw(now.get(k), part, changed) for k, part in zip(keys, values, strict=True)}
    now.clear()
    now.update(back)  # in the order of the picture: order is state too
    return now


def _give_bytearray(value: Any, picture: Frozen, changed: list[int]) -> Any:
    now = value if type(value) is bytearray else bytearray()
    (data,) = picture.parts
    now[:] = data
    return now


def _give_frames(value: Any, picture: Frames, changed: list[int]) -> Any:
    now = value
    if type(now) not in (bytearray, Pages) or len(now) != picture.size:
        now = bytearray(picture.size)
    same = now.startswith
    for n in _doubtful(now, picture):
        at, frame = n * FRAME, picture.frames[n]
        if not same(frame, at):
            now[at : at + len(frame)] = frame  # the same length: views of it stay valid
            changed.append(n)
    if type(now) is Pages:
        now.keep(picture)
    return now


def _doubtful(value: bytearray, picture: Frames) -> Iterable[int]:
    """The frames that may differ from ``picture``."""
    if type(value) is Pages and value.writers and value.pictured is not None:
        known = value.pictured.frames
        other = compress(range(len(known)), map(is_not, known, picture.frames))
        return sorted(value.changed.union(other))
    return range(len(picture.frames))


_TAKE: dict[type, Callable[[Any, Any], Any]] = {
    list: _take_sequence,
    tuple: _take_tuple,
    deque: _take_sequence,
    set: _take_sequence,
    dict: _take_dict,
    bytearray: _take_bytearray,
    Pages: _take_pages,
    FunctionType: _take_function,
}
_GIVE: dict[type, Callable[[Any, Frozen, list[int]], Any]] = {
    list: _give_list,
    tuple: _give_tuple,
    deque: _give_deque,
    set: _give_set,
    dict: _give_dict,
    bytearray: _give_bytearray,
}
