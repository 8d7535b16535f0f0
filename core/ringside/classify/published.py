"""What Robin and Irvine published, and what the laboratory finds besides.

J. S. Robin, C. E. Irvine: Analysis of the Intel Pentium's Ability to Support a Secure Virtual
Machine Monitor. 9th USENIX Security Symposium, 2000. They read the manual of every instruction;
here every instruction is run. Their list names 18 mnemonics and counts 17.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringside.classify.ia32.encodings import cases
from ringside.classify.model import Classification, Finding
from ringside.isa.row import parse_form

SOURCE = "Robin & Irvine, USENIX Security 2000"
PAPER_COUNT = 17
SENSITIVE_REGISTERS = "3B"  # they read or change sensitive registers or memory
PROTECTION_SYSTEM = "3C"  # they refer to the protection or relocation system

SEGMENT_OPERANDS = frozenset({"ES", "CS", "SS", "DS", "FS", "GS", "Sw"})
FAR_OPERANDS = frozenset({"Ap", "Mp"})


@dataclass(frozen=True, slots=True)
class Listed:
    """One mnemonic of the paper; ``mnemonic`` and ``operands`` say which encodings it is here."""

    name: str
    group: str
    mnemonic: str
    operands: frozenset[str] = frozenset()

    def covers(self, mnemonic: str, form: str) -> bool:
        """Whether an encoding is meant."""
        if mnemonic != self.mnemonic:
            return False
        return not self.operands or not self.operands.isdisjoint(parse_form(form).operands)


PAPER: tuple[Listed, ...] = (
    Listed("SGDT", SENSITIVE_REGISTERS, "sgdt"),
    Listed("SIDT", SENSITIVE_REGISTERS, "sidt"),
    Listed("SLDT", SENSITIVE_REGISTERS, "sldt"),
    Listed("SMSW", SENSITIVE_REGISTERS, "smsw"),
    Listed("PUSHF", SENSITIVE_REGISTERS, "pushf"),
    Listed("POPF", SENSITIVE_REGISTERS, "popf"),
    Listed("LAR", PROTECTION_SYSTEM, "lar"),
    Listed("LSL", PROTECTION_SYSTEM, "lsl"),
    Listed("VERR", PROTECTION_SYSTEM, "verr"),
    Listed("VERW", PROTECTION_SYSTEM, "verw"),
    Listed("POP", PROTECTION_SYSTEM, "pop", SEGMENT_OPERANDS),
    Listed("PUSH", PROTECTION_SYSTEM, "push", SEGMENT_OPERANDS),
    Listed("CALL", PROTECTION_SYSTEM, "call", FAR_OPERANDS),
    Listed("JMP", PROTECTION_SYSTEM, "jmp", FAR_OPERANDS),
    Listed("INT n", PROTECTION_SYSTEM, "int"),
    Listed("RET", PROTECTION_SYSTEM, "retf"),
    Listed("STR", PROTECTION_SYSTEM, "str"),
    Listed("MOV", PROTECTION_SYSTEM, "mov", SEGMENT_OPERANDS),
)

SEGMENT_LOAD = {
    "en": "Loads a segment register with the checks, and the effects, of MOV and POP to one, which "
    "the paper lists; it does not list these forms by name.",
    "hu": "Ugyanazokkal az ellenőrzésekkel és hatásokkal tölt szegmensregisztert, mint a MOV és a "
    "POP, amelyek a cikkben szerepelnek; ezek a formák név szerint nem.",
}
SOFTWARE_INTERRUPT = {
    "en": "INT with the vector built in: the same path through the IDT, the same check of the "
    "gate, the same saved flags. The paper lists INT n only.",
    "hu": "INT, beépített vektorszámmal: ugyanaz az út az IDT-n át, ugyanaz a kapu-ellenőrzés, "
    "ugyanazok a mentett jelzőbitek. A cikk csak az INT n-et sorolja fel.",
}
REASONS: dict[str, dict[str, str]] = {
    "lds": SEGMENT_LOAD,
    "les": SEGMENT_LOAD,
    "lss": SEGMENT_LOAD,
    "lfs": SEGMENT_LOAD,
    "lgs": SEGMENT_LOAD,
    "int3": SOFTWARE_INTERRUPT,
    "into": SOFTWARE_INTERRUPT,
    "iret": {
        "en": "Loads CS (and SS) like a far RET and the flags like POPF, and like POPF it keeps IF "
        "silently when CPL exceeds IOPL. The paper treats it with the far transfers; the list "
        "usually quoted leaves it out.",
        "hu": "Úgy tölti a CS-t (és az SS-t), mint a távoli RET, a jelzőbiteket pedig, mint a "
        "POPF, és ahhoz hasonlóan szó nélkül megtartja az IF-et, ha CPL nagyobb IOPL-nél. A cikk a "
        "távoli átadásokkal együtt tárgyalja; a szokásosan idézett listából kimarad.",
    },
}
"""Why an encoding that offends is not on the list, by mnemonic."""

NOTES: dict[str, dict[str, str]] = {
    "push": {
        "en": "CS and SS show the ring in their low bits. DS, ES, FS and GS do not: pushing those "
        "is innocuous by the definitions.",
        "hu": "A CS és az SS alsó bitjei elárulják a gyűrűt. A DS, ES, FS és GS nem: ezek mentése "
        "a definíciók szerint ártalmatlan.",
    },
    "cli": {
        "en": "Traps because a VMM keeps IOPL below CPL; with IOPL 3 it would not.",
        "hu": "Csapdázik, mert a VMM az IOPL-t CPL alatt tartja; 3-as IOPL mellett nem tenné.",
    },
    "in": {
        "en": "Traps because a VMM keeps IOPL below CPL and grants no port in the I/O bitmap.",
        "hu": "Csapdázik, mert a VMM az IOPL-t CPL alatt tartja, és az I/O bittérképben egyetlen "
        "portot sem enged meg.",
    },
    "rdtsc": {
        "en": "Traps because a VMM may set CR4.TSD. Without it, it would read the real clock; the "
        "theorem leaves timing out.",
        "hu": "Csapdázik, mert a VMM beállíthatja a CR4.TSD bitet. Anélkül a valódi órát olvasná; "
        "a tétel az időzítést nem vizsgálja.",
    },
    "cpuid": {
        "en": "Innocuous by the definitions: its answer depends neither on mode nor on resources. "
        "A VMM that wants to show another processor still cannot: it does not trap.",
        "hu": "A definíciók szerint ártalmatlan: válasza sem a módtól, sem az erőforrásoktól nem "
        "függ. Aki VMM-ként más processzort mutatna, mégsem tud: nem csapdázik.",
    },
    "arpl": {
        "en": "Innocuous: it compares two numbers it is given, and looks at no ring.",
        "hu": "Ártalmatlan: két kapott számot hasonlít össze, a gyűrűt nem nézi.",
    },
    "wbinvd": {
        "en": "Privileged, but not sensitive here: caches are not modelled.",
        "hu": "Privilegizált, de itt nem érzékeny: a gyorsítótár nincs modellezve.",
    },
    "invlpg": {
        "en": "Privileged; the TLB shows in no result, so nothing here makes it sensitive.",
        "hu": "Privilegizált; a TLB egyetlen eredményben sem látszik, így itt semmi sem teszi "
        "érzékennyé.",
    },
}
"""What is worth knowing of instructions where both agree."""

MISSED = {
    "en": "On the list, but no sampled state showed it to be sensitive and not privileged.",
    "hu": "A listán van, de egyetlen mintaállapot sem mutatta érzékenynek és nem privilegizáltnak.",
}
TRAPS_HERE = {
    "en": "On the list, but here every form of it traps.",
    "hu": "A listán van, de itt minden formája csapdázik.",
}
OWN_COPY = {
    "en": "On the list, but a virtual machine in VMX non-root operation has the registers and "
    "tables it touches to itself: the instruction is innocuous now.",
    "hu": "A listán van, de a VMX non-root működésben futó virtuális gépnek saját példánya van "
    "azokból a regiszterekből és táblákból, amelyekhez hozzányúl: itt már ártalmatlan.",
}
INNOCUOUS_HERE = {"ia32-vmx": OWN_COPY}
"""Why what is listed may have become innocuous, by instruction set."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison.

    ``listed`` is the group of the paper or "", ``found`` whether any of ``forms`` offends.
    ``reason`` says why the two disagree, ``note`` what to know where they agree (by language).
    """

    name: str
    listed: str
    found: bool
    forms: tuple[str, ...]
    offending: tuple[str, ...]
    reason: dict[str, str]
    note: dict[str, str]

    @property
    def agrees(self) -> bool:
        """Whether list and laboratory say the same."""
        return bool(self.listed) == self.found


@dataclass(frozen=True, slots=True)
class Comparison:
    """The list against a classification of IA-32: the 18 mnemonics, then what is found besides."""

    rows: tuple[Row, ...]

    @property
    def agreed(self) -> int:
        """How many of the list were found."""
        return sum(1 for row in self.rows if row.listed and row.found)

    @property
    def disagreements(self) -> tuple[Row, ...]:
        """Where they differ."""
        return tuple(row for row in self.rows if not row.agrees)

    def as_dict(self, lang: str = "en") -> dict[str, Any]:
        """As plain data in one language."""
        return {
            "source": SOURCE, "paper_count": PAPER_COUNT, "listed": len(PAPER),
            "agreed": self.agreed,
            "rows": [
                {
                    "name": row.name, "group": row.listed, "found": row.found,
                    "agrees": row.agrees, "forms": list(row.forms),
                    "offending": list(row.offending), "reason": row.reason.get(lang, ""),
                    "note": row.note.get(lang, ""),
                }
                for row in self.rows
            ],
        }  # fmt: skip


def compare(result: Classification) -> Comparison:
    """Hold a classification of IA-32 against the list."""
    rows = [listed_row(listed, result) for listed in PAPER]
    besides: dict[str, list[Finding]] = {}
    for found in result.findings:
        if found.offends and not any(each.covers(found.mnemonic, found.form) for each in PAPER):
            besides.setdefault(found.mnemonic, []).append(found)
    for mnemonic, findings in besides.items():
        forms = tuple(found.form for found in findings)
        rows.append(Row(mnemonic.upper(), "", True, forms, forms, REASONS.get(mnemonic, {}), {}))
    return Comparison(tuple(rows))


def listed_row(listed: Listed, result: Classification) -> Row:
    """One line of the list."""
    covered = [found for found in result.findings if listed.covers(found.mnemonic, found.form)]
    offending = tuple(found.form for found in covered if found.offends)
    reason: dict[str, str] = {}
    if not offending:
        traps = covered and all(found.privileged for found in covered if found.sensitive)
        silent = any(not found.sensitive for found in covered)
        reason = INNOCUOUS_HERE.get(result.isa, MISSED) if silent else MISSED
        if traps and any(found.privileged for found in covered):
            reason = TRAPS_HERE
    return Row(
        listed.name, listed.group, bool(offending), tuple(found.form for found in covered),
        offending, reason, NOTES.get(listed.mnemonic, {}),
    )  # fmt: skip


def listed_encodings() -> frozenset[tuple[int, str]]:
    """Row and form of every encoding the list means."""
    return frozenset(
        (case.row, case.form) for case in cases()
        if any(each.covers(case.mnemonic, case.form) for each in PAPER)
    )  # fmt: skip
