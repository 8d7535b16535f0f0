"""Running one encoding on one sampled state of the IA-32 machine."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ringside.classify.ia32 import encodings
from ringside.classify.ia32.layout import (
    CODE,
    CODE_READ,
    DATA_3,
    GATES,
    HERE,
    MOVED,
    OWN_CODE,
    OWN_DATA,
    PROGRAM_SIZE,
    RAM,
    REMAPPED,
    RW,
    WINDOW_3,
    Placement,
    build_memory,
    global_descriptors,
    local_descriptors,
    selector,
)
from ringside.classify.ia32.samples import Sample, sample
from ringside.classify.model import DONE, MEMORY_TRAP, TRAP, UNKNOWN, Case, Run, Value
from ringside.isa.decode import decode
from ringside.isa.faults import GP, Fault, NotModelled
from ringside.isa.registers import (
    CS,
    EBX,
    ESP,
    FLAG_IF,
    FLAG_IOPL,
    NAMES32,
    SEGMENT_NAMES,
    SS,
)
from ringside.isa.width import Width
from ringside.machine.control import CR0_NE, CR0_WP, CR4_PCE
from ringside.machine.cpu import Cpu
from ringside.machine.descriptors import segment_descriptor
from ringside.machine.interpreter import Prepared
from ringside.machine.memory import Memory
from ringside.machine.segmentation import Segment, cached

RINGS = {"ring 0": 0, "ring 3": 3, "ring 1": 1}
HIDDEN_FLAGS = FLAG_IF | FLAG_IOPL  # resources, not the program's
NO_TRAPS: frozenset[tuple[int, str]] = frozenset()

PROGRAM = (*NAMES32, "eip", "flags")
RESOURCES = (
    "cr0", "cr2", "cr3", "cr4", "debug", "gdtr", "idtr", "ldtr", "tr", "if", "iopl", "tsc",
    "halted", "device", *SEGMENT_NAMES,
)  # fmt: skip
STACK_FAULT, PAGE_FAULT, ALIGNMENT = 12, 14, 17


class Device:
    """Ports with one register behind all of them."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def port_in(self, port: int, w: Width) -> int:
        """Read the register."""
        return self.value & w.mask

    def port_out(self, port: int, value: int, w: Width) -> None:
        """Write the register: all of it, whatever the width."""
        self.value = value


class ProbedCpu(Cpu):
    """The processor, noting whether a fault came from an access to the program's memory."""

    __slots__ = ("accessing",)

    def load(self, seg: int, offset: int, w: Width) -> int:
        self.accessing = True
        value = Cpu.load(self, seg, offset, w)
        self.accessing = False
        return value

    def store(self, seg: int, offset: int, value: int, w: Width) -> None:
        self.accessing = True
        Cpu.store(self, seg, offset, value, w)
        self.accessing = False

    def check_store(self, seg: int, offset: int, w: Width) -> None:
        self.accessing = True
        Cpu.check_store(self, seg, offset, w)
        self.accessing = False


@dataclass(frozen=True, slots=True)
class State:
    """One sampled state in one place, for any mode: what is put into the machine."""

    sample: Sample
    at: Placement
    memory: bytes
    cr0: int
    cr2: int
    cr4: int
    eflags: int
    debug: tuple[int, ...]
    tsc: int
    device: int
    segments: Mapping[int, tuple[Segment, ...]]  # by ring
    ldtr: Segment
    tr: Segment


def segments(at: Placement, ring: int) -> tuple[Segment, ...]:
    """The segment registers of a program in ``ring``.

    The mode is in the RPL of CS and the privilege hidden in CS and SS, and nowhere else: states
    are to be equal but for it. (So the descriptors were loaded from entries that have changed
    since, as a VMM changes them that moves a kernel out of ring 0.)
    """
    table, local = global_descriptors(at), local_descriptors(at)
    base, last = at.program.linear, PROGRAM_SIZE - 1
    code = segment_descriptor(base, last, CODE_READ, dpl=ring)
    stack = segment_descriptor(base, last, RW, dpl=ring)
    data = cached(selector(DATA_3, 3), table[DATA_3])
    return (
        data, cached(selector(OWN_CODE, ring), code), cached(selector(OWN_DATA, ring), stack), data,
        cached(selector(WINDOW_3, 3), table[WINDOW_3]), cached(selector(0, 3) | 4, local[0]),
    )  # fmt: skip


def state_at(drawn: Sample, at: Placement) -> State:
    """A sampled state in one place, its registers as drawn."""
    table = global_descriptors(at)
    return State(
        drawn, at, build_memory(at, drawn.program), drawn.cr0, drawn.cr2, drawn.cr4, drawn.eflags,
        drawn.debug, drawn.tsc, drawn.device,
        {ring: segments(at, ring) for ring in RINGS.values()},
        cached(at.ldt_selector, table[at.ldt_selector >> 3]),
        cached(at.tss_selector, table[at.tss_selector >> 3]),
    )  # fmt: skip


@lru_cache(maxsize=1024)
def state(seed: int, number: int, moved: bool) -> State:
    """State ``number`` of a seed, here or moved: everything elsewhere, and other values in the
    registers that a program is not to see."""
    drawn = sample(seed, number)
    if not moved:
        return state_at(drawn, HERE)
    return replace(
        state_at(drawn, REMAPPED if drawn.paging else MOVED),
        cr0=drawn.cr0 ^ (CR0_NE | CR0_WP), cr2=drawn.cr2 ^ 0x5A5A_5A5A, cr4=drawn.cr4 ^ CR4_PCE,
        eflags=drawn.eflags ^ FLAG_IF, debug=tuple(value ^ 0xFF00 for value in drawn.debug),
        tsc=drawn.tsc + 0x1234_5678_9ABC, device=drawn.device ^ 0xFFFF_FFFF,
    )  # fmt: skip


def put(cpu: ProbedCpu, start: State, ring: int, cr4: int = 0) -> None:
    """Put the processor and its memory into a state; ``cr4`` has bits set besides."""
    at, drawn = start.at, start.sample
    cpu.memory.ram[:] = start.memory
    cpu.regs[:] = drawn.regs
    cpu.eip = CODE
    cpu.eflags = start.eflags
    cpu.segs[:] = start.segments[ring]
    cpu.cr0, cpu.cr2, cpu.cr3 = start.cr0, start.cr2, at.directory
    cpu.cr4 = start.cr4 | cr4
    cpu.dr[:4] = start.debug
    cpu.dr[4:] = (0, 0, 0xFFFF_0FF0, 0x400)
    cpu.gdtr.base, cpu.gdtr.limit = at.gdt.linear, at.gdt.size - 1
    cpu.idtr.base, cpu.idtr.limit = at.idt.linear, GATES * 8 - 1
    cpu.ldtr, cpu.tr = start.ldtr, start.tr
    cpu.tsc_offset, cpu.time = start.tsc, 0
    cpu.halted = cpu.shutdown = cpu.inhibit = cpu.trapping = cpu.accessing = False
    cpu.cpl = ring
    if cpu.tlb.entries:
        cpu.tlb.flush()
    cpu.clear_maps()
    cpu.select_maps()


def written(cpu: Cpu, start: State) -> tuple[tuple[str, int], ...]:
    """The bytes of memory that changed, by block and offset."""
    ram, before = cpu.memory.ram, start.memory
    if ram == before:
        return ()
    changed: list[tuple[str, int]] = []
    for block in start.at.blocks:
        low, high = block.physical, block.physical + block.size
        now, then = ram[low:high], before[low:high]
        differing = int.from_bytes(now, "little") ^ int.from_bytes(then, "little")
        while differing:
            at = (differing & -differing).bit_length() - 1 >> 3
            changed.append((f"{block.name}+{at:#x}", now[at]))
            differing &= ~(0xFF << 8 * at)
    return tuple(changed)


class Ia32:
    """IA-32 in protected mode: ring 0 is the supervisor, ring 3 and ring 1 are user modes (ring 1
    being where a VMM puts the kernel of its guest).

    What a VMM can arrange without changing the instruction set is arranged: IOPL is 0, the I/O
    bitmap is empty, and CR4.TSD is set. ``cr4`` has bits set besides; ``traps`` are the encodings
    (row and form) that are made to trap outside ring 0.
    """

    modes = tuple(RINGS)
    program = PROGRAM
    resources = RESOURCES

    def __init__(
        self, id: str = "ia32", cr4: int = 0, traps: Container[tuple[int, str]] = NO_TRAPS
    ) -> None:
        self.id = id
        self._cr4 = cr4
        self._traps = traps
        self._cpu = ProbedCpu(Memory(RAM))
        self._device = Device()
        self._cpu.bus = self._device
        self._prepared: dict[bytes, Prepared] = {}
        self._known: dict[tuple[int, int, bool, int], tuple[Value, ...]] = {}

    def cases(self) -> Sequence[Case]:
        """Every form of every row of the instruction table."""
        return encodings.cases()

    def run(self, case: Case, seed: int, number: int, mode: str, moved: bool) -> Run:
        """Run the instruction once; nothing else."""
        start = state(seed, number, moved)
        ring = RINGS[mode]
        cpu = self._cpu
        self._enter(start, ring)
        prepared = self._prepared.get(case.code)
        if prepared is None:
            prepared = self._prepared[case.code] = Prepared(decode(case.code, 32))
        before = self._quick()
        resources = self._known.get((seed, number, moved, ring))
        if resources is None:
            resources = self._known[seed, number, moved, ring] = self._resources(start.at)
        try:
            if ring and (case.row, case.form) in self._traps:
                raise GP(0)
            prepared.run(cpu)
        except Fault as fault:
            memory = cpu.accessing or fault.vector in (PAGE_FAULT, ALIGNMENT)
            memory = memory or (fault.vector == STACK_FAULT and not fault.error)
            return Run(MEMORY_TRAP if memory else TRAP, str(fault), mode)
        except NotModelled as missing:
            return Run(UNKNOWN, str(missing), mode)
        after = resources if self._quick() == before else self._resources(start.at)
        program = (*cpu.regs, cpu.eip, cpu.eflags & ~HIDDEN_FLAGS)
        memory_after = written(cpu, start)
        return Run(DONE, "", f"ring {cpu.cpl}", program, memory_after, resources, after)

    def _enter(self, start: State, ring: int) -> None:
        put(self._cpu, start, ring, self._cr4)
        self._device.value = start.device

    def _quick(self) -> tuple[object, ...]:
        """All resources as they lie about; equal if and only if none has changed."""
        cpu = self._cpu
        return (
            cpu.cr0, cpu.cr2, cpu.cr3, cpu.cr4, cpu._eflags & HIDDEN_FLAGS, cpu.tsc_offset,
            cpu.halted, cpu.shutdown, self._device.value, cpu.gdtr.base, cpu.gdtr.limit,
            cpu.idtr.base, cpu.idtr.limit, cpu.ldtr, cpu.tr, *cpu.segs, *cpu.dr,
        )  # fmt: skip

    def _resources(self, at: Placement) -> tuple[Value, ...]:
        cpu = self._cpu
        flags = cpu.eflags
        return (
            cpu.cr0, cpu.cr2, cpu.cr3 - at.directory, cpu.cr4, tuple(cpu.dr),
            (at.relative(cpu.gdtr.base), cpu.gdtr.limit),
            (at.relative(cpu.idtr.base), cpu.idtr.limit),
            segment_value(at, cpu.ldtr), segment_value(at, cpu.tr),
            int(bool(flags & FLAG_IF)), (flags & FLAG_IOPL) >> 12, cpu.tsc_offset,
            int(cpu.halted or cpu.shutdown), self._device.value,
            *(
                segment_value(at, segment, shows_mode=index in (CS, SS))
                for index, segment in enumerate(cpu.segs)
            ),
        )  # fmt: skip

    def describe(self, seed: int, number: int, mode: str, moved: bool) -> Mapping[str, int]:
        """The state before a run."""
        start = state(seed, number, moved)
        self._enter(start, RINGS[mode])
        return shown(self._cpu, start) | {"device": self._device.value}


def shown(cpu: Cpu, start: State) -> dict[str, int]:
    """Registers, tables and what lies on the stack and at EBX."""
    program = start.sample.program
    found = dict(zip(NAMES32, cpu.regs, strict=True))
    found |= {"eip": cpu.eip, "eflags": cpu.eflags, "cpl": cpu.cpl}
    for name, segment in zip(SEGMENT_NAMES, cpu.segs, strict=True):
        found |= {name: segment.selector, f"{name}.base": segment.base}
    found |= {
        "cr0": cpu.cr0, "cr2": cpu.cr2, "cr3": cpu.cr3, "cr4": cpu.cr4,
        "gdtr.base": cpu.gdtr.base, "idtr.base": cpu.idtr.base, "ldtr": cpu.ldtr.selector,
        "tr": cpu.tr.selector, "tsc": cpu.tsc_offset,
        "program": start.at.program.physical,
    }  # fmt: skip
    for name, register in (("stack", ESP), ("[ebx]", EBX)):
        for word in range(4):
            where = start.sample.regs[register] + 4 * word
            value = int.from_bytes(program[where : where + 4], "little")
            found[f"{name}+{4 * word}"] = value
    return found


def segment_value(at: Placement, segment: Segment, shows_mode: bool = False) -> tuple[int, ...]:
    """A segment register as a resource; of CS and SS without the mode, which is theirs to hold."""
    name, dpl = segment.selector, segment.dpl
    if shows_mode:
        name, dpl = name & ~3, 0
    return (
        name, at.relative(segment.base), segment.limit, segment.type, dpl, int(segment.present),
        int(segment.big),
    )  # fmt: skip

