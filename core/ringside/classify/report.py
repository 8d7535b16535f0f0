"""A classification as lines of text, for the command line."""

from __future__ import annotations

from collections.abc import Iterator

from ringside.classify.model import Classification, Finding, Value, Witness
from ringside.classify.published import PAPER, PAPER_COUNT, SOURCE, Comparison
from ringside.classify.theorems import Verdict, theorem_1, theorem_3

WORDS: dict[str, dict[str, str]] = {
    "privileged": {"en": "privileged", "hu": "privilegizált"},
    "sensitive": {"en": "sensitive, does not trap", "hu": "érzékeny, nem csapdázik"},
    "innocuous": {"en": "innocuous", "hu": "ártalmatlan"},
    "control": {"en": "control", "hu": "vezérlés"},
    "location": {"en": "location", "hu": "hely"},
    "mode": {"en": "mode", "hu": "mód"},
    "counts": {
        "en": "{n} encodings: {p} privileged, {s} sensitive without a trap, {i} innocuous",
        "hu": "{n} kódolás: {p} privilegizált, {s} csapda nélkül érzékeny, {i} ártalmatlan",
    },
    "holds": {"en": "theorem {n}: holds", "hu": "{n}. tétel: teljesül"},
    "fails": {"en": "theorem {n}: fails because of {who}", "hu": "{n}. tétel: nem teljesül: {who}"},
    "paper": {
        "en": "{source}: {agreed} of the {listed} mnemonics listed are found ({count} in the "
        "paper's own count)",
        "hu": "{source}: a felsorolt {listed} utasításnévből {agreed} megvan (a cikk {count}-et "
        "számol)",
    },
    "besides": {"en": "found besides: {name}", "hu": "ezen kívül: {name}"},
    "missing": {"en": "does not offend here: {name}", "hu": "itt nem vét: {name}"},
}


MODES = {
    "ring 0": "0-s gyűrű", "ring 1": "1-es gyűrű", "ring 3": "3-as gyűrű",
    "root": "root mód", "non-root": "non-root mód",
    "machine": "gépi mód", "user": "felhasználói mód",
}  # fmt: skip
"""The modes' names in Hungarian."""


def say(key: str, lang: str, **values: object) -> str:
    """One of the sentences above."""
    return WORDS[key].get(lang, WORDS[key]["en"]).format(**values)


def reasons(found: Finding, lang: str) -> str:
    """Why an encoding is sensitive: ``control (ring 0), mode (ring 3, ring 1)``."""
    known = {"control": found.control, "location": found.location, "mode": found.mode}
    return ", ".join(
        f"{say(name, lang)} ({', '.join(mode_name(mode, lang) for mode in modes)})"
        for name, modes in known.items() if modes
    )


def mode_name(mode: str, lang: str) -> str:
    """A mode as people call it."""
    return MODES.get(mode, mode) if lang == "hu" else mode


def table(result: Classification, lang: str = "en", everything: bool = False) -> Iterator[str]:
    """One line for each encoding that is not innocuous, or for each."""
    for found in result.findings:
        if everything or found.kind != "innocuous":
            form = f"{found.form} {found.part}".strip()
            yield (
                f"{found.mnemonic:<10} {form:<32} {say(found.kind, lang):<26} "
                f"{reasons(found, lang)}"
            ).rstrip()
    kinds = [found.kind for found in result.findings]
    yield say("counts", lang, n=len(kinds), p=kinds.count("privileged"),
              s=kinds.count("sensitive"), i=kinds.count("innocuous"))


def verdict(found: Verdict, lang: str = "en") -> str:
    """``theorem 1: fails because of popf, sgdt``."""
    if found.holds:
        return say("holds", lang, n=found.number)
    return say("fails", lang, n=found.number, who=", ".join(found.mnemonics))


def verdicts(result: Classification, lang: str = "en") -> Iterator[str]:
    """Both theorems."""
    yield verdict(theorem_1(result), lang)
    yield verdict(theorem_3(result), lang)


def comparison(found: Comparison, lang: str = "en") -> Iterator[str]:
    """The published list: the agreement, then every disagreement with its reason."""
    yield say("paper", lang, source=SOURCE, agreed=found.agreed, listed=len(PAPER),
              count=PAPER_COUNT)
    for row in found.disagreements:
        yield f"{say('besides' if row.found else 'missing', lang, name=row.name)}. " + (
            row.reason.get(lang, "") or row.reason.get("en", "")
        )


def number(value: Value) -> str:
    """A value of a witness, in hexadecimal."""
    if isinstance(value, tuple):
        return "(" + ", ".join(number(part) for part in value) + ")"
    return "-" if value == -1 else f"{value:#x}"


def witness(found: Witness) -> Iterator[str]:
    """The evidence: the states, and what differed."""
    yield f"{found.claim}: {found.text} ({found.code}), state {found.number} of seed {found.seed}"
    for side in found.sides:
        place = " moved" if side.moved else ""
        yield f"  {side.mode}{place}: {side.end}" + (f", {side.trap}" if side.trap else "")
    for difference in found.differences:
        if difference.what != "end":
            yield f"  {difference.what}: {number(difference.left)}, {number(difference.right)}"
