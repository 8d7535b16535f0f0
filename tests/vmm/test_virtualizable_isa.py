"""With every sensitive instruction trapping, trap-and-emulate is right where IA-32 makes it wrong.

Each small guest uses one instruction of Robin and Irvine's list in its kernel. On plain IA-32 it
parts from bare metal at that very instruction; on the virtualizable instruction set it does not.
"""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.host.systems import BARE_METAL, Image, Options, System, build
from ringside.isa.assembler import Program
from ringside.isa.decode import decode
from ringside.isa.registers import CS
from ringside.machine.descriptors import segment_descriptor
from ringside.machine.machine import Machine
from ringside.machine.segmentation import cached
from ringside.trace.events import FaultRaised
from ringside.vmm.lockstep import Difference, Lockstep
from ringside.vmm.registry import IA32, VIRTUALIZABLE

TECHNIQUE = "trap-and-emulate"
SENSITIVE = {
    "pushf": "cli\n pushf\n pop eax",
    "popf": "push dword 0x202\n popf\n pushf\n pop eax",
    "sgdt": "sgdt [0x300000]\n mov eax, [0x300002]",
    "sidt": "sidt [0x300000]\n mov eax, [0x300002]",
    "sldt": "xor eax, eax\n lldt ax\n sldt eax",
    "str": "str eax",
    "smsw": "smsw eax",
    "lar": "mov ecx, CODE\n lar eax, ecx",
    "lsl": "mov ecx, DATA\n lsl eax, ecx",
    "verr": "mov cx, DATA\n verr cx\n mov eax, 0\n jnz .no\n inc eax\n.no:",
    "verw": "mov cx, DATA\n verw cx\n mov eax, 0\n jnz .no\n inc eax\n.no:",
    "mov": "mov eax, cs",
    "push": "push cs\n pop eax",
    "call": "call CODE:.there\n.there: pop ecx\n pop eax",
}
# What these ask for happens to be the same: there is no LDT on either machine, and the descriptors
# the VMM made are as readable and writable in ring 1 as the guest's own are in ring 0.
SAME_BY_LUCK = {"sldt", "verr", "verw"}


def program(text: str) -> Program:
    source = (
        f'bits 32\norg 0x100000\n%include "pc.inc"\nmain:\n{text}\n'
        "call print_number\n xor eax, eax\n jmp finish\n"
    )
    return guests.assemble_text(source)


def pair(text: str, isa: str) -> tuple[System, System]:
    image = Image(program(text), "guest", 4 << 20)
    return build(BARE_METAL, image), build(TECHNIQUE, image, Options(isa=isa))


def difference(text: str, isa: str) -> tuple[Difference | None, System]:
    bare, virtual = pair(text, isa)
    return Lockstep(bare, virtual).advance(20_000), virtual


@pytest.mark.parametrize("mnemonic", [name for name in SENSITIVE if name not in SAME_BY_LUCK])
def test_on_ia32_the_guest_parts_from_bare_metal_at(mnemonic: str) -> None:
    found, virtual = difference(SENSITIVE[mnemonic], IA32)
    assert found is not None
    code = virtual.vms[0].memory.read_bytes(found.eip, 15)
    assert decode(code).mnemonic == mnemonic
    assert mnemonic not in virtual.vms[0].emulated or mnemonic == "mov"


@pytest.mark.parametrize("mnemonic", SENSITIVE)
def test_on_the_virtualizable_set_it_is_equal_and_the_vmm_saw(mnemonic: str) -> None:
    bare, virtual = pair(SENSITIVE[mnemonic], VIRTUALIZABLE)
    assert Lockstep(bare, virtual).advance(20_000) is None
    assert virtual.outcome == bare.outcome and virtual.outcome is not None
    assert virtual.console == bare.console
    assert virtual.digest() == bare.digest()
    assert virtual.vms[0].emulated[mnemonic] >= 1


def test_the_popf_guest_gets_its_interrupt() -> None:
    image = Image(guests.program("popf"), "popf", 4 << 20)
    lost = build(TECHNIQUE, image)
    lost.run(100_000)
    right = build(TECHNIQUE, image, Options(isa=VIRTUALIZABLE))
    right.run(100_000)
    assert "no interrupt" in lost.console
    assert "the interrupt arrived" in right.console


@pytest.mark.parametrize("guest", ["rings", "cli_sti", "hlt", "page_fault", "system_call"])
def test_other_guests_stay_equal(guest: str) -> None:
    image = Image(guests.program(guest), guest, 4 << 20)
    virtual = build(TECHNIQUE, image, Options(isa=VIRTUALIZABLE))
    lockstep = Lockstep(build(BARE_METAL, image), virtual)
    assert lockstep.advance(100_000) is None
    assert lockstep.ended


def machine_in_ring(ring: int, *, switched: bool) -> Machine:
    """One that loops over MOV EAX, CS in this ring, with nobody to take a fault."""
    machine = Machine(1 << 20)
    cpu = machine.cpu
    cpu.trap_sensitive = switched
    cpu.write_control(0, 0x11)
    cpu.load_idt(0, 0)
    machine.memory.write_bytes(0x1000, b"\x8c\xc8\xeb\xfc")  # mov eax, cs; jmp back
    cpu.segs[CS] = cached(8 | ring, segment_descriptor(0, 0xFFFF_FFFF, 0xB, dpl=ring))
    cpu.set_cpl(ring)
    cpu.eip = 0x1000
    return machine


def test_in_ring_0_the_switch_changes_nothing() -> None:
    plain, switched = machine_in_ring(0, switched=False), machine_in_ring(0, switched=True)
    for machine in (plain, switched):
        assert machine.run(20_000) == "limit"
    assert plain.digest() == switched.digest()


@pytest.mark.parametrize("ring", [1, 3])
def test_outside_ring_0_the_instruction_faults(ring: int) -> None:
    assert machine_in_ring(ring, switched=False).run(20_000) == "limit"
    machine = machine_in_ring(ring, switched=True)
    faults: list[FaultRaised] = []
    machine.listener = lambda event: faults.append(event) if event.kind == "fault" else None
    machine.run(1)
    assert (faults[0].vector, faults[0].error, faults[0].eip) == (13, 0, 0x1000)


def test_hot_code_of_ring_0_faults_when_ring_3_runs_it() -> None:
    machine = machine_in_ring(0, switched=True)
    machine.run(20_000)
    machine.cpu.set_cpl(3)
    machine.run(10)
    assert str(machine.outcome) == "shutdown"


def test_only_techniques_that_can_be_shown_on_it_take_it() -> None:
    image = Image(guests.program("popf"), "popf", 4 << 20)
    with pytest.raises(ValueError, match="ia32"):
        build("emulation", image, Options(isa=VIRTUALIZABLE))
