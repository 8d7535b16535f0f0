"""Which run is open: lab, guest, technique and options, checked against the catalogue."""


def find(entries, wanted):
    """The entry with the id ``wanted``, or None."""
    for entry in entries:
        if entry["id"] == wanted:
            return entry
    return None


def accepts(option, value):
    """Whether an option can have that value: one of its own, a number, or for that nothing."""
    if not option.get("most"):
        return bool(find(option["values"], value))
    if not value:
        return True
    whole, point, part = value.partition(".")
    if any(char not in "0123456789" for char in whole + part):
        return False
    sized = 0 < len(whole) < 10 and (0 < len(part) < 4 if point else True)
    return sized and float(value) <= option["most"]


def put(choice, option, value):
    """Choose a value; a number left empty is not kept, so that the usual run is known as such."""
    if value:
        choice["options"][option["id"]] = value
    else:
        choice["options"].pop(option["id"], None)


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
        if value and not accepts(option, value):
            problems.append(words("notice.option", name="%s=%s" % (option["id"], value)))
            value = None
        put(choice, option, value or option["default"])
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
