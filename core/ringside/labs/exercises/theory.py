"""Tasks of the labs about the theory: classes of instructions, three properties, emulation; and
of the two that compare techniques."""

from __future__ import annotations

from typing import Any

from ..lab import Choice
from ..tasks import Case, Found, Task, every
from ..words.rings import RINGS as NAMES
from ..words.tasks import THEORY as SAYS
from .finders import Unanswered, counted, row, same, techniques

INNOCUOUS, PRIVILEGED, OFFENDER = "innocuous", "privileged", "offender"
LONG = 2_000  # experiments


def _class(run: Any, case: Case) -> Found:
    """Examined until the instruction's first encoding is decided."""
    for step in range(1, LONG):
        run.seek(step)
        experiment = run.experiment
        if experiment is not None and experiment.final and (
                experiment.finding.mnemonic == case["insn"]):
            kind = (PRIVILEGED if experiment.privileged
                    else OFFENDER if experiment.sensitive else INNOCUOUS)
            return Found(kind, step)
    raise Unanswered(case["insn"])


def _offenders(run: Any, case: Case) -> Found:
    """The first so many encodings, in the order of the laboratory."""
    decided, offenders, last = 0, 0, 0
    for step in range(1, LONG):
        run.seek(step)
        experiment = run.experiment
        if experiment is None or decided == int(case["count"]):
            break
        if experiment.final:
            decided += 1
            last = step
            offenders += experiment.sensitive and not experiment.privileged
    return Found(offenders, last)


def _measurement(run: Any, subject: str, what: str) -> tuple[int, Any]:
    """The step of a measurement, and what is found in it."""
    from ..measuring import PLAN

    for step, measurement in enumerate(PLAN, 1):
        if (measurement.subject.id, measurement.what) == (subject, what):
            return step, measurement.make(run.guest)
    raise Unanswered(f"{subject} {what}")


def _sees(run: Any, case: Case) -> Found:
    step, found = _measurement(run, case["subject"], "hostile_spy")
    return Found("yes" if found.seen else "no", step, {"count": found.seen})


def _direct(run: Any, case: Case) -> Found:
    step, found = _measurement(run, case["subject"], "efficiency")
    return Found(found.direct, step, {"steps": found.steps, "exits": found.exits})


STRICT = ("trap-and-emulate", "binary-translation", "hardware-assist")


def _unequal(run: Any, case: Case) -> Found:
    for id in STRICT:
        step, found = _measurement(run, id, "equivalence")
        if not found.holds:
            return Found(id, step)
    return Found("none", step)


def _first_apart(run: Any, case: Case) -> Found:
    """The lane that differs from bare metal after the fewest guest steps, if any does."""
    run.seek(run.last)
    parted = [(lane.difference.guest_step, lane.technique) for lane in run.lanes
              if lane.difference]
    if not parted:
        return Found("none", run.last)
    step, id = min(parted)
    return Found(id, step)


def _exits(run: Any, case: Case) -> Found:
    run.seek(int(case["count"]))
    (lane,) = (lane for lane in run.lanes if lane.technique == case["lane"])
    return Found(sum(lane.exits.values()), run.step)


def _dearest(run: Any, case: Case) -> Found:
    run.seek(int(case["count"]))
    lanes = run.view("en").lanes
    dear = max(lanes, key=lambda lane: lane.cycles)
    return Found(dear.key, run.step, {"cycles": dear.cycles_text})


def _faster_from(run: Any, case: Case) -> Found:
    """The first generation on which a hardware VMM, with EPT where there is EPT, is faster."""
    for step, (processor, cycles) in enumerate(run.points, 1):
        hardware = cycles.get("nested", cycles["hardware"])
        if min(hardware, cycles["hardware"]) < cycles["software"]:
            return Found(processor.id, step)
    return Found("never", run.last)


def _faster(run: Any, case: Case) -> Found:
    run.seek(0)
    name = case["guest"].removeprefix("nano_")
    cycles = {one.system: (step, one.cycles) for step, one in enumerate(run.found, 1)
              if one.benchmark == name}
    best = min(("software", "hardware"), key=lambda system: cycles[system][1])
    return Found(best, cycles["hardware"][0], {
        name: round(cycles[name][1]) for name in ("software", "hardware")})


NONE = Choice("none", SAYS["none"])
YES_NO = (Choice("yes", SAYS["yes"]), Choice("no", SAYS["no"]))

CLASSIFICATION: tuple[Task, ...] = (
    Task("class", SAYS["class"], SAYS["class.why"], _class,
         every(insn=("popf", "sgdt", "hlt", "smsw", "cli", "str", "lgdt", "cpuid", "pushf"),
               isa=("ia32", "ia32-umip")),
         tuple(Choice(name, SAYS[f"class.{name}"]) for name in (
             PRIVILEGED, OFFENDER, INNOCUOUS)),
         {name: same(name.upper()) for name in (
             "popf", "sgdt", "hlt", "smsw", "cli", "str", "lgdt", "cpuid", "pushf")}),
    Task("offenders", SAYS["offenders"], SAYS["offenders.why"], _offenders,
         every(count=("10", "20", "30", "40"), isa=("ia32", "ia32-umip"))),
)

PROPERTIES: tuple[Task, ...] = (
    Task("spy", SAYS["spy"], SAYS["spy.why"], _sees,
         every(subject=("trap-and-emulate", "hardware-assist", "paravirtualization",
                        "binary-translation", "emulation")),
         YES_NO, {name.removeprefix("technique."): title for name, title in NAMES.items()
                  if name.startswith("technique.") and not name.endswith(".note")}),
    Task("unequal", SAYS["unequal"], SAYS["unequal.why"], _unequal,
         every(guest=("popf", "system_call", "cli_sti", "port_io")),
         (*techniques(*STRICT), NONE)),
    Task("direct", SAYS["direct"], SAYS["direct.why"], _direct,
         every(subject=("hardware-assist", "emulation", "trap-and-emulate"),
               guest=("popf", "system_call", "port_io")),
         titles={id: NAMES[f"technique.{id}"] for id in (
             "hardware-assist", "emulation", "trap-and-emulate")}),
)

def _carried_out(run: Any, case: Case) -> Found:
    run.seek(60_000)
    return Found(row(run, "counts", "direct"), run.step, {"count": row(run, "counts", "emulated")})


EMULATED: tuple[Task, ...] = (
    Task("happenings", SAYS["happenings"], SAYS["happenings.why"],
         lambda run, case: counted(case["what"])(run, case),
         every(what=("exception", "syscall", "interrupt"), guest=("tour",)),
         titles={name: SAYS[f"what.{name}"] for name in ("exception", "syscall", "interrupt")}),
    Task("direct", SAYS["by-itself"], SAYS["by-itself.why"], _carried_out,
         every(guest=("primes", "tour"))),
)

LANES = ("emulation", "trap-and-emulate", "binary-translation", "paravirtualization",
         "hardware-assist")

COMPARE: tuple[Task, ...] = (
    Task("first-apart", SAYS["first-apart"], SAYS["first-apart.why"], _first_apart,
         every(guest=("popf", "rings", "system_call")), (*techniques(*LANES), NONE)),
    Task("exits", SAYS["lane-exits"], SAYS["lane-exits.why"], _exits,
         every(lane=("trap-and-emulate", "hardware-assist", "paravirtualization",
                     "binary-translation"),
               guest=("popf", "cli_sti", "port_io"), count=("100", "200")),
         titles={id: NAMES[f"technique.{id}"] for id in LANES}),
    Task("dearest", SAYS["dearest"], SAYS["dearest.why"], _dearest,
         every(preset=("prescott", "haswell"), guest=("rings", "port_io", "popf"), count=("100",)),
         techniques(*LANES)),
)

NANO = ("nano_pgfault", "nano_ptemod", "nano_in", "nano_syscall")

FASTEST: tuple[Task, ...] = (
    Task("since", SAYS["since"], SAYS["since.why"], _faster_from,
         every(guest=NANO, technique=("generations",), rest=("same", "half")),
         (Choice("prescott", SAYS["prescott"]), Choice("merom", SAYS["merom"]),
          Choice("penryn", SAYS["penryn"]), Choice("westmere", SAYS["westmere"]),
          Choice("sandy-bridge", SAYS["sandy-bridge"]), Choice("never", SAYS["never"]))),
    Task("faster", SAYS["faster"], SAYS["faster.why"], _faster,
         every(guest=(*NANO, "nano_divzero", "nano_callret", "nano_cr8wr"),
               technique=("figures",), preset=("prescott", "westmere")),
         (Choice("software", SAYS["software"]), Choice("hardware", SAYS["hardware"]))),
)
