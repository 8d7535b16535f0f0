"""What each key does. The help dialog is written from the same rows."""

# (key, with shift, action, argument)
ROWS = (
    (" ", False, "play", ""),
    ("ArrowRight", False, "step", "1"),
    ("ArrowLeft", False, "step", "-1"),
    ("ArrowRight", True, "leap", "1"),
    ("ArrowLeft", True, "leap", "-1"),
    ("Home", False, "start", ""),
    ("End", False, "finish", ""),
    ("+", None, "faster", "1"),
    ("-", None, "faster", "-1"),
    ("b", False, "stops", ""),
    ("q", False, "questions", ""),
    ("e", False, "edit", ""),
    ("t", False, "theme", ""),
    ("?", None, "help", ""),
    ("Escape", None, "stop", ""),
)


def action(key, shift):
    """``(action, argument)`` for a key press, or None."""
    if len(key) == 1 and key in "123456789" and not shift:
        return "technique-number", key
    for row_key, row_shift, name, argument in ROWS:
        if row_key == key and (row_shift is None or row_shift == shift):
            return name, argument
    return None
