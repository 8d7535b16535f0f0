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
        "Hardly any system uses this ring.", "Ezt a gyűrűt alig használja rendszer."),
    "card.cpu": ("the CPU", "a CPU"),
    "card.real": ("real CPU", "valódi CPU"),
    "card.virtual": ("virtual CPU: the guest's view", "virtuális CPU (a vendégé)"),
    "token.app": ("application", "alkalmazás"),
    "token.kernel": ("guest kernel", "vendégkernel"),
    "token.vmm": ("VMM at work", "a VMM dolgozik"),
    "chip.privilege": ("{mnemonic} · CPL {ring} > IOPL 0", "{mnemonic} · CPL {ring} > IOPL 0"),
    "chip.ring0": (
        "{mnemonic} needs ring 0, is in {ring}", "{mnemonic}: 0-s gyűrű kell, itt {ring}"),
    "chip.address": ("at {address}", "itt: {address}"),
    "chip.kept": ("{flag} stays {kept}, no trap", "{flag} marad {kept}, nincs csapda"),
    "chip.diverged": (
        "no trap: {what} is {found}, not {expected}",
        "nincs csapda: {what} = {found}, nem {expected}"),
    "cost.title": ("this trap", "ez a csapda"),
    "cost.unit": ("cycles", "ciklus"),
    "cost.bare": ("on bare metal: {bare}", "csupasz gépen: {bare}"),
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
        "Same as bare metal so far, {steps} guest steps compared.",
        "Eddig megegyezik a csupasz géppel, {steps} összevetett lépés."),
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
    "tip.pg": ("Whether addresses go through page tables.", "Átmennek-e a címek laptáblán."),
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
    "technique.trap-and-emulate": ("Trap & emulate", "Csapda és emulálás"),
    "technique.trap-and-emulate.note": (
        "The guest runs directly in outer rings; what is privileged traps into the VMM.",
        "A vendég külső gyűrűkben közvetlenül fut; ami privilegizált, a VMM-be esik."),
    "kind.trap": ("trap", "csapda"),
    "kind.syscall": ("system call", "rendszerhívás"),
    "kind.fault": ("page fault or exception", "laphiba vagy kivétel"),
    "kind.ring": ("mode switch", "módváltás"),
    "kind.interrupt": ("interrupt", "megszakítás"),
    "kind.emulate": ("emulation", "emulálás"),
    "kind.inject": ("injection", "injektálás"),
    "kind.silent": ("silent failure", "néma hiba"),
    "kind.diverge": ("divergence from bare metal", "eltérés a csupasz géptől"),
    "kind.console": ("console output", "konzolkimenet"),
    "kind.halt": ("halt", "megállás"),
}
