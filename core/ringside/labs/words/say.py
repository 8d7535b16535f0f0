"""Plain words in two languages, with marked terms.

A message is a pair ``(English, Hungarian)``. Inside it ``[words](term)`` links the words to the
glossary and ``[words](@context)`` colours them by context; ``{name}`` is filled in from the
facts. Facts are put in after the marks have been read, so a fact may hold any character.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LANGUAGES = ("en", "hu")
Message = tuple[str, str]
Segment = dict[str, str]

_MARK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def pick(message: Message, lang: str) -> str:
    """The text of ``message`` in ``lang``, marks left in."""
    return message[LANGUAGES.index(lang)]


def segments(
    message: Message, lang: str, facts: Mapping[str, object] | None = None
) -> list[Segment]:
    """``message`` as text segments: plain, coloured (``context``) or linked (``term``)."""
    values = facts or {}
    text = pick(message, lang)
    result: list[Segment] = []
    at = 0
    for mark in _MARK.finditer(text):
        if mark.start() > at:
            result.append({"text": text[at : mark.start()].format_map(values)})
        words, reference = mark.groups()
        segment = {"text": words.format_map(values)}
        if reference.startswith("@"):
            segment["context"] = reference[1:].format_map(values)
        else:
            segment["term"] = reference
        result.append(segment)
        at = mark.end()
    if at < len(text):
        result.append({"text": text[at:].format_map(values)})
    return result


def decimal(text: str, lang: str) -> str:
    """A number with the decimal sign of the language: a comma in Hungarian."""
    return text.replace(".", ",") if lang == "hu" else text


def plain(message: Message, lang: str, facts: Mapping[str, object] | None = None) -> str:
    """``message`` as bare text: marks resolved, facts filled in."""
    return "".join(segment["text"] for segment in segments(message, lang, facts))
