"""Random programs for the engine's tests: loops, calls, faults, partial registers, odd stores.

They end only by luck, so whoever runs them gives a limit.
"""

from __future__ import annotations

import random

R32 = ["eax", "ecx", "edx", "ebx", "ebp", "esi", "edi"]
R16 = ["ax", "cx", "dx", "bx", "bp", "si", "di"]
R8 = ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"]
CONDITIONS = [
    "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g",
]  # fmt: skip
TWO = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "mov", "test", "xchg"]
ONE = ["inc", "dec", "neg", "not"]
SHIFTS = ["shl", "shr", "sar", "rol", "ror", "rcl", "rcr"]
PLAIN = [
    "cdq", "cwde", "clc", "stc", "cmc", "sahf", "lahf", "cbw", "leave", "pusha", "popa", "nop",
    "xlat", "pushfd", "cld", "std", "cld", "stosd", "lodsb", "movsd", "scasb", "cmpsw",
]  # fmt: skip
DATA, FAR_DATA, STACK = 0x20000, 0x30000, 0x50000


class Maker:
    """Makes one program from a seed."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.blocks = self.r.randint(2, 7)

    def size(self) -> tuple[str, list[str]]:
        return self.r.choice([("dword", R32)] * 4 + [("word", R16), ("byte", R8)])

    def immediate(self, size: str) -> str:
        bits = {"dword": 32, "word": 16, "byte": 8}[size]
        top = 1 << (bits - 1)
        known = [0, 1, 2, 3, 4, 7, 8, 2 * top - 1, top, top - 1]
        return str(self.r.choice([*known, self.r.getrandbits(bits)]))

    def memory(self) -> str:
        r = self.r
        kind = r.randint(0, 9)
        if kind < 3:
            return f"[{DATA + 4 * r.randint(0, 40)}]"
        if kind < 6:
            return f"[esi + {r.choice([0, 4, 8, 12, 1, -4])}]"
        if kind < 7:
            return f"[edi + {r.choice(['ecx', 'eax'])}*4 + {r.choice([0, 4])}]"
        if kind < 8:
            return f"[esp + {4 * r.randint(0, 3)}]"
        if kind < 9:
            return f"[{DATA + 4093 + r.randint(0, 4)}]"
        return f"[{r.choice(R32)} + {r.randint(0, 20)}]"

    def operand(self, registers: list[str], size: str, memory: float) -> str:
        if self.r.random() < memory:
            return f"{size} {self.memory()}"
        return self.r.choice(registers)

    def instruction(self) -> str:
        r = self.r
        size, registers = self.size()
        kind = r.randint(0, 25)
        if kind < 8:
            op = r.choice(TWO)
            destination = self.operand(registers, size, 0.25)
            if op != "xchg" and r.random() < 0.4:
                return f"{op} {destination}, {self.immediate(size)}"
            memory = 0.3 if "[" not in destination and op != "test" else 0.0
            return f"{op} {destination}, {self.operand(registers, size, memory)}"
        if kind < 11:
            return f"{r.choice(ONE)} {self.operand(registers, size, 0.2)}"
        if kind < 13:
            count = r.choice(["1", "cl", str(r.randint(0, 33))])
            return f"{r.choice(SHIFTS)} {self.operand(registers, size, 0.15)}, {count}"
        if kind < 18:
            return self.one_of_a_kind(kind)
        if kind < 21:
            return r.choice([f"push {r.choice(R32)}", f"pop {r.choice(R32)}"])
        if kind == 21:
            return f"{r.choice(['mul', 'imul', 'div', 'idiv'])} {r.choice(registers)}"
        if kind == 22:
            return r.choice([*PLAIN, "bswap eax", self.repeated()])
        if kind < 25:
            return self.rare()
        return f"mov {r.choice(['esi', 'edi', 'ebp'])}, {r.choice([DATA, FAR_DATA, DATA + 4084])}"

    def one_of_a_kind(self, kind: int) -> str:
        r = self.r
        one, two = r.choice(R32), r.choice(R32)
        if kind == 13:
            scale = r.choice([1, 2, 4, 8])
            return f"lea {one}, [{two} + {r.choice(R32)}*{scale} + {r.randint(-9, 9)}]"
        if kind == 14:
            return f"{r.choice(['movzx', 'movsx'])} {one}, {r.choice(R8)}"
        if kind == 15:
            return f"set{r.choice(CONDITIONS)} {r.choice(R8)}"
        if kind == 16:
            return f"cmov{r.choice(CONDITIONS)} {one}, {self.operand(R32, 'dword', 0.3)}"
        return f"imul {one}, {two}, {r.randint(-200, 200)}"

    def repeated(self) -> str:
        prefix = self.r.choice(["rep movsb", "rep movsd", "rep stosd", "rep stosb", "rep lodsd"])
        compared = self.r.choice(["repe cmpsb", "repne scasb", "repe scasd", "repne cmpsd"])
        count = f"mov ecx, {self.r.randint(0, 12)}\n" if self.r.random() < 0.8 else ""
        return count + self.r.choice([prefix, prefix, compared])

    def rare(self) -> str:
        r = self.r
        one, two = r.choice(R32), r.choice(R32)
        return r.choice([
            f"bt {one}, {two}", f"bts dword {self.memory()}, {r.randint(0, 31)}",
            f"bts dword {self.memory()}, {one}", f"bsf {one}, {two}", f"bsr {one}, {two}",
            f"shld {one}, {two}, {r.randint(0, 33)}", f"shrd {one}, {two}, cl",
            f"xadd {one}, {two}", f"cmpxchg dword {self.memory()}, {one}",
        ])  # fmt: skip

    def ending(self, block: int) -> str:
        r = self.r
        here = r.randrange(self.blocks)
        kind = r.randint(0, 9)
        if kind < 5:
            return f"j{r.choice(CONDITIONS)} b{here}"
        if kind < 6:
            near = abs(here - block) < 2
            return f"{r.choice(['loop', 'loope', 'loopne', 'jecxz'])} b{here}" if near else "nop"
        if kind < 7:
            return f"jmp b{here}"
        if kind < 8:
            return f"call b{here}"
        if kind < 9:
            return f"mov dword [esp], b{here}\nret"
        return "nop"

    def modify(self) -> str:
        """Change the immediate of an instruction that may run again."""
        value = self.r.choice(["al", "cl", str(self.r.randrange(256))])
        return f"mov byte [m{self.r.randrange(self.blocks)} + 1], {value}"

    def program(self, self_modifying: bool = False) -> str:
        lines = []
        for block in range(self.blocks):
            lines.append(f"b{block}:")
            if self_modifying:
                register = self.r.choice(["eax", "ecx", "ebx"])
                lines.append(f"m{block}: mov {register}, {self.r.randint(0, 50)}")
            for _ in range(self.r.randint(0, 6)):
                lines.append(self.instruction())
                if self_modifying and self.r.random() < 0.15:
                    lines.append(self.modify())
            lines.append(self.ending(block))
        lines.append("jmp b0")
        return "\n".join(lines)
