"""The instruction reference as a page of the site, written from the table of instructions."""

from __future__ import annotations

from itertools import groupby
from typing import Any

CLASSES = ("privileged", "sensitive", "innocuous")


def page() -> str:
    """The whole of reference.html."""
    from ringside.isa.row import classify
    from ringside.isa.table import ROWS
    from ringside_web.tree import h, to_html

    rows = sorted(ROWS, key=lambda row: row.mnemonic)
    index = [
        h("p", {"class": f"index {name}"}, h("b", None, name + ": "), [
            part
            for mnemonic in sorted({row.mnemonic for row in rows if classify(row) == name})
            for part in (h("a", {"href": "#" + mnemonic}, mnemonic), " ")
        ])
        for name in CLASSES
    ]
    body = [
        h("h1", None, "Instruction reference"),
        h("p", None, "Every instruction of the simulated processor, as decoder, assembler, "
          "interpreter and translator know it. Encodings and operand letters are those of the "
          "processor manual (Intel SDM, volume 2, appendix A). Flags: M modified, U undefined "
          "afterwards, T tested."),
        h("p", None, h("a", {"href": "index.html"}, "To the labs")),
        *index,
        *(_section(name, list(group)) for name, group in
          groupby(rows, key=lambda row: row.mnemonic)),
    ]
    html = "\n".join(to_html(part) for part in body)
    return (
        '<!doctype html>\n<html lang="en" data-labs="rings">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>Instruction reference · Ringside</title>\n"
        '<link rel="icon" href="icon.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="css/tokens.css">\n'
        '<link rel="stylesheet" href="css/reference.css">\n</head>\n'
        f"<body>\n<main>\n{html}\n</main>\n</body>\n</html>\n"
    )


def _section(mnemonic: str, rows: list[Any]) -> Any:
    from ringside.isa.reference import PRIVILEGES, encoding_of, flags_of
    from ringside.isa.row import FLAG_NAMES, classify
    from ringside_web.tree import h

    parts = []
    for row in rows:
        flags = zip(FLAG_NAMES, flags_of(row).split(), strict=True)
        changed = ", ".join(f"{name.upper()} {letter}" for name, letter in flags if letter != "-")
        kind = classify(row)
        parts += [
            h("p", None, row.text),
            h("p", {"class": "facts"}, h("span", {"class": "tag " + kind}, kind),
              f" {row.sensitive} · " if row.sensitive else " ", PRIVILEGES[row.privilege],
              " · flags: " + (changed or "none")),
            h("table", None, h("tbody", None, [
                h("tr", None, h("td", None, h("code", None, encoding_of(form))),
                  h("td", None, h("code", None, " ".join(form.operands) or "—")))
                for form in row.encodings])),
        ]
    return h("section", {"id": mnemonic}, h("h2", None, mnemonic.upper()), parts)
