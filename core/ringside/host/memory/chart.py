"""A published experiment's rows as a line chart (one SVG, no script) and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ringside.host.memory.figures import Figure

WIDTH, HEIGHT = 760, 420
LEFT, TOP, RIGHT, BOTTOM = 64, 78, 24, 48  # around the plot
TICKS = 5
# Colour and dashes: the lines can be told apart without colour, too.
LOOKS = (("#1f5f8b", ""), ("#b5521b", "8 4"), ("#3d7a3d", "2 3"), ("#7a3d8b", "10 3 2 3"))
# Which columns stand against which, and what both axes are.
AXES: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "tax": ("round", ("idle MB", "busy MB"), "MB of the host's memory"),
    "sharing": ("VMs", ("shared %", "reclaimed %"), "% of the VMs' memory"),
    "balloon": ("MB", ("configured", "ballooned"), "accesses a round"),
    "sampling": ("period", ("touched MB", "estimate MB", "fast MB", "slow MB"), "MB"),
}


def svg(figure: Figure) -> str:
    """Draw the figure's lines, with its comparisons left to the table."""
    across, names, unit = AXES[figure.id]
    xs = [float(row[across]) for row in figure.rows]
    lines = {name: [float(row[name]) for row in figure.rows] for name in names}
    top = _round_up(max(max(values) for values in lines.values()))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    first, span = xs[0], (xs[-1] - xs[0]) or 1.0

    def x(value: float) -> float:
        return LEFT + wide * (value - first) / span

    def y(value: float) -> float:
        return TOP + high * (1 - value / top)

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="14">',
        f"<title>{escape(figure.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="16" y="26" font-weight="bold">{escape(figure.title)}</text>',
    ]
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        drawn.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
            f'stroke="#ddd"/><text x="{LEFT - 8}" y="{y(value) + 5:.1f}" text-anchor="end">'
            f"{value:g}</text>")
    for value in xs[:: max(len(xs) // 12, 1)]:
        drawn.append(f'<text x="{x(value):.1f}" y="{TOP + high + 20}" text-anchor="middle">'
                     f"{value:g}</text>")
    drawn.append(f'<text x="{LEFT + wide / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">'
                 f"{escape(across)} →</text>"
                 f'<text x="{WIDTH - RIGHT}" y="54" text-anchor="end">{escape(unit)} ↑</text>')
    drawn.append(f'<text x="16" y="{HEIGHT - 8}" fill="#555" font-size="12">modelled, after '
                 f"{escape(figure.source)}</text>")
    at = LEFT
    for (name, values), (colour, dashes) in zip(lines.items(), LOOKS, strict=False):
        look = f'fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}"'
        points = " ".join(f"{x(one):.1f},{y(two):.1f}" for one, two in zip(xs, values, strict=True))
        drawn.append(f'<polyline {look} points="{points}"/><path {look} d="M{at} 49h28"/>'
                     f'<text x="{at + 34}" y="54">{escape(name)}</text>')
        at += 60 + 8 * len(name)
    return "\n".join([*drawn, "</svg>", ""])


def _round_up(value: float) -> float:
    """The next number that five ticks divide nicely."""
    unit = 1.0
    while unit * 10 < value:
        unit *= 10
    return next(unit * step for step in (1, 2, 2.5, 3, 4, 5, 10) if unit * step >= value)


def write_csv(figures: Iterable[Figure], file: TextIO) -> None:
    """A line of names, then the rows; several figures one after the other, a line between."""
    for number, figure in enumerate(figures):
        if number:
            file.write("\n")
        writer = csv.DictWriter(file, list(figure.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(figure.rows)
