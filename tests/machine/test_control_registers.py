"""Control registers, MSRs, CPUID and the time-stamp counter."""

from __future__ import annotations

import pytest
from ringside.isa.registers import EAX, EBX, ECX, EDX, FLAG_IF
from ringside.trace.events import ControlWritten, FlagIgnored, Revealed

GP, UD = 13, 6


@pytest.mark.parametrize(
    ("register", "value", "refused"),
    [
        ("cr0", 0x8000_0010, True),  # PG without PE
        ("cr0", 0x2000_0011, True),  # NW without CD
        ("cr0", 0x6000_0011, False),
        ("cr4", 0x1, True),  # VME is not there
        ("cr4", 1 << 12, True),
        ("cr4", 0x10 | 0x20 | 0x80 | 0x4 | 0x100 | 0x800, False),
    ],
)
def test_inconsistent_or_unknown_bits_are_refused(bench, register, value, refused):
    events = bench.listen()
    bench.load(f"mov {register}, eax")
    bench.enter(0)
    bench.cpu.regs[EAX] = value
    before = bench.cpu.cr0, bench.cpu.cr4
    bench.step()
    written = [e for e in events if isinstance(e, ControlWritten) and e.register == register]
    if refused:
        assert bench.fault == (GP, 0)
        assert (bench.cpu.cr0, bench.cpu.cr4) == before
        assert not written
    else:
        assert bench.fault is None
        assert getattr(bench.cpu, register) == value | (0x10 if register == "cr0" else 0)
        assert len(written) == 1


@pytest.mark.parametrize("register", ["cr0", "cr2", "cr3", "cr4"])
@pytest.mark.parametrize("ring", [1, 2, 3])
def test_control_registers_belong_to_ring_0(bench, register, ring):
    bench.execute(f"mov eax, {register}", ring)
    assert bench.fault == (GP, 0)
    bench.execute(f"mov {register}, eax", ring)
    assert bench.fault == (GP, 0)


def test_there_is_no_cr1(bench):
    bench.memory.write_bytes(bench.CODE, b"\x0f\x20\xc8")
    bench.enter(0)
    bench.step()
    assert bench.fault == (UD, None)


def test_et_is_always_set(bench):
    bench.cpu.write_control(0, 1)
    assert bench.cpu.cr0 == 0x11


def test_cpuid_is_a_bare_pentium(bench):
    bench.execute("mov eax, 0\ncpuid", steps=2)
    regs = bench.cpu.regs
    name = b"".join(regs[n].to_bytes(4, "little") for n in (EBX, EDX, ECX))
    assert name == b"GenuineIntel"
    bench.execute("mov eax, 1\ncpuid", steps=2)
    assert regs[EAX] >> 8 & 15 == 5
    assert not regs[ECX] >> 31  # no hypervisor here
    features = {bit for bit in range(32) if regs[EDX] >> bit & 1}
    assert features == {3, 4, 5, 6, 8, 13, 15}
    assert not regs[EDX] & 1  # no x87 unit


def test_the_tsc_counts_instructions_and_can_be_set(bench):
    bench.execute("nop\nrdtsc", steps=2)
    assert bench.cpu.regs[EAX] == 1
    bench.execute("mov ecx, 0x10\nmov edx, 2\nmov eax, 100\nwrmsr\nrdtsc", steps=5)
    assert (bench.cpu.regs[EDX], bench.cpu.regs[EAX]) == (2, 101)


@pytest.mark.parametrize("ring", range(4))
@pytest.mark.parametrize("tsd", [False, True])
def test_tsd_keeps_rdtsc_to_ring_0(bench, ring, tsd):
    bench.cpu.write_control(4, 4 if tsd else 0)
    bench.execute("rdtsc", ring)
    assert bench.fault == ((GP, 0) if tsd and ring else None)


@pytest.mark.parametrize("verb", ["rdmsr", "wrmsr"])
def test_an_unknown_msr_is_gp(bench, verb):
    bench.execute(f"mov ecx, 0x1b\n{verb}", steps=2)
    assert bench.fault == (GP, 0)


def test_debug_registers_remember_and_dr4_is_dr6(bench):
    cpu = bench.cpu
    cpu.write_debug(0, 0x1234)
    cpu.write_debug(7, 0xFFFF_FFFF)
    assert cpu.read_debug(0) == 0x1234
    assert cpu.read_debug(5) == cpu.read_debug(7) == 0xFFFF_2FFF
    assert cpu.read_debug(4) == cpu.read_debug(6)


@pytest.mark.parametrize(
    "source", ["sgdt [0x4000]", "sidt [0x4000]", "str ax", "smsw ax", "sldt ax"])
@pytest.mark.parametrize("umip", [False, True])
def test_sensitive_reads_reveal_the_real_machine_unless_umip(bench, source, umip):
    bench.cpu.write_control(4, 0x800 if umip else 0)
    events = bench.listen()
    bench.execute(source, 3)
    revealed = [e for e in events if isinstance(e, Revealed)]
    if umip:
        assert bench.fault == (GP, 0)
        assert not revealed
    else:
        assert bench.fault is None
        assert [(e.mnemonic, e.eip) for e in revealed] == [(source.split()[0], bench.CODE)]


def test_popf_in_an_outer_ring_loses_if_without_a_trap(bench):
    events = bench.listen()
    bench.execute("push dword 0x202\npopf", 3, steps=2)
    assert bench.fault is None
    assert not bench.cpu.eflags & FLAG_IF
    lost = [e for e in events if isinstance(e, FlagIgnored)]
    assert [(e.flag, e.wanted, e.kept, e.eip) for e in lost] == [("if", 1, 0, bench.CODE + 5)]
