"""The page's state in the address: ``#lab=rings&guest=popf&tech=bare&step=41&lang=hu``.

Whatever somebody types there is read without failing: what cannot be understood is named, so
that the page can say so, and everything else still counts. Options are written ``o.name=value``.
"""

NAMES = ("lab", "guest", "tech", "step", "lang", "theme", "view", "program")
VALUES = {"lang": ("en", "hu"), "theme": ("auto", "light", "dark"), "view": ("embed",)}
LONGEST = 16_000  # characters of an edited program, packed
FURTHEST = 1_000_000_000  # a step number beyond this is a typing mistake


def parse(text):
    """``(state, problems)``: state holds only what was given and understood."""
    state = {"options": {}}
    problems = []
    text = text[1:] if text[:1] == "#" else text
    for part in text.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        name, value = decode(name), decode(value)
        if name == "program" and value and len(value) <= LONGEST and plain_text(value):
            state["program"] = value
        elif name is None or value is None or len(value) > 100:
            problems.append(part[:40])
        elif name[:2] == "o." and plain(name[2:]) and plain(value):
            state["options"][name[2:]] = value
        elif name in ("lab", "guest", "tech") and plain(value):
            state[name] = value
        elif name == "step" and value and all(c in "0123456789" for c in value[:12]):
            state["step"] = min(int(value[:12]), FURTHEST)
        elif value in VALUES.get(name, ()):
            state[name] = value
        else:
            problems.append(part[:40])
    return state, problems


def build(state):
    """The hash for a state; what is empty is left out."""
    parts = []
    for name in NAMES:
        value = state.get(name)
        if value not in (None, ""):
            parts.append("%s=%s" % (name, encode(str(value))))
    options = state.get("options") or {}
    for name in sorted(options):
        parts.append("o.%s=%s" % (encode(name), encode(str(options[name]))))
    return "#" + "&".join(parts)


def plain(value):
    """True for a name as labs, guests and techniques have it."""
    return 0 < len(value) <= 60 and all(c.isalpha() or c.isdigit() or c in "-_.:+" for c in value)


def plain_text(value):
    """True for letters, digits, - and _ only, as a packed program is written."""
    return all(c in "-_" or c.isalpha() or c.isdigit() for c in value)


def encode(text):
    result = []
    for byte in text.encode():
        char = chr(byte)
        if byte < 128 and (char.isalpha() or char.isdigit() or char in "-_.:+"):
            result.append(char)
        else:
            result.append("%%%02X" % byte)
    return "".join(result)


def decode(text):
    """The text behind percent signs, or None when it is not valid."""
    if "%" not in text:
        return text
    result = bytearray()
    data = text.encode()
    at = 0
    while at < len(data):
        if data[at] == 37:  # %
            try:
                result.append(int(data[at + 1 : at + 3].decode(), 16))
            except (ValueError, UnicodeError):
                return None
            at += 3
        else:
            result.append(data[at])
            at += 1
    try:
        return bytes(result).decode()
    except (ValueError, UnicodeError):
        return None
