"""Plain words in two languages, with marked terms.

A message is a pair ``(English, Hungarian)``. Inside it ``[words](term)`` links the words to the
glossary and ``[words](@context)`` colours them by context; ``{name}`` is filled in from the
facts. Facts are put in after the marks have been read, so a fact may hold any character. In
Hungarian ``a(z)`` becomes the article that fits what follows it, once that is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LANGUAGES = ("en", "hu")
Message = tuple[str, str]
Segment = dict[str, str]

_ARTICLE = re.compile(r"\b([Aa])\(z\) ")
_VOWELS = frozenset("aáeéiíoóöőuúüű")
_SPELLED_WITH_VOWEL = frozenset("flmnrsxy")  # ef, el, em, en, er, es, iksz, ipszilon
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
    return _with_articles(result) if lang == "hu" else result


def _with_articles(parts: list[Segment]) -> list[Segment]:
    """Choose between *a* and *az* by what follows, in the same segment or in the next one."""
    behind = ""
    for part in reversed(parts):
        whole = part["text"] + behind
        for found in reversed(list(_ARTICLE.finditer(part["text"]))):
            vowel = begins_with_vowel(whole[found.end() :])
            chosen = found[1] + ("z " if vowel else " ")
            part["text"] = part["text"][: found.start()] + chosen + part["text"][found.end() :]
        behind = whole
    return parts


def begins_with_vowel(text: str) -> bool:
    """Whether ``text``, read aloud in Hungarian, begins with a vowel: *egy*, *öt*, *ezer* do."""
    word = re.match(r"\W*(\w*)", text)
    said = word[1] if word else ""
    if said.isdigit():
        # 1, 1000, 1 000 000 are egy, ezer, egymillió; 10 and 100 are tíz and száz.
        return said[0] == "5" or said[0] == "1" and len(said) % 3 == 1
    first = said[:1].lower()
    spelled = said.isupper() and not _VOWELS & set(said.lower())
    return first in (_SPELLED_WITH_VOWEL if spelled else _VOWELS)


def decimal(text: str, lang: str) -> str:
    """A number with the decimal sign of the language: a comma in Hungarian."""
    return text.replace(".", ",") if lang == "hu" else text


def thousands(value: float) -> str:
    """A whole number in groups of three digits, as both languages read it."""
    return f"{round(value):,}".replace(",", "\u202f")


def plain(message: Message, lang: str, facts: Mapping[str, object] | None = None) -> str:
    """``message`` as bare text: marks resolved, facts filled in."""
    return "".join(segment["text"] for segment in segments(message, lang, facts))
