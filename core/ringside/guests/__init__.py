"""The guests: programs for the simulated machine, as assembler a student can read.

``SHELF`` lists them; ``source`` gives the text of one, ``include`` that of a file it includes.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass

from ringside.isa.assembler import Program, assemble


@dataclass(frozen=True, slots=True)
class Guest:
    """One row of the shelf. ``title`` and ``purpose`` are by language (``en``, ``hu``)."""

    id: str
    file: str
    title: dict[str, str]
    purpose: dict[str, str]


def _guest(id: str, en: str, en_purpose: str, hu: str, hu_purpose: str) -> Guest:
    return Guest(id, f"{id}.asm", {"en": en, "hu": hu}, {"en": en_purpose, "hu": hu_purpose})


SHELF: tuple[Guest, ...] = (
    _guest(
        "rings",
        "Rings, once around",
        "A kernel, a program, and everything that can happen between them, once.",
        "A gyűrűk körbejárva",
        "Egy kernel, egy program, és minden, ami köztük történhet, egyszer.",
    ),
    _guest(
        "nanos",
        "nanos, a small operating system",
        "Boots, runs programs in turn, gives memory on demand, answers commands.",
        "nanos, egy kis operációs rendszer",
        "Elindul, felváltva futtat programokat, igény szerint ad memóriát, parancsokra felel.",
    ),
    _guest(
        "cli_sti",
        "CLI and STI",
        "Who may decide whether interrupts come.",
        "CLI és STI",
        "Ki dönthet arról, hogy jöhetnek-e megszakítások.",
    ),
    _guest(
        "hlt",
        "HLT",
        "Sleep until something happens, and leave the processor to others.",
        "HLT",
        "Alvás, amíg nem történik valami; a processzor addig másoké.",
    ),
    _guest(
        "popf",
        "POPF",
        "The instruction that loses its effect without a word.",
        "POPF",
        "Az utasítás, amely szó nélkül hatástalan marad.",
    ),
    _guest(
        "lecture_bt",
        "The lecture's five instructions",
        "cli, and, mov from cr3, sti, ret: what a binary translator makes of them.",
        "Az előadás öt utasítása",
        "cli, and, mov cr3-ból, sti, ret: mit csinál belőlük a bináris fordító.",
    ),
    _guest(
        "page_fault",
        "Page fault",
        "A page comes into being when it is touched.",
        "Laphiba",
        "Egy lap akkor jön létre, amikor hozzányúlnak.",
    ),
    _guest(
        "system_call",
        "System call",
        "The one door from a program into its kernel.",
        "Rendszerhívás",
        "Az egyetlen ajtó a programból a kernelbe.",
    ),
    _guest(
        "port_io",
        "Port I/O",
        "How the processor talks to devices.",
        "Port I/O",
        "Hogyan beszél a processzor az eszközökkel.",
    ),
    _guest(
        "sieve",
        "Sieve of Eratosthenes",
        "Computes primes; nothing in it is privileged.",
        "Eratoszthenész szitája",
        "Prímeket számol; semmi sem privilegizált benne.",
    ),
    _guest(
        "matrix",
        "Matrix product",
        "Multiplies two matrices: loads and multiplications.",
        "Mátrixszorzás",
        "Két mátrixot szoroz össze: olvasások és szorzások.",
    ),
    _guest(
        "sort",
        "Sorting",
        "Puts numbers in order: branches and memory.",
        "Rendezés",
        "Számokat rendez: elágazások és memória.",
    ),
    _guest(
        "phone_radio",
        "Phone: radio",
        "Must answer every frame's interrupt in time.",
        "Telefon: rádió",
        "Minden keret megszakítására időben kell felelnie.",
    ),
    _guest(
        "phone_rich",
        "Phone: rich system",
        "Always busy, and once curious about memory that is not its own.",
        "Telefon: gazdag rendszer",
        "Mindig dolgozik, és egyszer kíváncsi arra a memóriára, ami nem az övé.",
    ),
    _guest(
        "boot_sector",
        "Boot sector",
        "From real mode to protected mode in 512 bytes.",
        "Rendszerindító szektor",
        "Valós módból védett módba 512 bájtban.",
    ),
)

# Guests that exist only as paravirtual ones: nothing but that technique can run them.
PARAVIRTUAL: tuple[Guest, ...] = (
    _guest(
        "pv_hostile",
        "Hostile hypercalls",
        "Asks a paravirtualizing VMM for what is not its own; every answer is an error.",
        "Ellenséges hiperhívások",
        "Egy paravirtualizáló VMM-től olyat kér, ami nem az övé; minden válasz hiba.",
    ),
)

_BY_ID = {guest.id: guest for guest in (*SHELF, *PARAVIRTUAL)}


def guest(id: str) -> Guest:
    """The row with this id; ``KeyError`` if the shelf has none."""
    return _BY_ID[id]


def source(id: str) -> str:
    """The assembler text of the guest with this id; ``KeyError`` if there is none."""
    return include(_BY_ID[id].file)


def include(name: str) -> str:
    """The text of a file of this folder, for ``%include``; ``FileNotFoundError`` if none."""
    if "/" in name or "\\" in name or not name.endswith((".asm", ".inc")):
        raise FileNotFoundError(name)
    data = pkgutil.get_data(__name__, name)
    if data is None:
        raise FileNotFoundError(name)
    return data.decode("utf-8")


def program(id: str, defines: dict[str, int] | None = None) -> Program:
    """The guest, assembled; ``defines`` as on an assembler's command line."""
    return assemble(source(id), name=_BY_ID[id].file, include=include, defines=defines)


def assemble_text(
    text: str, name: str = "guest.asm", defines: dict[str, int] | None = None
) -> Program:
    """Assemble a guest somebody wrote; its includes are the files of this folder."""
    return assemble(text, name=name, include=include, defines=defines)


# The text on nanos' disk, one entry a sector.
DISK_SECTORS: tuple[str, ...] = (
    "disk: this text was read from sector 0, word by word, by the processor itself",
    "sector 1: every IN of this transfer is an exit when a hypervisor emulates the disk",
    "sector 2: the end of what is written here",
)


def disk(id: str) -> bytes | None:
    """The image of the guest's first hard disk; None if it has none."""
    if id != "nanos":
        return None
    return b"".join(text.encode("ascii").ljust(512, b"\0") for text in DISK_SECTORS)
