"""What prefixes, lengths and addressing forms do to decoding (SDM vol. 2, chapter 2)."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringside.isa.decode import Truncated, decode
from ringside.isa.faults import Fault
from ringside.isa.instruction import Far, Imm, Insn, Mem, Reg, Rel
from ringside.isa.registers import DS, EAX, EBP, EBX, ECX, EDI, ES, ESI, ESP, FS, GS, SS
from ringside.isa.width import B, D, W


def at(text: str, bits: int = 32) -> Insn:
    return decode(bytes.fromhex(text), bits)


def memory(insn: Insn) -> Mem:
    found = [operand for operand in insn.operands if type(operand) is Mem]
    assert len(found) == 1
    return found[0]


def refused(text: str, bits: int = 32) -> int:
    with pytest.raises(Fault) as caught:
        at(text, bits)
    return caught.value.vector


def stripped(insn: Insn) -> Insn:
    return dataclasses.replace(insn, raw=b"", length=0, seg=None)


REGISTER_ONLY = ["01c8", "40", "f7e3", "0fafc1", "c1e005", "b878563412", "9b", "c9", "0fc8", "c3"]


@given(
    st.sampled_from(REGISTER_ONLY),
    st.lists(st.sampled_from([0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0xF2, 0xF3]), max_size=5),
)
def test_prefixes_without_a_use_change_nothing_but_the_length(
    text: str, prefixes: list[int]
) -> None:
    plain = at(text)
    dressed = decode(bytes(prefixes) + bytes.fromhex(text))
    assert stripped(dressed) == stripped(plain)
    assert dressed.length == plain.length + len(prefixes)


@given(st.permutations([0x66, 0x67, 0x65]))
def test_the_order_of_prefixes_does_not_matter(order: list[int]) -> None:
    insn = decode(bytes(order) + bytes.fromhex("8b00"))
    assert memory(insn) == Mem(GS, EBX, ESI, 1, 0, W, 16, 0)


@given(
    st.integers(0, 2**120 - 1).map(lambda n: n.to_bytes(15, "little")), st.sampled_from([16, 32])
)
def test_decoding_depends_on_the_instruction_bytes_alone(code: bytes, bits: int) -> None:
    try:
        insn = decode(code, bits)
    except Fault:
        return
    assert insn.raw == code[: insn.length]
    assert decode(insn.raw, bits) == insn
    assert decode(memoryview(insn.raw + b"\xcc" * 3), bits) == insn


def test_a_repeated_prefix_counts_once_and_the_last_segment_wins() -> None:
    assert at("666666b83412").operands[1] == Imm(0x1234, W)
    assert memory(at("26648b00")).seg == FS


def test_an_instruction_longer_than_fifteen_bytes_is_gp() -> None:
    assert at("2e" * 14 + "90").length == 15
    assert refused("2e" * 15 + "90") == 13
    assert refused("2e" * 11 + "b800000000") == 13


def test_bytes_that_end_early_ask_for_more() -> None:
    for text in ("", "66", "0f", "8b", "8b04", "8b80000000", "ea0000000008"):
        with pytest.raises(Truncated):
            at(text)


def test_undefined_opcodes_are_ud() -> None:
    for text in (
        "0fff00",
        "d6",
        "f1",
        "0f0500",
        "0f6fc0",
        "0f2806",
        "0fc7c8",
        "8dc0",
        "c4c0",
        "62c0",
    ):
        assert refused(text + "00" * 8) == 6
    assert refused("8ef0") == refused("8cf8") == 6  # segment registers 6 and 7


def test_lock_needs_a_lockable_row_and_a_memory_destination() -> None:
    assert at("f00108").lock
    assert at("f00fc70e").lock
    assert refused("f001c8") == 6  # register destination
    assert refused("f00308") == 6  # memory is the source
    assert refused("f03908") == 6  # CMP writes nothing
    assert refused("f08908") == refused("f090") == 6


def test_repeat_prefixes_are_kept_for_string_rows_only() -> None:
    assert at("f3a4").rep == "rep"
    assert at("f2ae").rep == "repne"
    assert at("f36c").rep == "rep"
    assert at("f389c8").rep == ""
    assert at("f390").mnemonic == "pause"
    assert at("f290").mnemonic == "nop"


def test_the_width_is_that_of_the_operation() -> None:
    assert at("04ff").width is B
    assert at("6605ffff").width is W
    assert at("0fb6c0").width is D
    assert at("e410").width is B
    assert at("ee").width is B
    assert at("66ef").width is W
    assert at("c20400").width is D
    assert at("6a01").width is D
    assert at("666a01").width is W
    assert at("8ed8").width is W
    assert at("0f22c0").width is D
    assert at("66a5").width is W


def test_sign_extended_immediates_are_unsigned_at_the_operands_width() -> None:
    assert at("83c0ff").operands[1] == Imm(0xFFFFFFFF, D)
    assert at("6683c0ff").operands[1] == Imm(0xFFFF, W)
    assert at("6aff").operands[0] == Imm(0xFFFFFFFF, D)
    assert at("04ff").operands[1] == Imm(0xFF, B)


def test_thirty_two_bit_addressing_forms() -> None:
    cases = {
        "8b00": (DS, EAX, None, 1, 0),
        "8b450c": (SS, EBP, None, 1, 12),
        "8b45f4": (SS, EBP, None, 1, -12),
        "8b0424": (SS, ESP, None, 1, 0),
        "8b048b": (DS, EBX, ECX, 4, 0),
        "8b04e3": (DS, EBX, None, 1, 0),  # index 100 means none
        "8b0578563412": (DS, None, None, 1, 0x12345678),
        "8b05000000c0": (DS, None, None, 1, 0xC0000000),
        "8b04cd10000000": (DS, None, ECX, 8, 16),
        "8b442b04": (DS, EBX, EBP, 1, 4),  # EBP as an index does not ask for SS
        "8b442504": (SS, EBP, None, 1, 4),
    }
    for text, (seg, base, index, scale, disp) in cases.items():
        assert memory(at(text)) == Mem(seg, base, index, scale, disp, D, 32, disp), text


def test_sixteen_bit_addressing_forms() -> None:
    forms = [
        (DS, EBX, ESI), (DS, EBX, EDI), (SS, EBP, ESI), (SS, EBP, EDI),
        (DS, ESI, None), (DS, EDI, None), (SS, EBP, None), (DS, EBX, None),
    ]  # fmt: skip
    for rm, (seg, base, index) in enumerate(forms):
        insn = decode(bytes([0x8B, 0x40 | rm, 0xFE]), 16)
        assert memory(insn) == Mem(seg, base, index, 1, -2, W, 16, -2)
    assert memory(at("8b0634f2", 16)) == Mem(DS, None, None, 1, 0xF234, W, 16, 0xF234)


def test_pop_forms_its_address_after_esp_moved() -> None:
    for text, added in (("8f442404", 4), ("668f442404", 2)):
        mem = memory(at(text))
        assert (mem.disp, mem.shown) == (4 + added, 4)
    assert memory(at("8f4304")).disp == 4


def test_memory_offsets_follow_the_address_size() -> None:
    assert memory(at("a178563412")) == Mem(DS, None, None, 1, 0x12345678, D, 32, 0x12345678)
    assert memory(at("6726a13412")) == Mem(ES, None, None, 1, 0x1234, D, 16, 0x1234)


def test_branches_keep_their_displacement() -> None:
    assert at("ebfe").operands == (Rel(-2),)
    assert at("e8fbffffff").operands == (Rel(-5),)
    assert at("66e9ffff").operands == (Rel(-1),)
    assert at("ea785634120800").operands == (Far(8, 0x12345678),)
    assert at("ea34120800", 16).operands == (Far(8, 0x1234),)


def test_byte_registers_four_to_seven_are_the_high_bytes() -> None:
    assert at("88e0").operands == (Reg(0, B), Reg(4, B))


def test_sizes_choose_between_rows_that_share_an_opcode() -> None:
    names = {"98": ("cwde", "cbw"), "99": ("cdq", "cwd"), "a5": ("movsd", "movsw")}
    for text, (wide, narrow) in names.items():
        assert at(text).mnemonic == wide
        assert at("66" + text).mnemonic == narrow
        assert at(text, 16).mnemonic == narrow
    assert at("e300").mnemonic == "jecxz"
    assert at("67e300").mnemonic == "jcxz"


def test_moves_to_control_registers_ignore_mod() -> None:
    for modrm in ("00", "40", "80", "c0"):
        insn = at("0f22" + modrm)
        assert insn.length == 3
        assert insn.operands[1] == Reg(EAX, D)
