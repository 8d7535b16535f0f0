"""Words of the lab "Rings and traps"."""

from __future__ import annotations

from .say import Message

RINGS: dict[str, Message] = {
    "title": ("Rings and traps", "Gyűrűk és csapdák"),
    "question": (
        "How can a kernel be stopped from doing what kernels do?",
        "Hogyan akadályozható meg egy kernel abban, ami a kernelek dolga?"),
    "ring3": ("ring 3 · applications", "3. gyűrű · alkalmazások"),
    "ring2": ("ring 2 · unused", "2. gyűrű · üres"),
    "ring1": ("ring 1 · guest kernel", "1. gyűrű · vendégkernel"),
    "ring1.unused": ("ring 1 · unused", "1. gyűrű · üres"),
    "ring0.kernel": ("kernel", "kernel"),
    "ring0.vmm": ("VMM", "VMM"),
    "ring3.tip": (
        "Applications run here and may touch only their own memory.",
        "Itt futnak az alkalmazások; csak a saját memóriájukhoz nyúlhatnak."),
    "ring1.tip": (
        "The guest's kernel was written for ring 0. Here its privileged instructions trap.",
        "A vendégkernelt a 0-s gyűrűre írták. Itt a privilegizált utasításai csapdába esnek."),
    "ring0.tip": (
        "Ring 0: the kernel may execute every instruction.",
        "0-s gyűrű: a kernel minden utasítást végrehajthat."),
    "vmm.tip": (
        "Ring 0: the virtual machine monitor owns the processor.",
        "0-s gyűrű: a virtuálisgép-monitor birtokolja a processzort."),
    "unused.tip": (
        "Hardly any system uses this ring.",
        "Ezt a gyűrűt szinte egyetlen rendszer sem használja."),
    "card.cpu": ("the CPU", "a CPU"),
    "card.real": ("real CPU", "valódi CPU"),
    "card.virtual": ("virtual CPU: the guest's view", "virtuális CPU (a vendégé)"),
    "token.app": ("application", "alkalmazás"),
    "token.kernel": ("guest kernel", "vendégkernel"),
    "token.vmm": ("VMM at work", "a VMM dolgozik"),
    "chip.selector": (
        "{mnemonic}: selector {selector}, CPL {ring}", "{mnemonic}: {selector} szelektor, CPL {ring}"),
    "chip.privilege": ("{mnemonic} · CPL {ring} > IOPL 0", "{mnemonic} · CPL {ring} > IOPL 0"),
    "chip.ring0": (
        "{mnemonic} needs ring 0, is in {ring}", "{mnemonic}: 0-s gyűrű kell, itt {ring}"),
    "chip.address": ("at {address}", "itt: {address}"),
    "chip.kept": ("{flag} stays {kept}, no trap", "{flag} marad {kept}, nincs csapda"),
    "chip.diverged": (
        "no trap: {what} is {found}, not {expected}",
        "nincs csapda: {what} = {found}, nem {expected}"),
    "cost.title": ("this trap", "ez a csapda"),
    "cost.title.so.far": ("this trap so far", "ez a csapda eddig"),
    "cost.unit": ("cycles", "ciklus"),
    "cost.bare": ("on bare metal: {bare}", "csupasz gépen: {bare}"),
    "cost.no.ept": ("no EPT there: priced as a #PF exit", "ott nincs EPT: a #PF-kilépés árán"),
    "cost.model": ("modelled: {preset}", "modell: {preset}"),
    "count.direct": ("direct", "közvetlen"),
    "count.traps": ("traps", "csapda"),
    "count.emulated": ("emulated", "emulált"),
    "count.faults": ("exceptions", "kivétel"),
    "count.interrupts": ("interrupts", "megszakítás"),
    "count.syscalls": ("system calls", "rendszerhívás"),
    "count.silent": ("silent", "néma"),
    "count.shadow": ("shadow fills", "árnyéktöltés"),
    "count.injected": ("injected", "injektált"),
    "share": (
        "{share} % of guest instructions ran directly",
        "a vendégutasítások {share} %-a futott közvetlenül"),
    "equal": (
        "Same as bare metal so far, compared after each of {steps} guest steps.",
        "Eddig megegyezik a csupasz géppel; mind a(z) {steps} vendéglépés után összevetettük."),
    "equal.none": (
        "Compared with bare metal after every guest step.",
        "Minden vendéglépés után összevetjük a csupasz géppel."),
    "equal.one": (
        "Same as bare metal so far, 1 guest step compared.",
        "Eddig megegyezik a csupasz géppel (1 összevetett lépés)."),
    "equal.further": (
        "Same as bare metal so far, compared after each of the first {each} guest steps and now "
        "and then up to step {steps}.",
        "Eddig megegyezik a csupasz géppel; az első {each} vendéglépés mindegyike után, onnan a(z) "
        "{steps}. lépésig időnként vetettük össze."),
    "equal.over": (
        "Same as bare metal for {steps} guest steps, compared after each of the first {each} and "
        "now and then from there. What came after was not compared.",
        "{steps} vendéglépésen át megegyezett a csupasz géppel; az első {each} mindegyike után, "
        "onnan időnként vetettük össze. Ami utána jött, azt már nem."),
    "diverged.after": (
        "Since guest step {each} it was compared now and then only.",
        "A(z) {each}. vendéglépés óta csak időnként vetettük össze."),
    "diverged": (
        "Diverged from bare metal at guest step {step}: after {insn}, {what} is {found}; on bare "
        "metal it is {expected}.",
        "A(z) {step}. vendéglépésnél eltért a csupasz géptől: {insn} után {what} = {found}; "
        "csupasz gépen {expected}."),
    "tip.if": (
        "Interrupt flag: 1 lets device interrupts in.",
        "Megszakításjelző: 1 esetén jöhet eszközmegszakítás."),
    "tip.cpl": ("The ring the processor is in.", "A gyűrű, amelyben a processzor van."),
    "tip.cpl.virtual": (
        "The ring the guest believes it is in.", "A gyűrű, amelyben a vendég hiszi magát."),
    "tip.iopl": (
        "CLI, STI, IN and OUT need CPL ≤ IOPL.", "CLI, STI, IN és OUT: CPL ≤ IOPL kell."),
    "tip.pg": ("Whether addresses go through page tables.", "Laptáblák fordítják-e a címeket."),
    "tip.cr3": ("Root of the page tables.", "A laptáblák gyökere."),
    "tip.cr3.real": (
        "Root of the shadow page tables the VMM made.",
        "A VMM által készített árnyék-laptáblák gyökere."),
    "tip.idt": ("Where the handlers' table lies.", "Hol van a kezelők táblája."),
    "tip.idt.real": (
        "The VMM's own handler table: every trap comes to it first.",
        "A VMM saját kezelőtáblája: minden csapda először hozzá jut."),
    "technique.bare-metal": ("Bare metal", "Csupasz gép"),
    "technique.bare-metal.note": (
        "No VMM: the guest owns the processor.", "Nincs VMM: a processzor a vendégé."),
    "technique.emulation": ("Emulation", "Emulálás"),
    "technique.emulation.note": (
        "Software carries out every instruction; the processor never sees the guest.",
        "Minden utasítást szoftver hajt végre; a processzor nem látja a vendéget."),
    "technique.binary-translation": ("Binary translation", "Bináris fordítás"),
    "technique.binary-translation.note": (
        "The guest kernel's code is rewritten at run time; the guest knows nothing of it.",
        "A VMM futás közben átírja a vendégkernel kódját; a vendég nem tud róla."),
    "technique.paravirtualization": ("Paravirtualization", "Paravirtualizáció"),
    "technique.paravirtualization.note": (
        "The guest's kernel was changed beforehand: it asks the VMM by hypercalls.",
        "A vendég kernelét előre módosították: hiperhívásokkal fordul a VMM-hez."),
    "technique.trap-and-emulate": ("Trap & emulate", "Csapda és emulálás"),
    "technique.trap-and-emulate.note": (
        "The guest runs directly in outer rings; what is privileged traps into the VMM.",
        "A vendég külső gyűrűkben közvetlenül fut; ami privilegizált, a VMM-be esik."),
    "ring3.empty": ("ring 3 · empty", "3. gyűrű · üres"),
    "ring0.emulator": ("emulator", "emulátor"),
    "ring1.ported": ("ring 1 · ported kernel", "1. gyűrű · átírt kernel"),
    "empty.tip": (
        "Nothing of the guest runs on the processor, in no ring.",
        "A vendégből semmi sem fut a processzoron, egyik gyűrűben sem."),
    "emulator.tip": (
        "Ring 0: the VMM reads the guest's instructions as data and carries them out.",
        "0-s gyűrű: a VMM adatként olvassa és végrehajtja a vendég utasításait."),
    "ring1.ported.tip": (
        "This kernel was written to run here: what it may not do, it asks the VMM for.",
        "Ezt a kernelt ide írták: amit maga nem tehet meg, azt a VMM-től kéri."),
    "card.stored": ("stored state of its CPU", "a CPU tárolt állapota"),
    "fact.pg": ("paging", "lapozás"),
    "value.on": ("on", "be"),
    "value.off": ("off", "ki"),
    "fact.mask": ("events off", "események tiltva"),
    "fact.pending": ("event waits", "esemény vár"),
    "fact.base": ("page tables", "laptáblák"),
    "fact.traps": ("handlers", "kezelők"),
    "card.shared": ("page shared with the guest", "a vendéggel közös lap"),
    "tip.cr3.vmm": (
        "Root of the VMM's own page tables.", "A VMM saját laptábláinak gyökere."),
    "tip.cr3.checked": (
        "Root of the guest's own page tables, which the VMM has checked.",
        "A vendég saját laptábláinak gyökere; a VMM ellenőrizte őket."),
    "tip.cpl.stored": (
        "The guest's ring: a number the emulator checks.",
        "A vendég gyűrűje: egy szám, amelyet az emulátor ellenőriz."),
    "tip.mask": (
        "1 holds events back. The guest's CLI and STI are a MOV to this byte.",
        "1 esetén az események várnak. A vendég CLI-je és STI-je egy MOV erre a bájtra."),
    "tip.pending": (
        "1: some event has come and the guest has not taken it yet.",
        "1: esemény jött, és a vendég még nem vette át."),
    "tip.base": (
        "Machine address of the guest's page directory in use. The guest can read it, but not "
        "write to it.",
        "A vendég éppen használt lapkönyvtárának gépi címe. A vendég olvashatja, de nem írhatja."),
    "tip.traps": (
        "Handlers the guest has announced for exceptions and system calls.",
        "A vendég által bejelentett kivétel- és rendszerhívás-kezelők."),
    "count.hypercalls": ("hypercalls", "hiperhívás"),
    "count.refused": ("refused", "visszautasított"),
    "count.events": ("events", "esemény"),
    "cost.title.instruction": ("this instruction", "ez az utasítás"),
    "technique.hardware-assist": ("Hardware assist", "Hardveres támogatás"),
    "technique.hardware-assist.note": (
        "The guest's kernel runs in ring 0 of a mode of its own (VT-x, AMD-V).",
        "A vendégkernel egy külön mód 0-s gyűrűjében fut (VT-x, AMD-V)."),
    "mode.guest": ("non-root mode · the guest's", "nem gyökér mód · a vendégé"),
    "mode.guest.tip": (
        "VMX non-root operation: all four rings, but what the VMCS says leaves by a VM exit.",
        "VMX nem gyökér mód: mind a négy gyűrű, de ami a VMCS szerint kilép, az VM exittel kilép."),
    "mode.root": ("VMM · root mode", "VMM · gyökér mód"),
    "mode.root.tip": (
        "VMX root operation: the VMM has the processor as it always was, in its own ring 0.",
        "VMX gyökér mód: a VMM-é a processzor, ahogy mindig is volt, a saját 0-s gyűrűjében."),
    "ring0.guest.tip": (
        "The guest's kernel really is in ring 0: POPF, SGDT and IRET just work.",
        "A vendégkernel tényleg a 0-s gyűrűben van: a POPF, SGDT, IRET rendesen működik."),
    "card.vmcs": ("VMCS in memory", "VMCS a memóriában"),
    "fact.mode": ("mode", "mód"),
    "value.root": ("root", "gyökér"),
    "value.non-root": ("non-root", "nem gyökér"),
    "fact.reason": ("exit reason", "kilépési ok"),
    "tip.mode": (
        "Root mode is the VMM's, non-root mode the guest's. Both have rings 0 to 3.",
        "A gyökér mód a VMM-é, a nem gyökér mód a vendégé. Mindkettőben van 0–3. gyűrű."),
    "tip.reason": (
        "Why the guest was left last, as the processor wrote it into the VMCS.",
        "Miért lépett ki utoljára a vendég, ahogy a processzor a VMCS-be írta."),
    "tip.vmcs.rip": (
        "Where the next VM entry goes. Written by the processor at an exit.",
        "Ahová a következő VM entry lép. Kilépéskor a processzor írja."),
    "tip.vmcs.cr3": (
        "The CR3 the next VM entry loads.", "A CR3, amelyet a következő VM entry betölt."),
    "tip.vmcs.if": (
        "The guest's interrupt flag at the last exit, or as the VMM has set it since.",
        "A vendég megszakításjelzője az utolsó kilépéskor, vagy ahogy a VMM azóta beállította."),
    "count.exits": ("VM exits", "VM exit"),
    "count.fills": ("page fills", "laptöltés"),
    "option.memory": ("Memory", "Memória"),
    "option.memory.nested": ("nested paging (EPT)", "beágyazott lapozás (EPT)"),
    "option.memory.shadow": ("shadow paging", "árnyéklapozás"),
    "option.isa": ("Processor", "Processzor"),
    "option.isa.ia32": ("IA-32 as it is", "IA-32, ahogy van"),
    "option.isa.virtualizable": (
        "every sensitive instruction traps", "minden érzékeny utasítás csapdát okoz"),
    "equal.console": (
        "The console shows what the native guest shows on bare metal (characters so far: {count}). "
        "The instructions are others: the kernel was ported.",
        "A konzol azt mutatja, amit az eredeti vendég a csupasz gépen, eddig {count} karakter. Az "
        "utasítások mások: a kernelt átírták."),
    "diverged.console": (
        "The console shows something else than the native guest on bare metal, from character "
        "{count} on.",
        "A konzol a(z) {count}. karaktertől mást mutat, mint az eredeti vendég a csupasz gépen."),
    "alone": (
        "There is no native version of this guest to compare with.",
        "Ennek a vendégnek nincs eredeti változata, amellyel összevethető volna."),
    "porting.note": (
        "{removed} of {lines} source lines replaced by {added}; {gone} of {instructions} "
        "instructions by {new}.",
        "{lines} forrássorból {removed} helyett {added} új; {instructions} utasításból {gone} "
        "helyett {new}."),
    "not.ported": (
        "The guest {guest} was not ported to a VMM.",
        "A(z) {guest} vendéget nem írták át VMM-hez."),
    "not.ported.hint": ("Choose one of: {guests}.", "Válassz ezek közül: {guests}."),
    "kind.hypercall": ("hypercall", "hiperhívás"),
    "kind.upcall": ("event for the guest", "esemény a vendégnek"),
    "kind.trap": ("trap", "csapda"),
    "kind.syscall": ("system call", "rendszerhívás"),
    "kind.fault": ("page fault or exception", "laphiba vagy kivétel"),
    "kind.ring": ("mode switch", "módváltás"),
    "kind.interrupt": ("interrupt", "megszakítás"),
    "kind.emulate": ("emulation", "emulálás"),
    "kind.inject": ("injection", "injektálás"),
    "kind.silent": ("silent failure", "néma hiba"),
    "kind.vmxfail": ("VMX failure", "VMX-hiba"),
    "kind.diverge": ("divergence from bare metal", "eltérés a csupasz géptől"),
    "kind.console": ("console output", "konzolkimenet"),
    "kind.halt": ("halt", "megállás"),
}
