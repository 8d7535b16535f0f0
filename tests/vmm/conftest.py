"""Small guests written in the tests: the same prologue as the shelf's, run bare or under a VMM."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from ringside import guests
from ringside.host.systems import BareMetal, Image, Options, Virtualized, build
from ringside.isa.assembler import Program
from ringside.trace.events import Event

HEAD = "bits 32\norg 0x100000\n"
RING_3 = """
%macro ring_3 1                 ; go on at this label, as a program
        push dword USER_DATA
        push dword 0x80000
        push dword 0x202
        push dword USER_CODE
        push dword %1
        iret
%endmacro
"""
WITH_TABLES = HEAD + '%include "pc.inc"\n' + RING_3
MEMORY = 4 << 20


class Bench:
    """Makes systems out of assembler text, and keeps what their events said."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.program: Program | None = None

    def assemble(self, text: str, tables: bool = False) -> Program:
        head = WITH_TABLES if tables else HEAD
        self.program = guests.assemble_text(head + text)
        return self.program

    def bare(self, text: str, *, tables: bool = False) -> BareMetal:
        return cast(BareMetal, build("bare-metal", Image(self.assemble(text, tables), "g", MEMORY)))

    def virtual(
        self, text: str, *more: str, tables: bool = False, options: Options | None = None,
        listen: bool = False, technique: str = "trap-and-emulate",
    ) -> Virtualized:
        images = [
            Image(self.assemble(source, tables), name, MEMORY)
            for name, source in zip("abc", (text, *more), strict=False)
        ]
        system = cast(Virtualized, build(technique, images, options))
        if listen:
            system.listener = self.events.append
        return system

    def both(self, text: str, *, tables: bool = False) -> tuple[BareMetal, Virtualized]:
        return self.bare(text, tables=tables), self.virtual(text, tables=tables)

    def at(self, label: str) -> int:
        assert self.program is not None
        return self.program.symbols[label]

    def heard(self, *kinds: str) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def run_until() -> Callable[[Virtualized, int], None]:
    """Step until the guest's next instruction is at an address and the guest has the processor."""

    def run(system: Virtualized, address: int) -> None:
        for _ in range(5000):
            if system.vmm.in_guest and system.guest_cpu.linear_eip == address:
                return
            system.step()
        raise AssertionError(f"the guest never came to {address:#x}")

    return run
