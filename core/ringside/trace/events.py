"""What happened: small immutable facts, known to every room and knowing none.

``time`` is the machine's deterministic clock (instructions retired plus idle time skipped) and
``context`` says who was running: ``app``, ``kernel``, ``vmm``, ``device`` or ``host``.
Fields are integers and strings only, so an event can be stored, compared and sent anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

CONTEXTS = ("app", "kernel", "vmm", "device", "host")


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: when, in whose context; the subclass says what."""

    kind: ClassVar[str] = "event"
    time: int
    context: str


@dataclass(frozen=True, slots=True)
class Retired(Event):
    """One instruction completed. ``eip`` is its offset, ``linear`` its linear address."""

    kind: ClassVar[str] = "retired"
    eip: int
    linear: int
    mnemonic: str
    text: str


@dataclass(frozen=True, slots=True)
class Interpreted(Event):
    """An emulator carried out one guest instruction; the processor never saw it.

    Like ``Retired`` it is told only to those who want every instruction. ``register`` names what
    it changed, from ``before`` to ``after``; it is empty where nothing changed but EIP and memory.
    """

    kind: ClassVar[str] = "retired"
    vm: str
    eip: int
    mnemonic: str
    text: str
    register: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class FaultRaised(Event):
    """The CPU raised an exception at ``eip``; ``error`` is -1 when the vector has none."""

    kind: ClassVar[str] = "fault"
    vector: int
    error: int
    eip: int
    address: int  # CR2 for a page fault, else -1
    mnemonic: str


@dataclass(frozen=True, slots=True)
class InterruptDelivered(Event):
    """A device interrupt was taken through the IDT."""

    kind: ClassVar[str] = "interrupt"
    vector: int
    eip: int


@dataclass(frozen=True, slots=True)
class SystemCalled(Event):
    """A software interrupt asked the kernel for service ``number`` (EAX)."""

    kind: ClassVar[str] = "syscall"
    vector: int
    number: int
    eip: int


@dataclass(frozen=True, slots=True)
class RingChanged(Event):
    """The current privilege level changed; ``cause`` is e.g. ``interrupt``, ``iret``, ``call``."""

    kind: ClassVar[str] = "ring"
    before: int
    after: int
    cause: str


@dataclass(frozen=True, slots=True)
class FlagIgnored(Event):
    """A flag an instruction tried to change stayed as it was, without a trap."""

    kind: ClassVar[str] = "silent"
    mnemonic: str
    flag: str
    wanted: int
    kept: int
    eip: int


@dataclass(frozen=True, slots=True)
class Revealed(Event):
    """An unprivileged instruction read privileged state of the real machine."""

    kind: ClassVar[str] = "revealed"
    mnemonic: str
    value: int
    eip: int


@dataclass(frozen=True, slots=True)
class ControlWritten(Event):
    """A control register (or IF, as ``if``) changed."""

    kind: ClassVar[str] = "control"
    register: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Halted(Event):
    """HLT stopped the processor until the next interrupt."""

    kind: ClassVar[str] = "halt"
    eip: int


@dataclass(frozen=True, slots=True)
class Woken(Event):
    """An interrupt ended a halt after ``idle`` ticks."""

    kind: ClassVar[str] = "wake"
    idle: int


@dataclass(frozen=True, slots=True)
class PortRead(Event):
    """IN: ``value`` came from ``port``."""

    kind: ClassVar[str] = "port"
    port: int
    width: int
    value: int
    device: str


@dataclass(frozen=True, slots=True)
class PortWritten(Event):
    """OUT: ``value`` went to ``port``."""

    kind: ClassVar[str] = "port"
    port: int
    width: int
    value: int
    device: str


@dataclass(frozen=True, slots=True)
class ConsoleWritten(Event):
    """A console device showed ``text``."""

    kind: ClassVar[str] = "console"
    text: str


@dataclass(frozen=True, slots=True)
class PageWalked(Event):
    """The page tables were read ``refs`` times for ``linear``; ``frame`` is -1 on a fault."""

    kind: ClassVar[str] = "walk"
    linear: int
    frame: int
    refs: int
    write: int
    user: int


@dataclass(frozen=True, slots=True)
class TlbFlushed(Event):
    """TLB entries were dropped: ``what`` is ``all``, ``non-global`` or ``page``."""

    kind: ClassVar[str] = "flush"
    what: str
    linear: int


@dataclass(frozen=True, slots=True)
class VmEntered(Event):
    """VM entry: the processor left VMX root operation for the virtual machine of ``vmcs`` (hpa).

    ``injected`` is the interruption information of the event that came with it, or 0;
    ``launched`` is 1 for VMLAUNCH and 0 for VMRESUME.
    """

    kind: ClassVar[str] = "vmentry"
    vmcs: int
    eip: int
    ring: int
    injected: int
    launched: int


@dataclass(frozen=True, slots=True)
class VmExited(Event):
    """VM exit: back to root operation.

    ``reason`` is as in the VMCS, with bit 31 set if the entry failed. ``eip`` and ``ring`` are the
    guest's, ``event`` the interruption information, 0 if there is none. ``why`` says in words what
    was wrong if the entry failed.
    """

    kind: ClassVar[str] = "vmexit"
    vmcs: int
    reason: int
    qualification: int
    eip: int
    ring: int
    event: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class VmxFailed(Event):
    """A VMX instruction failed (SDM vol. 3C, 31.2): VMfailValid with the number ``error``, or
    VMfailInvalid, with 0. ``why`` says in words which check it did not pass."""

    kind: ClassVar[str] = "vmxfail"
    mnemonic: str
    error: int
    why: str
    eip: int


@dataclass(frozen=True, slots=True)
class VmcsRead(Event):
    """A field of the current VMCS, named by its encoding, was read."""

    kind: ClassVar[str] = "vmcs"
    field: int
    value: int


@dataclass(frozen=True, slots=True)
class VmcsWritten(Event):
    """A field of the current VMCS, named by its encoding, was written."""

    kind: ClassVar[str] = "vmcs"
    field: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class VmmEntered(Event):
    """A trap handed the processor to the VMM."""

    kind: ClassVar[str] = "trap"
    vm: str
    reason: str
    vector: int
    error: int
    eip: int
    ring: int


@dataclass(frozen=True, slots=True)
class Emulated(Event):
    """The VMM carried out one guest instruction on the virtual CPU.

    ``why``: what was in the way of running it directly, where it is not the instruction itself.
    """

    kind: ClassVar[str] = "emulate"
    vm: str
    mnemonic: str
    register: str
    before: int
    after: int
    eip: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Translated(Event):
    """The VMM translated ``count`` guest instructions from ``eip`` on to ``size`` bytes at
    ``address`` (linear) in its translation cache. ``replaced`` is 0 for what is translated for the
    first time; hot code is translated again as one region, which replaces so many units."""

    kind: ClassVar[str] = "translate"
    vm: str
    eip: int
    address: int
    count: int
    size: int
    replaced: int = 0


@dataclass(frozen=True, slots=True)
class Chained(Event):
    """A jump of translated code, at linear ``source``, now goes straight to ``target`` in the
    cache; with ``elided`` 1 it vanished, for its target follows it."""

    kind: ClassVar[str] = "chain"
    vm: str
    eip: int
    source: int
    target: int
    elided: int


@dataclass(frozen=True, slots=True)
class Discarded(Event):
    """The VMM gave up the translation of the guest code at ``eip``; ``why`` says the reason:
    ``written`` (the guest changed it), ``adapted`` (it trapped too often), ``full``."""

    kind: ClassVar[str] = "discard"
    vm: str
    eip: int
    why: str


@dataclass(frozen=True, slots=True)
class Injected(Event):
    """The VMM delivered a virtual interrupt or exception through the guest's own IDT."""

    kind: ClassVar[str] = "inject"
    vm: str
    vector: int
    error: int
    handler: int


@dataclass(frozen=True, slots=True)
class Hypercalled(Event):
    """The VMM did what a guest kernel asked for by hypercall, or refused (``result`` < 0) and
    says ``why``. ``first`` is the first argument."""

    kind: ClassVar[str] = "hypercall"
    vm: str
    number: int
    name: str
    first: int
    result: int
    why: str


@dataclass(frozen=True, slots=True)
class TablesChecked(Event):
    """The VMM has checked a page directory of a paravirtual guest's, in machine frame
    ``directory``, with the ``tables`` under it that were new."""

    kind: ClassVar[str] = "pin"
    vm: str
    directory: int
    tables: int


@dataclass(frozen=True, slots=True)
class EntryChanged(Event):
    """The VMM has changed an entry of a paravirtual guest's page tables for it, at machine address
    ``hpa``."""

    kind: ClassVar[str] = "entry"
    vm: str
    hpa: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Upcalled(Event):
    """An event came for a paravirtual guest: its handler was ``called``, or it is only noted in
    the shared page because the kernel holds events back."""

    kind: ClassVar[str] = "upcall"
    vm: str
    called: int
    handler: int


@dataclass(frozen=True, slots=True)
class Crashed(Event):
    """The VMM ended a guest that cannot go on."""

    kind: ClassVar[str] = "crash"
    vm: str
    eip: int
    why: str


@dataclass(frozen=True, slots=True)
class ShadowFilled(Event):
    """The VMM added a shadow page-table entry: guest virtual to guest physical to host."""

    kind: ClassVar[str] = "shadow"
    vm: str
    gva: int
    gpa: int
    hpa: int
    hidden: int


@dataclass(frozen=True, slots=True)
class NestedFilled(Event):
    """The VMM mapped a guest-physical page in the extended page tables, for an EPT violation with
    this exit ``qualification``."""

    kind: ClassVar[str] = "nested"
    vm: str
    gpa: int
    hpa: int
    qualification: int


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """The VMM went back to the guest."""

    kind: ClassVar[str] = "resume"
    vm: str
    eip: int
    ring: int


@dataclass(frozen=True, slots=True)
class Scheduled(Event):
    """The host gave the processor to ``vm``; ``why`` names the rule that chose it."""

    kind: ClassVar[str] = "schedule"
    vm: str
    before: str
    why: str


@dataclass(frozen=True, slots=True)
class Blocked(Event):
    """A virtual CPU has nothing to run until its next virtual interrupt."""

    kind: ClassVar[str] = "block"
    vm: str
    eip: int


@dataclass(frozen=True, slots=True)
class Denied(Event):
    """The VMM refused an access and left the rest of the machine untouched."""

    kind: ClassVar[str] = "denied"
    vm: str
    gva: int
    gpa: int
    why: str


@dataclass(frozen=True, slots=True)
class DeadlineMet(Event):
    """A periodic request was answered in time."""

    kind: ClassVar[str] = "deadline"
    vm: str
    number: int
    latency: int


@dataclass(frozen=True, slots=True)
class DeadlineMissed(Event):
    """A periodic request was answered too late, or not at all."""

    kind: ClassVar[str] = "missed"
    vm: str
    number: int
    latency: int


@dataclass(frozen=True, slots=True)
class Diverged(Event):
    """The guest's state differs from the same guest on bare metal."""

    kind: ClassVar[str] = "diverge"
    vm: str
    what: str
    expected: int
    found: int
