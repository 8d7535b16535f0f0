"""Tasks of the labs about memory, and of the phone."""

from __future__ import annotations

from typing import Any

from ..lab import Choice, search
from ..tasks import Case, Found, Task, every
from ..words.pool import POOL as POOLS
from ..words.tasks_memory import MEMORY as SAYS
from .finders import FAR, Finder, Unanswered, counted, each, reached, row

MAPPED, HEARD, EXIT, BROKEN = "done", "fault", "violation", "misconfiguration"


def _references(run: Any, case: Case) -> Found:
    """With nothing cached each step is one reference."""
    run.seek(FAR)
    return Found(run.last, run.last)


def _own(run: Any, case: Case) -> Found:
    steps = each(run, "guest")
    return Found(len(steps), steps[-1], {"last": run.last})


def _ending(run: Any, case: Case) -> Found:
    """What the last reference led to, as the timeline marks it."""
    run.seek(FAR)
    ends = [kind for step, kind in run.timeline()["marks"] if step == run.last]
    kind = ends[-1].partition(".")[0] if ends else MAPPED
    return Found(kind, run.last)


def _traced(run: Any, case: Case) -> Found:
    """The panel counts them; at the very end it compares all techniques besides, which takes
    long, and the last step writes to no table."""
    run.seek(FAR)
    run.seek(run.last - 1)
    value = row(run, "faults", "traced")
    return Found(value, reached(run, lambda: bool(row(run, "faults", "traced") == value))
                 if value else run.last)


def _stale(run: Any, case: Case) -> Found:
    """The number that was read through a translation the guest had already changed."""
    from ..shadow import fresh_console

    def printed() -> str:
        return "".join(letter for letter in run.system.console if letter.isdigit())

    fresh = fresh_console(case["guest"], case["cpu"])
    wrong, first = 0, 0
    for step in each(run, "console"):
        run.seek(step)
        shown = printed()
        now = sum(one != other for one, other in zip(shown, fresh, strict=False))
        if now > wrong:
            wrong, first = now, first or step
    return Found(wrong, first or run.last)


def _misses(run: Any, case: Case) -> Found:
    """The counters after so many accesses; switches between machines are steps, too."""
    count = int(case["count"])
    for step in range(count, 2 * count):
        run.seek(step)
        misses = row(run, "counters", "misses")
        if misses + row(run, "counters", "hits") == count:
            return Found(misses, step)
    raise Unanswered(f"{count} accesses")


def _times(kind: str) -> Finder:
    def find(run: Any, case: Case) -> Found:
        steps = each(run, kind)
        return Found(len(steps), steps[0] if steps else run.last, {"last": run.last})

    return find


NO_MATTER = 0.5  # per cent: less is shown as 0


def _gain(run: Any, case: Case) -> tuple[int, float]:
    """The cell of a rate in the map's first row, measured."""
    from ..nested_wins import RATES

    step = RATES[case["guest"]].index(int(case["rate"])) + 1
    while run.last < step:  # a few cells at a time
        run.seek(step)
    run.seek(step)
    return step, run.measured[step - 1].gain


def _winner(run: Any, case: Case) -> Found:
    step, gain = _gain(run, case)
    better = "nested" if gain >= NO_MATTER else "shadow" if gain <= -NO_MATTER else "neither"
    return Found(better, step)


def _percent(run: Any, case: Case) -> Found:
    step, gain = _gain(run, case)
    return Found(round(abs(gain)), step)


def _frees(run: Any, case: Case) -> Found:
    """At the end of the story: frames not needed because a page is shared, lent or on disk."""
    run.seek(FAR)
    now = run.moment
    freed = {"balloon": sum(vm.balloon for vm in now.vms), "sharing": now.saved,
             "disk": sum(vm.disk for vm in now.vms)}
    return Found(max(freed, key=lambda name: freed[name]), run.step, freed)


def _double(run: Any, case: Case) -> Found:
    run.seek(FAR)
    value = sum(vm.counts["double paged"] for vm in run.moment.vms)
    for step in range(run.step, -1, -1):
        run.seek(step)
        if any(event.kind == "double" for event in run.moment.events):
            return Found(value, step)
    return Found(value, run.last)


LEVELS = ("high", "soft", "hard", "low")


def _lowest(run: Any, case: Case) -> Found:
    run.seek(FAR)
    levels = [moment.level for moment in run.recorder.moments]
    worst = max(levels, key=LEVELS.index)
    return Found(worst, levels.index(worst))


def _at(run: Any, case: Case) -> int:
    """The last step by a time."""
    limit = int(case["ms"]) * 1000
    step = max(reached(run, lambda: bool(run.phone.time > limit)) - 1, 0)
    run.seek(step)
    return step


def _missed(run: Any, case: Case) -> Found:
    step = _at(run, case)
    radio = run.phone.radio
    return Found(radio.missed, step, {"met": radio.met})


def _switches(run: Any, case: Case) -> Found:
    step = _at(run, case)
    return Found(int(str(row(run, "facts", "switches")).replace("\u202f", "")), step)


def _refused(run: Any, case: Case) -> Found:
    run.seek(0)
    if not search(run, "denied"):
        raise Unanswered("nothing refused")
    (vm,) = {event.vm for event in run.events if event.kind == "denied"}
    return Found(vm, run.step)


WALKS: tuple[Task, ...] = (
    Task("references", SAYS["references"], SAYS["references.why"], _references,
         every(guest=("4-level", "5-level", "32-bit"), nested=("ept-4", "ept-5"),
               page=("4K", "2M"), host=("4K", "2M"), technique=("nested",))),
    Task("own", SAYS["own"], SAYS["own.why"], _own,
         every(guest=("4-level", "5-level"), page=("4K", "2M"), nested=("ept-4", "ept-5"))),
    Task("ending", SAYS["ending"], SAYS["ending.why"], _ending,
         every(address=("unmapped", "outside", "host-readonly", "readonly", "misconfigured",
                        "swapped"), access=("read", "write"), guest=("4-level",)),
         tuple(Choice(name, SAYS[f"ending.{name}"]) for name in (MAPPED, HEARD, EXIT, BROKEN))),
)

SHADOW: tuple[Task, ...] = (
    Task("faults", SAYS["faults"], SAYS["faults.why"], counted("trap", "#PF"),
         every(technique=("traced", "shadow", "cached"),
               cpu=("trap-and-emulate", "hardware-assist"))),
    Task("traced", SAYS["traced"], SAYS["traced.why"], _traced,
         every(technique=("traced", "shadow", "cached"), cpu=("trap-and-emulate",))),
    Task("stale", SAYS["stale"], SAYS["stale.why"], _stale,
         every(technique=("shadow", "traced", "cached"),
               cpu=("trap-and-emulate", "hardware-assist"), guest=("page_tables",))),
)

TLB: tuple[Task, ...] = (
    Task("misses", SAYS["misses"], SAYS["misses.why"], _misses,
         every(geometry=("4x4", "16x1", "1x16", "8x2"), policy=("fifo", "lru"),
               guest=("loop", "zipf"), machines=("1",), pages=("20", "12"), count=("40",))),
    Task("switching", SAYS["switching"], SAYS["misses.why"], _misses,
         every(technique=("flush", "vpid"), machines=("2", "4"), turn=("8", "24"),
               guest=("zipf",), pages=("6",), count=("60",))),
    Task("stale", SAYS["stale-uses"], SAYS["stale-uses.why"], _times("stale"),
         every(ipi=("forgotten", "sent"), guest=("shootdown",), technique=("vpid",))),
)

WINS: tuple[Task, ...] = (
    Task("winner", SAYS["winner"], SAYS["winner.why"], _winner,
         every(guest=("churn",), rate=("1000", "0"), caches=("on", "off"), page=("4K", "2M")),
         tuple(Choice(name, SAYS[f"winner.{name}"]) for name in ("nested", "shadow", "neither"))),
    Task("gain", SAYS["gain"], SAYS["gain.why"], _percent,
         every(guest=("churn",), rate=("3000", "1000"), page=("4K", "2M"), work=("100", "25"))),
)

POOL: tuple[Task, ...] = (
    Task("frees", SAYS["frees"], SAYS["frees.why"], _frees,
         every(guest=("turns", "idle", "like"), overcommit=("1.5", "2")),
         tuple(Choice(name, SAYS[f"frees.{name}"]) for name in ("balloon", "sharing", "disk"))),
    Task("lowest", SAYS["lowest"], SAYS["lowest.why"], _lowest,
         every(overcommit=("1.5", "1.25", "2"), guest=("turns", "idle", "like"),
               balloon=("on", "off")),
         tuple(Choice(name, POOLS[f"level.{name}"]) for name in LEVELS)),
    Task("double", SAYS["double"], SAYS["double.why"], _double,
         every(overcommit=("2",), guest=("turns", "idle", "like"), balloon=("on", "off"))),
)

PHONE: tuple[Task, ...] = (
    Task("missed", SAYS["missed"], SAYS["missed.why"], _missed,
         every(slice=("30", "5", "1"), technique=("round-robin",), frame=("gsm", "lte"),
               ms=("60", "70"))),
    Task("switches", SAYS["switches"], SAYS["switches.why"], _switches,
         every(technique=("round-robin", "fixed-priority"), slice=("5", "30"), frame=("gsm",),
               ms=("60",))),
    Task("refused", SAYS["refused"], SAYS["refused.why"], _refused,
         every(technique=("round-robin", "fixed-priority")),
         (Choice("radio", SAYS["world.radio"]), Choice("rich", SAYS["world.rich"]))),
)
