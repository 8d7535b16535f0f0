"""The instruction sets there are to choose from. One more is one more entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringside.classify.ia32.bench import Ia32
from ringside.classify.ia32.vmx import Ia32Vmx
from ringside.classify.model import Classification, Isa
from ringside.classify.published import listed_encodings
from ringside.classify.rv32 import Rv32
from ringside.machine.control import CR4_UMIP

Learn = Callable[[str], Classification]


@dataclass(frozen=True, slots=True)
class Variant:
    """``make`` builds it; ``learns`` names the variant whose classification it is built from."""

    id: str
    title: dict[str, str]
    text: dict[str, str]
    make: Callable[[Classification | None], Isa]
    learns: str = ""


def trap_all(found: Classification | None) -> Isa:
    """IA-32 with every encoding that was found sensitive made to trap outside ring 0."""
    assert found is not None
    traps = frozenset((each.row, each.form) for each in found.findings if each.sensitive)
    return Ia32("ia32-trap-all", traps=traps)


def trap_listed(found: Classification | None) -> Isa:
    """IA-32 with only the published list made to trap."""
    return Ia32("ia32-trap-listed", traps=listed_encodings())


VARIANTS: tuple[Variant, ...] = (
    Variant(
        "ia32",
        {"en": "IA-32", "hu": "IA-32"},
        {
            "en": "The processor as it was before hardware virtualization.",
            "hu": "A processzor, ahogyan a hardveres virtualizáció előtt volt.",
        },
        lambda found: Ia32(),
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
        lambda found: Ia32("ia32-umip", cr4=CR4_UMIP),
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
        lambda found: Ia32Vmx(),
    ),
    Variant(
        "rv32",
        {"en": "RISC-V RV32 (machine and user mode)",
         "hu": "RISC-V RV32 (gépi és felhasználói mód)"},
        {
            "en": "An instruction set designed so that whatever is sensitive traps.",
            "hu": "Olyan utasításkészlet, amelyet úgy terveztek, hogy ami érzékeny, csapdázzon.",
        },
        lambda found: Rv32(),
    ),
)  # fmt: skip

_BY_ID = {variant.id: variant for variant in VARIANTS}


def variant(id: str) -> Variant:
    """The variant with this id; ``KeyError`` naming those there are."""
    if id not in _BY_ID:
        raise KeyError(f"there is no instruction set {id!r}; choose one of: {', '.join(_BY_ID)}")
    return _BY_ID[id]
