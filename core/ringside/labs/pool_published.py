"""What Waldspurger published of the behaviour a story shows, with the story's own figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ringside.host.memory import published as paper

from .pool_moments import Moment
from .words.pool import POOL
from .words.say import Segment, pick, segments


def published_panel(guest: str, moments: Sequence[Moment], lang: str) -> list[dict[str, Any]]:
    """For the stories there is a published figure of; ``moments`` up to the one shown."""
    if guest not in FIGURES:
        return []
    return [{"id": "published", "kind": "text", "title": pick(POOL["panel.published"], lang),
             "segments": FIGURES[guest](moments, lang)}]


def _tax(moments: Sequence[Moment], lang: str) -> list[Segment]:
    """Memory of the idle and the busy VM, before the tax and now."""
    spoken = segments(POOL["published.tax"], lang, {"gain": f"{paper.TAX_GAIN:.0f}"})
    at = next((number for number, moment in enumerate(moments)
               if any(event.kind == "tax" for event in moment.events)), None)
    key = "here.tax"
    if at is None:
        at, key = len(moments) - 1, "here.notax"
    (idle, busy), (idle_now, busy_now) = moments[max(at - 1, 0)].vms, moments[-1].vms
    facts = {"idle": round(idle.charge), "busy": round(busy.charge),
             "idle_now": round(idle_now.charge), "busy_now": round(busy_now.charge)}
    return [*spoken, {"text": " "}, *segments(POOL[key], lang, facts)]


def _sharing(moments: Sequence[Moment], lang: str) -> list[Segment]:
    """How much of the VMs' memory one frame serves for several, now."""
    now = moments[-1]
    pages = sum(len(vm.tiles) for vm in now.vms)
    spoken = segments(POOL["published.sharing"], lang, {
        "one": f"{paper.SHARED_OF_ONE:g}", "ten": f"{paper.SHARED_OF_TEN:.0f}",
        "reclaimed": f"{paper.RECLAIMED_OF_TEN:.0f}"})
    facts = {"saved": now.saved, "share": f"{100 * now.saved / pages:.0f}", "pages": pages,
             "vms": len(now.vms)}
    return [*spoken, {"text": " "}, *segments(POOL["here.sharing"], lang, facts)]


FIGURES: dict[str, Callable[[Sequence[Moment], str], list[Segment]]] = {
    "idle": _tax,
    "like": _sharing,
}
