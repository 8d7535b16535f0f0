"""The guests: programs for the simulated machine, as assembler a student can read.

``SHELF`` lists them; ``source`` gives the text of one, ``include`` that of a file it includes.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, replace
from functools import lru_cache

from ringside.isa.assembler import Program, assemble

NANO_FOLDER = "nano/"
HOSTILE_FOLDER = "hostile/"
POOL_FOLDER = "pool/"
PAGING_FOLDER = "paging/"
KEPT = 32  # programs


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
        "self_modifying",
        "Code that changes",
        "Writes its own code, jumps into the middle of an instruction, runs off the memory.",
        "Változó kód",
        "A saját kódját írja, egy utasítás közepére ugrik, és kifut a memóriából.",
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
        "vtx_tour",
        "A tour of VM exits",
        "What leaves a guest under hardware assist, and what stays.",
        "VM exitek sorban",
        "Mi lép ki egy vendégből hardveres támogatásnál, és mi marad benn.",
    ),
    _guest(
        "vmx_errors",
        "VMX errors",
        "A monitor that fills its VMCS in wrongly, and what the processor answers.",
        "VMX-hibák",
        "Egy VMM, amely rosszul tölti ki a VMCS-t, és amit a processzor válaszol.",
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



def _nano(file: str, en: str, en_purpose: str, hu: str, hu_purpose: str) -> Guest:
    row = _guest(f"nano_{file}", en, en_purpose, hu, hu_purpose)
    return replace(row, file=f"{NANO_FOLDER}{file}.asm")


# The seven nanobenchmarks of Adams and Agesen (ASPLOS 2006), in their order: each does one thing
# again and again, between its labels ``measured`` and ``measured_end``.
NANO: tuple[Guest, ...] = (
    _nano(
        "syscall",
        "syscall: a system call",
        "A program asks its kernel, the kernel answers at once.",
        "syscall: rendszerhívás",
        "Egy program a kerneléhez fordul, az rögtön visszatér.",
    ),
    _nano(
        "in",
        "in: a port read",
        "Reads port 80h, far out on the bus.",
        "in: portolvasás",
        "A 80h portot olvassa, messze kint a buszon.",
    ),
    _nano(
        "cr8wr",
        "cr8wr: interrupts off and on",
        "CLI and STI, where a 64-bit kernel writes CR8.",
        "cr8wr: megszakítások ki és be",
        "CLI és STI ott, ahol egy 64 bites kernel a CR8-at írja.",
    ),
    _nano(
        "callret",
        "call/ret: a call and its return",
        "Calls a subroutine that returns at once.",
        "call/ret: hívás és visszatérés",
        "Olyan eljárást hív, amely rögtön visszatér.",
    ),
    _nano(
        "pgfault",
        "pgfault: a true page fault",
        "Touches a page that the guest's own tables do not have.",
        "pgfault: valódi laphiba",
        "Olyan laphoz nyúl, amely a vendég saját tábláiban sincs meg.",
    ),
    _nano(
        "divzero",
        "divzero: a division by zero",
        "A fault that has nothing to do with memory.",
        "divzero: nullával osztás",
        "Hiba, amelynek semmi köze a memóriához.",
    ),
    _nano(
        "ptemod",
        "ptemod: a page-table entry changes",
        "A plain store, unless somebody keeps tables made from these.",
        "ptemod: laptábla-bejegyzés módosul",
        "Közönséges tárolás, hacsak valaki nem vezet ebből készült táblákat.",
    ),
)


def _hostile(file: str, en: str, en_purpose: str, hu: str, hu_purpose: str) -> Guest:
    row = _guest(f"hostile_{file}", en, en_purpose, hu, hu_purpose)
    return replace(row, file=f"{HOSTILE_FOLDER}{file}.asm")


# Guests that try to get hold of more than is theirs, one way each.
HOSTILE: tuple[Guest, ...] = (
    _hostile(
        "outside",
        "Hostile: outside its memory",
        "Reads and writes wherever it has no memory, the VMM's included.",
        "Ellenséges: a saját memóriáján kívül",
        "Ott olvas és ír, ahol nincs memóriája, a VMM helyén is.",
    ),
    _hostile(
        "tables",
        "Hostile: forged page tables",
        "Maps frames that are not its own, and writes to them.",
        "Ellenséges: hamis laptáblák",
        "Olyan kereteket képez le, amelyek nem az övéi, és írni próbál beléjük.",
    ),
    _hostile(
        "descriptors",
        "Hostile: forged descriptors",
        "A segment over the VMM's memory, the VMM's selectors, a return into ring 0.",
        "Ellenséges: hamis deszkriptorok",
        "Szegmens a VMM memóriája fölé, a VMM szelektorai, visszatérés a 0-s gyűrűbe.",
    ),
    _hostile(
        "timer",
        "Hostile: owns the clock",
        "Programs the timer and masks every interrupt.",
        "Ellenséges: övé az óra",
        "Átprogramozza az időzítőt, és minden megszakítást letilt.",
    ),
    _hostile(
        "greedy",
        "Hostile: never lets go",
        "Forbids interrupts and runs in a circle for ever.",
        "Ellenséges: sosem engedi el",
        "Letiltja a megszakításokat, és örökké körbejár.",
    ),
    _hostile(
        "spy",
        "Hostile: looks for the VMM",
        "Asks the processor, with instructions anybody may use, whose machine this is.",
        "Ellenséges: keresi a VMM-et",
        "Bárki által használható utasításokkal kérdezi a processzort, kié a gép.",
    ),
    _hostile(
        "crash",
        "Hostile: triple fault",
        "Takes its interrupt table away and then faults.",
        "Ellenséges: hármas hiba",
        "Elveszi saját megszakítástábláját, aztán hibát okoz.",
    ),
)
NEIGHBOUR = replace(
    _guest(
        "neighbour",
        "The neighbour",
        "Checks its own memory again and again while a hostile guest shares the machine.",
        "A szomszéd",
        "Újra meg újra ellenőrzi a memóriáját, míg egy ellenséges vendéggel osztozik a gépen.",
    ),
    file=f"{HOSTILE_FOLDER}neighbour.asm",
)

BALLOON = replace(
    _guest(
        "balloon",
        "A guest with a balloon",
        "Gives pages up when the host asks for them, and takes them back.",
        "Vendég léggömbbel",
        "Lapokat ad vissza, ha a gazda kéri, és később újra használja őket.",
    ),
    file=f"{POOL_FOLDER}balloon.asm",
)

PAGE_TABLES = replace(
    _guest(
        "page_tables",
        "A kernel and its page tables",
        "Changes entries, forgets to flush, flushes, faults a page in, and switches processes.",
        "Egy kernel és laptáblái",
        "Bejegyzéseket ír át, elfelejt üríteni, ürít, laphibára lapot ad, és folyamatot vált.",
    ),
    file=f"{PAGING_FOLDER}page_tables.asm",
)

LINKED_LIST = replace(
    _guest(
        "linked_list",
        "A linked list",
        "Follows nodes that lie in a page each: hardly any translation is used again soon.",
        "Láncolt lista",
        "Külön lapokon fekvő elemeket követ: alig van fordítás, amely hamar újra kell.",
    ),
    file=f"{PAGING_FOLDER}linked_list.asm",
)

_BY_ID = {
    guest.id: guest
    for guest in (
        *SHELF, *PARAVIRTUAL, *NANO, *HOSTILE, NEIGHBOUR, BALLOON, PAGE_TABLES, LINKED_LIST
    )
}


def guest(id: str) -> Guest:
    """The row with this id; ``KeyError`` if the shelf has none."""
    return _BY_ID[id]


def source(id: str) -> str:
    """The assembler text of the guest with this id; ``KeyError`` if there is none."""
    return include(_BY_ID[id].file)


def include(name: str) -> str:
    """The text of a file of this folder, for ``%include``; ``FileNotFoundError`` if none."""
    here = name
    for folder in (NANO_FOLDER, HOSTILE_FOLDER, POOL_FOLDER, PAGING_FOLDER):
        here = here.removeprefix(folder)
    if "/" in here or "\\" in here or not here.endswith((".asm", ".inc")):
        raise FileNotFoundError(name)
    data = pkgutil.get_data(__name__, name)
    if data is None:
        raise FileNotFoundError(name)
    return data.decode("utf-8")


def program(id: str, defines: dict[str, int] | None = None) -> Program:
    """The guest, assembled; ``defines`` as on an assembler's command line."""
    return assemble_text(source(id), _BY_ID[id].file, defines)


def assemble_text(
    text: str, name: str = "guest.asm", defines: dict[str, int] | None = None
) -> Program:
    """Assemble a guest somebody wrote; its includes are the files of this folder.

    The last ones are kept: a lab is opened again and again with the same guest.
    """
    return _assembled(text, name, tuple(sorted((defines or {}).items())))


@lru_cache(maxsize=KEPT)
def _assembled(text: str, name: str, defines: tuple[tuple[str, int], ...]) -> Program:
    return assemble(text, name=name, include=include, defines=dict(defines))


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
