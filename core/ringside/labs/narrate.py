"""From the events of one step to one plain sentence.

A step may cause several events; the sentence is about the one that matters most to a reader.
Each kind has one small function that names its message and the facts to put in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..isa.faults import VECTOR_NAMES
from ..trace import events as ev
from ..vmm.exits import CALLOUT
from ..vmm.paravirt.abi import UNKNOWN
from .tell_exits import tell_exit, tell_failed, tell_written
from .words.outcome_details import detail
from .words.say import Segment, pick, plain, segments
from .words.steps import CAUSES, OUTCOMES, REASONS, REFUSALS, STEPS, WHO

Spoken = tuple[str, dict[str, object]]

# What a reader wants to hear first when one step caused several events.
PRIORITY: tuple[type[ev.Event], ...] = (
    ev.Diverged, ev.Denied, ev.Crashed, ev.DeadlineMissed, ev.FlagIgnored, ev.Hypercalled,
    ev.Emulated, ev.Upcalled, ev.Injected, ev.Interpreted, ev.NestedFilled,
    ev.ShadowFilled, ev.Blocked, ev.DeadlineMet, ev.Scheduled, ev.VmmEntered, ev.Resumed,
    ev.VmcsWritten, ev.SystemCalled, ev.InterruptDelivered, ev.FaultRaised, ev.Revealed, ev.Halted,
    ev.VmxFailed, ev.VmExited, ev.VmEntered, ev.ConsoleWritten, ev.PortWritten, ev.PortRead,
    ev.RingChanged, ev.ControlWritten, ev.Woken, ev.Retired,
)  # fmt: skip


def principal(events: Sequence[ev.Event]) -> ev.Event | None:
    """The event a reader should hear of, or None when nothing was seen."""
    for kind in PRIORITY:
        for event in events:
            if type(event) is kind:
                return event
    return None


def hexa(value: int, digits: int = 8) -> str:
    """A hexadecimal number as the pages show it: lower case, no prefix, fixed width."""
    return f"{value & (16**digits - 1):0{digits}x}"


def vector_name(vector: int, error: int = -1) -> str:
    """``#GP(0)``, ``#PF(4)``, ``IRQ 0`` … for a vector and its error code (-1: none)."""
    name = VECTOR_NAMES.get(vector, f"INT {vector:#x}")
    return f"{name}({error:x})" if error >= 0 and vector in VECTOR_NAMES else name


def sentence(
    events: Sequence[ev.Event], lang: str, *, insn: str = "", nothing: str = "",
    paging: bool = True, shutdown: bool = False, eax: int = 0,
) -> list[Segment]:
    """The sentence for ``events``; ``insn`` is the text of the instruction they are about.

    ``nothing`` says why there was no instruction. ``paging`` tells whether the guest has switched
    paging on, ``shutdown`` whether its processor shut down in this step; ``eax`` was in EAX before.
    """
    if shutdown:
        key, facts = _shutdown(events, lang)
        return segments(STEPS[key], lang, {"insn": insn, "nothing": nothing, **facts})
    event = principal(events)
    if event is None:
        return segments(STEPS["run.vmm"], lang)
    key, facts = _SPEAKERS[type(event)](event, events, lang)
    facts.setdefault("number", eax)
    unfit = getattr(event, "vector", -1) in NO_INSTRUCTION
    if nothing and unfit and f"{key}.nothing" in STEPS:
        key, facts["nothing"] = f"{key}.nothing", nothing
    if not paging and f"{key}.unpaged" in STEPS:
        key = f"{key}.unpaged"
    text = getattr(event, "text", "") if isinstance(event, ev.Retired) else ""
    facts.setdefault("insn", insn or text or str(getattr(event, "mnemonic", "")).upper())
    return segments(STEPS[key], lang, facts)


def outcome_words(kind: str, lang: str, **facts: object) -> str:
    """How a run ended, in plain words; a ``detail`` in the words of the machine."""
    message = OUTCOMES.get(kind)
    if facts.get("detail"):
        facts["detail"] = pick(detail(str(facts["detail"])), lang)
    return plain(message, lang, facts) if message else kind


def reason(why: str, lang: str) -> str:
    """Why something was decided, in the reader's language."""
    return pick(REASONS.get(why) or detail(why), lang)


def _who(event: ev.Event, lang: str) -> dict[str, object]:
    return {"who": plain(WHO[event.context], lang), "context": event.context}


def _find(events: Sequence[ev.Event], kind: type[ev.Event]) -> Any:
    return next((event for event in events if type(event) is kind), None)


def _retired(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    key = {"cli": "run.cli", "sti": "run.sti"}.get(event.mnemonic, f"run.{event.context}")
    return (key if key in STEPS else "run.kernel"), {}


def _entered(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    exited = _find(events, ev.VmExited)
    if exited is not None:
        return tell_exit(exited, events, lang)
    fault = _find(events, ev.FaultRaised)
    mnemonic = fault.mnemonic if fault else ""
    ring = event.ring
    facts: dict[str, object] = {
        "ring": ring,
        "name": vector_name(event.vector, event.error),
        "who": plain(WHO["app" if ring == 3 else "kernel"], lang),
        "context": "app" if ring == 3 else "kernel",
        "eip": hexa(event.eip),
    }
    if event.vector == 14:
        facts["address"] = hexa(fault.address) if fault else "?"
        return "trap.page", facts
    if event.reason.startswith(HYPERCALL):
        call = event.reason.removeprefix(HYPERCALL)
        return ("trap.hypercall" if call != UNKNOWN else "trap.hypercall.unknown"), {
            "call": call, **facts}
    if event.reason in CALLOUTS:
        return "trap.callout", facts
    if fault is None and event.reason in ("interrupt", "budget", "timer"):
        return "trap.interrupt", facts
    return _TRAPS.get(mnemonic, "trap"), facts


NO_INSTRUCTION = frozenset({6, 13})  # what undecodable bytes, and too many of them, raise
CALLOUTS = frozenset({CALLOUT, "adapted callout"})
HYPERCALL = "hypercall "  # how the exit reasons of a paravirtual guest begin

_TRAPS = {
    "cli": "trap.cli", "sti": "trap.sti", "hlt": "trap.hlt", "in": "trap.io", "out": "trap.io",
    "ins": "trap.io", "outs": "trap.io", "insb": "trap.io", "outsb": "trap.io",
    "iret": "trap.iret", "iretd": "trap.iret", "int": "trap.int",
    **dict.fromkeys(
        ("pushf", "popf", "sgdt", "sidt", "sldt", "str", "smsw", "lar", "lsl", "verr", "verw"),
        "trap.sensitive"),
}  # fmt: skip


def _emulated(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    if _find(events, ev.VmcsWritten) is not None:
        return _assisted(event, lang)
    injected = _find(events, ev.Injected)
    if event.mnemonic == "int" and injected is not None:  # what came of it tells more
        return _injected(injected, events, lang)
    facts: dict[str, object] = {
        "register": event.register,
        "before": _amount(event.register, event.before),
        "after": _amount(event.register, event.after),
    }
    key = f"emulate.{event.why}" if event.why else _EMULATIONS.get(event.mnemonic)
    if key is None:
        key = "emulate.changed" if event.register else "emulate"
    return key, facts


_EMULATIONS = {
    "cli": "emulate.cli", "sti": "emulate.sti", "hlt": "emulate.hlt", "iret": "emulate.iret",
    "iretd": "emulate.iret", "in": "emulate.io", "out": "emulate.io",
}  # fmt: skip


def _amount(register: str, value: int) -> str:
    return str(value) if register.lower() in ("if", "cpl", "iopl") else hexa(value)


def _chain(events: Sequence[ev.Event], kind: type[ev.FaultRaised] | type[ev.Injected]) -> list[str]:
    """The exceptions of one step, each raised by the delivery of the one before."""
    return [vector_name(event.vector, event.error) for event in events if isinstance(event, kind)]


def _shutdown(events: Sequence[ev.Event], lang: str) -> Spoken:
    """A triple fault: which exceptions could not be delivered, as far as somebody told."""
    raised = _chain(events, ev.FaultRaised)
    first = _find(events, ev.FaultRaised)
    if first is not None and _find(events, ev.VmmEntered) is None:
        return "shutdown.raised", {
            "name": raised[0], "eip": hexa(first.eip), "chain": " → ".join(raised)}
    tried = _chain(events, ev.Injected)
    if len(tried) > 1:
        return "shutdown.tried", {"chain": " → ".join(tried)}
    return ("shutdown.delivery" if tried else "shutdown.exit"), {}


def _fault(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    chain = _chain(events, ev.FaultRaised)
    if len(chain) > 1:
        return "fault.chain", {
            "name": chain[0], "eip": hexa(event.eip), "chain": " → ".join(chain[1:])}
    if event.vector == 14:
        return "fault.page", {"address": hexa(event.address)}
    facts: dict[str, object] = {
        "name": vector_name(event.vector, event.error),
        "eip": hexa(event.eip),
    }
    return "fault", facts


def _ring(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    cause = CAUSES.get(event.cause)
    facts: dict[str, object] = {
        "before": event.before,
        "after": event.after,
        "cause": plain(cause, lang) if cause else event.cause.upper(),
    }
    return ("ring.out" if event.after > event.before else "ring.in"), facts


def _port(key: str) -> Callable[[Any, Sequence[ev.Event], str], Spoken]:
    def speak(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
        facts = _who(event, lang)
        facts.update(port=f"{event.port:#x}", value=f"{event.value:#x}", device=event.device)
        return key, facts

    return speak


def _silent(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    facts: dict[str, object] = {
        "mnemonic": event.mnemonic.upper(),
        "flag": event.flag.upper(),
        "wanted": event.wanted,
        "kept": event.kept,
        "ring": 3 if event.context == "app" else 1,
    }
    return "silent", facts


def _injected(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    chain = _chain(events, ev.Injected)
    if len(chain) > 1:
        return "inject.chain", {"chain": " → ".join(chain), "name": chain[-1]}
    if _find(events, ev.VmEntered) is not None:
        return "entry.inject", {
            "name": vector_name(event.vector, event.error), "handler": hexa(event.handler)}
    key = "inject.int" if event.vector >= 0x80 else "inject"
    facts: dict[str, object] = {
        "name": vector_name(event.vector, event.error),
        "handler": hexa(event.handler),
    }
    return key, facts


def _assisted(event: Any, lang: str) -> Spoken:
    """Hardware assist: what the VMM did for the instruction goes into the VMCS."""
    if event.mnemonic == "hlt":
        return "emulate.hlt", {}
    if event.mnemonic in ("in", "out"):
        return "assist.io", {"register": event.register}
    if not event.register:
        return "assist.emulate", {}
    return "assist.changed", {
        "register": event.register, "before": _amount(event.register, event.before),
        "after": _amount(event.register, event.after)}


def _resumed(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    facts: dict[str, object] = {"ring": event.ring, "eip": hexa(event.eip)}
    entered = _find(events, ev.VmEntered)
    if entered is None:
        return "resume", facts
    return ("entry.launch" if entered.launched else "entry"), facts


def _vm_entered(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    """An entry that a guest makes, being a VMM itself on the bare machine."""
    facts: dict[str, object] = {"ring": event.ring, "eip": hexa(event.eip)}
    return ("entry.launch" if event.launched else "entry"), facts


def _interpreted(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    facts: dict[str, object] = {"insn": event.text}
    port = _find(events, ev.PortWritten) or _find(events, ev.PortRead)
    if port is not None:
        return "interpret.io", {**facts, "port": f"{port.port:#x}", "device": port.device}
    if not event.register:
        return "interpret", facts
    facts.update(
        register=event.register, before=_amount(event.register, event.before),
        after=_amount(event.register, event.after))
    return "interpret.changed", facts


def refused_call(events: Sequence[ev.Event]) -> str:
    """The key of the sentence on a hypercall that was refused: of a batch, a part may be done."""
    done = (ev.EntryChanged, ev.TablesChecked, ev.ControlWritten)
    partly = any(isinstance(event, done) for event in events)
    return "hypercall.refused.partly" if partly else "hypercall.refused"


def _hypercalled(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    if event.result < 0:
        why = REFUSALS.get(event.result)
        return refused_call(events), {
            "call": event.name if event.name != UNKNOWN else str(event.number),
            "result": event.result, "why": plain(why, lang) if why else ""}
    key = f"hypercall.{event.name}"
    if event.name == "mmuext_op" and _find(events, ev.TablesChecked) is None:
        key += ".use" if _find(events, ev.ControlWritten) is not None else ".other"
    return (key if key in STEPS else "hypercall"), {"call": event.name}


def _upcalled(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    return ("upcall" if event.called else "upcall.held"), {"handler": hexa(event.handler)}


def _simple(
    key: str, *names: str, **hexed: int
) -> Callable[[Any, Sequence[ev.Event], str], Spoken]:
    """A speaker that copies the named fields; those in ``hexed`` as that many hex digits."""

    def speak(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
        facts: dict[str, object] = {name: getattr(event, name) for name in names}
        facts.update({name: hexa(getattr(event, name), n) for name, n in hexed.items()})
        return key, facts

    return speak


def _reasoned(speak: Callable[[Any, Sequence[ev.Event], str], Spoken]) -> Callable[
        [Any, Sequence[ev.Event], str], Spoken]:
    """The same speaker, with the event's reason in the reader's language."""

    def translated(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
        key, facts = speak(event, events, lang)
        facts["why"] = reason(event.why, lang)
        return key, facts

    return translated


def _syscall(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    return "syscall", {"number": event.number, "vector": f"{event.vector:#x}"}


def _control(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    if event.register == "if":
        return ("run.sti" if event.after else "run.cli"), {}
    facts: dict[str, object] = {"register": event.register.upper()}
    facts.update(before=hexa(event.before), after=hexa(event.after))
    return "run.control", facts


def _console(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    port = _find(events, ev.PortWritten)  # who made the device speak
    facts = _who(port or event, lang)
    facts["text"] = repr(event.text)
    return "console", facts


_SPEAKERS: Mapping[type[ev.Event], Callable[[Any, Sequence[ev.Event], str], Spoken]] = {
    ev.Diverged: _simple("diverge", "what", expected=8, found=8),
    ev.Denied: _reasoned(_simple("denied", "vm", "why", gva=8, gpa=8)),
    ev.DeadlineMissed: _simple("missed", "vm", "number", "latency"),
    ev.DeadlineMet: _simple("met", "vm", "number", "latency"),
    ev.FlagIgnored: _silent,
    ev.Revealed: lambda event, events, lang: (
        "revealed", {"mnemonic": event.mnemonic.upper(), "value": hexa(event.value)}),
    ev.Crashed: _simple("crash", "vm", "why"),
    ev.Emulated: _emulated,
    ev.Interpreted: _interpreted,
    ev.Hypercalled: _hypercalled,
    ev.Upcalled: _upcalled,
    ev.Injected: _injected,
    ev.ShadowFilled: _simple("shadow", gva=8, gpa=8, hpa=8),
    ev.Blocked: _simple("block", "vm"),
    ev.Scheduled: _reasoned(_simple("schedule", "vm", "why")),
    ev.VmmEntered: _entered,
    ev.Resumed: _resumed,
    ev.VmcsWritten: tell_written,
    ev.NestedFilled: _simple("nested.fill", gpa=8, hpa=8),
    ev.VmxFailed: tell_failed,
    ev.VmExited: tell_exit,
    ev.VmEntered: _vm_entered,
    ev.SystemCalled: _syscall,
    ev.InterruptDelivered: _simple("interrupt", "vector", eip=8),
    ev.FaultRaised: _fault,
    ev.Halted: _simple("halt"),
    ev.Woken: _simple("wake", "idle"),
    ev.ConsoleWritten: _console,
    ev.PortWritten: _port("run.out"),
    ev.PortRead: _port("run.in"),
    ev.ControlWritten: _control,
    ev.RingChanged: _ring,
    ev.Retired: _retired,
}  # fmt: skip
