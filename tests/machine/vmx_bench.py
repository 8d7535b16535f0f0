"""A machine in VMX root operation with one virtual machine ready to run, driven from Python.

The host is what a hypervisor in Python would be: it owns root operation, calls the VMX instructions
as methods, and gets control back when the host's entry point (in ``cpu.monitor``) is reached.
"""

from __future__ import annotations

from ringside.isa.assembler import assemble
from ringside.machine.machine import Machine
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.operation import Vmx
from ringside.trace.events import Event

VMXON_REGION, VMCS = 0x20_0000, 0x20_1000
HOST_ENTRY, HOST_STACK = 0x1_0000, 0x1_8000
CODE, STACK, GDT, IDT, TSS = 0x2_0000, 0x2_8000, 0x3_0000, 0x3_1000, 0x3_2000
HANDLERS = 0x3_8000  # VMCALL for each vector, 16 bytes apart
EPT = 0x30_0000
KCODE, KDATA, TASK = 0x08, 0x10, 0x28
FLAT_CODE, FLAT_DATA, BUSY_TSS = 0xC09B, 0xC093, 0x8B
CODE_3, DATA_3 = 0x1B, 0x23


class VmxBench:
    """The machine and short ways to use it."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.machine = machine or Machine()
        self.cpu = cpu = self.machine.cpu
        self.memory = self.machine.memory
        self.events: list[Event] = []
        for n, raw in enumerate((0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF, 0x00CFFB000000FFFF,
                                 0x00CFF3000000FFFF)):  # fmt: skip
            self.memory.write64(GDT + 8 * n, raw)
        self.memory.write64(GDT + TASK, 0x67 | TSS << 16 | 0x8B << 40)
        self.memory.write32(TSS + 4, STACK)
        self.memory.write32(TSS + 8, KDATA)
        for vector in range(64):
            handler = HANDLERS + 16 * vector
            gate = handler & 0xFFFF | KCODE << 16 | 0x8E00 << 32 | handler >> 16 << 48
            self.memory.write64(IDT + 8 * vector, gate)
            self.memory.write_bytes(handler, b"\x0f\x01\xc1")
        directory = 0x4_0000
        for n in range(2):  # 4 MiB pages
            self.memory.write32(directory + 4 * n, n << 22 | 0x87)
        cpu.cr0, cpu.cr3, cpu.cr4 = 0x8000_0031, directory, 0x2010
        cpu.feature_control = 5
        cpu.monitor = range(HOST_ENTRY, HOST_ENTRY + 16)
        self.memory.write32(VMXON_REGION, bits.REVISION)
        self.memory.write32(VMCS, bits.REVISION)
        cpu.vmxon(VMXON_REGION)
        self.vmx.clear(VMCS)
        self.vmx.load_pointer(VMCS)
        self.defaults()

    @property
    def vmx(self) -> Vmx:
        """VMX operation."""
        assert self.cpu.vmx is not None
        return self.cpu.vmx

    def __getitem__(self, field: int) -> int:
        return self.vmx.read(field)

    def __setitem__(self, field: int, value: int) -> None:
        self.vmx.write(field, value)

    def set(self, field: int, control: int) -> None:
        """Set bits of a field."""
        self[field] = self[field] | control

    def secondary(self, control: int) -> None:
        """Set secondary controls."""
        self.set(f.PRIMARY_CONTROLS, bits.ACTIVATE_SECONDARY)
        self.set(f.SECONDARY_CONTROLS, control)

    def defaults(self) -> None:
        """A flat 32-bit guest in ring 0 that leaves for nothing it can help."""
        for name, field in (
            ("pin", f.PIN_CONTROLS), ("primary", f.PRIMARY_CONTROLS), ("exit", f.EXIT_CONTROLS),
            ("entry", f.ENTRY_CONTROLS),
        ):  # fmt: skip
            self[field] = bits.allowed(name)[0]
        for n in range(6):
            self[f.GUEST_SELECTOR + 2 * n] = self[f.HOST_SELECTOR + 2 * n] = KDATA
            self[f.GUEST_LIMIT + 2 * n] = 0xFFFF_FFFF
            self[f.GUEST_RIGHTS + 2 * n] = FLAT_DATA
        self[f.GUEST_SELECTOR + 2] = self[f.HOST_SELECTOR + 2] = KCODE
        self[f.GUEST_RIGHTS + 2] = FLAT_CODE
        self[f.GUEST_RIGHTS + 2 * f.LDTR] = bits.UNUSABLE
        self[f.GUEST_SELECTOR + 2 * f.TR] = self[f.HOST_SELECTOR + 12] = TASK
        self[f.GUEST_RIGHTS + 2 * f.TR] = BUSY_TSS
        self[f.GUEST_LIMIT + 2 * f.TR] = 0x67
        self[f.GUEST_BASE + 2 * f.TR] = self[f.HOST_TR_BASE] = TSS
        self[f.GUEST_GDTR_BASE] = self[f.HOST_GDTR_BASE] = GDT
        self[f.GUEST_IDTR_BASE] = self[f.HOST_IDTR_BASE] = IDT
        self[f.GUEST_GDTR_LIMIT], self[f.GUEST_IDTR_LIMIT] = 0x2F, 64 * 8 - 1
        self[f.GUEST_CR0] = self[f.HOST_CR0] = 0x8000_0031
        self[f.GUEST_CR3] = self[f.HOST_CR3] = 0x4_0000
        self[f.GUEST_CR4] = self[f.HOST_CR4] = 0x2010
        self[f.LINK_POINTER] = self[f.LINK_POINTER + 1] = 0xFFFF_FFFF
        self[f.GUEST_DR7], self[f.GUEST_EFLAGS] = 0x400, 2
        self[f.GUEST_ESP], self[f.GUEST_EIP] = STACK, CODE
        self[f.HOST_ESP], self[f.HOST_EIP] = HOST_STACK, HOST_ENTRY

    def ring_3(self) -> None:
        """Let the guest start in ring 3."""
        for n, selector, rights in ((1, CODE_3, 0xC0FB), (2, DATA_3, 0xC0F3)):
            self[f.GUEST_SELECTOR + 2 * n] = selector
            self[f.GUEST_RIGHTS + 2 * n] = rights

    def guest(self, source: str, at: int = CODE) -> None:
        """Put the guest's code in place."""
        self.memory.write_bytes(at, assemble(f"bits 32\n{source}\n", origin=at).image)

    def identity_ept(self, rights: int = 0x37) -> None:
        """Map 0 to 4 MiB onto itself in 4 KiB pages."""
        self.memory.write64(EPT, EPT + 0x1000 | 7)
        self.memory.write64(EPT + 0x1000, EPT + 0x2000 | 7)
        for table in range(2):
            self.memory.write64(EPT + 0x2000 + 8 * table, EPT + 0x3000 + 0x1000 * table | 7)
        for page in range(1024):
            self.memory.write64(EPT + 0x3000 + 8 * page, page << 12 | rights)
        self.secondary(bits.ENABLE_EPT)
        self[f.EPT_POINTER] = EPT | 0x1E

    def map(self, gpa: int, entry: int) -> None:
        """Replace the extended page table's entry of a page."""
        self.memory.write64(EPT + 0x3000 + 8 * (gpa >> 12), entry)

    def enter(self) -> bool:
        """VMLAUNCH or VMRESUME."""
        assert self.vmx.vmcs is not None
        return self.vmx.resume() if self.vmx.vmcs.launched else self.vmx.launch()

    def run(self, source: str | None = None, limit: int = 10_000) -> int:
        """Enter the guest and give the reason it came back with."""
        if source is not None:
            self.guest(source)
        if self.enter():
            assert self.machine.run(limit) == "entry"
        assert self.cpu.at_monitor
        return self[f.EXIT_REASON]

    def skip(self) -> None:
        """Let the guest go on behind the instruction it left at."""
        self[f.GUEST_EIP] = self[f.GUEST_EIP] + self[f.EXIT_LENGTH]

    def listen(self) -> list[Event]:
        """Collect events from now on, but not every instruction."""

        class Rare:
            every_instruction = False

            def __init__(self, events: list[Event]) -> None:
                self.events = events

            def __call__(self, event: Event) -> None:
                self.events.append(event)

        self.machine.listener = Rare(self.events)
        return self.events
