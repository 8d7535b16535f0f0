"""Theorems 1 and 3 of Popek and Goldberg, as questions to a classification.

Both are sufficient conditions: an instruction set that fails them may be virtualized by other
means (interpretation, translation, changed guests, new hardware), only not by executing
everything but privileged instructions directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringside.classify.model import Classification, Finding


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the condition of theorem ``number`` holds, and which encodings break it."""

    number: int
    holds: bool
    offenders: tuple[Finding, ...]

    @property
    def mnemonics(self) -> tuple[str, ...]:
        """The offenders' names, each once."""
        return tuple(dict.fromkeys(found.mnemonic for found in self.offenders))

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "number": self.number, "holds": self.holds, "mnemonics": list(self.mnemonics),
            "offenders": [[found.mnemonic, found.form] for found in self.offenders],
        }  # fmt: skip


def theorem_1(result: Classification) -> Verdict:
    """A VMM can be built if the sensitive instructions are a subset of the privileged ones."""
    offenders = tuple(found for found in result.findings if found.offends)
    return Verdict(1, not offenders, offenders)


def theorem_3(result: Classification) -> Verdict:
    """A hybrid VMM can be built if the user-sensitive instructions are all privileged."""
    offenders = tuple(
        found for found in result.findings if found.user_sensitive and not found.privileged
    )
    return Verdict(3, not offenders, offenders)
