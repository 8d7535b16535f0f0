"""The interpreter: one instruction, or one pending interrupt, per step.

Each instruction found in memory is bound once to the values its meaning asks for
(:mod:`~ringside.machine.binding`) and kept by physical address until its bytes are written. A step
is all-or-nothing: results are stored only after the last thing that can fault.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ringside.isa.decode import Truncated, decode
from ringside.isa.disassemble import format_insn
from ringside.isa.faults import GP, Fault
from ringside.isa.instruction import Insn
from ringside.isa.registers import CS, FLAG_TF
from ringside.machine.access import LONGEST, MASK
from ringside.machine.binding import Action, bind, repeated
from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.machine.vmx.reasons import VmExit
from ringside.trace.events import Retired

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu

class Prepared:
    """A decoded instruction bound to the CPU: ``run(cpu)`` carries it out and moves EIP."""

    __slots__ = ("big", "insn", "last", "length", "mnemonic", "run", "text", "text_at", "transfers")

    def __init__(self, insn: Insn, trap_sensitive: bool = False) -> None:
        self.insn = insn
        self.mnemonic = insn.mnemonic
        self.length = insn.length
        self.last = insn.length - 1
        self.big = insn.code_bits == 32
        self.transfers = insn.row.kind == "system"  # it may change more than values
        self.text = ""  # as disassembled at offset text_at
        self.text_at = -1
        if self.transfers:
            self.run: Action = lambda cpu: call_system(cpu, insn)
        elif insn.rep:
            self.run = repeated(insn, bind(insn))
        else:
            self.run = bind(insn)
        if trap_sensitive and insn.row.sensitive:
            self.run = only_in_ring_0(self.run)


@lru_cache(maxsize=512)
def prepare(code: bytes, bits: int, trap_sensitive: bool) -> Prepared:
    """Decode and bind the instruction at the start of ``code``; raises as ``decode`` does.

    For code that is not kept by its address: a VMM emulates the same few instructions all day.
    """
    return Prepared(decode(code, bits), trap_sensitive)


def only_in_ring_0(run: Action) -> Action:
    """Make a privileged instruction of any: outside ring 0 it raises #GP(0) and does nothing."""

    def guarded(cpu: Cpu) -> None:
        if cpu.cpl:
            raise GP(0)
        run(cpu)

    return guarded


def call_system(cpu: Cpu, insn: Insn) -> None:
    """Carry out a system instruction at ``cpu.eip``; a Fault puts the registers back."""
    regs, segs, eip, cpl = cpu.regs[:], cpu.segs[:], cpu.eip, cpu.cpl
    flags, inhibit = cpu.eflags, cpu.inhibit
    guest = cpu.intercepts
    cpu.at = eip
    cpu.eip = (eip + insn.length) & MASK
    try:
        if guest is not None and insn.row.exit:
            guest.consider(cpu, insn)
        insn.row.meaning(cpu, insn)
    except Exception:
        cpu.regs[:], cpu.segs[:], cpu.eip, cpu.inhibit = regs, segs, eip, inhibit
        cpu.eflags = flags
        cpu.set_cpl(cpl)
        raise


# -- fetching -----------------------------------------------------------------------------------


def fetch(cpu: Cpu) -> Prepared:
    """Find the instruction at CS:EIP; raises #GP, #PF or #UD."""
    cs, eip = cpu.segs[CS], cpu.eip
    if eip > cs.limit:
        raise GP(0)
    linear = (cs.base + eip) & MASK
    delta = cpu.rd.get(linear >> FRAME_SHIFT)
    hpa = linear + delta if delta is not None else cpu.translate(linear, False, cpu.cpl == 3, True)
    frame, offset = hpa >> FRAME_SHIFT, hpa & OFFSET_MASK
    found = cpu.decoded.get(frame)
    if found is not None:
        prepared = found.get(offset)
        if prepared is not None and prepared.big == cs.big and eip + prepared.last <= cs.limit:
            return prepared
    return decode_at(cpu, linear, hpa)


def decode_at(cpu: Cpu, linear: int, hpa: int) -> Prepared:
    """Decode the instruction at ``linear``, and remember it if it lies in one frame of RAM."""
    cs, bits = cpu.segs[CS], cpu.code_bits
    frame, offset = hpa >> FRAME_SHIFT, hpa & OFFSET_MASK
    allowed = min(LONGEST, cs.limit - cpu.eip + 1)
    here = min(allowed, FRAME - offset)
    code = cpu.memory.read_bytes(hpa, here)
    kept = cpu.memory.is_plain(frame)
    try:
        if kept:
            prepared = Prepared(decode(code, bits), cpu.trap_sensitive)
        else:
            return prepare(code, bits, cpu.trap_sensitive)
    except Truncated:
        if here < allowed:
            rest = cpu.translate((linear + here) & MASK, False, cpu.cpl == 3, True)
            code += cpu.memory.read_bytes(rest, allowed - here)
        try:
            return Prepared(decode(code, bits), cpu.trap_sensitive)
        except Truncated:
            raise GP(0) from None  # longer than 15 bytes, or beyond the limit of CS
    cpu.watch_frame(frame)
    cpu.decoded.setdefault(frame, {})[offset] = prepared
    return prepared


# -- stepping -----------------------------------------------------------------------------------


def step(cpu: Cpu) -> str:
    """Take one step; return why a run would stop here, or "".

    A step is one instruction (one iteration of a REP), the delivery of the fault it raised, or
    of a pending interrupt. Reasons: ``entry`` (control reached the monitor), ``halt`` (nothing
    to do until an interrupt; no step was taken), ``shutdown``.
    """
    if cpu.intercepts is not None:
        if cpu.intercepts.take_event(cpu):
            return stop_reason(cpu)
    elif cpu.interrupt_line and cpu.ready:
        cpu.take_interrupt()
        return stop_reason(cpu)
    if cpu.halted or cpu.shutdown:
        return "shutdown" if cpu.shutdown else "halt"
    held, cpu.inhibit = cpu.inhibit, False
    cpu.trapping = stepping = bool(cpu._eflags & FLAG_TF)
    tracer = cpu.tracer
    mnemonic = ""
    marked = cpu.marks.get(cpu.linear_eip, ()) if cpu.marks else ()
    try:
        prepared = cpu.fetched = fetch(cpu)
        mnemonic = prepared.mnemonic
        if tracer is None:
            prepared.run(cpu)
        else:
            eip, linear, context = cpu.eip, cpu.linear_eip, cpu.context
            prepared.run(cpu)
            if prepared.text_at != eip:
                prepared.text_at = eip
                prepared.text = format_insn(prepared.insn, eip)
            tracer(Retired(cpu.time, context, eip, linear, mnemonic, prepared.text))
    except Fault as fault:
        cpu.inhibit = held  # if this leaves a virtual machine, it is part of what is saved
        cpu.take_fault(fault, mnemonic)
        cpu.inhibit = False
        return stop_reason(cpu)
    except VmExit as exit:
        cpu.inhibit = held
        cpu.take_exit(exit)
        return stop_reason(cpu)
    # Loading SS holds the single-step trap back as well as interrupts; STI only the latter.
    if stepping and cpu.trapping and (not cpu.inhibit or mnemonic == "sti"):
        cpu.take_trap()
    cpu.time += 1
    for counter in marked:
        cpu.tally[counter] += 1
    return stop_reason(cpu) if stepping or prepared.transfers else ""


def stop_reason(cpu: Cpu) -> str:
    """Tell whether what just happened ends a run."""
    if cpu.shutdown:
        return "shutdown"
    return "entry" if cpu.monitor is not None and cpu.at_monitor else ""


def run(cpu: Cpu, limit: int) -> str:
    """Take up to ``limit`` steps; return the reason to stop, ``limit`` if there was none.

    ``cpu.stop``, set by a device during the run, ends it after the step. This is the plain
    loop; ``machine.engine`` does the same faster.
    """
    end = cpu.steps + limit
    while cpu.steps < end:
        reason = cpu.step() or cpu.stop
        if reason:
            return reason
    return "limit"
