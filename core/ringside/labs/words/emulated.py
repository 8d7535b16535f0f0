"""Words of the lab "Emulation"."""

from __future__ import annotations

from .say import Message

EMULATED: dict[str, Message] = {
    "title": ("Emulation", "Emuláció"),
    "question": (
        "What can only emulation do?", "Mi az, amire csak az emuláció képes?"),
    "guest.tour": (
        "A kernel in machine mode, a program in user mode, and what happens between them.",
        "Egy kernel gépi módban, egy program felhasználói módban, és ami köztük történik."),
    "guest.primes": (
        "Counts primes; one timer interrupt at the end.",
        "Prímeket számol; a végén egy időzítő-megszakítás."),
    "kind.exception": ("trap", "csapda"),
    "kind.syscall": ("system call", "rendszerhívás"),
    "kind.interrupt": ("interrupt", "megszakítás"),
    "kind.ring": ("change of mode", "módváltás"),
    "kind.control": ("control register", "vezérlőregiszter"),
    "kind.console": ("output", "kiírás"),
    "kind.halt": ("wait", "várakozás"),
    "real.title": ("real processor: IA-32", "valódi processzor: IA-32"),
    "real.ring": ("ring", "gyűrű"),
    "real.ring.value": ("0: the VMM", "0: a VMM"),
    "real.direct": ("ran of the guest", "vendégből futott"),
    "real.emulated": ("emulated", "emulált"),
    "real.ticks": ("host ticks", "gazda-ütem"),
    "real.tip": (
        "The VMM owns it and never gives it to this guest.",
        "A VMM-é, és ez a vendég sosem kapja meg."),
    "insn.title": ("this instruction", "ez az utasítás"),
    "insn.next": ("next instruction", "a következő utasítás"),
    "insn.other": ("to an IA-32 it would be:", "IA-32-n ez lenne:"),
    "insn.nothing": ("no instruction", "nem utasítás"),
    "stored.title": (
        "stored state of a RISC-V processor, numbers in the VMM's hands",
        "egy RISC-V processzor tárolt állapota: számok a VMM kezében"),
    "stored.title.short": ("stored RISC-V processor", "tárolt RISC-V processzor"),
    "mode.user": ("U · user mode", "U · user mód"),
    "mode.user.who": ("the program", "a program"),
    "mode.machine": ("M · machine mode", "M · gépi mód"),
    "mode.machine.who": ("its kernel", "a kernel"),
    "tip.x0": ("Always 0.", "Mindig 0."),
    "tip.mstatus": (
        "Machine status: MIE lets interrupts in, MPP is the mode MRET returns to.",
        "Gépi állapot: MIE engedi be a megszakításokat, MPP az MRET célmódja."),
    "tip.mtvec": ("Where traps go.", "Ide visznek a csapdák."),
    "tip.mepc": ("Where the last trap came from.", "Innen jött az utolsó csapda."),
    "tip.mcause": ("Why it came.", "Ezért jött."),
    "tip.mtval": ("What it was about: an address, or the instruction.",
                  "Amiről szólt: egy cím vagy az utasítás."),
    "tip.mie": ("Interrupts that are allowed.", "Engedélyezett megszakítások."),
    "tip.mip": ("Interrupts that are pending.", "Függő megszakítások."),
    "tip.mscratch": ("The kernel's own; here its stack.", "A kernelé; itt a verme."),
    "start": (
        "This guest was made for a RISC-V processor. The real one is an IA-32 and stays with the "
        "[VMM](vmm), which [emulates](emulate) every instruction on stored numbers. Press → for the "
        "first.",
        "Ez a vendég RISC-V processzorra készült. A valódi egy IA-32, és a [VMM](vmm)-nél marad, "
        "amely minden utasítást tárolt számokon [emulál](emulate). Az elsőhöz: →."),
    "run": (
        "The [VMM](@vmm) carried out {insn} for the guest's [{who}](@{context}){effect}.",
        "A [VMM](@vmm) végrehajtotta ezt a vendég [{who}](@{context}) számára: {insn}{effect}."),
    "effect": ("; {register} is {value} now", "; {register} értéke most {value}"),
    "who.app": ("program", "programja"),
    "who.kernel": ("kernel", "kernele"),
    "back.app": ("program", "a programba"),
    "back.kernel": ("kernel", "a kernelbe"),
    "control": (
        "{insn}: the stored control register {register} goes from {before} to {after}. No real "
        "register was touched.",
        "{insn}: a tárolt {register} vezérlőregiszter értéke {before} helyett {after}. Valódi "
        "regiszterhez senki sem nyúlt."),
    "exception": (
        "{insn} traps: {cause}. The emulator does what a RISC-V processor would: it notes where "
        "and why, and goes to the [kernel](@kernel)'s handler in machine mode.",
        "{insn}: csapda ({cause}). Az emulátor azt teszi, amit egy RISC-V processzor tenne: "
        "feljegyzi, hol és miért, és gépi módban a [kernel](@kernel) kezelőjéhez megy."),
    "syscall": (
        "ECALL, [system call](syscall) {number}: from the [program](@app) to its "
        "[kernel](@kernel), with no trap of the real processor.",
        "ECALL, {number}. [rendszerhívás](syscall): a [programból](@app) a [kernelbe](@kernel), a "
        "valódi processzor csapdája nélkül."),
    "interrupt": (
        "The virtual timer asks: {cause}. The emulator takes it between two instructions, to the "
        "[kernel](@kernel)'s handler.",
        "A virtuális időzítő jelez: {cause}. Az emulátor két utasítás között veszi fel, és a "
        "[kernel](@kernel) kezelőjéhez megy."),
    "return": (
        "MRET: back to the [{who}](@{context}), as mepc and mstatus say.",
        "MRET: vissza [{who}](@{context}), ahogy a mepc és az mstatus mondja."),
    "console": (
        "{insn}: the byte went to the address of the virtual serial port; the VMM shows “{text}”.",
        "{insn}: a bájt a virtuális soros port címére ment; a VMM ezt mutatja: „{text}”."),
    "halt": (
        "WFI: the guest waits for an interrupt; the VMM need not emulate anything until then.",
        "WFI: a vendég megszakításra vár; addig a VMM-nek nincs mit emulálnia."),
    "wake": (
        "The wait is over: {cause}.", "Vége a várakozásnak: {cause}."),
    "panel.control": ("Control and status registers", "Vezérlő- és állapotregiszterek"),
    "panel.so.far": ("So far", "Eddig"),
    "count.emulated": ("emulated", "emulált"),
    "count.direct": ("run by the processor", "processzor futtatta"),
    "count.traps": ("traps", "csapdák"),
    "count.interrupts": ("interrupts", "megszakítások"),
    "panel.why": ("What this shows", "Mit mutat ez"),
    "why": (
        "Emulation needs nothing from the real processor, so the guest's processor may be any. "
        "All is checked, nothing can slip through; and every instruction costs tens of real ones. "
        "Popek and Goldberg's third property, efficiency, is given up: this is not yet "
        "virtualization. (Like the rest of the VMM the emulator is Python here; it works on the "
        "host's memory and on the stored state, and the simulated IA-32 runs none of the guest.)",
        "Az emulációnak semmi sem kell a valódi processzorból, ezért a vendégé bármilyen lehet. "
        "Minden ellenőrzött, semmi sem csúszhat át; viszont minden utasítás több tíz valódiba "
        "kerül. A harmadik Popek–Goldberg-tulajdonság, a hatékonyság elvész: ez még nem "
        "virtualizáció. (A VMM többi részéhez hasonlóan az emulátor itt Python; a gazda memóriáján "
        "és a tárolt állapoton dolgozik, a szimulált IA-32 semmit sem futtat a vendégből.)"),
}
CAUSES: dict[int, Message] = {
    0: ("instruction address misaligned", "nem igazított utasításcím"),
    1: ("instruction access fault", "utasításlehívás tiltott helyről"),
    2: ("illegal instruction", "tiltott utasítás"),
    3: ("breakpoint", "töréspont"),
    4: ("load address misaligned", "nem igazított olvasási cím"),
    5: ("load access fault", "olvasás tiltott helyről"),
    6: ("store address misaligned", "nem igazított írási cím"),
    7: ("store access fault", "írás tiltott helyre"),
    8: ("environment call from user mode", "rendszerhívás felhasználói módból"),
    11: ("environment call from machine mode", "rendszerhívás gépi módból"),
}
INTERRUPTS: dict[int, Message] = {
    3: ("software interrupt", "szoftveres megszakítás"),
    7: ("timer interrupt", "időzítő-megszakítás"),
    11: ("external interrupt", "külső megszakítás"),
}
