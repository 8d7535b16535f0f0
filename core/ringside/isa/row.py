"""One row of the instruction table: an instruction declared once, used by everybody.

A row is data plus two plain functions of values. Decoder, assembler, disassembler, interpreter,
translator, reference page and tests all derive from it.

**Meaning** (kinds ``data``, ``branch``, ``string``): a function whose *parameter names* say what
it needs (column ``takes``):

=====================  =====================================================================
``a b c``              operand values 1, 2, 3, unsigned, at the operand's own width (a
                       sign-extended immediate is already extended and masked to that width)
``w``                  the Width of the operation (``Insn.width``)
``ea`` ``seg``         effective offset and segment of the memory operand; for string rows and
                       XLAT ``seg`` is DS or the override
``eax ecx … edi``      full 32-bit registers
``cf pf af zf sf of df``  flags, 0 or 1
``lt le be``           derived flags: ``sf != of``, ``zf or sf != of``, ``cf or zf`` (0 or 1)
``eip_next``           offset of the next instruction
``target``             branch target, already masked to the operand size
``m``                  memory port: ``m.load(seg, offset, w)``, ``m.store(seg, offset, value, w)``
``s``                  stack address mask (SS.B); ``asz`` address-size mask; 0xFFFF[_FFFF]
=====================  =====================================================================

An operand value is fetched only if the meaning takes it. The result is one value, or a tuple,
named by ``gives``: ``"1" "2" "3"`` (operands), full registers, ``"eip"``, ``"df"``, or a
temporary (``"temp" "n" "carry" "left" "right"``) stored nowhere and seen only by the flag function.
Memory operands are stored first (they may fault), then the registers in the order of ``gives``
(the last one wins), then the flags. The body has only assignments to local names, if/else,
arithmetic, ``m`` calls, ``raise Fault``, and one final return, so a translator can inline it.

**Flags** (column ``flags``): a function of the values *before* the operation, of ``w``, and of
what the meaning gave (``r`` ``r2`` ``r3`` in order, temporaries by name). It assigns locals
``cf pf af zf sf of`` (0 or 1), optionally the shortcuts ``lt le be``, and ends
``return cf, pf, af, zf, sf, of`` with ``None`` where a flag keeps its value.
With ``flags_if`` (a temporary's name) nothing changes while that value is 0.

**System** rows: ``meaning(cpu, insn)`` against :class:`ringside.isa.ports.Cpu`. When it is
called ``cpu.eip`` already names the next instruction; a Fault puts everything back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

FLAG_NAMES = ("cf", "pf", "af", "zf", "sf", "of")
DERIVED_FLAGS = {"lt": ("sf", "of"), "le": ("zf", "sf", "of"), "be": ("cf", "zf")}
TEMPORARIES = frozenset({"temp", "n", "carry", "left", "right"})
FlagTuple = tuple[int | None, int | None, int | None, int | None, int | None, int | None]

SENSITIVE_REGISTER = "sensitive register"  # Robin & Irvine 2000, requirement 3B
PROTECTION_SYSTEM = "protection system"  # Robin & Irvine 2000, requirement 3C
INTERRUPT_FLAG = "interrupt flag"  # IRET keeps IF silently too; not in their list
# 3C as well, but not in their list: LDS and its like load segment registers as MOV and POP do, INT3
# and INTO are INT with the vector built in. The classification laboratory finds them all.
UNLISTED = "protection system, not listed"
ROBIN_IRVINE_COUNT = 17  # what the paper counts; its usual list names 18 mnemonics


@dataclass(frozen=True, slots=True)
class Form:
    """One encoding, parsed from the SDM notation of its row.

    ``opcode`` are the fixed bytes (without a mandatory prefix), ``prefix`` a mandatory F3 or 66,
    or None, ``bare`` says that with 66, F2 or F3 it is undefined (``NP``),
    ``operand_bits``/``address_bits`` restrict the form to one size (``o16 o32 a16 a32``),
    ``plus`` says the register is in the low three bits of the last opcode byte (``+r``),
    ``modrm`` is None, "r" or "0".."7", ``immediates`` lists ``ib iw iz id cb cz cp ap mo`` in the
    order they follow, ``operands`` are the operand letters.
    """

    text: str
    opcode: bytes
    prefix: int | None
    operand_bits: int | None
    address_bits: int | None
    plus: bool
    modrm: str | None
    immediates: tuple[str, ...]
    operands: tuple[str, ...]
    bare: bool = False


@cache
def parse_form(text: str) -> Form:
    """Read ``"o16 0F A4 /r ib | Ev Gv Ib"``. Raises ValueError on anything unknown."""
    encoding, bar, operand_text = text.partition("|")
    if not bar:
        raise ValueError(f"form {text!r} has no '|' between encoding and operands")
    opcode = bytearray()
    prefix: int | None = None
    sizes: dict[str, int] = {}
    plus = bare = False
    modrm: str | None = None
    immediates: list[str] = []
    for token in encoding.split():
        if token in ("o16", "o32", "a16", "a32"):
            sizes[token[0]] = int(token[1:])
        elif token in ("F3", "66") and not opcode:
            prefix = int(token, 16)
        elif token == "NP":
            bare = True
        elif token[0] == "/":
            modrm = token[1:]
        elif token.endswith("+r"):
            opcode.append(int(token[:-2], 16))
            plus = True
        elif token in ("ib", "iw", "iz", "id", "cb", "cz", "ap", "mo"):
            immediates.append(token)
        else:
            opcode.append(int(token, 16))
    return Form(
        text, bytes(opcode), prefix, sizes.get("o"), sizes.get("a"), plus, modrm,
        tuple(immediates), tuple(operand_text.split()), bare,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction: see the module's text for the columns ``meaning``, ``gives``, ``flags``.

    ``forms``: encodings in SDM notation, ``"opcode … | operands"``, the preferred one first.
    Operand letters are those of the SDM opcode map (vol. 2, A.2.1): ``E G I J M O R S C D A``,
    ``Z`` a register in the opcode byte, ``X``/``Y`` implicit string operands (they give the width
    and are not in ``Insn.operands``); sizes ``b w d``, ``v``/``z`` operand size, ``p`` far
    pointer, ``a`` pair of bounds, ``s`` pseudo-descriptor, ``q`` eight bytes; ``Ibs`` a
    sign-extended byte; fixed ``AL CL DX rAX 1 3 ES CS SS DS FS GS``.
    ``kind``: ``data`` | ``branch`` | ``string`` | ``system``.
    ``privilege``: ``any`` | ``cpl0`` | ``iopl`` | ``tsd`` (CR4.TSD) | ``vmx`` — who may
    execute it without a fault. ``sensitive``: "" or the group of Robin & Irvine, or
    one of the two groups that stand beside their list. ``repeat``: "" |
    ``rep`` | ``repe`` (REP also stops on ZF). ``lock``: LOCK allowed with a memory destination.
    ``undefined``: flags the SDM leaves undefined. ``exit``: in a virtual machine of VMX, who is
    asked whether it leaves it: a name of ``machine.vmx.execution.QUESTIONS``, "" for nobody.
    """

    mnemonic: str
    forms: tuple[str, ...]
    meaning: Callable[..., Any]
    text: str
    gives: tuple[str, ...] = ()
    flags: Callable[..., FlagTuple] | None = None
    writes_flags: tuple[str, ...] = ()
    reads_flags: tuple[str, ...] = ()
    flags_if: str = ""
    undefined: tuple[str, ...] = ()
    kind: str = "data"
    privilege: str = "any"
    sensitive: str = ""
    repeat: str = ""
    lock: bool = False
    exit: str = ""

    @property
    def takes(self) -> tuple[str, ...]:
        """The names the meaning asks for."""
        return parameters(self.meaning)

    @property
    def flags_take(self) -> tuple[str, ...]:
        """The names the flag function asks for."""
        return parameters(self.flags) if self.flags else ()

    @property
    def encodings(self) -> tuple[Form, ...]:
        """The parsed forms, in the same order."""
        return tuple(parse_form(text) for text in self.forms)


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The parameter names of a plain function."""
    code = function.__code__
    return tuple(code.co_varnames[: code.co_argcount])


def classify(row: Row) -> str:
    """Popek and Goldberg's class: ``privileged`` traps below its level, ``sensitive`` should but
    does not, ``innocuous`` touches nothing of the machine's."""
    if row.privilege in ("cpl0", "iopl", "vmx"):
        return "privileged"
    return "sensitive" if row.sensitive else "innocuous"
