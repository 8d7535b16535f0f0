"""The panels beside a figure: registers, counters, console (code is in ``listing``).

A panel is data for the page: ``{"id", "title", "kind", …}`` with a list of keyed rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..isa.registers import (
    FLAG_AF,
    FLAG_CF,
    FLAG_DF,
    FLAG_IF,
    FLAG_OF,
    FLAG_PF,
    FLAG_SF,
    FLAG_TF,
    FLAG_ZF,
)
from .words.panels import PANELS, REGISTER_TIPS
from .words.say import pick

FLAG_LETTERS = (
    (FLAG_OF, "OF"), (FLAG_DF, "DF"), (FLAG_IF, "IF"), (FLAG_TF, "TF"), (FLAG_SF, "SF"),
    (FLAG_ZF, "ZF"), (FLAG_AF, "AF"), (FLAG_PF, "PF"), (FLAG_CF, "CF"),
)  # fmt: skip


def flags_text(eflags: int) -> str:
    """The flags that are set, as ``IF ZF``; a dash when none is."""
    return " ".join(name for bit, name in FLAG_LETTERS if eflags & bit) or "–"


def registers(
    lang: str, now: Mapping[str, int], before: Mapping[str, int] | None
) -> dict[str, Any]:
    """The register panel; a register that changed in the last step carries the value before."""
    rows = []
    for name, value in now.items():
        show = flags_text if name == "eflags" else _grouped
        row: dict[str, Any] = {
            "key": f"reg:{name}", "name": name, "value": show(value), "changed": False}
        if name in REGISTER_TIPS:
            row["tip"] = pick(REGISTER_TIPS[name], lang)
        if before is not None and before.get(name, value) != value:
            row.update(changed=True, before=show(before[name]))
        rows.append(row)
    return {
        "id": "registers", "kind": "table", "title": pick(PANELS["registers"], lang), "rows": rows}


def _grouped(value: int) -> str:
    return f"{value >> 16 & 0xFFFF:04x} {value & 0xFFFF:04x}"


def bars(
    panel_id: str, title: str, rows: Sequence[tuple[str, str, int, str]], note: str = ""
) -> dict[str, Any]:
    """A small bar chart: rows of key, name, value, context. ``note`` is a line under it."""
    most = max((value for _, _, value, _ in rows), default=0)
    panel: dict[str, Any] = {
        "id": panel_id, "kind": "bars", "title": title,
        "rows": [
            {"key": f"{panel_id}:{key}", "name": name, "value": value, "max": most,
             "context": context, "text": f"{value:,}".replace(",", "\u202f")}
            for key, name, value, context in rows
        ],
    }
    if note:
        panel["note"] = note
    return panel


def console(lang: str, text: str, accepts_input: bool = True) -> dict[str, Any]:
    """The guest's console, the last lines of it."""
    return {
        "id": "console", "kind": "console", "title": pick(PANELS["console"], lang),
        "text": text[-4000:], "input": accepts_input,
    }
