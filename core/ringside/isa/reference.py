"""The instruction reference, a Markdown page written from the rows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from ringside.isa.row import FLAG_NAMES, Form, Row, classify
from ringside.isa.table import ALIASES, ROWS, SIZED_SPELLINGS, rows_named

PRIVILEGES = {
    "any": "any ring",
    "cpl0": "ring 0 only, else #GP(0)",
    "iopl": "CPL ≤ IOPL (ports also by the TSS bitmap), else #GP(0)",
    "tsd": "ring 0 only if CR4.TSD is set, else #GP(0)",
    "vmx": "ring 0 in VMX operation, else #UD or #GP(0); in a virtual machine it leaves it",
}


LEGEND = [
    "Flags: `M` modified, `U` undefined afterwards, `T` tested, `-` untouched. Encodings and",
    "operand letters are those of the SDM's opcode maps (vol. 2, appendix A).",
    "",
]


def encoding_of(form: Form) -> str:
    """The encoding part of a form, as the SDM writes it."""
    return form.text.partition("|")[0].strip()


def flags_of(row: Row) -> str:
    """Six characters, one per status flag: ``M`` modified, ``U`` undefined, ``T`` tested, ``-``.

    A flag both tested and modified shows as modified.
    """
    letters = []
    for flag in FLAG_NAMES:
        if flag in row.undefined:
            letters.append("U")
        elif flag in row.writes_flags:
            letters.append("M")
        else:
            letters.append("T" if flag in row.reads_flags else "-")
    return " ".join(letters)


def entry(mnemonic: str, rows: Iterable[Row]) -> list[str]:
    """One instruction's section."""
    lines = [f"## {mnemonic.upper()}", ""]
    for row in rows:
        lines += [
            row.text,
            "",
            f"- class: {classify(row)}" + (f" ({row.sensitive})" if row.sensitive else ""),
            f"- allowed in: {PRIVILEGES[row.privilege]}",
            f"- CF PF AF ZF SF OF: `{flags_of(row)}`",
        ]
        prefixes = [
            name.upper()
            for name, allowed in ((row.repeat, row.repeat), ("lock", row.lock))
            if allowed
        ]
        if prefixes:
            lines.append(f"- prefixes: {', '.join(prefixes)}")
        lines += ["", "| encoding | operands |", "| --- | --- |"]
        lines += [
            f"| `{encoding_of(form)}` | {' '.join(form.operands) or '—'} |"
            for form in row.encodings
        ]
        lines.append("")
    return lines


def mnemonics() -> list[str]:
    """The names that have an entry, with the other names some of them have."""
    return sorted({*(row.mnemonic for row in ROWS), *ALIASES, *SIZED_SPELLINGS})


def one(mnemonic: str) -> str:
    """The entry of one of the :func:`mnemonics`."""
    name = ALIASES.get(mnemonic) or SIZED_SPELLINGS.get(mnemonic, (mnemonic, 0))[0]
    return "\n".join([*entry(name, rows_named(name)), *LEGEND])


def reference(rows: tuple[Row, ...] = ROWS) -> str:
    """The whole page: an index by class, then every mnemonic in alphabetical order."""
    ordered = sorted(rows, key=lambda row: row.mnemonic)
    lines = ["# Instruction reference", ""]
    for kind in ("privileged", "sensitive", "innocuous"):
        names = sorted({row.mnemonic for row in rows if classify(row) == kind})
        lines += [f"**{kind}** ({len(names)}): {', '.join(names)}", ""]
    lines += LEGEND
    for mnemonic, group in groupby(ordered, key=lambda row: row.mnemonic):
        lines += entry(mnemonic, group)
    return "\n".join(lines)
