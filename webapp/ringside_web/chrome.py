"""The page around the stage: head, controls, transport, notices and dialogs, as trees."""

from ringside_web.tree import h
from ringside_web.words import CONTEXTS

SPEEDS = (("0.25", "¼×"), ("0.5", "½×"), ("1", "1×"), ("2", "2×"), ("4", "4×"), ("16", "16×"),
          ("max", ""))


def icon(name):
    return h("span", {"class": "icon " + name, "aria-hidden": "true"})


def button(do, label, name, argument=None, **more):
    """A button with a picture; its label is what screen readers and pointing say."""
    attributes = {"type": "button", "data-do": do, "title": label, "aria-label": label}
    if argument is not None:
        attributes["data-with"] = argument
    attributes.update(more)
    return h("button", attributes, icon(name))


def select(do, label, values, chosen, argument=None):
    options = [h("option", {"value": key, "key": key}, text) for key, text in values]
    attributes = {"data-do": do, "aria-label": label, "value": chosen}
    if argument is not None:
        attributes["data-with"] = argument
    return h("select", attributes, options)


def head(labs, lab, words, theme, *status):
    """Brand, the labs, and what is true of the whole page. The status is written apart."""
    return [
        h("a", {"class": "brand", "href": "#", "data-do": "home"}, "ring", h("b", None, "side")),
        h("nav", {"aria-label": words("labs")}, _menus(labs, lab)),
        h("div", {"class": "tools"},
          h("span", {"id": "status", "data-own": True}, list(status)),
          h("button", {"type": "button", "class": "quiet lang", "data-do": "language",
                       "title": words("language.tip")}, words("language")),
          button("theme", words("theme." + theme), "theme-" + theme, **{"class": "quiet"}),
          button("glossary", words("glossary"), "book", **{"class": "quiet"}),
          button("help", words("help") + " (?)", "help", **{"class": "quiet"})),
    ]


def _menus(labs, lab):
    """A menu for each topic; the one with the open lab says which that is."""
    topics = []
    for item in labs:
        if item["topic"] not in topics:
            topics.append(item["topic"])
    return [_menu(topic, [item for item in labs if item["topic"] == topic], lab)
            for topic in topics]


def _menu(topic, labs, lab):
    here = lab in labs
    links = []
    for item in labs:
        attributes = {"href": "#lab=" + item["id"], "data-do": "lab", "data-with": item["id"],
                      "key": item["id"], "aria-current": "page" if item is lab else None}
        links.append(h("a", attributes, h("b", None, item["title"]),
                       h("span", None, item["question"])))
    return h("details", {"class": "menu here" if here else "menu", "key": topic, "name": "topics"},
             h("summary", None, h("span", None, topic),
               h("b", None, lab["title"]) if here else None),
             h("div", {"class": "list"}, links))


def chip(words, status):
    """Whether the picture comes from the live machine, and what to do while it works."""
    name = status["name"]
    text = words(name)
    if name == "running":
        word = "measuring" if status.get("doing") else name
        number = status.get("doing") or _spaced(status["step"])
        text = [h("span", {"class": "word"}, words(word)), number]
    stop = None
    if name in ("running", "working"):
        stop = h("button", {"type": "button", "data-do": "stop"}, words("stop"))
    tip = words(name + ".tip") if name in ("live", "recorded", "offline") else None
    kind = name + " measuring" if status.get("doing") else name
    return h("span", {"class": "chip " + kind, "title": tip, "role": "status"}, text, stop)


def controls(lab, choice, words):
    """What can be changed in this lab: technique, guest and options."""
    parts = []
    if len(lab["techniques"]) > 1:  # a single one is no choice; the lab's title says it
        parts.append(h("div", {"class": "segments", "role": "radiogroup", "key": "techniques",
                               "aria-label": words("techniques")},
                       [_technique(item, choice["technique"]) for item in lab["techniques"]]))
    fields = []
    if lab["guests"] and choice["technique"] in (lab.get("guests_under") or [choice["technique"]]):
        values = [(guest["id"], guest["title"]) for guest in lab["guests"]]
        fields.append(_field("guest", words("guest"),
                            select("guest", words("guest"), values, choice["guest"])))
    for option in lab["options"]:
        if option["under"] and choice["technique"] not in option["under"]:
            continue
        if option.get("most"):  # a number; a panel has its field
            continue
        values = [(value["id"], value["title"]) for value in option["values"]]
        chosen = choice["options"].get(option["id"]) or option["default"]
        fields.append(_field(option["id"], option["title"],
                             select("option", option["title"], values, chosen, option["id"])))
    if lab.get("drops"):
        label = words("drop.label")
        fields.append(h("label", {"class": "field file", "key": "drop", "title": words("drop.tip")},
                        h("span", None, label),
                        h("input", {"type": "file", "data-do": "drop", "aria-label": label})))
    if fields:
        parts.append(h("div", {"class": "fields", "key": "fields"}, fields))
    return parts


def _technique(item, chosen):
    here = item["id"] == chosen
    return h("button", {"type": "button", "role": "radio", "key": item["id"],
                        "aria-checked": "true" if here else "false", "data-do": "technique",
                        "data-with": item["id"], "title": item.get("note") or item["title"]},
             item["title"])


def _field(key, title, control):
    return h("label", {"class": "field", "key": key}, h("span", {"title": title}, title), control)


def transport(words, state):
    """Play, step and leap; ``state`` has playing, kinds, kind, speed and stops."""
    kinds = [("step", words("kind.step"))]
    kinds += [(kind["id"], kind["title"]) for kind in state["kinds"]]
    kind = dict(kinds).get(state["kind"], "")
    play = "pause" if state["playing"] else "play"
    speeds = [(key, text or words("speed.max")) for key, text in SPEEDS]
    return [
        h("div", {"class": "buttons", "role": "group", "aria-label": words("transport")},
          button("start", words("start"), "first"),
          button("leap", words("leap.back", kind=kind), "leap-back", "-1", **{"class": "leap"}),
          button("step", words("back"), "back", "-1"),
          button("play", words(play), play, **{"class": "main"}),
          button("step", words("forward"), "forward", "1"),
          button("leap", words("leap.on", kind=kind), "leap-on", "1", **{"class": "leap"}),
          button("finish", words("finish"), "last")),
        h("div", {"class": "how"},
          select("kind", words("kind"), kinds, state["kind"]),
          select("speed", words("speed"), speeds, state["speed"]),
          h("div", {"class": "tools"},
            h("button", {"type": "button", "class": "quiet", "data-do": "questions",
                         "title": words("questions") + " (q)"}, words("questions")),
            h("button", {"type": "button", "class": "quiet", "data-do": "stops",
                         "title": words("stops.title") + " (b)"},
              words("stops"), h("b", None, str(state["stops"])) if state["stops"] else None),
            button("figure", words("figure"), "save", **{"class": "quiet"}),
            button("copy", words("copy"), "link", **{"class": "quiet"}))),
    ]


def where(words, step, last, ended, outcome):
    """The words at the end of the timeline."""
    if not ended and step >= last:
        return [words("where.open", step=_spaced(step))]
    parts = [words("where", step=_spaced(step), last=_spaced(last))]
    if ended and outcome and step >= last:
        parts.append(h("span", {"class": "outcome"}, " · " + outcome))
    return parts


def _spaced(number):
    text = str(number)
    groups = []
    while len(text) > 4:
        groups.insert(0, text[-3:])
        text = text[:-3]
    return "\u202f".join([text] + groups)


def notice(words, note):
    """Something to know: what happened and what to do, until it is dismissed."""
    hint = note.get("hint")
    return h("div", {"class": "notice " + note.get("tone", ""), "key": note["key"]},
             h("p", None, h("b", None, note["text"]), " " + hint if hint else None),
             h("button", {"type": "button", "data-do": "dismiss", "data-with": note["key"]},
               words("dismiss")))


def editor_head(words, status):
    """Above the editor: what state the program is in."""
    return [h("h2", {"id": "editor-title"}, words("edit")),
            h("p", {"class": "state " + status["tone"], "role": "status"}, status["text"]),
            h("button", {"type": "button", "class": "quiet", "data-do": "edit"}, words("close"))]


# --- dialogs --------------------------------------------------------------------------------


def _dialog(words, title, body):
    return [h("h2", {"id": "dialog-title"}, title), h("div", None, body),
            h("button", {"type": "button", "class": "close", "data-do": "close"}, words("close"))]


def help_dialog(words):
    rows = (
        (words("key.space"), "help.space"), ("← →", "help.arrows"), ("Shift + ← →", "help.leap"),
        ("Home End", "help.home"), ("1 – 6", "help.number"), ("+ −", "help.speed"),
        ("b", "help.stops"), ("q", "help.questions"), ("e", "help.edit"), ("t", "help.theme"),
        ("Tab ↑ ↓", "help.figure"), ("?", "help.help"),
    )
    keys = h("table", {"class": "keys"}, h("tbody", None, [
        h("tr", None, h("th", {"scope": "row"}, h("kbd", None, key)), h("td", None, words(word)))
        for key, word in rows]))
    colours = h("ul", {"class": "colours"}, [
        h("li", None, h("span", {"class": "swatch " + name}), words("context." + name))
        for name in CONTEXTS])
    body = h("div", {"class": "two"}, keys,
             h("div", None, h("h3", None, words("help.colours")), colours))
    more = h("p", {"class": "more"}, h("a", {"href": "reference.html", "target": "_blank"},
                                       words("help.reference")))
    return _dialog(words, words("help.title"), [body, more])


def glossary_dialog(words, glossary, chosen, back=False):
    """All terms, or with ``chosen`` that one alone; ``back`` if it was found in a question."""
    items = []
    for entry in glossary:
        if chosen is None or entry["id"] == chosen:
            items.append(h("div", {"key": entry["id"]}, h("dt", None, entry["term"]),
                           h("dd", None, entry["text"])))
    body = [h("dl", {"class": "glossary"}, items)]
    if chosen is not None and len(glossary) > 1:
        body.append(h("button", {"type": "button", "class": "quiet", "data-do": "glossary"},
                      words("glossary")))
    if back:
        body.append(h("button", {"type": "button", "class": "quiet", "data-do": "questions"},
                      words("questions.back")))
    return _dialog(words, words("glossary"), body)


def stops_dialog(words, kinds, chosen, addresses):
    """Where the run stops: kinds of event, and addresses."""
    boxes = []
    for kind in kinds:
        box = h("input", {"type": "checkbox", "data-do": "stop-kind", "data-with": kind["id"],
                          "checked": kind["id"] in chosen})
        boxes.append(h("li", {"key": kind["id"]}, h("label", None, box, " ", kind["title"])))
    lines = []
    for address in addresses:
        lines.append(h("li", {"key": address}, h("code", None, address),
                       h("button", {"type": "button", "class": "quiet", "data-do": "stop-at",
                                    "data-with": address}, words("stops.remove"))))
    none = h("p", None, words("stops.none"))
    chosen_lines = h("ul", {"class": "plain"}, lines) if lines else none
    body = h("div", {"class": "two"},
             h("div", None, h("h3", None, words("stops.kinds")),
               h("ul", {"class": "plain"}, boxes)),
             h("div", None, h("h3", None, words("stops.addresses")), chosen_lines))
    return _dialog(words, words("stops.title"), body)
