"""Words of the lab "VT-x"."""

from __future__ import annotations

from .say import Message

VTX: dict[str, Message] = {
    "title": ("VT-x", "VT-x"),
    "question": (
        "What if the processor itself knew what a guest is?",
        "Mi van akkor, ha maga a processzor tudja, mi az, hogy vendég?"),
    "technique.nested": ("VT-x with nested paging", "VT-x beágyazott lapozással"),
    "technique.nested.note": (
        "Since 2008–2010: EPT, VPID, unrestricted guest. Page tables are the guest's own affair.",
        "2008–2010 óta: EPT, VPID, korlátozatlan vendég. A laptáblák a vendég dolga."),
    "technique.shadow": ("VT-x with shadow paging", "VT-x árnyéklapozással"),
    "technique.shadow.note": (
        "The first generation, 2005: page faults, CR3 and INVLPG leave for the VMM.",
        "Az első nemzedék, 2005: a laphibák, a CR3 és az INVLPG a VMM-hez lépnek ki."),
    # the figure
    "mode.guest": ("non-root mode", "nem gyökér mód"),
    "mode.root": ("root mode", "gyökér mód"),
    "lane.app": ("ring 3 · application", "3. gyűrű · alkalmazás"),
    "lane.kernel": ("ring 0 · guest kernel", "0. gyűrű · kernel"),
    "lane.vmm": ("ring 0 · VMM", "0. gyűrű · VMM"),
    "vmcs": ("VMCS at {pointer}", "VMCS, {pointer}"),
    "legend": ("R: VMREAD, W: VMWRITE in this step", "R: VMREAD, W: VMWRITE ebben a lépésben"),
    "legend.short": ("R: VMREAD  W: VMWRITE", "R: VMREAD  W: VMWRITE"),
    "group.guest": ("guest state", "vendégállapot"),
    "group.host": ("host state", "gazdaállapot"),
    "group.controls": ("controls", "vezérlés"),
    "group.exit": ("exit information", "kilépési adatok"),
    "more": ("+ {n} marked", "+ {n} jelölt"),
    "reasons": ("VM exits by reason", "VM exitek ok szerint"),
    "reasons.more": ("{n} in all", "összesen {n}"),
    "inject": (
        "event injection: VM-entry interruption info",
        "esemény-injektálás: VM-entry megszakításinfó"),
    "inject.short": ("VM-entry interruption info", "VM-entry megszakításinfó"),
    "inject.valid": ("valid", "érvényes"),
    "inject.error": ("error code", "hibakód"),
    "inject.type": ("type", "típus"),
    "inject.vector": ("vector", "vektor"),
    "inject.none": (
        "Nothing to deliver: the next VM entry just goes on.",
        "Nincs mit kézbesíteni: a következő VM entry csak folytat."),
    "inject.next": (
        "The next VM entry delivers {name} through the guest's IDT.",
        "A következő VM entry a vendég IDT-jén át kézbesíti: {name}."),
    "inject.done": (
        "This VM entry has delivered {name} through the guest's IDT.",
        "Ez a VM entry a vendég IDT-jén át kézbesítette: {name}."),
    "inject.window": (
        "An interrupt waits, and the guest cannot take it: interrupt-window exiting is on.",
        "Megszakítás vár, a vendég nem fogadhatja: megszakításablak-kilépés bekapcsolva."),
    "event.0": ("external interrupt", "külső megszakítás"),
    "event.2": ("NMI", "NMI"),
    "event.3": ("hardware exception", "hardverkivétel"),
    "event.4": ("software interrupt", "szoftvermegszakítás"),
    "event.6": ("software exception", "szoftverkivétel"),
    "chip.entry": ("VM entry", "VM entry"),
    # panels
    "panel.vmcs": ("VMCS, field by field", "VMCS, mezőnként"),
    "panel.last": ("this step at the VMCS", "ez a lépés a VMCS-ben"),
    "panel.none": (
        "The VMM touched no field in this step.", "A VMM ebben a lépésben nem nyúlt mezőhöz."),
    "row.read": ("VMREAD {name}", "VMREAD {name}"),
    "row.write": ("VMWRITE {name}", "VMWRITE {name}"),
    "field.tip": (
        "Encoding {encoding}: {area}, {width} bits. {text}.",
        "Kódja {encoding}: {area}, {width} bit. {text}."),
    "area.0": ("control", "vezérlés"),
    "area.1": ("exit information, read-only", "kilépési adat, csak olvasható"),
    "area.2": ("guest state", "vendégállapot"),
    "area.3": ("host state", "gazdaállapot"),
    "panel.amd": ("the same at AMD", "ugyanez az AMD-nél"),
    "amd.tip": (
        "AMD-V differs in names and details: its VMCB is ordinary memory, read and written with "
        "MOV; general state beyond what VMRUN switches is moved by VMLOAD and VMSAVE.",
        "Az AMD-V nevekben és részletekben más: a VMCB közönséges memória, MOV-val olvasható és "
        "írható; amit a VMRUN nem cserél, azt a VMLOAD és a VMSAVE mozgatja."),
    "kind.vmexit": ("VM exit", "VM exit"),
    "kind.vmentry": ("VM entry", "VM entry"),
    "kind.inject": ("event injection", "esemény-injektálás"),
    "kind.emulate": ("emulation", "emulálás"),
    "kind.syscall": ("system call", "rendszerhívás"),
    "kind.fault": ("exception", "kivétel"),
    "kind.nested": ("EPT entry made", "EPT-bejegyzés készül"),
    "kind.shadow": ("shadow entry made", "árnyékbejegyzés készül"),
    "kind.console": ("console output", "konzolkimenet"),
}

AMD: tuple[tuple[str, str], ...] = (
    ("VT-x (VMX)", "AMD-V (SVM)"),
    ("VMCS", "VMCB"),
    ("VMLAUNCH, VMRESUME", "VMRUN"),
    ("VM exit", "#VMEXIT"),
    ("exit reason", "EXITCODE"),
    ("exit qualification", "EXITINFO1, EXITINFO2"),
    ("VM-entry interruption information", "EVENTINJ"),
    ("IDT-vectoring information", "EXITINTINFO"),
    ("EPT", "NPT (RVI)"),
    ("VPID", "ASID"),
    ("VMCALL", "VMMCALL"),
    ("VMREAD, VMWRITE", "MOV"),
)
"""Intel's terms and AMD's (AMD64 Architecture Programmer's Manual vol. 2, chapter 15)."""
