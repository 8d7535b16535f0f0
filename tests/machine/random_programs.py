"""Random programs that terminate only by luck: loops, calls, faults, partial registers, stores.

Used by the engine's tests; a plain module because pytest's own assertion rewriting is not needed.
"""

from __future__ import annotations

import random

R32 = ["eax", "ecx", "edx", "ebx", "ebp", "esi", "edi"]
R16 = ["ax", "cx", "dx", "bx", "bp", "si", "di"]
R8 = ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"]
CONDITIONS = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"]
TWO = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "mov", "test", "xchg"]
ONE = ["inc", "dec", "neg", "not"]
SHIFTS = ["shl", "shr", "sar", "rol", "ror", "rcl", "rcr"]
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
        return str(
            self.r.choice([0, 1, 2, 3, 4, 7, 8, (1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1,
                           self.r.getrandbits(bits)])
        )  # fmt: skip

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

    def operand(self, registers: list[str], size: str, memory: bool) -> str:
        return f"{size} {self.memory()}" if memory else self.r.choice(registers)

    def instruction(self) -> str:
        r = self.r
        size, registers = self.size()
        kind = r.randint(0, 25)
        if kind < 8:
            op = r.choice(TWO)
            destination = self.operand(registers, size, r.random() < 0.25)
            if op != "xchg" and r.random() < 0.4:
                return f"{op} {destination}, {self.immediate(size)}"
            memory = "[" not in destination and op != "test" and r.random() < 0.3
            return f"{op} {destination}, {self.operand(registers, size, memory)}"
        if kind < 11:
            return f"{r.choice(ONE)} {self.operand(registers, size, r.random() < 0.2)}"
        if kind < 13:
            count = r.choice(["1", "cl", str(r.randint(0, 33))])
            return f"{r.choice(SHIFTS)} {self.operand(registers, size, r.random() < 0.15)}, {count}"
        if kind == 13:
            return f"lea {r.choice(R32)}, [{r.choice(R32)} + {r.choice(R32)}*{r.choice([1, 2, 4, 8])} + {r.randint(-9, 9)}]"
        if kind == 14:
            return f"{r.choice(['movzx', 'movsx'])} {r.choice(R32)}, {r.choice(R8)}"
        if kind == 15:
            return f"set{r.choice(CONDITIONS)} {r.choice(R8)}"
        if kind == 16:
            return f"cmov{r.choice(CONDITIONS)} {r.choice(R32)}, {self.operand(R32, 'dword', r.random() < 0.3)}"
        if kind < 20:
            return r.choice([f"push {r.choice(R32)}", f"pop {r.choice(R32)}"])
        if kind == 20:
            return f"imul {r.choice(R32)}, {r.choice(R32)}, {r.randint(-200, 200)}"
        if kind == 21:
            return f"{r.choice(['mul', 'imul', 'div', 'idiv'])} {r.choice(registers)}"
        if kind == 22:
            return r.choice(["cdq", "cwde", "clc", "stc", "cmc", "sahf", "lahf", "cbw", "leave", "pusha", "popa", "nop", "xlat", "bswap eax", "pushfd", "cld"])
        if kind == 23:
            return r.choice([
                f"bt {r.choice(R32)}, {r.choice(R32)}", f"bts dword {self.memory()}, {r.randint(0, 31)}",
                f"bsf {r.choice(R32)}, {r.choice(R32)}", f"bsr {r.choice(R32)}, {r.choice(R32)}",
                f"shld {r.choice(R32)}, {r.choice(R32)}, {r.randint(0, 33)}",
                f"shrd {r.choice(R32)}, {r.choice(R32)}, cl",
                f"xadd {r.choice(R32)}, {r.choice(R32)}", f"cmpxchg dword {self.memory()}, {r.choice(R32)}",
            ])  # fmt: skip
        if kind == 24:
            return r.choice(["stosd", "lodsb", "movsd", "scasb", f"mov ecx, {r.randint(0, 6)}\nrep movsb"])
        return f"mov {r.choice(['esi', 'edi', 'ebp'])}, {r.choice([DATA, FAR_DATA, DATA + 4084])}"

    def ending(self, block: int) -> str:
        r = self.r
        here = r.randrange(self.blocks)
        kind = r.randint(0, 9)
        if kind < 5:
            return f"j{r.choice(CONDITIONS)} b{here}"
        if kind < 6:
            return f"{r.choice(['loop', 'loope', 'loopne', 'jecxz'])} b{here}" if abs(here - block) < 2 else "nop"
        if kind < 7:
            return f"jmp b{here}"
        if kind < 8:
            return f"call b{here}"
        if kind < 9:
            return f"mov dword [esp], b{here}\nret"
        return "nop"

    def modify(self) -> str:
        """Change the immediate of an instruction that runs again later."""
        target = self.r.randrange(self.blocks)
        return f"mov byte [m{target} + 1], {self.r.choice(['al', 'cl', str(self.r.randrange(256))])}"

    def program(self, self_modifying: bool = False) -> str:
        lines = []
        for block in range(self.blocks):
            lines.append(f"b{block}:")
            if self_modifying:
                lines.append(f"m{block}: mov {self.r.choice(['eax', 'ecx', 'ebx'])}, {self.r.randint(0, 50)}")
            for _ in range(self.r.randint(0, 6)):
                lines.append(self.instruction())
                if self_modifying and self.r.random() < 0.15:
                    lines.append(self.modify())
            lines.append(self.ending(block))
        lines.append("jmp b0")
        return "\n".join(lines)
