"""The text of instructions."""

from __future__ import annotations

import pytest
from ringside.isa.decode import decode
from ringside.isa.disassemble import disassemble, format_insn, names_by_address
from ringside.isa.reference import reference
from ringside.isa.table import ROWS


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("8b4304", "mov eax, [ebx+4]"),
        ("8b448bf0", "mov eax, [ebx+ecx*4-0x10]"),
        ("c6400107", "mov byte [eax+1], 7"),
        ("c74001efbeadde", "mov dword [eax+1], 0xdeadbeef"),
        ("0fb600", "movzx eax, byte [eax]"),
        ("d320", "shl dword [eax], cl"),
        ("83e8ff", "sub eax, -1"),
        ("648b00", "mov eax, [fs:eax]"),
        ("3e8b4500", "mov eax, [ds:ebp]"),
        ("a100000800", "mov eax, [0x80000]"),
        ("f3a5", "rep movsd"),
        ("f3a6", "repe cmpsb"),
        ("f2ae", "repne scasb"),
        ("64ac", "fs lodsb"),
        ("67f3a4", "rep a16 movsb"),
        ("f0ff00", "lock inc dword [eax]"),
        ("ebfe", "jmp 0x1000"),
        ("7505", "jne 0x1007"),
        ("ff2b", "jmp far [ebx]"),
        ("ff13", "call dword [ebx]"),
        ("ea785634120800", "jmp 0x8:0x12345678"),
        ("9c", "pushf"),
        ("669c", "pushfw"),
        ("cf", "iret"),
        ("66c3", "o16 ret"),
        ("0f22d8", "mov cr3, eax"),
        ("0f0118", "lidt [eax]"),
        ("0fc70e", "cmpxchg8b qword [esi]"),
        ("cd80", "int 0x80"),
        ("f390", "pause"),
        ("8f442404", "pop dword [esp+4]"),
    ],
)
def test_text_is_intel_syntax(code: str, text: str) -> None:
    assert format_insn(decode(bytes.fromhex(code)), 0x1000) == text


def test_sixteen_bit_code_names_the_other_sizes() -> None:
    def text(code: str) -> str:
        return format_insn(decode(bytes.fromhex(code), 16), 0)

    assert text("9c") == "pushf"
    assert text("669c") == "pushfd"
    assert text("8b07") == "mov ax, [bx]"
    assert text("678b03") == "mov ax, [ebx]"


def test_symbols_replace_addresses() -> None:
    symbols = names_by_address({"start": 0x1000, "table": 0x2000, "again": 0x1000})
    assert format_insn(decode(b"\xeb\xfe"), 0x1000, symbols) == "jmp start"
    assert format_insn(decode(bytes.fromhex("a100200000")), 0, symbols) == "mov eax, [table]"
    assert format_insn(decode(bytes.fromhex("b800200000")), 0, symbols) == "mov eax, table"
    assert format_insn(decode(bytes.fromhex("b8ff000000")), 0, {0xFF: "small"}) == "mov eax, 0xff"


def test_without_an_address_targets_are_relative() -> None:
    assert format_insn(decode(bytes.fromhex("7505"))) == "jne $+7"
    assert format_insn(decode(bytes.fromhex("ebf0"))) == "jmp $-0xe"


def test_undecodable_bytes_are_data_and_nothing_is_lost() -> None:
    code = bytes.fromhex("90d6f18b")
    lines = list(disassemble(code, 0x100))
    assert [text for _, _, text in lines] == ["nop", "db 0xd6", "db 0xf1", "db 0x8b"]
    assert [address for address, _, _ in lines] == list(range(0x100, 0x104))


def test_the_reference_page_names_every_instruction_and_encoding() -> None:
    page = reference()
    for row in ROWS:
        assert f"## {row.mnemonic.upper()}\n" in page
        assert row.text in page
        for form in row.forms:
            assert f"| `{form.partition('|')[0].strip()}` |" in page
