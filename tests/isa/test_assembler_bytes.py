"""The bytes the assembler makes are NASM's, and what the disassembler prints reads back."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ringside.isa.assembler import assemble
from ringside.isa.assembler.forms import lookup, mnemonics
from ringside.isa.decode import Truncated, decode
from ringside.isa.disassemble import format_insn
from ringside.isa.faults import Fault
from ringside.isa.instruction import Insn, Mem, Rel

ORIGIN = 0x8000

# Instruction and bytes, as NASM 2.16 assembles them at 0x8000.
BYTES_32 = """
add al, 5                         0405
add eax, 5                        83c005
add eax, 500                      05f4010000
add ax, 5                         6683c005
add ax, 500                       6605f401
add ebx, -1                       83c3ff
add bl, 200                       80c3c8
and al, ~0x80                     247f
or dword [ebx], 0x80              810b80000000
sub [ebx+4], cl                   284b04
xor ecx, [ecx*4+8]                330c8d08000000
cmp byte [esi], 'a'               803e61
adc edx, [ebp]                    135500
sbb [esp], eax                    190424
mov eax, ebx                      89d8
mov eax, 5                        b805000000
mov byte [ebx], 5                 c60305
mov eax, [0x1234]                 a134120000
mov [0x1234], al                  a234120000
mov ebx, [0x1234]                 8b1d34120000
mov eax, [word 0x1234]            67a13412
mov eax, [fs:0]                   64a100000000
mov ax, [es:bx]                   2666678b07
mov ax, [bp+di+200]               66678b83c800
mov eax, [eax*2]                  8b0400
mov eax, [eax*3]                  8b0440
mov eax, [ebp+eax]                8b440500
mov eax, [eax+ebp]                8b0428
mov eax, [ebp+esp]                8b042c
mov eax, [esp+ebp*4+0x1234]       8b84ac34120000
mov eax, [ebx+0x7f]               8b437f
mov eax, [ebx+0x80]               8b8380000000
mov eax, [ebx-0x80]               8b4380
mov eax, [byte ebx+0]             8b4300
mov eax, [dword ebx+1]            8b8301000000
lea esi, [edi+edi*8-1]            8d74ffff
mov ds, ax                        8ed8
mov ax, ds                        668cd8
mov eax, ds                       8cd8
mov ds, eax                       8ed8
mov [ebx], ds                     8c1b
mov ss, [esp]                     8e1424
mov eax, cr0                      0f20c0
mov cr3, eax                      0f22d8
mov dr7, edi                      0f23ff
push 5                            6a05
push 500                          68f4010000
push word 5                       666a05
push byte -1                      6aff
push strict dword 5               6805000000
push dword [eax]                  ff30
push word [eax]                   66ff30
push fs                           0fa0
pop ss                            17
pop dword [esp+4]                 8f442404
xchg eax, ebx                     93
xchg ebx, eax                     93
xchg ecx, [ebx]                   870b
test ecx, [ebx]                   850b
test al, 1                        a801
test dword [eax], 1               f70001000000
imul eax, 5                       6bc005
imul eax, ebx, 500                69c3f4010000
imul ecx                          f7e9
inc eax                           40
inc byte [eax]                    fe00
dec dword [eax]                   ff08
neg cl                            f6d9
not word [eax]                    66f710
mul ebx                           f7e3
idiv byte [ebx]                   f63b
shl eax, 1                        d1e0
shl eax, 5                        c1e005
sar byte [eax], cl                d238
shld eax, ebx, 3                  0fa4d803
shrd [ebx], eax, cl               0fad03
rcl word [eax], 1                 66d110
movzx eax, bl                     0fb6c3
movzx ecx, word [eax]             0fb708
movsx bx, byte [eax]              660fbe18
bswap edi                         0fcf
setnz al                          0f95c0
cmovae eax, [ebx]                 0f4303
bt eax, 5                         0fbae005
bts dword [ebx], 5                0fba2b05
btr [ebx], ecx                    0fb30b
bsf eax, ebx                      0fbcc3
cmpxchg [ebx], ecx                0fb10b
lock xadd [ebx], cl               f00fc00b
cmpxchg8b [ebx]                   0fc70b
lgdt [ebx]                        0f0113
lidt [0x1000]                     0f011d00100000
sgdt [esp+2]                      0f01442402
smsw eax                          0f01e0
smsw ax                           660f01e0
lmsw ax                           0f01f0
str eax                           0f00c8
sldt [ebx]                        0f0003
ltr ax                            0f00d8
lldt [ebx]                        0f0013
lar eax, ebx                      0f02c3
lsl ax, [ebx]                     660f0303
verr ax                           0f00e0
arpl [ebx], cx                    630b
bound eax, [ebx]                  6203
invlpg [eax]                      0f0138
les eax, [ebx]                    c403
lss esp, [ebx]                    0fb223
in al, 0x60                       e460
in eax, dx                        ed
out dx, ax                        66ef
out 0x20, al                      e620
int 0x80                          cd80
int3                              cc
into                              ce
iret                              cf
iretd                             cf
iretw                             66cf
pushf                             9c
pushfd                            9c
popfw                             669d
pushad                            60
popaw                             6661
retf                              cb
retf 4                            ca0400
ret                               c3
ret 8                             c20800
enter 8, 1                        c8080001
leave                             c9
hlt                               f4
cli                               fa
sti                               fb
clts                              0f06
ud2                               0f0b
cpuid                             0fa2
rdtsc                             0f31
rdmsr                             0f32
wrmsr                             0f30
wbinvd                            0f09
cbw                               6698
cwde                              98
cwd                               6699
cdq                               99
xlatb                             d7
lahf                              9f
sahf                              9e
aam                               d40a
aad 16                            d510
daa                               27
nop                               90
pause                             f390
fwait                             9b
rep movsb                         f3a4
rep stosd                         f3ab
repne scasw                       f266af
repe cmpsd                        f3a7
cs lodsb                          2eac
a16 stosb                         67aa
o16 iret                          66cf
rep insb                          f36c
outsw                             666f
jmp 8:0x1234                      ea341200000800
jmp word 8:0x1234                 66ea34120800
call 0x10:0x1234                  9a341200001000
jmp far [ebx]                     ff2b
call far word [ebx]               66ff1b
jmp [ebx]                         ff23
call eax                          ffd0
jmp ax                            66ffe0
jmp $                             ebfe
jmp near $                        e9fbffffff
jmp $+0x81                        eb7f
jmp $+0x82                        e97d000000
jz $-0x7e                         7480
jz $-0x7f                         0f847bffffff
call $+5                          e800000000
loop $                            e2fe
jecxz $                           e3fe
jcxz $                            67e3fd
loopne $-10                       e0f4
jmp dword $                       e9fbffffff
jnae $+4                          7202
"""

BYTES_16 = """
mov eax, 5                        66b805000000
mov ax, 5                         b80500
mov [bx+si], al                   8800
mov eax, [ebx+4]                  66678b4304
mov ax, [0x1234]                  a13412
mov eax, [dword 0x12345678]       6667a178563412
mov byte [bp], 1                  c6460001
mov dword [di-200], 1             66c78538ff01000000
push 5                            6a05
push dword 5                      666a05
push eax                          6650
pop es                            07
jmp 0x8:0x1234                    ea34120800
jmp dword 0x8:0x12345678          66ea785634120800
jmp $+0x1000                      e9fd0f
call $-0x1000                     e8fdef
lgdt [0x1234]                     0f01163412
o32 lgdt [bx]                     660f0117
mov eax, cr0                      0f20c0
mov cr0, eax                      0f22c0
iret                              cf
iretd                             66cf
pushf                             9c
popfd                             669d
ret                               c3
retf                              cb
movsd                             66a5
rep movsw                         f3a5
a32 rep stosd                     f36667ab
in eax, dx                        66ed
lea ax, [bx+di+2]                 8d4102
bswap ecx                         660fc9
jecxz $                           67e3fd
loop $                            e2fe
cwde                              6698
cbw                               98
enter 4, 0                        c8040000
out dx, eax                       66ef
int 0x10                          cd10
shl dword [bx], cl                66d327
movzx eax, word [es:di]           26660fb705
jmp far [bx]                      ff2f
jmp far dword [bx]                66ff2f
smsw ax                           0f01e0
lidt [es:bx]                      260f011f
"""


def rows(table: str) -> list[tuple[str, str]]:
    return [(line[:34].strip(), line[34:].strip()) for line in table.strip().splitlines()]


def code(text: str, bits: int = 32) -> bytes:
    return assemble(f"bits {bits}\n{text}", origin=ORIGIN).image


@pytest.mark.parametrize(("text", "expected"), rows(BYTES_32))
def test_an_instruction_in_32_bit_code_has_nasms_bytes(text: str, expected: str) -> None:
    assert code(text, 32).hex() == expected


@pytest.mark.parametrize(("text", "expected"), rows(BYTES_16))
def test_an_instruction_in_16_bit_code_has_nasms_bytes(text: str, expected: str) -> None:
    assert code(text, 16).hex() == expected


def test_every_name_of_an_instruction_leads_to_an_encoding() -> None:
    assert [name for name in mnemonics() if not lookup(name)[0]] == []


# -- random programs against NASM ------------------------------------------------------------

NAMES = {
    8: ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"],
    16: ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"],
    32: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"],
}
WORDS = {8: "byte ", 16: "word ", 32: "dword "}
NUMBERS = {
    8: [0, 1, 5, 127, 128, -128, 255, -1],
    16: [0, 1, 127, 128, -128, -129, 255, 0x1234, 0xFF80, -1],
    32: [0, 1, 127, 128, -128, -129, 0xFFFF, 0x12345678, -1],
}
SHIFTS = ("shl", "shr", "sar", "rol", "ror", "rcl", "rcr")
ON_ONE = ("inc", "dec", "neg", "not", "mul", "div", "idiv", "imul")
ON_MEMORY = ("lgdt", "sidt", "invlpg", "jmp", "call", "setz", "smsw", "cmpxchg8b")
ALONE = """mov eax,cr0;mov cr3,eax;mov dr7,eax;bswap edi;in al,dx;in eax,5;out 5,al;int 0x80;iretd
iretw;pushf;popfd;pushfw;pusha;popad;cbw;cwde;cdq;leave;enter 8,1;aam;xlatb;rep movsb;rep stosd
repne scasw;lodsw;cs lodsb;lock inc dword [eax];o16 iret;a16 stosb;cpuid;ret;ret 8;retf 4
mov eax,[fs:0];push cs;pop gs;xchg eax,eax;push byte 5;call 0x10:0x1234;jmp word 8:5;call cx"""


class Writer:
    """Writes random instructions that both assemblers accept without a warning."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def memory(self) -> str:
        seg = self.pick(["", "", "", "", "", "", "es:", "ss:", "fs:"])
        form = self.random.random()
        wide = [name for name in NAMES[32] if name != "esp"]
        if form < 0.15:
            inside = self.pick(["bx", "bp", "si", "di", "bx+si", "bp+di", "bx+di", "bp+si"])
            inside += self.pick(["", "+5", "-5", "+0x1234", "+200"])
        elif form < 0.3:
            inside = self.pick(["0x1234", "0x100"])
        elif form < 0.6:
            inside = self.pick(NAMES[32]) + self.pick(["", "+5", "-0x80", "+0x80", "+0x12345678"])
        elif form < 0.85:
            inside = f"{self.pick(NAMES[32])}+{self.pick(wide)}*{self.pick('1248')}"
            inside += self.pick(["", "+5", "-5", "+0x1234"])
        else:
            inside = f"{self.pick(wide)}*{self.pick('1234589')}" + self.pick(["", "+5", "+0x1234"])
        return f"[{seg}{inside}]"

    def instruction(self, labels: list[str]) -> str:
        pick = self.pick
        bits = pick([8, 16, 32])
        reg = pick(NAMES[bits])
        sized = pick([pick(NAMES[bits]), WORDS[bits] + self.memory()])
        plain = pick([pick(NAMES[bits]), self.memory()])
        number = pick(NUMBERS[bits])
        two = pick(["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "mov", "test"])
        choices = [
            f"{pick([two, 'xchg'])} {reg}, {plain}",
            f"{pick([two, 'xchg'])} {plain}, {reg}",
            f"{two} {sized}, {number}",
            f"{pick(ON_ONE)} {sized}",
            f"{pick(SHIFTS)} {sized}, {pick(['1', 'cl', '5'])}",
            f"{pick(['jmp', 'call', 'jz', 'jnae', 'jg'])} {pick(labels)}",
            pick(ALONE.replace("\n", ";").split(";")),
        ]
        if bits > 8:
            size = pick(["", WORDS[bits]]) if number in NUMBERS[16][:6] else WORDS[bits]
            choices += [
                f"{pick(['push', 'pop'])} {sized}",
                f"push {size}{number}",
                f"{pick(['imul', 'cmovz', 'bsf', 'lar', 'lsl'])} {reg}, {plain}",
                f"imul {reg}, {plain}, {number}",
                f"{pick(['movzx', 'movsx'])} {reg}, byte {self.memory()}",
                f"{pick(['bt', 'bts', 'btr', 'btc'])} {sized}, {pick([reg, '5'])}",
                f"{pick(['shld', 'shrd'])} {plain}, {reg}, {pick(['cl', '5'])}",
                f"mov {pick(['es', 'ss', 'fs'])}, {pick([reg, self.memory()])}",
                f"mov {pick([reg, self.memory()])}, {pick(['cs', 'ds', 'gs'])}",
                f"{pick(ON_MEMORY)} {self.memory()}",
                f"{pick(['les', 'lea', 'bound'])} {reg}, {self.memory()}",
            ]
        return pick(choices)

    def program(self, bits: int, length: int) -> str:
        labels = [f"label{index}" for index in range(0, length, 50)]
        lines = [f"bits {bits}", "org 0x1000"]
        for index in range(length):
            if index % 50 == 0:
                lines.append(f"{labels[index // 50]}:")
            lines.append(self.instruction(labels))
        return "\n".join(lines) + "\n"


@pytest.mark.skipif(shutil.which("nasm") is None, reason="NASM is not installed")
@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("seed", range(3))
def test_a_random_program_is_nasms_byte_for_byte(bits: int, seed: int, tmp_path: Path) -> None:
    source = Writer(seed).program(bits, 1500)
    path = tmp_path / "program.asm"
    path.write_text(source)
    out = tmp_path / "program.bin"
    subprocess.run(
        ["nasm", "-f", "bin", "-O", "x", "-w-all", str(path), "-o", str(out)], check=True
    )
    program = assemble(source)
    wanted = out.read_bytes()
    pairs = enumerate(zip(program.image, wanted, strict=False))
    different = next((index for index, (mine, nasms) in pairs if mine != nasms), None)
    where = different is not None and program.source_line(program.origin + different)
    assert different is None, f"first difference on line {where}"
    assert len(program.image) == len(wanted)


# -- reading back what the disassembler prints ------------------------------------------------


def seen(insn: Insn, address: int) -> list[object]:
    """What the instruction means, whichever of its encodings it has."""
    out: list[object] = [insn.mnemonic, insn.lock, bool(insn.rep)]
    if insn.row.repeat == "repe":
        out.append(insn.rep)
    takes = (*insn.row.takes, *insn.row.flags_take)
    if "w" in takes or insn.row.kind in ("branch", "string"):
        out.append(insn.width)
    if "seg" in takes or insn.mnemonic.startswith("outs"):
        out.append(insn.seg)
    if "asz" in takes or insn.row.repeat:
        out.append(insn.addr_bits)
    operands: list[object] = []
    for operand in insn.operands:
        if isinstance(operand, Mem):
            factors = dict.fromkeys({operand.base, operand.index} - {None}, 0)
            if operand.base is not None:
                factors[operand.base] += 1
            if operand.index is not None:
                factors[operand.index] += operand.scale
            narrow = operand.addr_bits == 16
            operands.append((operand.seg, factors, operand.disp, operand.width, narrow))
        elif isinstance(operand, Rel):
            operands.append((address + insn.length + operand.displacement) & 0xFFFF)
        else:
            operands.append(operand)
    if insn.mnemonic in ("xchg", "test"):
        operands.sort(key=repr)
    return [*out, operands]


def has_prefix_that_shortens(insn: Insn) -> bool:
    """A dropped prefix moves the end of a short branch; its target may come out of reach."""
    return "cb" in insn.form.immediates and insn.length > len(insn.form.opcode) + 1


@settings(max_examples=1500, deadline=None)
@given(st.binary(min_size=15, max_size=15), st.sampled_from([16, 32]))
@example(bytes.fromhex("8b046d00000000") + bytes(8), 32)  # [ebp*2] is in DS, not SS
@example(bytes.fromhex("67a21234") + bytes(11), 32)  # a 16-bit address in 32-bit code
@example(bytes.fromhex("0fb729") + bytes(12), 16)  # movzx bp, word
def test_what_the_disassembler_prints_assembles_to_the_same_instruction(
    raw: bytes, bits: int
) -> None:
    try:
        insn = decode(raw, bits)
    except (Fault, Truncated):
        return
    if insn.mnemonic == "fpu" or has_prefix_that_shortens(insn):
        return
    text = format_insn(insn, ORIGIN)
    image = code(text, bits)
    again = decode(image + bytes(15), bits)
    assert again.length == len(image), text
    assert seen(again, ORIGIN) == seen(insn, ORIGIN), text
