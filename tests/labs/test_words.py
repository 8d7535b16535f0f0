"""Every message exists in both languages, with the same facts and known glossary links."""

from __future__ import annotations

import re

import pytest
from ringside.labs.narrate import outcome_words
from ringside.labs.words import (
    classification,
    compare,
    emulated,
    fastest,
    nested_wins,
    notes,
    panels,
    paravirtual,
    phone,
    pool,
    price_list,
    prices,
    properties,
    refusals,
    rings,
    shadow,
    steps,
    tasks,
    tasks_memory,
    tlb,
    translation,
    vtx,
    walk_programs,
    walks,
)
from ringside.labs.words.glossary import GLOSSARY
from ringside.labs.words.say import plain, segments
from ringside.machine.tasks import missing
from ringside.session import Session
from ringside.trace.events import CONTEXTS
from ringside.vmm.cpu.hardware_assist import REAL_MODE

CATALOGUES = {
    f"{module.__name__.rpartition('.')[2]}.{name}.{key}": message
    for module in (
        classification, compare, emulated, fastest, nested_wins, notes, panels, paravirtual, phone,
        pool, price_list, prices, properties, refusals, rings, shadow, steps, tasks, tasks_memory, tlb,
        translation, vtx, walk_programs, walks,
    )
    for name, table in vars(module).items()
    if name.isupper() and isinstance(table, dict)
    for key, message in table.items()
}
TERMS = {term.id for term in GLOSSARY}


def facts_of(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)(?:!r)?\}", text))


def test_both_languages_use_the_same_facts() -> None:
    assert len(CATALOGUES) > 1000
    assert [key for key, (english, hungarian) in CATALOGUES.items()
            if facts_of(english) != facts_of(hungarian)] == []


def test_every_link_leads_to_a_glossary_term_or_a_context() -> None:
    known = TERMS | {f"@{name}" for name in (*CONTEXTS, "{context}")}
    assert [(key, reference) for key, message in CATALOGUES.items() for text in message
            for reference in re.findall(r"\]\(([^)]+)\)", text) if reference not in known] == []


FORMAL = re.compile(
    r"\b(húzzon|válassza ki|válasszon|menjen|nyomja|nézze|írjon be|kattintson|ön)\b", re.IGNORECASE)


def test_hungarian_speaks_to_the_reader_informally_everywhere() -> None:
    assert [key for key, (_, text) in CATALOGUES.items() if FORMAL.search(text)] == []


def test_terms_are_explained_in_both_languages() -> None:
    assert all(all((*term.word, *term.text)) for term in GLOSSARY)
    assert len(TERMS) == len(GLOSSARY)


def test_a_fact_with_brackets_is_shown_as_it_is() -> None:
    message = ("runs {insn} in [ring](ring) 1", "futtatja: {insn}, 1-es [gyűrű](ring)")
    assert plain(message, "en", {"insn": "mov eax, [ebx](4)"}) == "runs mov eax, [ebx](4) in ring 1"


def test_a_context_mark_may_come_from_the_facts() -> None:
    message = ("The [{who}](@{context}) runs", "Fut: [{who}](@{context})")
    parts = segments(message, "en", {"who": "kernel", "context": "kernel"})
    assert parts[1] == {"text": "kernel", "context": "kernel"}


@pytest.mark.parametrize(
    ("follows", "article"),
    [
        ("alkalmazás", "az"), ("vendégkernel", "a"), ("VMM", "a"), ("SMSW", "az"), ("IF", "az"),
        ("POPF", "a"), ("#GP(0)", "a"), ("0. gyűrű", "a"), ("1. gyűrű", "az"), ("3. gyűrű", "a"),
        ("5. keret", "az"), ("15. keret", "a"), ("51. keret", "az"), ("100. keret", "a"),
        ("1000. keret", "az"), ("00100123 cím", "a"),
    ],
)
def test_the_hungarian_article_fits_what_follows_it(follows: str, article: str) -> None:
    message = ("", "A(z) {x}, a(z) [{x}](@app).")
    said = plain(message, "hu", {"x": follows})
    assert said == f"{article.title()} {follows}, {article} {follows}."


@pytest.mark.parametrize("guest", ["rings", "cli_sti", "nanos"])
def test_no_undecided_article_and_no_english_value_is_left_in_hungarian(guest: str) -> None:
    session = Session()
    session.handle({"op": "load", "lab": "rings", "guest": guest, "lang": "hu",
                    "technique": "bare-metal"})
    for step in range(0, 120, 3):
        frame = session.handle({"op": "frame", "step": step})["frame"]
        said = "".join(part["text"] for part in frame["sentence"])
        assert "(z)" not in said and not re.search(r"\b[Aa] [aáeéiíoóöőuúüű]", said), said
        texts = {node.get("text") for node in frame["scene"]["nodes"]}
        assert not {"on", "off"} & texts


@pytest.mark.parametrize(("kind", "said", "told"), [
    ("entry-failed", "TR is unusable", "TR használhatatlan"),
    ("entry-failed", "VMfailValid(7): primary controls: bit 3 must be 0",
     "VMfailValid(7): elsődleges processzor- vezérlőmező: a 3. bitnek 0 kell"),
    ("not-modelled", str(missing("a task gate")), "egy taszkkapu hardveres taszkváltást kér"),
    ("not-modelled", REAL_MODE, "a vendég valós módban van"),
    ("crashed", "exception 6 at 0x100010, for which the kernel has announced no handler",
     "a kernel nem jelentett be rá kezelőt"),
])
def test_why_a_guest_ended_is_told_in_hungarian_too(kind: str, said: str, told: str) -> None:
    assert said in outcome_words(kind, "en", detail=said)
    assert told in outcome_words(kind, "hu", detail=said)
    assert said not in outcome_words(kind, "hu", detail=said)
