"""One case of the VMX oracle, and what the harness says of it as a comparable report."""

from __future__ import annotations

from dataclasses import dataclass

NAMES = (
    "reason", "qualification", "event", "error", "vectoring", "vectoring error", "length",
    "instruction", "linear", "physical", "eip", "eflags", "esp", "cs", "interruptibility",
    "activity", "pending", "cr0", "cr3", "timer", "ss rights", "dr7", "eax", "ebx",
)  # fmt: skip

# Exits whose instruction length the manual defines (vol. 3C, 28.2.5), beside software events.
BY_INSTRUCTION = frozenset({10, 12, 13, 14, 16, *range(18, 33), 40, 46, 47, 50, 53, 54})
# Exits with instruction information, and whether it is of the form with a second register.
DESCRIBED = frozenset({19, 21, 22, 23, 25, 27, 30, 46, 47, 50, 53})
SOFTWARE_EVENTS = frozenset({4, 5, 6})
DOOR = -1  # in the table of places
VALID, ERROR_VALID = 1 << 31, 1 << 11


@dataclass(frozen=True, slots=True)
class VmxCase:
    """``code`` runs in the virtual machine, ``root`` in root operation instead of it.

    ``setup`` prepares; ``again`` runs after each exit, whose number is in EAX, and resumes the
    guest with carry clear.
    """

    name: str
    code: str = ""
    setup: str = ""
    again: str = ""
    root: str = ""
    section: str = ""


def parse_line(line: str, places: dict[int, int]) -> str:
    """One line of the harness as a report; ``places`` gives each row's guest code, and the door."""
    head, _, rest = line.partition(" ")
    kind, values = rest[0], [int(part, 16) for part in rest[1:].split()]
    if kind != "X":
        name = {"F": "failed", "V": "fault"}[kind]
        return f"{name} " + " ".join(f"{value:x}" for value in values)
    fields = dict(zip(NAMES, values, strict=True))
    hide_undefined(fields)
    return " ".join(show(fields[name], places, int(head, 16)) for name in NAMES)


def show(value: int, places: dict[int, int], row: int) -> str:
    """A value in hexadecimal; an address in the case's code or the guest's door as a distance."""
    if 0 <= value - places[row] < 256 and places[row]:
        return f"{value - places[row]:+x}"
    if 0 <= value - places[DOOR] < 64:
        return f"door{value - places[DOOR]:+x}"
    return f"{value:x}"


def is_software(event: int) -> bool:
    """Whether interruption information names a software interrupt or exception."""
    return bool(event & VALID) and event >> 8 & 7 in SOFTWARE_EVENTS


def hide_undefined(fields: dict[str, int]) -> None:
    """Clear what the manual leaves undefined, so that it need not be equal."""
    reason = fields["reason"] & 0xFFFF
    if fields["reason"] & VALID:  # a failed entry leaves all but reason and qualification alone
        for name in ("event", "error", "vectoring", "vectoring error", "length", "instruction",
                     "linear", "physical"):  # fmt: skip
            fields[name] = 0
    for event, error in (("event", "error"), ("vectoring", "vectoring error")):
        if not fields[event] & VALID:
            fields[event] = 0
        if not fields[event] & ERROR_VALID:
            fields[error] = 0
    software = is_software(fields["event"]) or is_software(fields["vectoring"])
    if reason not in BY_INSTRUCTION and not software and reason != 9:
        fields["length"] = 0
    fields["instruction"] = defined_information(reason, fields)
    lmsw_memory = reason == 28 and fields["qualification"] & 0x70 == 0x70
    string = reason == 30 and fields["qualification"] & 0x10
    if not (lmsw_memory or string or (reason == 48 and fields["qualification"] & 0x80)):
        fields["linear"] = 0
    if reason not in (48, 49):
        fields["physical"] = 0
    if reason in (0, 48, 49):
        # Bochs sets RF only if an exception came up during a delivery. What the manual says
        # (28.3.3) is held by tests/machine/test_vmx_exits.py.
        fields["eflags"] &= ~0x10000


def defined_information(reason: int, fields: dict[str, int]) -> int:
    """The defined bits of the instruction information."""
    value = fields["instruction"]
    if reason not in DESCRIBED:
        return 0
    if reason == 30:
        qualification = fields["qualification"]
        if not qualification & 0x10:
            return 0
        return value & (0x380 if qualification & 8 else 0x3_8380)
    mask = 0xF000_0000 if reason in (23, 25, 50, 53) else 0
    if reason == 46:
        mask = 0x3000_0800
    elif reason == 47:
        mask = 0x3000_0000
    if value & 1 << 10:
        return value & (mask | 1 << 10 | 0x78)
    mask |= 0x3_8380 | 1 << 10 | 1 << 22 | 1 << 27
    if not value & 1 << 22:
        mask |= 0x3C_0003
    if not value & 1 << 27:
        mask |= 0x780_0000
    return value & mask
