"""What to say when somebody names a thing that is not there: the nearest names, and all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from textwrap import wrap

WIDTH = 88


def nearest(name: str, known: Iterable[str]) -> str:
    """The names nearest to ``name``, as "one or other"; empty if none is near."""
    return " or ".join(dict.fromkeys(get_close_matches(name, list(known), n=3, cutoff=0.6)))


def unknown(first: str, name: str, groups: Mapping[str, Sequence[str]]) -> str:
    """``first``, what ``name`` is nearest to, and each group of names on lines of its own."""
    known = [each for group in groups.values() for each in group]
    near = nearest(name, known)
    lines = [first] + [f"  did you mean {near}?"] * bool(near)
    for title, names in groups.items():
        lines += wrap(
            ", ".join(names), WIDTH, initial_indent=f"  {title}: ",
            subsequent_indent=" " * (len(title) + 4), break_long_words=False,
            break_on_hyphens=False)
    return "\n".join(lines)
