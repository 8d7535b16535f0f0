"""Sentences about VM exits and the VMCS, from the exit's reason and qualification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..isa.faults import VECTOR_NAMES
from ..isa.registers import NAMES32
from ..machine.interrupts import PAGE_FAULT
from ..machine.paging import ERROR_PRESENT, ERROR_USER, ERROR_WRITE
from ..machine.vmx import controls as bits
from ..machine.vmx import fields as f
from ..machine.vmx import reasons
from ..machine.vmx.operation import ERRORS as CHECKS
from ..trace import events as ev
from .words.say import plain
from .words.vmx_errors import ERRORS, NO_VMCS, problem
from .words.vtx_steps import VTX_STEPS

Spoken = tuple[str, dict[str, object]]
CR_KINDS = ("cr.to", "cr.from", "cr.clts", "cr.lmsw")


def tell_exit(event: ev.VmExited, events: Sequence[ev.Event], lang: str) -> Spoken:
    """Why the guest was left, by the number of the basic exit reason."""
    number = event.reason & 0xFFFF
    read = {one.field: one.value for one in events if isinstance(one, ev.VmcsRead)}
    what = event.qualification
    facts: dict[str, object] = {
        "number": number, "reason": reasons.REASONS[number], "qualification": _hexa(what),
        "name": VECTOR_NAMES.get(event.event & 0xFF, "?"), "address": _hexa(what),
        "physical": _hexa(read.get(f.GUEST_PHYSICAL, 0)),
        "detail": _details(number, what, lang), "why": plain(problem(event.why), lang),
    }
    key = f"exit.{number}"
    error = read.get(f.EXIT_ERROR, 0)
    if number == reasons.EXCEPTION and event.event & 0xFF == PAGE_FAULT and error & ERROR_PRESENT:
        # A write of ring 3 may as well meet a page of the kernel's: the code does not tell which.
        key += ".denied" if error & ERROR_USER or not error & ERROR_WRITE else ".readonly"
    return (key if key in VTX_STEPS else "exit"), facts


def _details(number: int, what: int, lang: str) -> str:
    if number == reasons.CR_ACCESS:
        facts: dict[str, object] = {
            "number": what & 15, "register": NAMES32[what >> 8 & 7].upper()}
        return plain(VTX_STEPS[CR_KINDS[what >> 4 & 3]], lang, facts)
    if number == reasons.IO_INSTRUCTION:
        size = plain(VTX_STEPS[f"bytes.{(what & 7) + 1}"], lang)
        facts = {"port": f"{what >> 16 & 0xFFFF:#x}", "size": size}
        kind = "io.string" if what >> 4 & 1 else "io.in" if what >> 3 & 1 else "io.out"
        return plain(VTX_STEPS[kind], lang, facts)
    return ""


def tell_failed(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    """Why a VMX instruction failed, and how it tells so."""
    insn = event.mnemonic.upper()
    if event.error:
        return "vmxfail", {
            "insn": insn, "error": event.error, "name": ERRORS[event.error][0],
            "what": _wrong(event.error, event.why, lang)}
    why = event.why.removeprefix(NO_VMCS[0]).removeprefix(": ")
    error = next((number for number, said in CHECKS.items() if said == why), 0)
    what = _wrong(error, why, lang) if error else plain(problem(why) if why else NO_VMCS, lang)
    return "vmxfail.invalid", {"insn": insn, "what": what}


def failure(event: ev.VmxFailed) -> tuple[str, str]:
    """A failed VMX instruction in the manual's own terms, and the flag that tells of it."""
    return (f"VMfailValid({event.error})", "ZF = 1") if event.error else ("VMfailInvalid", "CF = 1")


def _wrong(error: int, why: str, lang: str) -> str:
    return plain(ERRORS[error][1], lang, {"why": plain(problem(why), lang)})


def tell_written(event: Any, events: Sequence[ev.Event], lang: str) -> Spoken:
    """What the VMM is up to, from the fields it writes and nothing else.

    A guest on the bare machine that is a VMM itself writes one field with each instruction.
    """
    if event.context != "vmm":
        return "vmcs.write", {
            "name": f.BY_ENCODING[event.field & ~1].name, "value": _hexa(event.after)}
    written = {one.field: one.after for one in events if isinstance(one, ev.VmcsWritten)}
    asked = written.get(f.ENTRY_INTERRUPTION, 0)
    if asked & bits.VALID:
        vector = asked & 0xFF
        name = VECTOR_NAMES.get(vector, f"INT {vector:#x}")
        return "assist.asked", {"name": name}
    if written.get(f.PRIMARY_CONTROLS, 0) & bits.INTERRUPT_WINDOW:
        return "assist.window", {}
    return "run.vmm", {}


def _hexa(value: int) -> str:
    return f"{value & 0xFFFF_FFFF:08x}"
