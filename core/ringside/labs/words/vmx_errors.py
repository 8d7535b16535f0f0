"""Why VMX instructions and VM entries fail, in plain words.

``ERRORS`` has the VM-instruction error numbers with their names (SDM vol. 3C, 31.4, table 31-1) and
what was wrong. The checks of a VM entry (27.2, 27.3) are told by the processor's own words, which
are English; ``problem`` puts them into the reader's language.
"""

from __future__ import annotations

import re

from .say import Message

ERRORS: dict[int, tuple[str, Message]] = {
    1: ("VMCALL executed in VMX root operation", (
        "in root mode it calls the monitor of system management mode, and there is none",
        "gyökér módban a rendszerkezelő mód monitorát hívná, de olyan itt nincs")),
    2: ("VMCLEAR with invalid physical address", (
        "the address is not that of a page in memory", "a cím nem egy memórialap címe")),
    3: ("VMCLEAR with VMXON pointer", (
        "the address is that of the VMXON region", "a cím a VMXON-területé")),
    4: ("VMLAUNCH with non-clear VMCS", (
        "this VMCS is not clear: it was launched before, or VMCLEAR was forgotten",
        "ez a VMCS nem tiszta: már elindították, vagy elmaradt a VMCLEAR")),
    5: ("VMRESUME with non-launched VMCS", (
        "this VMCS was never launched; VMLAUNCH must come first",
        "ezt a VMCS-t még nem indították el; előbb VMLAUNCH kell")),
    7: ("VM entry with invalid control field(s)", (
        "a control field of the VMCS is invalid ({why})",
        "a VMCS egyik vezérlőmezője érvénytelen ({why})")),
    8: ("VM entry with invalid host-state field(s)", (
        "a host-state field of the VMCS is invalid ({why})",
        "a VMCS egyik gazdaállapot-mezője érvénytelen ({why})")),
    9: ("VMPTRLD with invalid physical address", (
        "the address is not that of a page in memory", "a cím nem egy memórialap címe")),
    10: ("VMPTRLD with VMXON pointer", (
        "the address is that of the VMXON region", "a cím a VMXON-területé")),
    11: ("VMPTRLD with incorrect VMCS revision identifier", (
        "the region does not begin with this processor's revision identifier",
        "a terület nem e processzor verzióazonosítójával kezdődik")),
    12: ("VMREAD/VMWRITE from/to unsupported VMCS component", (
        "no field of the VMCS has this number", "a VMCS-nek nincs ilyen számú mezője")),
    13: ("VMWRITE to read-only VMCS component", (
        "this field can only be read", "ez a mező csak olvasható")),
    15: ("VMXON executed in VMX root operation", (
        "the processor is in VMX operation already", "a processzor már VMX módban van")),
    26: ("VM entry with events blocked by MOV SS", (
        "SS was loaded just before, which holds events back for one instruction",
        "közvetlenül előtte töltötték be az SS-t, ami egy utasításig visszatartja az eseményeket")),
    28: ("Invalid operand to INVEPT/INVVPID", ("its operand is invalid ({why})",
        "az operandusa érvénytelen ({why})")),
}  # fmt: skip

NO_VMCS: Message = ("there is no current VMCS", "nincs aktuális VMCS")

_EVENTS = {
    "external interrupt": "külső megszakítás", "NMI": "NMI",
    "hardware exception": "hardverkivétel", "other": "egyéb",
}  # fmt: skip
_CONTROLS = {
    "pin": "pin-alapú", "primary": "elsődleges processzor-", "secondary": "másodlagos processzor-",
    "exit": "VM-exit", "entry": "VM-entry",
}  # fmt: skip
_LISTS = {
    "exit MSR-store": "VM-exit MSR-mentési", "exit MSR-load": "VM-exit MSR-betöltési",
    "entry MSR-load": "VM-entry MSR-betöltési",
}  # fmt: skip
_WORDS = {**_EVENTS, **_CONTROLS, **_LISTS, "host": "gazda", "guest": "vendég"}

# The processor's words and the same in Hungarian; groups are put in, translated if they are words.
_HUNGARIAN: tuple[tuple[str, str], ...] = (
    (r"(\w+) controls: bit (\d+) must be ([01])", "{0} vezérlőmező: a(z) {1}. bitnek {2} kell"),
    (r"more than (\d+) CR3-target values", "{0}-nél több CR3-célérték"),
    (r"I/O bitmap (\w) is not at a page", "a(z) {0} I/O-térkép nem laphatáron van"),
    (r"the MSR bitmap is not at a page", "az MSR-térkép nem laphatáron van"),
    (r"virtual NMIs without NMI exiting", "virtuális NMI NMI-kilépés nélkül"),
    (r"NMI-window exiting without virtual NMIs", "NMI-ablak-kilépés virtuális NMI nélkül"),
    (r"VPID 0 is the host's", "a 0-s VPID a gazdáé"),
    (r"an unrestricted guest needs EPT", "a korlátozás nélküli vendéghez EPT kell"),
    (r"the preemption timer is to be saved but not activated",
     "a megszakító időzítőt menteni kellene, de nincs bekapcsolva"),
    (r"the (.+) list is not at a multiple of 16 below 4 GiB",
     "a(z) {0} lista nem 16 többszörösén van 4 GiB alatt"),
    (r"the EPT pointer has an unknown memory type", "az EPT-mutató memóriatípusa ismeretlen"),
    (r"the EPT pointer asks for another number of levels than 4",
     "az EPT-mutató nem 4 szintet kér"),
    (r"reserved bits of the EPT pointer are set", "az EPT-mutató fenntartott bitjei 1-esek"),
    (r"the type of the injected event is reserved",
     "az injektált esemény típusa fenntartott"),
    (r"vector (\d+) does not go with (.+)", "a(z) {0}. vektor nem illik ehhez: {1}"),
    (r"this event has no error code", "ennek az eseménynek nincs hibakódja"),
    (r"this event needs an error code", "ehhez az eseményhez hibakód kell"),
    (r"reserved bits of the injected event are set",
     "az injektált esemény fenntartott bitjei 1-esek"),
    (r"the injected error code has more than 16 bits",
     "az injektált hibakód 16 bitnél hosszabb"),
    (r"an injected software interrupt needs an instruction length of 1 to 15",
     "injektált szoftveres megszakításhoz 1–15 bájtos utasításhossz kell"),
    (r"(host|guest) CR0: bit (\d+) must be 1 in VMX operation",
     "{0} CR0: a(z) {1}. bitnek VMX módban 1 kell"),
    (r"(host|guest) CR4: VMXE must be 1 in VMX operation",
     "{0} CR4: a VMXE bitnek VMX módban 1 kell"),
    (r"(host|guest) CR4: bit (\d+) must be 0", "{0} CR4: a(z) {1}. bitnek 0 kell"),
    (r"host (\w+) has an RPL or names the LDT", "gazda {0}: RPL-je van, vagy az LDT-re mutat"),
    (r"host (\w+) is null", "gazda {0}: nulla"),
    (r"guest CR0 has PG without PE", "vendég CR0: PG van, PE nincs"),
    (r"(TR|LDTR) names the LDT", "{0} az LDT-re mutat"),
    (r"SS and CS have different RPLs", "SS és CS RPL-je különbözik"),
    (r"(\w+) has type (\d+)", "{0} típusa {1}"),
    (r"TR has type (\d+), not that of a busy TSS", "TR típusa {0}, nem foglalt TSS-é"),
    (r"(\w+) is not marked accessed", "{0} nincs használtnak jelölve"),
    (r"(\w+) is code that cannot be read", "{0} nem olvasható kód"),
    (r"(\w+) has an RPL greater than its DPL", "{0} RPL-je nagyobb a DPL-jénél"),
    (r"CS is a data segment and has DPL > 0", "CS adatszegmens, és a DPL-je nagyobb 0-nál"),
    (r"CS and SS have different DPLs", "CS és SS DPL-je különbözik"),
    (r"conforming CS has a DPL greater than SS's",
     "az illeszkedő CS DPL-je nagyobb az SS-énél"),
    (r"SS has an RPL other than its DPL", "SS RPL-je más, mint a DPL-je"),
    (r"SS has DPL > 0 outside protected mode", "SS DPL-je védett módon kívül nagyobb 0-nál"),
    (r"TR is unusable", "TR használhatatlan"),
    (r"(\w+) has the wrong S bit", "{0} S bitje rossz"),
    (r"(\w+) is not present", "{0} nincs jelen"),
    (r"(\w+) has reserved access rights set", "{0} fenntartott jogosultságbitjei 1-esek"),
    (r"(\w+) has a G bit that its limit does not allow", "{0} G bitje nem illik a határához"),
    (r"a limit of GDTR or IDTR has more than 16 bits",
     "a GDTR vagy az IDTR határa 16 bitnél hosszabb"),
    (r"a reserved bit of EFLAGS is wrong", "az EFLAGS egyik fenntartott bitje rossz"),
    (r"EFLAGS.VM outside protected mode", "EFLAGS.VM védett módon kívül"),
    (r"an external interrupt is injected while EFLAGS.IF is clear",
     "külső megszakítás injektálása, miközben EFLAGS.IF = 0"),
    (r"activity state (\d+) is not supported", "a(z) {0}. aktivitási állapot nem támogatott"),
    (r"halted outside ring 0", "megállt a 0-s gyűrűn kívül"),
    (r"halted while interrupts are held back by STI or MOV SS",
     "megállt, miközben STI vagy MOV SS tartja vissza a megszakításokat"),
    (r"a halted processor raises no software interrupt",
     "megállt processzor nem vált ki szoftveres megszakítást"),
    (r"this exception cannot be raised while halted",
     "megállt processzor ezt a kivételt nem válthatja ki"),
    (r"reserved bits of the interruptibility state are set",
     "a megszakíthatósági állapot fenntartott bitjei 1-esek"),
    (r"both STI and MOV SS hold interrupts back",
     "az STI és a MOV SS is visszatartja a megszakításokat"),
    (r"STI holds interrupts back but EFLAGS.IF is clear",
     "az STI tartja vissza a megszakításokat, de EFLAGS.IF = 0"),
    (r"an external interrupt is injected while interrupts are held back",
     "külső megszakítás injektálása, miközben a megszakítások várnak"),
    (r"an NMI is injected while MOV SS holds it back",
     "NMI injektálása, miközben a MOV SS visszatartja"),
    (r"a virtual NMI is injected while NMIs are blocked",
     "virtuális NMI injektálása, miközben az NMI tiltva van"),
    (r"reserved bits of the pending debug exceptions are set",
     "a várakozó nyomkövetési kivételek fenntartott bitjei 1-esek"),
    (r"the pending single step does not go with EFLAGS.TF",
     "a várakozó egylépéses kivétel nem illik az EFLAGS.TF-hez"),
    (r"the VMCS link pointer is neither all ones nor a VMCS",
     "a VMCS-hivatkozás nem csupa 1-es, és nem is VMCS"),
    (r"a PDPTE has reserved bits set", "egy PDPTE fenntartott bitjei 1-esek"),
    (r"entry (\d+) of the MSR-load list cannot be loaded",
     "az MSR-betöltési lista {0}. eleme nem tölthető be"),
    (r"the VMXON region is misplaced or has another revision identifier",
     "a VMXON-terület rossz helyen van, vagy más a verzióazonosítója"),
    (r"wrong operand of INVEPT or INVVPID", "az INVEPT vagy INVVPID operandusa rossz"),
)  # fmt: skip
_RULES = tuple((re.compile(said), told) for said, told in _HUNGARIAN)


def problem(text: str) -> Message:
    """What a check said, as a message in both languages (untranslated if there is no rule)."""
    for rule, told in _RULES:
        found = rule.fullmatch(text)
        if found:
            return text, told.format(*(_WORDS.get(part, part) for part in found.groups()))
    return text, text
