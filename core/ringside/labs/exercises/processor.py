"""Tasks of the labs about one processor: rings, translation, paravirtualization, VT-x."""

from __future__ import annotations

from typing import Any

from ...trace import events as ev
from ...vmm.translation.readout import read_statistics, read_units
from ..lab import Choice, search
from ..tasks import Case, Found, Task, every
from ..words.tasks import PROCESSOR as SAYS
from .finders import FAR, Unanswered, counted, same, sought, words

SHORT = ("cli_sti", "rings", "popf", "hlt", "system_call", "page_fault", "port_io")
PORTED = ("cli_sti", "rings", "popf", "hlt", "system_call", "page_fault")
CALLOUT = "callout"


def _parting(run: Any, case: Case) -> Found:
    run.seek(0)
    if not search(run, "diverge"):
        raise Unanswered("no divergence")
    return Found(run.insn.partition(" ")[0], run.step)


def _ring(run: Any, case: Case) -> Found:
    """The first time the guest's kernel runs an instruction itself."""
    for step in range(1, 200):
        run.seek(step)
        if run.before is not None and any(
                isinstance(event, ev.Retired) and event.context == "kernel"
                for event in run.events):
            return Found(run.before.ring, step)
    raise Unanswered("the kernel never runs")


def _translated(run: Any, case: Case) -> Found:
    """At the last translation all units there ever are stand in the panel."""
    found = counted("translate")(run, case)
    run.seek(found.step)
    return Found(read_statistics(run.technique).translated, found.step)


FIVE = {"cli": "cli", "and": "and ebx, 0xfffff000", "cr3": "mov ebx, cr3", "sti": "sti",
        "ret": "ret"}


def _callout(run: Any, case: Case) -> Found:
    """The one line of the lecture's unit that is a callout, and the step in which it calls."""
    for far in (1, FAR):  # the story begins with the unit's first run
        run.seek(far)
        for unit in read_units(run.technique):
            kinds = {pair.text: pair.kind for pair in unit.pairs}
            if set(FIVE.values()) <= set(kinds):
                (id,) = (id for id, text in FIVE.items() if kinds[text] == CALLOUT)
                for step in until(run, "trap", FIVE[id]):
                    return Found(id, step, {"text": FIVE[id]})
    raise Unanswered("the lecture's unit is not translated")


def until(run: Any, kind: str, text: str) -> list[int]:
    """The first step of a kind that is about the instruction ``text``."""
    run.seek(0)
    while search(run, kind):
        if run.insn.startswith(text):
            return [run.step]
    return []


def _most(run: Any, case: Case) -> Found:
    run.seek(FAR)
    timeline = run.timeline_
    calls = {detail: count for (kind, detail), count in timeline.counts(timeline.last).items()
             if kind == "hypercall"}
    best = max(calls, key=lambda name: calls[name])
    return Found(best, sought(run, "hypercall", best), {"count": calls[best]})


def _reason(run: Any, case: Case) -> Found:
    """The exit that the instruction made, as the VMCS names its reason."""
    for step in until(run, "vmexit", case["insn"]):
        for event in run.events:
            if isinstance(event, ev.VmExited):
                return Found(event.reason & 0xFFFF, step)
    raise Unanswered(f"{case['insn']} does not exit")


RINGS: tuple[Task, ...] = (
    Task("traps", SAYS["traps"], SAYS["traps.why"], counted("trap"),
         every(guest=SHORT, technique=("trap-and-emulate", "hardware-assist"))),
    Task("parting", SAYS["parting"], SAYS["parting.why"], _parting,
         every(guest=("popf", "vtx_tour"), technique=("trap-and-emulate",)),
         words("cli", "sti", "pushf", "popf", "smsw", "hlt")),
    Task("ring", SAYS["ring"], SAYS["ring.why"], _ring,
         every(technique=("trap-and-emulate", "bare-metal", "hardware-assist",
                          "paravirtualization"), guest=("system_call", "rings"))),
)

TRANSLATION: tuple[Task, ...] = (
    Task("callout", SAYS["callout"], SAYS["callout.why"], _callout,
         every(guest=("lecture_bt",)),
         tuple(Choice(id, same(text)) for id, text in FIVE.items())),
    Task("units", SAYS["units"], SAYS["units.why"], _translated,
         every(guest=("system_call", "popf", "cli_sti", "self_modifying"))),
    Task("given-up", SAYS["given-up"], SAYS["given-up.why"], counted("discard"),
         every(guest=("self_modifying", "system_call", "cli_sti"))),
)

PARAVIRTUAL: tuple[Task, ...] = (
    Task("hypercalls", SAYS["hypercalls"], SAYS["hypercalls.why"], counted("hypercall"),
         every(guest=PORTED)),
    Task("often", SAYS["often"], SAYS["often.why"], _most,
         every(guest=("rings", "hlt", "system_call", "cli_sti")),
         tuple(Choice(name, same(name)) for name in (
             "set_gdt", "iret", "sched_op", "update_va_mapping", "set_trap_table"))),
    Task("refused", SAYS["refused"], SAYS["refused.why"], counted("hypercall"),
         tuple({"guest": "pv_hostile", "call": call, "detail": f"{call} refused"}
               for call in ("set_gdt", "set_trap_table", "mmuext_op", "update_va_mapping"))),
)

VTX: tuple[Task, ...] = (
    Task("reason", SAYS["reason"], SAYS["reason.why"], _reason,
         every(guest=("vtx_tour",), insn=("cpuid", "hlt", "vmcall", "rdtsc", "rdmsr", "out")),
         titles={name: same(name.upper()) for name in (
             "cpuid", "hlt", "vmcall", "rdtsc", "rdmsr", "out")}),
    Task("exits", SAYS["exits"], SAYS["exits.why"], counted("vmexit"),
         every(guest=("rings", "system_call", "page_fault", "hlt"),
               technique=("nested", "shadow"))),
    Task("own-faults", SAYS["own-faults"], SAYS["own-faults.why"], counted("vmexit"),
         every(technique=("shadow", "nested"), guest=("page_fault", "rings"), detail=("0",))),
)
