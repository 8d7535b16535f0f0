"""A bare processor on a bench: flat segments for every ring, an IDT that catches everything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ringside.isa.assembler import assemble
from ringside.isa.faults import ERROR_CODE_VECTORS
from ringside.isa.registers import CS, DS, ES, ESP, FS, GS, SS
from ringside.machine import descriptors as layout
from ringside.machine.cpu import Cpu
from ringside.machine.descriptors import (
    Descriptor,
    gate_descriptor,
    segment_descriptor,
    system_descriptor,
)
from ringside.machine.memory import Memory
from ringside.machine.segmentation import cached
from ringside.trace.events import Event

FLAT = 0xFFFF_FFFF
CODE_TYPE, DATA_TYPE = 0xB, 0x3  # readable code, writable data; both accessed


class Bench:
    """The processor, its tables at fixed places, and short ways to use them."""

    GDT, IDT, TSS, LDT = 0x1000, 0x2000, 0x3000, 0x3800
    CODE, HANDLERS = 0x8000, 0xA000
    STACKS = (0x7000, 0x6800, 0x6000, 0x5800)  # ESP of ring 0, 1, 2, 3
    TSS_SELECTOR = 0x48
    FREE = 0x50  # first selector a test may fill

    def __init__(self) -> None:
        self.memory = Memory(1 << 20)
        self.cpu = cpu = Cpu(self.memory)
        self.events: list[Event] = []
        cpu.cr0 = 0x11
        cpu.load_gdt(self.GDT, 0xFF)
        for ring in range(4):
            self.descriptor(self.code(ring), segment_descriptor(0, FLAT, CODE_TYPE, dpl=ring))
            self.descriptor(self.data(ring), segment_descriptor(0, FLAT, DATA_TYPE, dpl=ring))
        self.descriptor(self.TSS_SELECTOR, system_descriptor(self.TSS, 0xFF, layout.TSS32))
        for ring in range(3):
            self.memory.write32(self.TSS + 4 + 8 * ring, self.STACKS[ring])
            self.memory.write32(self.TSS + 8 + 8 * ring, self.data(ring))
        self.memory.write16(self.TSS + 102, 0xFFFF)  # no I/O bitmap
        self.memory.write_bytes(self.HANDLERS, b"\xf4" * 0x400)
        for vector in range(256):
            self.gate(vector, gate_descriptor(self.code(0), self.handler(vector), 14))
        cpu.load_idt(self.IDT, 256 * 8 - 1)
        cpu.load_task(self.TSS_SELECTOR)
        self.enter(0)

    @staticmethod
    def code(ring: int) -> int:
        """Selector of the flat code segment of ``ring``."""
        return 8 + 16 * ring | ring

    @staticmethod
    def data(ring: int) -> int:
        """Selector of the flat data segment of ``ring``."""
        return 16 + 16 * ring | ring

    def handler(self, vector: int) -> int:
        """Where the IDT sends ``vector``."""
        return self.HANDLERS + 4 * vector

    def descriptor(self, selector: int, descriptor: Descriptor) -> None:
        """Put a descriptor in the GDT (or the LDT)."""
        table = self.LDT if selector & 4 else self.GDT
        self.memory.write64(table + (selector & 0xFFF8), descriptor.raw)

    def gate(self, vector: int, gate: Descriptor) -> None:
        """Put a gate in the IDT."""
        self.memory.write64(self.IDT + 8 * vector, gate.raw)

    def enter(self, ring: int, eip: int | None = None) -> None:
        """Be in ``ring`` with its own flat segments and stack."""
        cpu = self.cpu
        data = cached(self.data(ring), segment_descriptor(0, FLAT, DATA_TYPE, dpl=ring))
        for seg in (ES, SS, DS, FS, GS):
            cpu.segs[seg] = data
        cpu.segs[CS] = cached(self.code(ring), segment_descriptor(0, FLAT, CODE_TYPE, dpl=ring))
        cpu.set_cpl(ring)
        cpu.regs[ESP] = self.STACKS[ring]
        cpu.eip = self.CODE if eip is None else eip

    def load(self, source: str, at: int | None = None, bits: int = 32) -> dict[str, int]:
        """Assemble ``source`` to memory; give its symbols."""
        where = self.CODE if at is None else at
        program = assemble(f"bits {bits}\n{source}\n", origin=where)
        self.memory.write_bytes(where, program.image)
        return program.symbols

    def execute(self, source: str, ring: int = 0, steps: int = 1) -> None:
        """Assemble ``source``, enter ``ring`` there and take ``steps``."""
        self.load(source)
        self.enter(ring)
        for _ in range(steps):
            self.cpu.step()

    def step(self, count: int = 1) -> str:
        """Take steps; give the last one's reason."""
        reason = ""
        for _ in range(count):
            reason = self.cpu.step()
        return reason

    def listen(self) -> list[Event]:
        """Collect events from now on."""
        self.cpu.listener = self.cpu.tracer = self.events.append
        return self.events

    @property
    def fault(self) -> tuple[int, int | None] | None:
        """Vector and error code of the fault whose handler is about to run, else None."""
        offset = self.cpu.eip - self.HANDLERS
        if self.cpu.cpl or not 0 <= offset < 0x400:
            return None
        vector = offset // 4
        return vector, self.top(0) if vector in ERROR_CODE_VECTORS else None

    def top(self, index: int) -> int:
        """Doubleword ``index`` from the top of the (flat) stack."""
        return self.memory.read32(self.cpu.regs[ESP] + 4 * index)


@pytest.fixture
def bench() -> Bench:
    """A fresh processor in ring 0."""
    return Bench()


@pytest.fixture(scope="session")
def make_bench() -> Callable[[], Bench]:
    """Benches by the dozen, for property tests."""
    return Bench
