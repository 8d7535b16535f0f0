"""Names of the fields of a page-table entry, and what they mean, by their English words."""

from __future__ import annotations

from .say import Message

NAMES: dict[str, Message] = {
    "available": ("available", "szabad"),
    "address": ("address", "cím"),
    "memory type": ("memory type", "memóriatípus"),
    "ignore pat": ("ignore pat", "PAT mellőzve"),
    "large": ("large", "nagy lap"),
    "reserved": ("reserved", "fenntartott"),
}
"""The other fields have the manual's letters for names, in both languages."""

TEXTS: dict[str, Message] = {text[0]: text for text in (
    ("present", "jelen van"),
    ("writes allowed", "írható"),
    ("user (ring 3) access allowed", "felhasználói módból (3. gyűrű) is elérhető"),
    ("write-through", "átíró gyorsítótár"),
    ("cache disable", "gyorsítótár nélkül"),
    ("accessed: set by the processor", "elérték: a processzor állítja be"),
    ("dirty: set by the processor on a write (last level)",
     "módosult: íráskor a processzor állítja be (utolsó szint)"),
    ("large page, or memory type in the last level",
     "nagy lap, az utolsó szinten a memóriatípus része"),
    ("global: survives a CR3 load (last level)",
     "globális: túléli a CR3 betöltését (utolsó szint)"),
    ("free for software", "a szoftveré"),
    ("execute disable", "nem futtatható"),
    ("reads allowed", "olvasható"),
    ("execution allowed", "futtatható"),
    ("caching of the page (last level)", "a lap gyorsítótárazása (utolsó szint)"),
    ("the guest's PAT is ignored (last level)", "a vendég PAT-ja nem számít (utolsó szint)"),
    ("maps a large page", "nagy lapot képez le"),
    ("must be 0 in an entry that points to a table", "táblára mutató bejegyzésben 0 kell legyen"),
)}  # fmt: skip
TEXTS["frame number"] = (
    "where the next table or the page begins", "itt kezdődik a következő tábla vagy a lap")
