"""What is run, what came of it, and what that shows. All of it is plain data.

In Popek and Goldberg's words a state is ⟨E, M, P, R⟩: memory, mode, program counter, and the
relocation-bounds register. Here *program* stands for what the program itself may know: E, P, the
general registers and the arithmetic flags; *resources* for R in its modern breadth: segments,
descriptor tables, page tables, control and interrupt state, devices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

DONE, TRAP, MEMORY_TRAP, UNKNOWN = "done", "trap", "memory trap", "not modelled"

# Claims a witness can support.
PRIVILEGED = "privileged"  # completes in supervisor mode, traps in user mode
ESCAPES = "escapes"  # completes in user mode: so it is not privileged
CONTROL = "control"  # changes mode or resources without a trap
LOCATION = "location"  # the result depends on where things are
MODE = "mode"  # the result depends on the mode

Value = int | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One encoding to be run. Cases of one row, form and ``part`` are judged together: the part is
    the register where each is a thing of its own (control and debug registers)."""

    row: int
    mnemonic: str
    form: str
    code: bytes
    text: str
    part: str = ""

    @property
    def key(self) -> tuple[int, str, str]:
        """What it is judged with."""
        return self.row, self.form, self.part


@dataclass(frozen=True, slots=True)
class Run:
    """What running one case on one state did.

    ``program`` is what the program can see afterwards, in the order of ``Isa.program``, and
    ``memory`` the bytes it changed, by place relative to the block they lie in. ``before`` and
    ``after`` are the resources, in the order of ``Isa.resources``, places relative too.
    """

    end: str
    trap: str
    mode: str
    program: tuple[Value, ...] = ()
    memory: tuple[tuple[str, int], ...] = ()
    before: tuple[Value, ...] = ()
    after: tuple[Value, ...] = ()


class Isa(Protocol):
    """An instruction set under test: encodings, sampled states, and a machine to run them on.

    ``modes`` begins with the supervisor's. A state is named by seed, number and mode; ``moved``
    is the same state as far as a program should know, with other resources: everything lies
    elsewhere, memory moved along, and other values in the registers a program is not to see.
    """

    @property
    def id(self) -> str: ...
    @property
    def modes(self) -> tuple[str, ...]: ...
    @property
    def program(self) -> tuple[str, ...]: ...
    @property
    def resources(self) -> tuple[str, ...]: ...
    def cases(self) -> Sequence[Case]: ...
    def run(self, case: Case, seed: int, number: int, mode: str, moved: bool) -> Run: ...
    def describe(self, seed: int, number: int, mode: str, moved: bool) -> Mapping[str, int]:
        """The state before the run, for people."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the states of a witness and how the run on it ended."""

    mode: str
    moved: bool
    end: str
    trap: str
    state: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """``what`` was ``left`` in one and ``right`` in the other; -1 where it did not change."""

    what: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Witness:
    """Evidence for one claim: an encoding, one or two states, and what differed.

    For ``control`` there is one state, and the differences are between before and after. All
    others compare two states. Seed and number name them again: see ``judge.replay``.
    """

    claim: str
    text: str
    code: str
    row: int
    form: str
    seed: int
    number: int
    sides: tuple[Side, ...]
    differences: tuple[Difference, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """The class of one encoding (a row's form), as far as the samples go.

    ``control`` and ``location`` name the modes there is evidence from, ``mode`` the user modes
    whose result differs from the supervisor's. ``completed`` counts runs that ended without a
    trap, of ``runs`` in all.
    """

    row: int
    mnemonic: str
    form: str
    privileged: bool
    control: tuple[str, ...]
    location: tuple[str, ...]
    mode: tuple[str, ...]
    supervisor: str
    runs: int
    completed: int
    witnesses: tuple[Witness, ...]
    part: str = ""

    @property
    def behaviour(self) -> bool:
        """Behaviour-sensitive: location-sensitive or mode-sensitive."""
        return bool(self.location or self.mode)

    @property
    def sensitive(self) -> bool:
        """Control-sensitive or behaviour-sensitive."""
        return bool(self.control) or self.behaviour

    @property
    def supervisor_sensitive(self) -> bool:
        """Sensitive in a state whose mode is the supervisor's."""
        return self.supervisor in self.control + self.location or bool(self.mode)

    @property
    def user_sensitive(self) -> bool:
        """Sensitive in user mode itself: from user states alone, as a hybrid VMM meets them.

        That results differ between the modes does not count: a hybrid VMM interprets everything
        its virtual machine runs in virtual supervisor mode, and what runs in virtual user mode
        really runs in user mode (theorem 3).
        """
        return any(name != self.supervisor for name in self.control + self.location)

    @property
    def innocuous(self) -> bool:
        """Not sensitive."""
        return not self.sensitive

    @property
    def always_traps(self) -> bool:
        """It completed on no state at all: an undefined opcode, or made to trap."""
        return self.completed == 0

    @property
    def offends(self) -> bool:
        """Sensitive but not privileged: what theorem 1 forbids."""
        return self.sensitive and not self.privileged

    @property
    def kind(self) -> str:
        """One word: ``privileged`` or ``sensitive`` (and it does not trap) or ``innocuous``."""
        if self.privileged:
            return "privileged"
        return "sensitive" if self.sensitive else "innocuous"

    def witness(self, claim: str) -> Witness | None:
        """The first evidence for a claim."""
        return next((found for found in self.witnesses if found.claim == claim), None)

    def as_dict(self) -> dict[str, Any]:
        """As plain data, the derived classes included."""
        return asdict(self) | {
            "kind": self.kind, "sensitive": self.sensitive, "behaviour": self.behaviour,
            "user_sensitive": self.user_sensitive, "offends": self.offends,
            "supervisor_sensitive": self.supervisor_sensitive,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Classification:
    """All findings for one instruction set; ``complete`` is False if it was stopped."""

    isa: str
    samples: int
    seed: int
    modes: tuple[str, ...]
    findings: tuple[Finding, ...]
    complete: bool = True

    def of(self, mnemonic: str) -> tuple[Finding, ...]:
        """The findings of one mnemonic."""
        return tuple(found for found in self.findings if found.mnemonic == mnemonic)
