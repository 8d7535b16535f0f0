"""What just happened in the pool, in one or two plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..trace.events import Event
from .words.pool import POOL
from .words.say import Segment, decimal, segments

# Which events of a step are told, the most important first, and how many of them at most.
ORDER = (
    "tax", "stall", "inflate", "deflate", "share", "sample", "level", "swapout", "spared", "swapin",
    "double", "copy", "allocate", "work",
)
MOST = 2
FEW = 4
BETTER = {("hard", "soft"), ("low", "soft"), ("low", "hard")}
HELPED = ("allocate", "copy", "swapin")  # where a guest cannot go on without the host
SUMMED = {*HELPED, "work", "guestdisk", "double", "share"}


def sentence(events: Sequence[Event], lang: str, ballooning: bool, total: int) -> list[Segment]:
    """The step's events in words; ``total`` frames make 100 %."""
    if _is_summary(events):
        return _worked(events, lang)
    told: list[list[Segment]] = []
    for kind in ORDER:
        found = [event for event in events if event.kind == kind]
        if found and len(told) < MOST and not (kind == "work" and told):
            told.append(_SPEAKERS[kind](found, lang, ballooning, total, events))
    joined: list[Segment] = []
    for part in told:
        joined += [{"text": " "}, *part] if joined else part
    return joined


def _is_summary(events: Sequence[Any]) -> bool:
    """Whether this is a round's rest: what the VMs did nearly without the host."""
    kinds = {event.kind for event in events}
    return "work" in kinds and kinds <= SUMMED and (
        sum(event.kind == "work" for event in events) > 1
        or all(event.count <= FEW for event in events if event.kind in HELPED))


def _each(found: Sequence[Any], text: Callable[[Any], str]) -> str:
    return ", ".join(f"{event.vm} {text(event)}" for event in found)


def _counted(found: Sequence[Any], lang: str, *_: Any) -> list[Segment]:
    first = found[0]
    return segments(POOL[first.kind], lang, {
        "vm": getattr(first, "vm", ""), "count": first.count})


def _swapped(found: Sequence[Any], lang: str, *_: Any) -> list[Segment]:
    if len(found) == 1:
        return _counted(found, lang)
    return segments(POOL["swapout.many"], lang, {
        "list": _each(found, lambda event: str(event.count))})


def _fields(found: Sequence[Any], lang: str, *_: Any) -> list[Segment]:
    event = found[0]
    return segments(POOL[event.kind], lang, {
        name: getattr(event, name) for name in type(event).__slots__})


def _stalled(found: Sequence[Any], lang: str, *_: Any) -> list[Segment]:
    return segments(POOL[f"stall.{found[0].why}"], lang, {"vm": found[0].vm})


def _sampled(found: Sequence[Any], lang: str, *_: Any) -> list[Segment]:
    return segments(POOL["sample"], lang, {
        "sampled": found[0].sampled, "list": _each(found, lambda event: str(event.touched))})


def _level(
    found: Sequence[Any], lang: str, ballooning: bool, total: int, events: Sequence[Event]
) -> list[Segment]:
    event = found[0]
    key = f"level.to.{event.after}"
    if event.after == "soft" and not ballooning:
        key += ".nodriver"
    if (event.before, event.after) in BETTER:
        key = "level.better"
    percent = decimal(f"{100 * event.count / total:.1f}", lang)
    return segments(POOL[key], lang, {"count": event.count, "percent": percent})


def _tax(found: Sequence[Any], lang: str, *_: Any) -> list[Segment]:
    event = found[0]
    k = decimal(f"{100 / (100 - event.count):g}", lang)
    return segments(POOL["tax.changed"], lang, {
        "before": event.before, "count": event.count, "k": k})


def _worked(events: Sequence[Any], lang: str, *_: Any) -> list[Segment]:
    """A round's work that was, all in all, done without the host."""
    works = [event for event in events if event.kind == "work"]
    facts: dict[str, object] = {"list": _each(works, lambda event: f"{event.count}")}
    few = sum(event.count for event in events if event.kind in HELPED)
    disk = [event for event in events if event.kind == "guestdisk"]
    if few:
        return segments(POOL["worked.few"], lang, {**facts, "few": few})
    if disk:
        return segments(POOL["worked.disk"], lang, {
            **facts, "disk": _each(disk, lambda event: str(event.count))})
    return segments(POOL["worked"], lang, facts)


_SPEAKERS: dict[str, Callable[..., list[Segment]]] = {
    "tax": _tax, "stall": _stalled, "inflate": _fields, "deflate": _counted, "share": _fields,
    "sample": _sampled, "level": _level, "swapout": _swapped, "spared": _counted,
    "swapin": _counted, "double": _counted, "copy": _counted, "allocate": _counted,
    "work": _worked,
}
