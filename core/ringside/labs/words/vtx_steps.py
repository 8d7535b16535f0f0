"""Sentences of the steps under hardware assist: VM exits by reason, VM entries, the VMCS."""

from __future__ import annotations

from .say import Message

VTX_STEPS: dict[str, Message] = {
    "start.assisted": (
        "The [VMM](vmm) is in [root mode](rootmode) and has furnished a [VMCS](vmcs) for the "
        "[guest](guest). Press → for the first VM entry.",
        "A [VMM](vmm) [gyökér módban](rootmode) van, és berendezett egy [VMCS](vmcs)-t a "
        "[vendégnek](guest). Az első VM entryhez nyomd meg a → billentyűt."),
    # exits, by the number of the basic exit reason
    "exit": (
        "[VM exit](vmexit) {number}, {reason}: the processor saves the guest in the [VMCS](vmcs) "
        "and goes to the [VMM](@vmm) in [root mode](rootmode).",
        "{number}. [VM exit](vmexit), {reason}: a processzor a [VMCS](vmcs)-be menti a vendéget, "
        "és [gyökér módban](rootmode) a [VMM](@vmm)-hez lép."),
    "exit.0": (
        "[VM exit](vmexit) 0, exception: the guest's {name} is in the exception bitmap, because "
        "the [shadow page table](shadow) lacks {address}. The guest's CR2 is untouched.",
        "0. [VM exit](vmexit), kivétel: a vendég {name} kivétele benne van a kivételtérképben, "
        "mert az [árnyék-laptáblából](shadow) hiányzik: {address}. A vendég CR2-je érintetlen."),
    "exit.0.readonly": (
        "[VM exit](vmexit) 0, exception: the guest's {name} is in the exception bitmap. The "
        "[shadow page table](shadow) has {address}, but only for reading, and this is a write. "
        "The guest's CR2 is untouched.",
        "0. [VM exit](vmexit), kivétel: a vendég {name} kivétele benne van a kivételtérképben. Az "
        "[árnyék-laptáblában](shadow) megvan {address}, de csak olvasásra, és ez írás. A vendég "
        "CR2-je érintetlen."),
    "exit.0.denied": (
        "[VM exit](vmexit) 0, exception: the guest's {name} is in the exception bitmap. The "
        "[shadow page table](shadow) has {address}, but does not allow this access. The guest's "
        "CR2 is untouched.",
        "0. [VM exit](vmexit), kivétel: a vendég {name} kivétele benne van a kivételtérképben. Az "
        "[árnyék-laptáblában](shadow) megvan {address}, de ezt az elérést nem engedi. A vendég "
        "CR2-je érintetlen."),
    "exit.1": (
        "[VM exit](vmexit) 1, external interrupt: the host's timer. It leaves the guest whatever "
        "the guest's own [IF](if) says.",
        "1. [VM exit](vmexit), külső megszakítás: a gazda időzítője. Bármi is a vendég [IF](if) "
        "bitje, a vendégből kilép."),
    "exit.2": (
        "[VM exit](vmexit) 2, triple fault: the guest could not even be given a double fault. "
        "Real hardware would reset.",
        "2. [VM exit](vmexit), hármas hiba: a vendégnek már a kettős hibát sem lehetett átadni. A "
        "valódi gép újraindulna."),
    "exit.7": (
        "[VM exit](vmexit) 7, interrupt window: now the guest can take an [interrupt](interrupt), "
        "and the [VMM](@vmm) has one waiting.",
        "7. [VM exit](vmexit), megszakításablak: a vendég most fogadhat [megszakítást](interrupt), "
        "és a [VMM](@vmm)-nél egy várakozik."),
    "exit.10": (
        "[VM exit](vmexit) 10, CPUID: it leaves always, so that the [VMM](@vmm) can say what "
        "processor this is.",
        "10. [VM exit](vmexit), CPUID: mindig kilép, hogy a [VMM](@vmm) mondja meg, milyen "
        "processzor ez."),
    "exit.12": (
        "[VM exit](vmexit) 12, HLT: a halted guest must not stop the real processor.",
        "12. [VM exit](vmexit), HLT: egy megállt vendég nem állíthatja meg a valódi processzort."),
    "exit.14": (
        "[VM exit](vmexit) 14, INVLPG: the [VMM](@vmm) must drop its [shadow](shadow) entry too. "
        "The qualification names the address: {qualification}.",
        "14. [VM exit](vmexit), INVLPG: a [VMM](@vmm)-nek az [árnyékbejegyzését](shadow) is el "
        "kell dobnia. A minősítésben a cím: {qualification}."),
    "exit.16": (
        "[VM exit](vmexit) 16, RDTSC: the guest's clock is not the host's.",
        "16. [VM exit](vmexit), RDTSC: a vendég órája nem a gazdáé."),
    "exit.18": (
        "[VM exit](vmexit) 18, VMCALL: the guest calls its [VMM](@vmm).",
        "18. [VM exit](vmexit), VMCALL: a vendég a [VMM](@vmm)-et hívja."),
    "exit.28": (
        "[VM exit](vmexit) 28, control-register access: {detail}. No need to decode the "
        "instruction: it is all in the qualification.",
        "28. [VM exit](vmexit), vezérlőregiszter: {detail}. Az utasítást nem kell dekódolni: "
        "minden benne van a minősítésben."),
    "exit.30": (
        "[VM exit](vmexit) 30, I/O instruction: {detail}. The I/O bitmap has this [port](port)'s "
        "bit set.",
        "30. [VM exit](vmexit), I/O utasítás: {detail}. Az I/O-térképben ennek a "
        "[portnak](port) a bitje 1."),
    "exit.31": (
        "[VM exit](vmexit) 31, RDMSR: the MSR bitmap has this register's bit set.",
        "31. [VM exit](vmexit), RDMSR: az MSR-térképben ennek a regiszternek a bitje 1."),
    "exit.32": (
        "[VM exit](vmexit) 32, WRMSR: the MSR bitmap has this register's bit set.",
        "32. [VM exit](vmexit), WRMSR: az MSR-térképben ennek a regiszternek a bitje 1."),
    "exit.33": (
        "The VM entry fails: the guest state in the [VMCS](vmcs) is invalid ({why}). It ends like "
        "a [VM exit](vmexit), reason 33 with bit 31 set: the host goes on at its entry point.",
        "A VM entry nem sikerül: a [VMCS](vmcs)-ben a vendégállapot érvénytelen ({why}). Úgy ér "
        "véget, mint egy [VM exit](vmexit): 33-as ok, a 31. bit 1, a gazda a belépési pontján "
        "folytatja."),
    "exit.34": (
        "The VM entry fails while it loads MSRs ({why}). It ends like a [VM exit](vmexit), reason "
        "34 with bit 31 set: the host goes on at its entry point.",
        "A VM entry az MSR-ek betöltése közben meghiúsul ({why}). Úgy ér véget, mint egy [VM "
        "exit](vmexit): 34-es ok, a 31. bit 1, a gazda a belépési pontján folytatja."),
    "vmcs.write": (
        "The [kernel](@kernel) writes the field {name} of the [VMCS](vmcs): {value}.",
        "A [kernel](@kernel) a [VMCS](vmcs) {name} mezőjébe írja: {value}."),
    "vmxfail": (
        "{insn} fails: {what}. The processor sets ZF (VMfailValid) and writes error number {error} "
        "into the [VMCS](vmcs): “{name}”.",
        "{insn} nem sikerül: {what}. A processzor 1-re állítja a ZF-et (VMfailValid), és a(z) "
        "{error}. hibaszámot írja a [VMCS](vmcs)-be: „{name}”."),
    "vmxfail.invalid": (
        "{insn} fails: {what}. Without a current [VMCS](vmcs) there is no place for an error "
        "number: the processor only sets CF (VMfailInvalid).",
        "{insn} nem sikerül: {what}. Aktuális [VMCS](vmcs) nélkül nincs hová hibaszámot írni: a "
        "processzor csak a CF-et állítja 1-re (VMfailInvalid)."),
    "exit.48": (
        "[VM exit](vmexit) 48, [EPT violation](ept-violation): the guest touched guest-physical "
        "{physical}, which the extended page tables do not map yet.",
        "48. [VM exit](vmexit), [EPT-sértés](ept-violation): a vendég a(z) {physical} "
        "vendégfizikai címhez nyúlt, amelyet a kiterjesztett laptáblák még nem képeznek le."),
    "cr.to": ("MOV to CR{number} from {register}", "MOV a CR{number}-be, innen: {register}"),
    "cr.from": ("MOV from CR{number} to {register}", "MOV a CR{number}-ből ide: {register}"),
    "cr.clts": ("CLTS", "CLTS"),
    "cr.lmsw": ("LMSW", "LMSW"),
    "io.in": ("IN of {size} from port {port}", "IN, {size}, {port} port"),
    "io.out": ("OUT of {size} to port {port}", "OUT, {size}, {port} port"),
    "io.string": ("a string instruction, port {port}", "sztringutasítás, {port} port"),
    "bytes.1": ("a byte", "egy bájt"),
    "bytes.2": ("a word", "egy szó"),
    "bytes.4": ("a doubleword", "egy duplaszó"),
    # entries
    "entry.launch": (
        "VMLAUNCH: the processor checks the [VMCS](vmcs), loads the guest from it and is in "
        "[non-root mode](rootmode), [ring](ring) {ring}, at {eip}.",
        "VMLAUNCH: a processzor ellenőrzi a [VMCS](vmcs)-t, betölti belőle a vendéget, és [nem "
        "gyökér módban](rootmode) van, {ring}. [gyűrű](ring), {eip}."),
    "entry": (
        "VMRESUME: the guest goes on in [non-root mode](rootmode), in its own [ring](ring) {ring}, "
        "at {eip}.",
        "VMRESUME: a vendég [nem gyökér módban](rootmode), a saját {ring}. [gyűrűjében](ring) "
        "folytatja, {eip}."),
    "entry.inject": (
        "VMRESUME with [event injection](injection): as part of the VM entry the processor "
        "delivers {name} through the guest's own [IDT](idt), handler at {handler}.",
        "VMRESUME [esemény-injektálással](injection): a VM entry részeként a processzor a vendég "
        "saját [IDT](idt)-jén át kézbesíti: {name}, kezelő: {handler}."),
    # the VMM's work
    "assist.emulate": (
        "The [VMM](@vmm) does what {insn} asked for and writes the next RIP into the "
        "[VMCS](vmcs).",
        "A [VMM](@vmm) elvégzi, amit az utasítás kért ({insn}), és a [VMCS](vmcs)-be írja a "
        "következő RIP-et."),
    "assist.changed": (
        "The [VMM](@vmm) does what {insn} asked for: {register} {before} → {after}. It writes what "
        "changed into the [VMCS](vmcs).",
        "A [VMM](@vmm) elvégzi, amit az utasítás kért ({insn}): {register} {before} → {after}. A "
        "változást a [VMCS](vmcs)-be írja."),
    "assist.io": (
        "The [VMM](@vmm) serves the guest from its virtual device, {register}, and moves guest RIP "
        "past {insn}.",
        "A [VMM](@vmm) a virtuális eszközzel szolgálja ki a vendéget ({register}), és a vendég "
        "RIP-jét az utasítás mögé teszi: {insn}."),
    "assist.asked": (
        "The [VMM](@vmm) writes {name} into the VM-entry interruption-information field: the next "
        "VM entry will [deliver](injection) it.",
        "A [VMM](@vmm) a VM-entry megszakításinformáció mezőbe írja: {name}. A következő VM entry "
        "[kézbesíti](injection)."),
    "assist.window": (
        "The guest cannot take its virtual [interrupt](interrupt) now. The [VMM](@vmm) turns on "
        "[interrupt-window exiting](window) and lets it run.",
        "A vendég most nem fogadhatja a virtuális [megszakítását](interrupt). A [VMM](@vmm) "
        "bekapcsolja a [megszakításablak-kilépést](window), és futni hagyja."),
    "nested.fill": (
        "The [VMM](@vmm) maps guest-physical {gpa} to the host's {hpa} in the "
        "[extended page tables](nested). The guest's instruction will be tried again.",
        "A [VMM](@vmm) a [kiterjesztett laptáblákban](nested) leképezi: vendégfizikai {gpa} → "
        "gazda {hpa}. A vendég utasítása újra próbálkozik."),
}
