"""The VMCS as data: encodings, controls and capability MSRs agree with each other."""

from __future__ import annotations

import pytest
from ringside.isa.table import ROWS
from ringside.machine.cpu import Cpu
from ringside.machine.memory import Memory
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.execution import QUESTIONS, VMX_REASONS
from ringside.machine.vmx.info import SELECTOR_IDENTITY, TABLE_IDENTITY
from ringside.machine.vmx.reasons import REASONS
from ringside.machine.vmx.vmcs import SLOTS, Vmcs


def test_no_two_fields_share_an_encoding_or_a_name() -> None:
    assert len(f.BY_ENCODING) == len(f.FIELDS) == len(f.BY_NAME)
    assert all(not field.encoding & 1 for field in f.FIELDS)
    assert all(field.encoding < 1 << 15 for field in f.FIELDS)


def test_the_encoding_says_area_and_width() -> None:
    # SDM vol. 3D, appendix B
    assert (f.BY_NAME["vpid"].area, f.BY_NAME["vpid"].width) == (f.CONTROL, 16)
    assert (f.BY_NAME["ept pointer"].area, f.BY_NAME["ept pointer"].width) == (f.CONTROL, 64)
    assert (f.BY_NAME["exit reason"].area, f.BY_NAME["exit reason"].width) == (1, 32)
    assert f.BY_NAME["exit reason"].read_only
    assert (f.BY_NAME["guest rip"].area, f.BY_NAME["guest rip"].natural) == (f.GUEST, True)
    assert (f.BY_NAME["host tr selector"].area, f.BY_NAME["host tr selector"].width) == (f.HOST, 16)


def test_the_area_in_the_name_is_the_area_in_the_encoding() -> None:
    for field in f.FIELDS:
        if field.name.startswith("host "):
            assert field.area == f.HOST, field.name
        elif field.name.startswith("guest ") and "address" not in field.name:
            assert field.area == f.GUEST, field.name


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        (0x0802, "guest cs selector"), (0x080E, "guest tr selector"), (0x0C0C, "host tr selector"),
        (0x2004, "msr bitmap"), (0x2400, "guest physical address"), (0x4002, "primary controls"),
        (0x4402, "exit reason"), (0x4816, "guest cs rights"), (0x4824, "interruptibility state"),
        (0x482E, "preemption-timer value"), (0x6400, "exit qualification"), (0x681E, "guest rip"),
        (0x6C16, "host rip"), (0x6806, "guest es base"), (0x6814, "guest tr base"),
    ],
)  # fmt: skip
def test_fields_have_the_encodings_of_the_manual(encoding: int, name: str) -> None:
    assert f.BY_ENCODING[encoding].name == name


def test_every_field_keeps_its_own_value_in_memory() -> None:
    memory = Memory(1 << 16)
    vmcs = Vmcs(memory, 0x3000)
    for number, field in enumerate(f.FIELDS):
        vmcs[field.encoding] = 0x1111 + number
    assert [vmcs[field.encoding] for field in f.FIELDS] == [
        0x1111 + number for number in range(len(f.FIELDS))
    ]
    assert max(SLOTS.values()) * 8 < bits.REGION_SIZE
    assert memory.read32(0x3000) == 0  # the revision identifier is no field's
    vmcs[f.VPID] = 0x12345
    assert vmcs[f.VPID] == 0x2345


@pytest.mark.parametrize("name", bits.TABLES)
def test_only_controls_with_a_meaning_may_be_chosen(name: str) -> None:
    must, may = bits.allowed(name)
    assert must & ~may == 0
    assert may & ~must == bits.known(name)
    assert not bits.unsupported(name, must)
    assert not bits.unsupported(name, may)
    assert bits.unsupported(name, may ^ 1 << 31 if not may >> 31 else may & ~must)


def test_the_capability_msrs_say_what_the_tables_say() -> None:
    cpu = Cpu(Memory(1 << 16))
    basic = cpu.read_msr(0x480)
    assert basic & 0x7FFF_FFFF == bits.REVISION
    assert basic >> 32 & 0x1FFF == bits.REGION_SIZE
    assert basic >> 48 & 1  # addresses are 32 bits
    for true, plain, name in (
        (0x48D, 0x481, "pin"), (0x48E, 0x482, "primary"), (0x48F, 0x483, "exit"),
        (0x490, 0x484, "entry"),
    ):  # fmt: skip
        must, may = bits.allowed(name)
        assert cpu.read_msr(true) == must | may << 32
        # The old MSR claims that all of the default-1 bits must be set.
        assert cpu.read_msr(plain) == must | bits.DEFAULT1[name] | may << 32
    assert cpu.read_msr(0x48B) == bits.known("secondary") << 32
    assert cpu.read_msr(0x48A) >> 1 == max(field.encoding >> 1 & 0x1FF for field in f.FIELDS)


def test_every_exit_column_of_the_instruction_table_is_a_question() -> None:
    assert {row.exit for row in ROWS} - {""} == set(QUESTIONS)
    assert all(row.kind == "system" for row in ROWS if row.exit)
    assert {row.mnemonic for row in ROWS if row.exit == "vmx"} == set(VMX_REASONS)
    assert {row.mnemonic for row in ROWS if row.exit == "table"} == set(TABLE_IDENTITY)
    assert {row.mnemonic for row in ROWS if row.exit == "selector"} == set(SELECTOR_IDENTITY)
    assert set(VMX_REASONS.values()) <= set(REASONS)
