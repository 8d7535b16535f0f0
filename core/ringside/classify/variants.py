"""The instruction sets there are to choose from. One more is one more entry.

Menus need their titles only, so what they are made of is imported when one is made.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringside.classify.model import Isa

Encodings = Container[tuple[int, str]]
"""A set of encodings, each a row and a form."""


@dataclass(frozen=True, slots=True)
class Variant:
    """``make`` builds it; ``learns`` names the variant it is built from: ``make`` is then given
    what is found sensitive there."""

    id: str
    title: dict[str, str]
    text: dict[str, str]
    make: Callable[[Encodings | None], Isa]
    learns: str = ""
    published: bool = True  # whether what was published about IA-32 speaks of it


def plain(found: Encodings | None) -> Isa:
    """IA-32 as it is."""
    from ringside.classify.ia32.bench import Ia32

    return Ia32()


def umip(found: Encodings | None) -> Isa:
    """IA-32 with user-mode instruction prevention switched on."""
    from ringside.classify.ia32.bench import Ia32
    from ringside.machine.control import CR4_UMIP

    return Ia32("ia32-umip", cr4=CR4_UMIP)


def trap_all(found: Encodings | None) -> Isa:
    """IA-32 with every encoding that was found sensitive made to trap outside ring 0."""
    from ringside.classify.ia32.bench import Ia32

    assert found is not None
    return Ia32("ia32-trap-all", traps=found)


def trap_listed(found: Encodings | None) -> Isa:
    """IA-32 with only the published list made to trap."""
    from ringside.classify.ia32.bench import Ia32
    from ringside.classify.published import listed_encodings

    return Ia32("ia32-trap-listed", traps=listed_encodings())


def vmx(found: Encodings | None) -> Isa:
    """IA-32 in VMX operation, on the simulated VMX."""
    from ringside.classify.ia32.vmx import Ia32Vmx

    return Ia32Vmx()


def rv32(found: Encodings | None) -> Isa:
    """RISC-V."""
    from ringside.classify.rv32 import Rv32

    return Rv32()


VARIANTS: tuple[Variant, ...] = (
    Variant(
        "ia32",
        {"en": "IA-32", "hu": "IA-32"},
        {
            "en": "The processor as it was before hardware virtualization.",
            "hu": "A processzor, ahogyan a hardveres virtualizáció előtt volt.",
        },
        plain,
    ),
    Variant(
        "ia32-umip",
        {"en": "IA-32 with CR4.UMIP", "hu": "IA-32, CR4.UMIP bekapcsolva"},
        {
            "en": "SGDT, SIDT, SLDT, STR and SMSW trap outside ring 0, as processors since about "
            "2017 can do.",
            "hu": "Az SGDT, SIDT, SLDT, STR és SMSW a 0-s gyűrűn kívül csapdázik, ahogyan a "
            "2017 körüli és újabb processzorok tudják.",
        },
        umip,
    ),
    Variant(
        "ia32-trap-listed",
        {"en": "IA-32, the published list traps", "hu": "IA-32, a publikált lista csapdázik"},
        {
            "en": "What Robin and Irvine list traps outside ring 0, and nothing else.",
            "hu": "Amit Robin és Irvine felsorol, a 0-s gyűrűn kívül csapdázik, más nem.",
        },
        trap_listed,
    ),
    Variant(
        "ia32-trap-all",
        {"en": "IA-32, every sensitive instruction traps",
         "hu": "IA-32, minden érzékeny utasítás csapdázik"},
        {
            "en": "Everything found sensitive traps outside ring 0: an instruction set made "
            "virtualizable.",
            "hu": "Minden érzékenynek talált utasítás csapdázik a 0-s gyűrűn kívül: "
            "virtualizálhatóvá tett utasításkészlet.",
        },
        trap_all, learns="ia32",
    ),
    Variant(
        "ia32-vmx",
        {"en": "IA-32 in VMX non-root operation", "hu": "IA-32 VMX non-root működésben"},
        {
            "en": "Each virtual machine has the sensitive registers to itself, and what is left "
            "to share exits to the hypervisor.",
            "hu": "Minden virtuális gépnek saját példánya van az érzékeny regiszterekből, és ami "
            "közös marad, kilép a hipervizorhoz.",
        },
        vmx,
    ),
    Variant(
        "rv32",
        {"en": "RISC-V RV32 (machine and user mode)",
         "hu": "RISC-V RV32 (gépi és felhasználói mód)"},
        {
            "en": "An instruction set designed so that whatever is sensitive traps.",
            "hu": "Olyan utasításkészlet, amelyet úgy terveztek, hogy ami érzékeny, csapdázzon.",
        },
        rv32,
        published=False,
    ),
)  # fmt: skip

_BY_ID = {variant.id: variant for variant in VARIANTS}


def variant(id: str) -> Variant:
    """The variant with this id; ``KeyError`` naming those there are."""
    if id not in _BY_ID:
        raise KeyError(f"there is no instruction set {id!r}; choose one of: {', '.join(_BY_ID)}")
    return _BY_ID[id]
