"""A sweep's results as a bar chart: one SVG, no script, readable in print."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ringside.bulk.sweep import Result

WIDTH, ROW, LEFT, RIGHT = 880, 26, 380, 110
# Colours that differ in lightness too, so that they do without colour.
WALKS, EVENTS = "#1f5f8b", "#e0912f"


def label(result: Result, names: Sequence[str]) -> str:
    """What tells this point from the others."""
    return ", ".join(f"{name.replace('_', ' ')} {getattr(result.point, name)}" for name in names)


def differing(results: Sequence[Result]) -> list[str]:
    """The fields in which the points differ."""
    rows = [result.row() for result in results]
    fields = [name for name in results[0].point.__dataclass_fields__ if name != "accesses"]
    return [name for name in fields if len({row[name] for row in rows}) > 1] or ["technique"]


def svg(results: Sequence[Result]) -> str:
    """Draw cycles per access: for walks and second look-ups, and for other events."""
    if not results:
        raise ValueError("there is nothing to draw")
    names = differing(results)
    most = max(result.cycles_per_access for result in results) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / most
    height = ROW * (len(results) + 2)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">',
        "<title>Cycles per access for memory virtualization</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for at, (colour, text) in enumerate(((WALKS, "page walks"), (EVENTS, "faults and exits"))):
        x = LEFT + 190 * at
        lines.append(f'<rect x="{x}" y="8" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{x + 18}" y="18">{text}, cycles per access</text>')
    for number, result in enumerate(results, 1):
        y = ROW * number + 8
        accesses = max(result.accesses, 1)
        walks = result.walk_cycles / accesses * scale
        events = result.event_cycles / accesses * scale
        lines.append(
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">'
            f"{escape(label(result, names))}</text>"
            f'<rect x="{LEFT}" y="{y}" width="{walks:.2f}" height="18" fill="{WALKS}"/>'
            f'<rect x="{LEFT + walks:.2f}" y="{y}" width="{events:.2f}" height="18" '
            f'fill="{EVENTS}"/>'
            f'<text x="{LEFT + walks + events + 6:.2f}" y="{y + 14}">'
            f"{result.cycles_per_access:.2f}</text>"
        )
    return "\n".join([*lines, "</svg>", ""])
