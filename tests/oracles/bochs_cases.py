"""All cases of the Bochs oracle, and where the manual decides against it."""

from __future__ import annotations

from dataclasses import dataclass

from bochs_case import Case
from bochs_cases_memory import MEMORY
from bochs_cases_rings import RINGS

CASES: tuple[Case, ...] = RINGS + MEMORY


@dataclass(frozen=True, slots=True)
class Decision:
    """Bochs answers otherwise: our ``report``, and ``why`` the manual is on its side."""

    why: str
    report: str


MANUAL: dict[str, Decision] = {
    "rep outsb of nothing at ring 3": Decision(
        why="Vol. 2, REP: while the count is not 0 the string instruction is executed; so with a "
        "count of 0 no port is asked for. Bochs checks the port first.",
        report="30 - 46 11111111 0 80 22222222 0 77777777 55555555 66666666 33 33 0 0 "
        "case+b 2b 46 60000 33",
    ),
    "iret to an outer ring with a stack not present": Decision(
        why="Vol. 2, IRET, operation: if the stack segment is not present then #SS(SS selector). "
        "(Its list of exceptions says #NP, and so do Bochs and QEMU.)",
        report="c - 2 11111111 33333333 44444444 22222222 0 77777777 55555555 66666666 21 21 0 0 "
        "48 case+10 19 10002 7ffec 21",
    ),
}
