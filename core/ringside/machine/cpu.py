"""The simulated IA-32 processor: its state, and the door to everything it does.

The class holds registers and caches; what it *does* lives in the modules beside it, one topic
each, as functions whose first parameter is the CPU and which are bound here as methods:

========================  ====================================================================
``access``                paging, the TLB, loads and stores
``segmentation``          descriptors and segment registers
``transfers``             far jumps, calls and returns, call gates
``interrupts``            delivery through the IDT, IRET, double and triple fault
``tasks``                 the task-state segment: stacks, I/O permissions
``control``               control and debug registers, MSRs, CPUID
``binding``               operands, and instructions as functions of the CPU
``interpreter``           one instruction at a time
``vmx``                   virtual-machine extensions; loaded when VMXON is executed
========================  ====================================================================

Left out, with ``NotModelled`` saying so when a guest asks: hardware task switching, virtual-8086
mode. Left out quietly: the x87 unit (CPUID does not announce one), debug breakpoints (the
registers can be read and written, only single-step traps), and RF, which only they would read.
The A20 gate is always open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ringside.isa.registers import (
    CS,
    EDX,
    ESP,
    FLAG_IF,
    FLAG_IOPL,
    FLAG_ONE,
    IOPL_SHIFT,
    SS,
)
from ringside.isa.width import Width
from ringside.machine import (
    access,
    binding,
    control,
    flags,
    interpreter,
    interrupts,
    segmentation,
    tasks,
    transfers,
)
from ringside.machine.memory import FRAME_SHIFT, Memory
from ringside.machine.segmentation import Segment, real_segment
from ringside.machine.tlb import Tlb
from ringside.trace.events import (
    ControlWritten,
    Event,
    FlagIgnored,
    Halted,
    Revealed,
    RingChanged,
    VmxFailed,
    Woken,
)

if TYPE_CHECKING:
    from ringside.machine.interpreter import Prepared
    from ringside.machine.vmx.ept import Nested
    from ringside.machine.vmx.execution import Intercepts
    from ringside.machine.vmx.operation import Vmx
    from ringside.machine.vmx.reasons import VmExit

RESET_CR0 = 0x6000_0010  # CD, NW and ET (SDM vol. 3A, table 9-1)


class Ports(Protocol):
    """The I/O address space as the processor sees it; ``machine.bus.Bus`` is one."""

    def port_in(self, port: int, w: Width) -> int:
        """Read ``w`` from ``port``."""

    def port_out(self, port: int, value: int, w: Width) -> None:
        """Write ``value`` to ``port``."""


class OpenBus:
    """Ports with nobody behind them: reads give all ones."""

    __slots__ = ()

    def port_in(self, port: int, w: Width) -> int:
        """Give all ones."""
        return w.mask

    def port_out(self, port: int, value: int, w: Width) -> None:
        """Lose the value."""


@dataclass(slots=True)
class TableRegister:
    """GDTR or IDTR: linear base and limit (last valid byte offset)."""

    base: int = 0
    limit: int = 0xFFFF


def no_interrupt() -> int:
    """Stand in for an interrupt controller that was never connected."""
    raise RuntimeError("interrupt_line was raised but no controller is connected to acknowledge")


def no_code_cache(frame: int, low: int, high: int) -> None:
    """Stand in for the engine while there is none."""


class Cpu:
    """One processor. Times are in ticks: one instruction retired is one tick."""

    __slots__ = (
        "_eflags",
        "acknowledge",
        "at",
        "breakpoints",
        "bus",
        "carry_args",
        "carry_fn",
        "code_written",
        "context_override",
        "cpl",
        "cr0",
        "cr2",
        "cr3",
        "cr4",
        "decoded",
        "deliveries",
        "dr",
        "eip",
        "feature_control",
        "fetched",
        "flag_args",
        "flag_fn",
        "gdtr",
        "halted",
        "idle",
        "idtr",
        "inhibit",
        "intercepts",
        "interrupt_line",
        "ldtr",
        "listener",
        "marks",
        "memory",
        "monitor",
        "nested",
        "pdptes",
        "rd",
        "rd_super",
        "rd_user",
        "regs",
        "segs",
        "shutdown",
        "slept",
        "ss_loaded",
        "stop",
        "stops_at_halt",
        "tag",
        "tally",
        "time",
        "tlb",
        "tr",
        "tracer",
        "trap_sensitive",
        "trapping",
        "tsc_offset",
        "vmx",
        "wr",
        "wr_super",
        "wr_user",
    )
    # Wiring, and caches that are rebuilt as they are used. Call ``materialise_flags`` before
    # freezing: pending flags are not state of their own.
    transient: ClassVar[frozenset[str]] = frozenset(
        {
            "acknowledge", "breakpoints", "bus", "carry_args", "carry_fn", "code_written",
            "decoded", "fetched", "flag_args", "flag_fn", "listener", "memory", "nested", "rd",
            "rd_super", "rd_user", "stop", "stops_at_halt", "tlb", "tracer", "wr", "wr_super",
            "wr_user",
        }
    )  # fmt: skip

    def __init__(
        self, memory: Memory, tlb: Tlb | None = None, bus: Ports | None = None
    ) -> None:
        self.memory = memory
        self.tlb = Tlb() if tlb is None else tlb  # an empty one is false
        self.bus: Ports = bus or OpenBus()

        # Architectural state, as after reset (SDM vol. 3A, 9.1.1).
        self.regs: list[int] = [0] * 8
        self.regs[EDX] = 0x543  # family 5, as CPUID says
        self.eip = 0xFFF0
        self.segs: list[Segment] = [real_segment(0) for _ in range(6)]
        self.segs[CS] = real_segment(0xF000)
        self.cpl = 0
        self._eflags = FLAG_ONE
        self.cr0 = RESET_CR0
        self.cr2 = 0
        self.cr3 = 0
        self.cr4 = 0
        self.dr: list[int] = [0, 0, 0, 0, 0, 0, 0xFFFF_0FF0, 0x400]
        self.gdtr = TableRegister()
        self.idtr = TableRegister()
        self.ldtr = segmentation.null_segment(0)
        self.tr = segmentation.null_segment(0)
        self.pdptes: tuple[int, ...] = (0, 0, 0, 0)
        self.tsc_offset = 0
        # No real processor has this: the switch that makes IA-32 virtualizable. While it is on
        # every instruction whose row is ``sensitive`` is privileged too: #GP(0) outside ring 0. Set
        # it before anything is run; instructions are bound to it when they are decoded.
        self.trap_sensitive = False
        self.halted = False
        self.shutdown = False
        self.inhibit = False  # STI or MOV SS was the last instruction
        self.ss_loaded = -2  # the step that loaded SS last
        self.trapping = False  # TF was set when the current instruction began
        self.at = 0  # offset of the system instruction being executed, for events
        # Virtual-machine extensions (machine.vmx): operation, from VMXON to VMXOFF; and what the
        # virtual machine that runs leaves for, None in root operation and outside.
        self.vmx: Vmx | None = None
        self.intercepts: Intercepts | None = None
        self.nested: Nested | None = None  # extended page tables in force
        self.tag = 0  # of TLB entries in use; see tlb.make_tag
        self.feature_control = 0  # IA32_FEATURE_CONTROL; firmware or software has to allow VMX

        # Pending flags; see machine.flags.
        self.flag_fn: flags.After | None = None
        self.flag_args: tuple[Any, ...] = ()
        self.carry_fn: flags.After | None = None
        self.carry_args: tuple[Any, ...] = ()

        # The clock: instructions retired plus ticks slept. ``deliveries`` counts the steps that
        # retire nothing: faults and interrupts taken.
        self.time = 0
        self.idle = 0  # ticks slept, in all
        self.slept = 0  # ticks slept since the last HLT
        self.deliveries = 0
        # Counters, as those of a performance-monitoring unit but as many as one likes: whenever
        # the instruction at a linear address in ``marks`` retires, the counters named there in
        # ``tally`` go up by one.
        self.marks: dict[int, tuple[int, ...]] = {}
        self.tally: list[int] = []

        # Linear page number -> physical minus linear address, for the pages that may be touched
        # without asking: see access.publish.
        self.rd_super: dict[int, int] = {}
        self.wr_super: dict[int, int] = {}
        self.rd_user: dict[int, int] = {}
        self.wr_user: dict[int, int] = {}
        self.rd = self.rd_super
        self.wr = self.wr_super

        # frame -> offset in it -> instruction, for whole instructions inside one frame.
        self.decoded: dict[int, dict[int, Prepared]] = {}
        self.fetched: Prepared | None = None  # by the last step, if it came so far
        self.code_written: Callable[[int, int, int], None] = no_code_cache
        memory.on_code_write = self.code_changed
        memory.add_writer(self.writable_frames)

        self.breakpoints: frozenset[int] = frozenset()  # linear addresses
        self.stop = ""  # a device's reason to end the run after the current instruction
        self.stops_at_halt = False  # whether HLT is such a reason too
        self.interrupt_line = False
        self.acknowledge: Callable[[], int] = no_interrupt
        self.monitor: frozenset[int] | range | None = None
        # ``listener`` hears what is rare; ``tracer`` also every Retired, which is dear.
        self.listener: Callable[[Event], None] | None = None
        self.tracer: Callable[[Event], None] | None = None
        self.context_override = ""

    def after_thaw(self) -> None:
        """Drop what mirrors registers and TLB; ``memory_replaced`` drops cached code."""
        self.flag_fn = self.carry_fn = None
        self.flag_args = self.carry_args = ()
        self.clear_maps()
        self.select_maps()
        if self.vmx is not None:
            self.vmx.attach(self)

    def memory_replaced(self, frames: Iterable[int]) -> None:
        """Forget cached code of ``frames``: their bytes were replaced behind the CPU's back."""
        for frame in frames:
            if frame in self.memory.code_frames:
                self.code_changed(frame, frame << FRAME_SHIFT, frame + 1 << FRAME_SHIFT)

    # -- where and who -----------------------------------------------------------------------

    @property
    def protected(self) -> bool:
        """CR0.PE."""
        return bool(self.cr0 & 1)

    @property
    def iopl(self) -> int:
        """The I/O privilege level in EFLAGS."""
        return (self._eflags & FLAG_IOPL) >> IOPL_SHIFT

    @property
    def stack_mask(self) -> int:
        """0xFFFFFFFF or 0xFFFF, from SS.B."""
        return 0xFFFF_FFFF if self.segs[SS].big else 0xFFFF

    @property
    def code_bits(self) -> int:
        """32 or 16, from CS.D."""
        return 32 if self.segs[CS].big else 16

    @property
    def linear_eip(self) -> int:
        """The linear address of the next instruction."""
        return (self.segs[CS].base + self.eip) & 0xFFFF_FFFF

    @property
    def context(self) -> str:
        """Who is running, for events."""
        return self.context_override or ("app" if self.cpl == 3 else "kernel")

    @property
    def steps(self) -> int:
        """Steps taken: instructions retired and deliveries made."""
        return self.time - self.idle + self.deliveries

    @property
    def ready(self) -> bool:
        """Whether an interrupt would be taken before the next instruction.

        Or whatever else ends a virtual machine's halt.
        """
        if self.intercepts is not None:
            return self.intercepts.due(self) is not None
        return self.interrupt_line and bool(self._eflags & FLAG_IF) and not self.inhibit

    @property
    def at_monitor(self) -> bool:
        """Whether control is in ring 0, of the host, at an entry point of the monitor."""
        return (
            self.monitor is not None
            and self.cpl == 0
            and self.linear_eip in self.monitor
            and self.intercepts is None
        )

    @property
    def wakeable(self) -> bool:
        """Whether an external interrupt would end a halt."""
        if self.intercepts is not None and self.intercepts.wakes_without_if:
            return True
        return bool(self._eflags & FLAG_IF)

    @property
    def alarm(self) -> int | None:
        """The tick at which the processor itself ends a halt (VMX-preemption timer), or None."""
        return None if self.intercepts is None else self.intercepts.deadline(self)

    @property
    def at_breakpoint(self) -> bool:
        """Whether the next instruction lies at one of ``breakpoints``."""
        return self.linear_eip in self.breakpoints

    def set_cpl(self, cpl: int, cause: str = "") -> None:
        """Change ring: choose the page maps that go with it and say so."""
        before = self.cpl
        if before != cpl:
            self.cpl = cpl
            self.select_maps()
            if cause and self.listener is not None:
                self.listener(RingChanged(self.time, self.context, before, cpl, cause))

    def sleep(self, ticks: int) -> None:
        """Let idle time pass while halted."""
        self.time += ticks
        self.idle += ticks
        self.slept += ticks

    def wake(self) -> None:
        """End a halt."""
        if self.halted:
            self.halted = False
            if self.listener is not None:
                self.listener(Woken(self.time, self.context, self.slept))

    # -- flags -------------------------------------------------------------------------------

    materialise_flags = flags.materialise

    @property
    def eflags(self) -> int:
        """EFLAGS with every pending flag computed."""
        return flags.materialise(self) if self.flag_fn is not None else self._eflags

    @eflags.setter
    def eflags(self, value: int) -> None:
        self.flag_fn = self.carry_fn = None
        self._eflags = value | FLAG_ONE

    def set_eflags(self, value: int, mask: int) -> None:
        """Replace the bits of EFLAGS under ``mask``."""
        before = self.eflags
        self.eflags = before & ~mask | value & mask
        self.select_maps()  # EFLAGS.AC decides whether accesses are checked for alignment
        if self.listener is not None and (before ^ self._eflags) & FLAG_IF:
            was = int(before & FLAG_IF != 0)
            self.listener(ControlWritten(self.time, self.context, "if", was, 1 - was))

    def inhibit_interrupts(self, traps: bool = False) -> None:
        """Hold maskable interrupts back until the next instruction has run; or all ``traps``."""
        self.inhibit = True
        if traps:
            self.ss_loaded = self.steps

    @property
    def inhibits_traps(self) -> bool:
        """Whether the instruction before this one loaded SS."""
        return self.ss_loaded == self.steps - 1

    # -- stack -------------------------------------------------------------------------------

    def push(self, value: int, w: Width) -> None:
        """Push on the current stack."""
        mask = self.stack_mask
        esp = self.regs[ESP]
        top = (esp - w.bytes) & mask
        self.store(SS, top, value, w)
        self.regs[ESP] = esp & ~mask | top

    def pop(self, w: Width) -> int:
        """Pop from the current stack."""
        mask = self.stack_mask
        esp = self.regs[ESP]
        value = self.load(SS, esp & mask, w)
        self.regs[ESP] = esp & ~mask | (esp + w.bytes) & mask
        return value

    # -- events ------------------------------------------------------------------------------

    def halt(self) -> None:
        """Stop until the next interrupt."""
        self.halted = True
        self.slept = 0
        if self.stops_at_halt:
            self.stop = "halt"
        if self.listener is not None:
            self.listener(Halted(self.time, self.context, self.at))

    def note_ignored(self, mnemonic: str, flag: str, wanted: int, kept: int) -> None:
        """A flag the instruction tried to change stays as it was, without a trap."""
        if self.listener is not None:
            self.listener(
                FlagIgnored(self.time, self.context, mnemonic, flag, wanted, kept, self.at)
            )

    def note_revealed(self, mnemonic: str, value: int) -> None:
        """An unprivileged instruction read privileged state of the real machine."""
        if self.listener is not None:
            self.listener(Revealed(self.time, self.context, mnemonic, value, self.at))

    def note_vmfail(self, mnemonic: str, error: int, why: str) -> None:
        """A VMX instruction failed, with this error number or, if it is 0, without one."""
        if self.listener is not None:
            self.listener(VmxFailed(self.time, self.context, mnemonic, error, why, self.at))

    # -- virtual-machine extensions ----------------------------------------------------------

    def vmxon(self, region: int) -> None:
        """VMXON: enter VMX root operation. Raises VmFail or #GP."""
        from ringside.machine.vmx.operation import begin  # most runs never need it

        begin(self, region)

    def take_exit(self, exit: VmExit) -> None:
        """Leave the virtual machine, as a step that retires nothing."""
        from ringside.machine.vmx.exits import leave

        leave(self, exit)
        self.deliveries += 1

    # -- what it does ------------------------------------------------------------------------

    translate = access.translate
    publish = access.publish
    writable_frames = access.writable_frames
    select_maps = access.select_maps
    clear_maps = access.clear_maps
    flush_tlb = access.flush_tlb
    invalidate_page = access.invalidate_page
    watch_frame = access.watch_frame
    release_frame = access.release_frame
    code_changed = access.code_changed
    linear = access.linear
    load = access.load
    store = access.store
    check_store = access.check_store
    linear_read = access.linear_read
    linear_write = access.linear_write
    system_read = access.system_read
    system_write = access.system_write
    probe = access.probe
    read_slow = access.read_slow
    write_slow = access.write_slow

    read_descriptor = segmentation.read_descriptor
    load_segment = segmentation.load_segment
    load_ldt = segmentation.load_ldt
    access_rights = segmentation.access_rights
    segment_limit = segmentation.segment_limit
    may_read = segmentation.may_read
    may_write = segmentation.may_write

    far_jump = transfers.far_jump
    far_call = transfers.far_call
    far_return = transfers.far_return

    interrupt = interrupts.interrupt
    iret = interrupts.iret
    deliver = interrupts.deliver
    take_fault = interrupts.take_fault
    take_trap = interrupts.take_trap
    take_interrupt = interrupts.take_interrupt

    load_task = tasks.load_task
    check_port = tasks.check_port
    port_in = tasks.port_in
    port_out = tasks.port_out

    read_control = control.read_control
    write_control = control.write_control
    read_debug = control.read_debug
    write_debug = control.write_debug
    load_gdt = control.load_gdt
    load_idt = control.load_idt
    cpuid = control.cpuid
    read_tsc = control.read_tsc
    read_msr = control.read_msr
    write_msr = control.write_msr

    value = binding.value
    assign = binding.assign
    address = binding.address
    fetch = interpreter.fetch
    call_system = interpreter.call_system
    step = interpreter.step
    run = interpreter.run
