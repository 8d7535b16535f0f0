"""Why a guest could not go on, in the reader's language.

The machine and the VMM say it in English, with addresses in it; here is the same in Hungarian.
What a failed VM entry says is told by :mod:`vmx_errors`.
"""

from __future__ import annotations

import re

from .say import Message
from .vmx_errors import problem

_CAUSES = {
    "a far CALL to a task": "egy taszkra mutató távoli CALL",
    "a far JMP to a task": "egy taszkra mutató távoli JMP",
    "a task gate": "egy taszkkapu",
    "IRET with EFLAGS.NT set": "az IRET, ha EFLAGS.NT = 1,",
}

# The words that are said and the same in Hungarian; groups are put in.
_HUNGARIAN: tuple[tuple[str, str], ...] = (
    (r"(.+) asks for a hardware task switch \((SDM [^)]+)\), which Ringside does not model; switch "
     r"stacks and registers in software instead, as every common system does",
     "{0} hardveres taszkváltást kér ({1}), ezt a Ringside nem modellezi; válts vermet és "
     "regisztereket szoftverből, ahogy minden elterjedt rendszer teszi"),
    (r"IRET to virtual-8086 mode \((SDM [^)]+)\), not modelled",
     "IRET virtuális 8086-os módba ({0}), ez nincs modellezve"),
    (r"VM entry to virtual-8086 mode \((SDM [^)]+)\), not modelled",
     "VM entry virtuális 8086-os módba ({0}), ez nincs modellezve"),
    (r"the guest is in real mode, and without an unrestricted guest VMX runs only paged protected "
     r"mode; choose nested paging, or start it in protected mode",
     "a vendég valós módban van, és korlátozás nélküli vendég híján a VMX csak lapozott védett "
     "módot futtat; válassz beágyazott lapozást, vagy indítsd védett módban"),
    (r"the guest is in real mode, which cannot be run de-privileged; start it in protected mode, "
     r"or choose bare metal",
     "a vendég valós módban van, az pedig nem futtatható kevesebb joggal; indítsd védett módban, "
     "vagy válassz csupasz gépet"),
    (r"the guest starts in real mode, but a paravirtual kernel starts in ring 1 of protected mode; "
     r"choose a guest that was ported, or another technique",
     "a vendég valós módban indul, de egy paravirtuális kernel a védett mód 1-es gyűrűjében; "
     "válassz átírt vendéget vagy más technikát"),
    (r"a code segment at (\w+), inside the VMM's own 4 MiB, cannot be run de-privileged; use a base "
     r"below (\w+)",
     "a(z) {0} című kódszegmens a VMM saját 4 MiB-jában van, ezért nem futtatható kevesebb joggal; "
     "legyen a báziscíme {1} alatt"),
    (r"exception (\d+) at (\w+), for which the kernel has announced no handler",
     "{0}. kivétel itt: {1}; a kernel nem jelentett be rá kezelőt"),
    (r"its kernel's stack at (\w+) or its handler at (\w+) cannot be used",
     "a kernel verme ({0}) vagy kezelője ({1}) nem használható"),
    (r"its own segments (\w+) and (\w+) can no longer be run with",
     "a saját szegmenseivel ({0} és {1}) már nem futtatható"),
    (r"its handler at (\w+) lies beyond its code segment",
     "a kezelője ({0}) kívül van a kódszegmensén"),
)  # fmt: skip
_RULES = tuple((re.compile(said), told) for said, told in _HUNGARIAN)
_FAILED = re.compile(r"(VMfailValid\(\d+\)|VMfailInvalid): (.+)")


def detail(text: str) -> Message:
    """What the machine or the VMM said, as a message in both languages (untranslated if there is
    no rule). It is meant to be a fact of another message."""
    failed = _FAILED.fullmatch(text)
    if failed:
        return text, f"{failed[1]}: {problem(failed[2])[1]}"
    for rule, told in _RULES:
        found = rule.fullmatch(text)
        if found:
            return text, told.format(*(_CAUSES.get(part, part) for part in found.groups()))
    return problem(text)
