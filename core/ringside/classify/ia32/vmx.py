"""IA-32 with VMX: root operation is the supervisor, non-root operation the user mode.

Every virtual machine has control registers, descriptor tables, segments and flags of its own in
its VMCS, so these are the program's now and no resource any more. What is left to share is where
memory really lies (CR3 under shadow paging), the devices, time, the processor itself, and VMX
operation. A trap is a VM exit; a fault goes to the virtual machine's own handler and says nothing.

A VMM of the plainest kind is assumed: it leaves for everything it can be made to leave for (CR3,
ports, HLT, INVLPG, RDTSC, debug and model-specific registers, WBINVD), owns all bits of CR0 and
CR4, shows them in the read shadows, and uses no extended page tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ringside.classify.ia32 import encodings
from ringside.classify.ia32.bench import (
    ALIGNMENT,
    PAGE_FAULT,
    Device,
    ProbedCpu,
    State,
    put,
    segment_value,
    shown,
    state_at,
    written,
)
from ringside.classify.ia32.layout import HERE, OTHER_FRAMES, RAM, VMM_FRAMES
from ringside.classify.ia32.samples import sample
from ringside.classify.model import DONE, MEMORY_TRAP, TRAP, UNKNOWN, Case, Run, Value
from ringside.isa.decode import decode
from ringside.isa.faults import Fault, NotModelled
from ringside.isa.registers import NAMES32, SEGMENT_NAMES
from ringside.machine.control import CR0_WP
from ringside.machine.interpreter import Prepared
from ringside.machine.memory import Memory
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.execution import Intercepts
from ringside.machine.vmx.exits import save_guest
from ringside.machine.vmx.operation import FEATURE_LOCKED, FEATURE_VMX, Vmx, begin
from ringside.machine.vmx.reasons import VmExit
from ringside.machine.vmx.vmcs import Vmcs

ROOT, NON_ROOT = "root", "non-root"
PROGRAM = (
    *NAMES32, "eip", "flags", "cr0", "cr2", "cr4", "debug", "gdtr", "idtr", "ldtr", "tr",
    *SEGMENT_NAMES,
)  # fmt: skip
RESOURCES = ("cr3", "tsc", "halted", "device", "vmx")
REGION, VMCS = VMM_FRAMES

PRIMARY = (
    bits.HLT_EXITING | bits.INVLPG_EXITING | bits.RDTSC_EXITING | bits.CR3_LOAD_EXITING
    | bits.CR3_STORE_EXITING | bits.MOV_DR_EXITING | bits.IO_EXITING | bits.ACTIVATE_SECONDARY
)  # fmt: skip
EVERY_BIT = 0xFFFF_FFFF
HOST_SELECTORS = (0x10, 0x08, 0x10, 0x10, 0, 0, 0x18)  # ES CS SS DS FS GS TR


@lru_cache(maxsize=512)
def state(seed: int, number: int, moved: bool) -> State:
    """State ``number`` of a seed, here or in other frames, with the bits VMX operation fixes."""
    drawn = sample(seed, number, bits.CR0_FIXED0, bits.CR4_FIXED0)
    if not moved:
        return state_at(drawn, HERE)
    return replace(
        state_at(drawn, OTHER_FRAMES),
        tsc=drawn.tsc + 0x1234_5678_9ABC, device=drawn.device ^ 0xFFFF_FFFF,
    )  # fmt: skip


class Ia32Vmx:
    """IA-32 in VMX operation, its virtual machine in ring 0."""

    id = "ia32-vmx"
    modes = (ROOT, NON_ROOT)
    program = PROGRAM
    resources = RESOURCES

    def __init__(self) -> None:
        self._cpu = ProbedCpu(Memory(RAM))
        self._device = Device()
        self._cpu.bus = self._device
        self._cpu.feature_control = FEATURE_LOCKED | FEATURE_VMX
        self._prepared: dict[bytes, Prepared] = {}
        self._vmcs: dict[tuple[int, int, bool], bytes] = {}

    def cases(self) -> Sequence[Case]:
        """Every form of every row of the instruction table."""
        return encodings.cases()

    def run(self, case: Case, seed: int, number: int, mode: str, moved: bool) -> Run:
        """Run the instruction once; nothing else."""
        start = self._enter(seed, number, mode, moved)
        cpu = self._cpu
        prepared = self._prepared.get(case.code)
        if prepared is None:
            prepared = self._prepared[case.code] = Prepared(decode(case.code, 32))
        before = self._resources(start)
        try:
            prepared.run(cpu)
        except VmExit as exit:
            return Run(TRAP, str(exit), mode)
        except Fault as fault:
            memory = cpu.accessing or fault.vector in (PAGE_FAULT, ALIGNMENT)
            return Run(MEMORY_TRAP if memory else UNKNOWN, str(fault), mode)
        except NotModelled as missing:
            return Run(UNKNOWN, str(missing), mode)
        program = self._program(start)
        after_mode = ROOT if cpu.intercepts is None else NON_ROOT
        return Run(DONE, "", after_mode, program, written(cpu, start), before,
                   self._resources(start))

    def _enter(self, seed: int, number: int, mode: str, moved: bool) -> State:
        """Put the machine into a state, in VMX operation with a current VMCS."""
        start = state(seed, number, moved)
        vmcs = self._vmcs.get((seed, number, moved))
        if vmcs is None:
            vmcs = self._vmcs[seed, number, moved] = self._prepare(start, number, moved)
        cpu = self._cpu
        current = self._root(start)
        cpu.memory.ram[VMCS : VMCS + len(vmcs)] = vmcs
        if mode == NON_ROOT:
            cpu.intercepts = Intercepts(current, 0, 0)
            if moved:
                cpu.cr0 ^= CR0_WP  # the real CR0 is the host's; the read shadow shows the guest's
        return start

    def _root(self, start: State) -> Vmcs:
        """Root operation with everything as sampled; give the current VMCS."""
        cpu = self._cpu
        cpu.vmx = cpu.intercepts = None
        put(cpu, start, 0)
        self._device.value = start.device
        for region in (REGION, VMCS):
            cpu.memory.write32(region, bits.REVISION)
        begin(cpu, REGION)
        vmx: Vmx | None = cpu.vmx
        assert vmx is not None
        vmx.load_pointer(VMCS)
        return vmx.current_vmcs()

    def _prepare(self, start: State, number: int, moved: bool) -> bytes:
        """Fill a VMCS for the state, prove it by a VM entry, and give its bytes."""
        vmcs = self._root(start)
        cpu = self._cpu
        vmx = cpu.vmx
        assert vmx is not None
        vmcs.launched = False
        wanted = {
            f.PIN_CONTROLS: ("pin", bits.EXTERNAL_INTERRUPT | bits.NMI_EXITING),
            f.PRIMARY_CONTROLS: ("primary", PRIMARY),
            f.SECONDARY_CONTROLS: ("secondary", bits.WBINVD_EXITING),
            f.EXIT_CONTROLS: ("exit", 0),
            f.ENTRY_CONTROLS: ("entry", 0),
        }
        for field, (name, chosen) in wanted.items():
            vmcs[field] = bits.allowed(name)[0] | chosen
        vmcs[f.LINK_POINTER] = (1 << 64) - 1
        vmcs[f.CR0_MASK] = vmcs[f.CR4_MASK] = EVERY_BIT
        vmcs[f.CR0_SHADOW], vmcs[f.CR4_SHADOW] = start.cr0, start.cr4
        vmcs[f.HOST_CR0], vmcs[f.HOST_CR4] = start.cr0, start.cr4
        vmcs[f.HOST_CR3] = start.at.directory
        for index, selector in enumerate(HOST_SELECTORS):
            vmcs[f.HOST_SELECTOR + 2 * index] = selector
        save_guest(cpu, Intercepts(vmcs, 0, 0))
        if moved:
            vmcs[f.HOST_EIP], vmcs[f.HOST_GDTR_BASE] = 0x1234, 0x5678
        before = self._program(start)
        vmx.launch()
        if cpu.intercepts is None or self._program(start) != before:
            raise RuntimeError(f"VM entry did not give the sampled state: {vmx.problem}")
        vmcs.launched = bool(number & 1)  # so that VMLAUNCH and VMRESUME both have their turn
        return bytes(cpu.memory.ram[VMCS : VMCS + bits.REGION_SIZE])

    def _program(self, start: State) -> tuple[Value, ...]:
        """What the virtual machine can see: control registers as it reads them."""
        cpu, at = self._cpu, start.at
        return (
            *cpu.regs, cpu.eip, cpu.eflags, cpu.read_control(0), cpu.cr2, cpu.read_control(4),
            tuple(cpu.dr), (cpu.gdtr.base, cpu.gdtr.limit), (cpu.idtr.base, cpu.idtr.limit),
            segment_value(at, cpu.ldtr), segment_value(at, cpu.tr),
            *(segment_value(at, segment) for segment in cpu.segs),
        )  # fmt: skip

    def _resources(self, start: State) -> tuple[Value, ...]:
        cpu = self._cpu
        vmx = (0,) if cpu.vmx is None else (1, cpu.vmx.current)
        return (
            cpu.cr3 - start.at.directory, cpu.tsc_offset, int(cpu.halted or cpu.shutdown),
            self._device.value, vmx,
        )  # fmt: skip

    def describe(self, seed: int, number: int, mode: str, moved: bool) -> Mapping[str, int]:
        """The state before a run."""
        start = self._enter(seed, number, mode, moved)
        return shown(self._cpu, start) | {"device": self._device.value}
