"""Processor exceptions as Python exceptions (SDM vol. 3A, 6.3 and 6.15).

A fault is raised before the instruction has changed anything, so whoever catches it sees the
machine as it was at the start of the instruction.
"""

from __future__ import annotations

VECTOR_NAMES = {
    0: "#DE", 1: "#DB", 2: "NMI", 3: "#BP", 4: "#OF", 5: "#BR", 6: "#UD", 7: "#NM",
    8: "#DF", 10: "#TS", 11: "#NP", 12: "#SS", 13: "#GP", 14: "#PF", 16: "#MF",
    17: "#AC", 18: "#MC",
}  # fmt: skip

ERROR_CODE_VECTORS = frozenset({8, 10, 11, 12, 13, 14, 17})


class Fault(Exception):
    """An exception the processor raises: vector, error code if it has one, CR2 for a page fault."""

    def __init__(self, vector: int, error: int | None = None, address: int | None = None) -> None:
        super().__init__(vector, error, address)
        self.vector = vector
        self.error = error
        self.address = address

    def __str__(self) -> str:
        name = VECTOR_NAMES.get(self.vector, f"vector {self.vector}")
        code = "" if self.error is None else f"({self.error:#x})"
        where = "" if self.address is None else f" at {self.address:#010x}"
        return f"{name}{code}{where}"


class VmFail(Exception):
    """A VMX instruction failed (SDM vol. 3C, 31.2): VMfailInvalid, or VMfailValid with a number.

    ``error`` is the VM-instruction error number, 0 for VMfailInvalid; ``why`` says it in words.
    """

    def __init__(self, error: int, why: str) -> None:
        super().__init__(error, why)
        self.error = error
        self.why = why

    def __str__(self) -> str:
        name = f"VMfailValid({self.error})" if self.error else "VMfailInvalid"
        return f"{name}: {self.why}"


class NotModelled(Exception):
    """The guest used a part of the architecture this simulator leaves out; the text says which."""


def DE() -> Fault:
    """Divide error."""
    return Fault(0)


def DB() -> Fault:
    """Debug exception."""
    return Fault(1)


def UD() -> Fault:
    """Invalid opcode."""
    return Fault(6)


def NM() -> Fault:
    """Device not available."""
    return Fault(7)


def BR() -> Fault:
    """BOUND range exceeded."""
    return Fault(5)


def TS(error: int) -> Fault:
    """Invalid TSS."""
    return Fault(10, error)


def NP(error: int) -> Fault:
    """Segment not present."""
    return Fault(11, error)


def SS(error: int = 0) -> Fault:
    """Stack-segment fault."""
    return Fault(12, error)


def GP(error: int = 0) -> Fault:
    """General protection."""
    return Fault(13, error)


def PF(error: int, address: int) -> Fault:
    """Page fault; ``error`` has the P, W/R, U/S, RSVD bits of SDM vol. 3A, 4.7."""
    return Fault(14, error, address)


def AC() -> Fault:
    """Alignment check."""
    return Fault(17, 0)
