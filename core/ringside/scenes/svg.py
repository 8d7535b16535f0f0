"""A picture as a stand-alone SVG document."""

from __future__ import annotations

import pkgutil
import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_GEOMETRY = {
    "rect": (("x", "x"), ("y", "y"), ("w", "width"), ("h", "height"), ("r", "rx")),
    "circle": (("x", "cx"), ("y", "cy"), ("r", "r")),
    "line": (("x", "x1"), ("y", "y1"), ("x2", "x2"), ("y2", "y2")),
    "path": (("d", "d"),),
    "text": (
        ("x", "x"), ("y", "y"), ("size", "font-size"), ("anchor", "text-anchor"),
        ("weight", "font-weight"),
    ),
}  # fmt: skip

# light-dark(a, b), where a value may itself have one pair of brackets
_VALUE = r"((?:[^(),]|\([^()]*\))+)"
_BOTH_THEMES = re.compile(rf"light-dark\({_VALUE}, *{_VALUE}\)")

_MARKER = (
    '<marker id="head" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="context-stroke"/></marker>'
)


def style(theme: str = "light") -> str:
    """The figures' own style sheets, those the page uses, for ``theme`` (light or dark)."""
    sheets = []
    for name in ("tokens.css", "stage.css"):
        data = pkgutil.get_data(__package__, name)
        assert data is not None, f"{name} belongs to the package"
        sheets.append(data.decode("utf-8"))
    # In a picture of its own the theme is not the reader's to switch.
    choice = r"\2" if theme == "dark" else r"\1"
    css = _BOTH_THEMES.sub(choice, "\n".join(sheets))
    return css + "\nsvg.stage { background: var(--card); }\n"


def render(scene: dict[str, Any], css: str = "", title: str = "") -> str:
    """The SVG text of ``scene``; ``css`` is put inside it so that the file stands alone."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {scene["width"]} {scene["height"]}" '
        'class="stage" role="img">'
    ]
    if title:
        parts.append(f"<title>{escape(title)}</title>")
    if css:
        parts.append(f"<style>{escape(css)}</style>")
    parts.append(f"<defs>{_MARKER}</defs>")
    parts.extend(_element(node) for node in scene["nodes"])
    parts.append("</svg>\n")
    return "\n".join(parts)


def _element(node: dict[str, Any]) -> str:
    shape = node["shape"]
    attributes = [
        f"class={quoteattr('node ' + node['cls'])}",
        f"data-key={quoteattr(node['key'])}",
    ]
    for name, attribute in _GEOMETRY[shape]:
        if name in node:
            attributes.append(f"{attribute}={quoteattr(str(node[name]))}")
    if "arrow" in node["cls"].split():
        attributes.append('marker-end="url(#head)"')
    inside = escape(node.get("text", ""))
    if "tip" in node:
        inside = f"<title>{escape(node['tip'])}</title>" + inside
    return f"<{shape} {' '.join(attributes)}>{inside}</{shape}>"
