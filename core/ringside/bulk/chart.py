"""A sweep's results as a bar chart: one SVG, no script, readable in print."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ringside.bulk.sweep import Result

ROW, BARS, RIGHT = 26, 390, 110
CHARACTER = 6.6  # the average one's width, of 13-point type
# Colours that differ in lightness too, so that they do without colour.
WALKS, EVENTS = "#1f5f8b", "#e0912f"


def label(result: Result, names: Sequence[str]) -> str:
    """What tells this point from the others."""
    row = result.row()
    return ", ".join(
        f"{name.replace('_', ' ')} {'none' if row[name] == '' else row[name]}" for name in names
    )


def differing(results: Sequence[Result]) -> list[str]:
    """The fields in which the points differ."""
    rows = [result.row() for result in results]
    fields = [name for name in results[0].point.__dataclass_fields__ if name != "accesses"]
    return [name for name in fields if len({row[name] for row in rows}) > 1] or ["technique"]


def heading(results: Sequence[Result]) -> str:
    """What the numbers are, of what, and at whose prices."""
    point = results[0].point

    def common(values: set[str], several: str) -> str:
        return values.pop() if len(values) == 1 else several

    accesses = common({f"{result.accesses:,} accesses" for result in results}, "accesses")
    if not all(result.whole for result in results):
        accesses = f"the first {accesses}"
    prices = common({result.point.preset for result in results}, "several processors")
    return f"Modelled cycles per access, {accesses} of {point.stream}, prices of {prices}"


def svg(results: Sequence[Result]) -> str:
    """Draw cycles per access: for walks and second look-ups, and for other events."""
    if not results:
        raise ValueError("there is nothing to draw")
    names = differing(results)
    most = max(result.cycles_per_access for result in results) or 1.0
    scale = BARS / most
    labels = [label(result, names) for result in results]
    title = heading(results)
    left = round(max(CHARACTER * max(map(len, labels)), CHARACTER * len(title) - BARS, 120)) + 16
    width = left + BARS + RIGHT
    height = ROW * (len(results) + 3)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for at, (colour, text) in enumerate(((WALKS, "page walks"), (EVENTS, "faults and exits"))):
        x = left + 120 * at
        lines.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{x + 18}" y="45">{text}</text>')
    for number, (result, text) in enumerate(zip(results, labels, strict=True), 2):
        y = ROW * number + 8
        accesses = max(result.accesses, 1)
        walks = result.walk_cycles / accesses * scale
        events = result.event_cycles / accesses * scale
        lines.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">'
            f"{escape(text)}</text>"
            f'<rect x="{left}" y="{y}" width="{walks:.2f}" height="18" fill="{WALKS}"/>'
            f'<rect x="{left + walks:.2f}" y="{y}" width="{events:.2f}" height="18" '
            f'fill="{EVENTS}"/>'
            f'<text x="{left + walks + events + 6:.2f}" y="{y + 14}">'
            f"{result.cycles_per_access:.2f}</text>"
        )
    return "\n".join([*lines, "</svg>", ""])
