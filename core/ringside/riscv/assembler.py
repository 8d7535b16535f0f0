"""A small assembler for RV32I, in the dialect of the GNU assembler.

``label:``, numeric labels (``1:`` with ``1b`` and ``1f``), the instructions of the table with
their usual short forms (:mod:`~ringside.riscv.pseudo`), and the directives ``.org .align .balign
.word .half .byte .ascii .asciz .string .space .zero .equ .set`` (``.text .data .globl .global
.option .section`` are accepted and mean nothing here). Comments begin with ``#`` or ``//``.
Everything wrong is collected and raised as one ``AssemblyError``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ringside.isa.assembler.problems import MAX_PROBLEMS, AssemblyError, Problem, nearest
from ringside.isa.assembler.program import Program
from ringside.riscv.csr import NUMBERS as CSR_NUMBERS
from ringside.riscv.decode import REGISTER_NAMES, signed
from ringside.riscv.expression import Bad, Symbols, evaluate
from ringside.riscv.pseudo import ANY_SIZE, PSEUDO, Template, long_constant
from ringside.riscv.row import MASK, Row
from ringside.riscv.table import ROWS

ORIGIN = 0x8000_0000
LONGEST = 1 << 20  # bytes of one program

REGISTERS = {name: number for number, name in enumerate(REGISTER_NAMES)}
REGISTERS |= {f"x{number}": number for number in range(32)} | {"fp": 8}
BY_NAME: dict[str, Row] = {row.mnemonic: row for row in ROWS}
IGNORED = frozenset(
    {".text", ".data", ".globl", ".global", ".option", ".section", ".type", ".size"}
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", '"': '"', "'": "'"}

_LABEL = re.compile(r"\s*(?:([A-Za-z_.$][\w.$]*|\d+)\s*:)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class Statement:
    """One instruction or piece of data, placed but not yet encoded."""

    line: int
    column: int
    address: int
    size: int
    encode: Callable[[Symbols], bytes]


@dataclass(slots=True)
class Assembly:
    """The state of one run of the assembler."""

    name: str
    at: int
    statements: list[Statement] = field(default_factory=list)
    symbols: dict[str, int] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    numeric: dict[str, list[int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def scope(self, address: int) -> Symbols:
        """The symbols as an expression at ``address`` sees them."""
        return Symbols(self.symbols, self.numeric, address)

    def place(self, line: int, column: int, size: int, encode: Callable[[Symbols], bytes]) -> None:
        """Add a statement here."""
        if self.at - ORIGIN + size > LONGEST * 16 or size > LONGEST:
            raise Bad(f"the program grows beyond {LONGEST} bytes")
        self.statements.append(Statement(line, column, self.at, size, encode))
        self.at += size


def assemble(source: str, *, name: str = "guest.s", origin: int = ORIGIN) -> Program:
    """Assemble ``source``; raises AssemblyError. The entry is ``_start``, else the first byte."""
    work = Assembly(name, origin)
    for number, text in enumerate(source.split("\n"), 1):
        if len(work.problems) >= MAX_PROBLEMS:
            break
        try:
            read_line(work, number, without_comment(text))
        except Bad as mistake:
            work.problems.append(problem(work, number, text, mistake))
    image: dict[int, bytes] = {}
    lines: list[tuple[int, str, int, int]] = []
    for statement in work.statements:
        if len(work.problems) >= MAX_PROBLEMS:
            break
        try:
            data = statement.encode(work.scope(statement.address))
        except Bad as mistake:
            work.problems.append(
                Problem(name, statement.line, statement.column, str(mistake), mistake.expected))
            continue
        image[statement.address] = data
        lines.append((statement.address, name, statement.line, len(data)))
    if work.problems:
        raise AssemblyError(sorted(work.problems, key=lambda p: (p.line, p.column)))
    first = min(image, default=origin)
    end = max((at + len(data) for at, data in image.items()), default=first)
    flat = bytearray(end - first)
    for at, data in image.items():
        flat[at - first : at - first + len(data)] = data
    return Program(
        first, bytes(flat), dict(work.symbols), sorted(lines),
        work.symbols.get("_start", first), frozenset(work.labels), 32, end, {name: source},
    )  # fmt: skip


def problem(work: Assembly, line: int, text: str, mistake: Bad) -> Problem:
    """A mistake with its place; the column is that of the first thing on the line."""
    return Problem(work.name, line, len(text) - len(text.lstrip()) + 1, str(mistake),
                   mistake.expected)


def without_comment(text: str) -> str:
    """The line up to ``#`` or ``//``, unless they stand in a string or a character."""
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
        elif char == "#" or text.startswith("//", at):
            return text[:at]
        at += 1
    return text


def read_line(work: Assembly, number: int, text: str) -> None:
    """Labels, then a directive or an instruction."""
    at = 0
    while label := _LABEL.match(text, at):
        define_label(work, label[1])
        at = label.end()
    rest = text[at:].strip()
    if not rest:
        return
    column = text.index(rest, at) + 1
    word, _, tail = rest.partition(" ") if "\t" not in rest.split(" ")[0] else rest.partition("\t")
    word, tail = word.lower(), tail.strip()
    if word.startswith("."):
        directive(work, number, column, word, tail)
    else:
        instruction(work, number, column, word, split_operands(tail))


def define_label(work: Assembly, name: str) -> None:
    """Give ``name`` the present address."""
    if name.isdigit():
        work.numeric.setdefault(name, []).append(work.at)
    elif name in work.symbols:
        raise Bad(f"the label `{name}` is already defined")
    else:
        work.symbols[name] = work.at
        work.labels.add(name)


def split_operands(text: str) -> list[str]:
    """Operands between commas that stand outside quotes and brackets."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    if text:
        parts.append(text[start:].strip())
    return parts


# -- directives -----------------------------------------------------------------------------------


def directive(work: Assembly, line: int, column: int, word: str, tail: str) -> None:
    """Carry out one directive."""
    if word in IGNORED:
        return
    known = DIRECTIVES.get(word)
    if known is None:
        near = nearest(word, [*DIRECTIVES, *IGNORED])
        raise Bad(f"there is no directive `{word}`", f"perhaps `{near}`" if near else "")
    known(work, line, column, tail)


def data_directive(size: int) -> Callable[[Assembly, int, int, str], None]:
    """Make ``.byte``, ``.half`` or ``.word``."""

    def data(work: Assembly, line: int, column: int, tail: str) -> None:
        values = split_operands(tail)
        if not values:
            raise Bad("no value is given", "numbers between commas")

        def encode(scope: Symbols) -> bytes:
            return b"".join(
                (evaluate(value, scope) & (1 << 8 * size) - 1).to_bytes(size, "little")
                for value in values)

        work.place(line, column, size * len(values), encode)

    return data


def text_directive(end: bytes) -> Callable[[Assembly, int, int, str], None]:
    """Make ``.ascii`` or ``.asciz``."""

    def put(work: Assembly, line: int, column: int, tail: str) -> None:
        data = b""
        for part in _STRING.sub(lambda found: "", tail).split(","):
            if part.strip():
                raise Bad(f"`{part.strip()}` is not text", 'text between double quotes')
        for found in _STRING.finditer(tail):
            text = re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), found[1])
            data += text.encode() + end
        work.place(line, column, len(data), lambda scope: data)

    return put


def now(work: Assembly, text: str) -> int:
    """A value that must be known here already."""
    return evaluate(text, work.scope(work.at))


def skip(work: Assembly, line: int, column: int, tail: str) -> None:
    """``.space n``: n bytes of zero."""
    count = now(work, tail)
    if not 0 <= count <= LONGEST:
        raise Bad(f"{count} is not a number of bytes", f"0 to {LONGEST}")
    work.place(line, column, count, lambda scope: bytes(count))


def to_multiple(work: Assembly, line: int, column: int, unit: int) -> None:
    if not 1 <= unit <= 1 << 16 or unit & unit - 1:
        raise Bad(f"{unit} is not an alignment", "a power of two")
    count = -work.at % unit
    if count:
        work.place(line, column, count, lambda scope: bytes(count))


def align(work: Assembly, line: int, column: int, tail: str) -> None:
    """``.align n``: to a multiple of two to the n."""
    power = now(work, tail)
    to_multiple(work, line, column, 1 << power if 0 <= power <= 16 else 0)


def balign(work: Assembly, line: int, column: int, tail: str) -> None:
    """``.balign n``: to a multiple of n."""
    to_multiple(work, line, column, now(work, tail))


def org(work: Assembly, line: int, column: int, tail: str) -> None:
    """``.org address``."""
    address = now(work, tail)
    if work.statements and not work.statements[0].address <= address <= work.at + LONGEST:
        raise Bad(f"{address:#x} lies outside the program", "an address after the first .org")
    work.at = address & MASK


def equ(work: Assembly, line: int, column: int, tail: str) -> None:
    """``.equ name, value``."""
    name, comma, value = tail.partition(",")
    name = name.strip()
    if not comma or not re.fullmatch(r"[A-Za-z_.$][\w.$]*", name):
        raise Bad("a name and a value are needed", "`.equ name, value`")
    if name in work.labels:
        raise Bad(f"the label `{name}` is already defined")
    work.symbols[name] = now(work, value)


DIRECTIVES: dict[str, Callable[[Assembly, int, int, str], None]] = {
    ".byte": data_directive(1), ".half": data_directive(2), ".short": data_directive(2),
    ".word": data_directive(4), ".long": data_directive(4),
    ".ascii": text_directive(b""), ".asciz": text_directive(b"\0"),
    ".string": text_directive(b"\0"), ".space": skip, ".zero": skip, ".skip": skip,
    ".align": align, ".p2align": align, ".balign": balign, ".org": org, ".equ": equ, ".set": equ,
}  # fmt: skip


# -- instructions ---------------------------------------------------------------------------------


def instruction(work: Assembly, line: int, column: int, name: str, operands: list[str]) -> None:
    """Place one instruction, or what a short form stands for."""
    templates = PSEUDO.get(name)
    if templates is not None and len(operands) in templates:
        for template in expansion(work, templates[len(operands)], operands):
            place_row(work, line, column, BY_NAME[template[0]], list(template[1]))
        return
    row = BY_NAME.get(name)
    if row is None:
        if templates is not None:
            raise Bad(f"`{name}` takes {' or '.join(map(str, sorted(templates)))} operands, "
                      f"not {len(operands)}")
        near = nearest(name, [*BY_NAME, *PSEUDO])
        raise Bad(f"there is no instruction `{name}`", f"perhaps `{near}`" if near else "")
    place_row(work, line, column, row, operands)


def expansion(
    work: Assembly, templates: tuple[Template, ...], operands: list[str]
) -> tuple[Template, ...]:
    """The instructions a short form stands for; ``li`` needs two unless its value is small."""
    if templates is ANY_SIZE:
        try:
            templates = long_constant(signed(now(work, operands[1]) & MASK))
        except Bad:  # not known yet
            templates = long_constant(1 << 31)
    return tuple(
        (name, tuple(part.format(*operands) for part in parts)) for name, parts in templates
    )


def place_row(work: Assembly, line: int, column: int, row: Row, operands: list[str]) -> None:
    """Place one instruction of the table."""
    wanted = row.operands.split(", ") if row.operands else []
    if row.mnemonic in ("fence", "fence.i"):  # what exactly is ordered does not matter here
        operands = []
    if len(operands) != len(wanted):
        raise Bad(f"`{row.mnemonic}` takes {len(wanted)} operands, not {len(operands)}",
                  f"`{row.mnemonic} {row.operands}`".replace(" `", "`"))

    def encode(scope: Symbols) -> bytes:
        fields: dict[str, int] = {}
        if row.mnemonic == "fence":
            fields |= {"pred": 15, "succ": 15}
        for spec, text in zip(wanted, operands, strict=True):
            read_operand(row, spec, text, scope, fields)
        return row.form.insert(fields).to_bytes(4, "little")

    work.place(line, column, 4, encode)


def read_operand(
    row: Row, spec: str, text: str, scope: Symbols, fields: dict[str, int]
) -> None:
    """Read one operand into the fields of the encoding."""
    if "(" in spec:
        outside, _, inside = text.rpartition("(")
        if not text.endswith(")"):
            raise Bad(f"`{text}` is not an address", "`offset(register)`")
        first, _, second = spec.partition("(")
        read_operand(row, first, outside.strip() or "0", scope, fields)
        read_operand(row, second.rstrip(")"), inside[:-1].strip(), scope, fields)
    elif spec in ("rd", "rs1", "rs2"):
        number = REGISTERS.get(text.lower())
        if number is None:
            near = nearest(text.lower(), REGISTERS)
            raise Bad(f"`{text}` is not a register", f"perhaps `{near}`" if near else "a register")
        fields[spec] = number
    elif spec == "csr":
        known = CSR_NUMBERS.get(text.lower())
        fields[spec] = evaluate(text, scope) if known is None else known
        check(fields[spec], 0, 0xFFF, 1, "a control and status register")
    elif spec == "target":
        value = evaluate(text, scope) - scope.address
        store_immediate(row, value, fields, "a branch distance")
    elif spec == "imm":
        value = evaluate(text, scope)
        if row.encoding.startswith("imm[31:12]"):
            check(value, -(1 << 19), (1 << 20) - 1, 1, "a constant of 20 bits")
            fields["imm"] = value << 12 & MASK
        else:
            store_immediate(row, value, fields, "a constant")
    else:
        fields[spec] = evaluate(text, scope)
        check(fields[spec], 0, 31, 1, "a constant of 5 bits")


def store_immediate(row: Row, value: int, fields: dict[str, int], what: str) -> None:
    """Check a signed immediate against its field."""
    if value > MASK >> 1:
        value = signed(value & MASK)
    bits = row.form.bits("imm")
    check(value, -(1 << bits - 1), (1 << bits - 1) - 1, row.form.unit("imm"), what)
    fields["imm"] = value


def check(value: int, low: int, high: int, unit: int, what: str) -> None:
    """Complain about a value that does not fit."""
    if not low <= value <= high or value % unit:
        even = f" and a multiple of {unit}" if unit > 1 else ""
        raise Bad(f"{value} does not fit in {what}", f"{low} to {high}{even}")
