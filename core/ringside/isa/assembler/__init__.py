"""The assembler: NASM-flavoured Intel syntax to one flat image. See :func:`assemble`.

How a program passes through: :mod:`lexer` and :mod:`preprocess` turn text into lines of tokens,
:mod:`statements` turns lines into items, :mod:`layout` gives the items addresses, and
:mod:`encoder` makes an instruction's bytes from the rows of the instruction table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ringside.isa.assembler.expressions import Scope
from ringside.isa.assembler.layout import Layout
from ringside.isa.assembler.operands import REGISTER_NAMES
from ringside.isa.assembler.preprocess import Preprocessor
from ringside.isa.assembler.problems import AssemblyError, GaveUp, Mistake, Problem, Problems
from ringside.isa.assembler.program import Program
from ringside.isa.assembler.statements import Statements

__all__ = ["AssemblyError", "Problem", "Program", "assemble"]

ENTRY_NAMES = ("start", "_start")


def assemble(
    source: str,
    *,
    name: str = "guest.asm",
    include: Callable[[str], str] | None = None,
    origin: int = 0x100000,
    defines: Mapping[str, int] | None = None,
) -> Program:
    """Assemble ``source``. Raises :class:`AssemblyError` with all problems found, and only that.

    ``name`` is the file's name in messages; ``include`` returns the text of another file or
    raises KeyError or OSError; ``origin`` holds unless the source says ``org``; ``defines`` are
    names known as if by ``%define``.
    """
    problems = Problems()
    scope = Scope(REGISTER_NAMES)
    statements = Statements(scope, origin)
    preprocessor = Preprocessor(problems, scope, include, defines or {})
    try:
        for tokens, line in preprocessor.lines(source, name):
            try:
                statements.line(tokens, line)
            except Mistake as mistake:
                problems.add(mistake, line)
        for unknown, line in statements.unknown_symbols():
            problems.add(unknown, line)
        for circular, line in statements.circular_equates():
            problems.add(circular, line)
        if problems.found:
            raise problems.error()
        layout = Layout(statements.sections, statements.base, problems)
        layout.settle()
        image, lines = layout.image()
    except GaveUp:
        raise problems.error() from None
    if problems.found:
        raise problems.error()
    symbols = {symbol: layout.symbols[symbol] for symbol in statements.defined}
    entry = next((symbols[n] for n in ENTRY_NAMES if n in statements.labels), statements.base)
    return Program(
        origin=statements.base,
        image=image,
        symbols=symbols,
        lines=lines,
        entry=entry,
        labels=frozenset(statements.labels),
        bits=statements.bits_at_start or statements.bits,
        end=layout.end,
        files=preprocessor.files,
    )
