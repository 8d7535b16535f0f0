"""A frame's panels as trees: one function per kind of panel, found in one table.

A panel with ``same`` set, and a row that is only its key, stand in the page already as they are.
"""

from ringside_web.tree import h, keep

SCROLLING = ("code", "source", "console")  # something within them scrolls
LEFT = ("code", "source", "console", "text")  # what is read; the rest is looked up, on the right


def side(panel):
    """Where a panel stands: "left" or "right"; a panel may ask for a side itself."""
    return panel.get("side") or ("left" if panel["kind"] in LEFT else "right")


def panel_tree(panel, words, marks, editable=False, grown=False):
    """One panel. ``marks`` are the addresses the run stops at; editable code has a way to it.

    A panel that is ``grown`` has its column's height, and the others there show their titles.
    """
    if panel.get("same"):
        return keep(panel["id"])
    body = KINDS.get(panel["kind"], _text)(panel, words, marks)
    classes = "panel %s" % panel["kind"]
    if panel.get("tone"):
        classes += " tone-" + panel["tone"]
    if grown:
        classes += " grown"
    attributes = {"class": classes, "key": panel["id"], "id": "panel-" + panel["id"]}
    attributes["aria-labelledby"] = "title-" + panel["id"]
    if panel["kind"] not in SCROLLING:
        attributes["tabindex"] = "0"  # it may have to scroll, and keys scroll what has the focus
    label = words("panel.less" if grown else "panel.more")
    grow = h("button", {"type": "button", "class": "grow", "data-do": "panel",
                        "data-with": panel["id"], "title": label,
                        "aria-expanded": "true" if grown else "false"}, panel["title"])
    title = h("h2", {"id": "title-" + panel["id"]}, grow)
    if editable and panel["kind"] == "code":
        edit = h("button", {"type": "button", "class": "quiet edit", "data-do": "edit",
                            "title": words("edit") + " (e)", "aria-label": words("edit")},
                 h("span", {"class": "icon edit", "aria-hidden": "true"}))
        title = h("div", {"class": "heading"}, title, edit)
    return h("section", attributes, title, body)


def segments(parts, words):
    """A sentence: words with their context's colour, and terms that open the glossary."""
    return [_segment(part) for part in parts]


def _segment(part):
    text = part["text"]
    classes = part.get("context") or ""
    if part.get("term"):
        attributes = {"class": ("term " + classes).strip(), "type": "button"}
        attributes["data-do"] = "term"
        attributes["data-with"] = part["term"]
        return h("button", attributes, text)
    if classes:
        return h("b", {"class": classes}, text)
    return text


def _code(panel, words, marks):
    rows = []
    for row in panel["rows"]:
        if isinstance(row, str):
            rows += (keep(row + "/label"), keep(row))
            continue
        if row.get("label"):
            rows.append(h("li", {"class": "label", "key": row["key"] + "/label"},
                          row["label"] + ":"))
        rows.append(_code_row(row, words, marks))
    return h("ol", {"class": "rows", "data-scroll": True, "tabindex": "0",
                    "aria-labelledby": "title-" + panel["id"]}, rows)


def _code_row(row, words, marks):
    kind = row.get("class") or ""
    attributes = {"key": row["key"], "class": kind}
    if row.get("current"):
        attributes["class"] = (kind + " current").strip()
        attributes["aria-current"] = "step"
        attributes["data-follow"] = True
    stop = row["address"] in marks
    shown = row["address"].lstrip("0") or "0"
    label = words("stops.unset" if stop else "stops.set", address=shown)
    address = h("button", {"type": "button", "class": "address", "data-do": "stop-at",
                           "data-with": row["address"], "title": label, "aria-label": label,
                           "aria-pressed": "true" if stop else "false"}, shown)
    badge = row.get("badge")
    tag = None
    if badge:
        tag = h("span", {"class": "tag " + kind, "title": row.get("tip"),
                         "data-short": badge[0].upper()}, badge)
    text = h("code", {"title": row.get("bytes") or None}, row["text"])
    return h("li", attributes, address, text, tag)


def _nothing(words):
    """What an empty panel says, so that it is not taken for a broken one."""
    return h("p", {"class": "note"}, words("panel.empty"))


def _table(panel, words, marks):
    rows = []
    for row in panel["rows"]:
        if isinstance(row, str):
            rows.append(keep(row))
            continue
        value = str(row["value"])
        changed = row.get("changed")
        attributes = {"key": row["key"], "class": "changed" if changed else row.get("tone") or None}
        tip = row.get("tip")
        before = row.get("before")
        old = None
        if changed and before not in (None, "", value):
            old = h("del", {"title": words("before", value=before)}, str(before))
        # A changed value is a new element, so that its flash plays again.
        shown = h("span", {"key": value if changed else "-", "class": "now"}, value)
        name = row["name"]
        if row.get("go"):  # the step at which it happened
            name = h("button", {"type": "button", "class": "go", "data-do": "seek",
                                "data-with": str(row["go"])}, name)
        rows.append(h("tr", attributes,
                      h("th", {"scope": "row", "title": tip}, name),
                      h("td", None, old, shown)))
    if not rows:
        return _nothing(words)
    return h("table", {"class": "rows"}, h("tbody", None, rows))


def _bars(panel, words, marks):
    rows = []
    for row in panel["rows"]:
        if isinstance(row, str):
            rows.append(keep(row))
            continue
        top = row.get("max") or 1
        share = min(max(row["value"] / top, 0), 1)
        bar = h("span", {"class": "bar " + (row.get("context") or ""),
                         "fill": "%.4f" % share, "data-some": "1" if row["value"] else None})
        rows.append(h("li", {"key": row["key"], "title": row.get("tip")},
                      h("span", {"class": "name"}, row["name"]),
                      h("span", {"class": "lane"}, bar),
                      h("span", {"class": "figure"}, str(row.get("text") or row["value"]))))
    note = panel.get("note")
    if not rows and not note:
        return _nothing(words)
    return [h("ul", {"class": "rows"}, rows), h("p", {"class": "note"}, note) if note else None]


def _inputs(panel, words, marks):
    """Numbers to be changed, each with where it comes from; an empty field holds the usual one."""
    rows = []
    for row in panel["rows"]:
        if isinstance(row, str):
            rows.append(keep(row))
            continue
        field = h("input", {"type": "number", "min": "0", "max": str(row["most"]), "step": "any",
                            "placeholder": row["usual"], "value": row["value"],
                            "data-do": "option", "data-with": row["option"]})
        rows.append(h("li", {"key": row["key"], "class": row.get("tone") or None},
                      h("label", None, h("span", {"class": "name"}, row["name"]), field),
                      h("p", {"class": "note", "title": row["note"]}, row["note"])))
    note = panel.get("note")
    return [h("p", {"class": "note"}, note) if note else None, h("ul", {"class": "rows"}, rows)]


def _console(panel, words, marks):
    text = panel.get("text") or ""
    screen = h("pre", {"tabindex": "0", "data-end": True, "data-scroll": True,
                       "class": "screen" if text else "screen empty",
                       "aria-labelledby": "title-" + panel["id"]},
               text or words("console.empty"))
    if panel.get("input") is False:
        return screen
    label = panel.get("label") or words("console.label")
    field = h("input", {"type": "text", "maxlength": "200", "autocomplete": "off",
                        "autocapitalize": "off", "spellcheck": "false",
                        "placeholder": label, "aria-label": label})
    send = h("button", {"type": "submit"}, words("console.send"))
    return [screen, _picks(panel), h("form", {"class": "type", "data-do": "input"}, field, send)]


def _picks(panel):
    """What may be typed, to be clicked instead."""
    if not panel.get("picks"):
        return None
    return h("p", {"class": "picks"}, h("span", None, panel["picks_title"]),
             [h("button", {"type": "button", "key": text, "data-do": "send", "data-with": text},
                text) for text in panel["picks"]])


def _text(panel, words, marks):
    return h("p", {"class": "words"}, segments(panel.get("segments") or [], words))


def _bits(panel, words, marks):
    fields = []
    for field in panel["fields"]:
        high, low = field["hi"], field["lo"]
        where = str(high) if high == low else "%d–%d" % (high, low)
        width = high - low + 1
        fields.append(h("li", {"key": field["name"] + where, "fill": str(min(width, 12)),
                               "class": "wide" if width > 3 else None,
                               "title": field.get("text")},
                        h("span", {"class": "at"}, where),
                        h("span", {"class": "value"}, str(field["value"])),
                        h("span", {"class": "name"}, field["name"])))
    legend = [h("li", {"key": field["name"]}, h("b", None, field["name"]), " ", field["text"])
              for field in panel["fields"] if field.get("text")]
    return [h("p", {"class": "whole"}, str(panel["value"])),
            h("ol", {"class": "fields"}, fields),
            h("ul", {"class": "legend"}, legend)]


def _strip(panel, words, marks):
    lanes = []
    for row in panel.get("rows") or []:
        if isinstance(row, str):
            lanes.append(keep(row))
            continue
        cells = [h("span", {"class": "cell " + (cell.get("context") or cell.get("class") or ""),
                            "title": cell.get("tip"), "fill": str(cell.get("width") or 1)},
                   str(cell.get("text") or "")) for cell in row.get("cells") or []]
        lanes.append(h("li", {"key": row["key"]}, h("span", {"class": "name"}, row["name"]),
                       h("span", {"class": "cells"}, cells)))
    return h("ul", {"class": "rows"}, lanes)


def _source(panel, words, marks):
    text = panel.get("text") or ""
    return [h("pre", {"class": "listing", "tabindex": "0", "data-scroll": True,
                      "aria-labelledby": "title-" + panel["id"]}, text),
            h("button", {"type": "button", "class": "quiet", "data-do": "edit"}, words("edit"))]


KINDS = {
    "code": _code,
    "table": _table,
    "bars": _bars,
    "inputs": _inputs,
    "console": _console,
    "text": _text,
    "bits": _bits,
    "strip": _strip,
    "source": _source,
}
