"""Which run is open: lab, guest, technique and options, checked against the catalogue."""


def find(entries, wanted):
    """The entry with the id ``wanted``, or None."""
    for entry in entries:
        if entry["id"] == wanted:
            return entry
    return None


def choose(catalogue, state, words):
    """``(lab, choice, problems)`` for what an address or a menu asks for.

    What does not exist is replaced by the usual choice, and said in ``problems``.
    """
    problems = []
    labs = catalogue["labs"]
    lab = find(labs, state.get("lab")) or labs[0]
    if state.get("lab") not in (None, lab["id"]):
        problems.append(words("notice.lab", name=state["lab"]))
        state = {}
    choice = {"lab": lab["id"], "options": {}, "source": None}
    for field, entries, word in (
        ("guest", lab["guests"], "notice.guest"),
        ("technique", lab["techniques"], "notice.tech"),
    ):
        wanted = state.get("tech" if field == "technique" else field)
        entry = find(entries, wanted)
        if wanted and not entry:
            problems.append(words(word, name=wanted))
        usual = lab.get("usual", {}).get(field) or (entries[0]["id"] if entries else "")
        choice[field] = entry["id"] if entry else usual
    given = state.get("options") or {}
    for option in lab["options"]:
        value = given.get(option["id"])
        if value and not find(option["values"], value):
            problems.append(words("notice.option", name="%s=%s" % (option["id"], value)))
            value = None
        choice["options"][option["id"]] = value or option["default"]
    for name in given:
        if not find(lab["options"], name):
            problems.append(words("notice.option", name=name))
    return lab, choice, problems


def load_request(choice, step):
    """The request that opens a run at ``step``."""
    request = {"op": "load", "lab": choice["lab"], "options": choice["options"], "step": step}
    for name in ("guest", "technique", "source"):
        if choice.get(name):
            request[name] = choice[name]
    return request
