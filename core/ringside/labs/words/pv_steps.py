"""Sentences of the steps under paravirtualization: hypercalls, and events for the guest."""

from __future__ import annotations

from .say import Message

PV_STEPS: dict[str, Message] = {
    "trap.hypercall.unknown": (
        "The [guest kernel](@kernel) asks the [VMM](@vmm) by [hypercall](hypercall) number "
        "{number}, which does not exist.",
        "A [vendégkernel](@kernel) a(z) {number}. [hiperhívással](hypercall) fordul a "
        "[VMM](@vmm)-hez, de ilyen nincs."),
    "trap.hypercall": (
        "The [guest kernel](@kernel) asks the [VMM](@vmm) by a [hypercall](hypercall): {call}.",
        "A [vendégkernel](@kernel) [hiperhívással](hypercall) fordul a [VMM](@vmm)-hez: {call}."),
    "hypercall": (
        "The [VMM](@vmm) has checked the arguments of {call} and does what was asked.",
        "A [VMM](@vmm) ellenőrizte a(z) {call} argumentumait, és teljesíti a kérést."),
    "hypercall.refused": (
        "The [VMM](@vmm) refuses {call}: {why}. The guest gets the error {result}, and nothing has "
        "happened.",
        "A [VMM](@vmm) visszautasítja ({call}): {why}. A vendég a(z) {result} hibakódot kapja, "
        "és nem történt semmi."),
    "hypercall.refused.partly": (
        "The [VMM](@vmm) refuses a request of {call}: {why}. The guest gets the error {result}; "
        "the requests before that one have been done.",
        "A [VMM](@vmm) visszautasít egy kérést ({call}): {why}. A vendég a(z) {result} hibakódot "
        "kapja; az előtte álló kérések teljesültek."),
    "hypercall.set_trap_table": (
        "{call}: the [VMM](@vmm) notes which handlers the guest kernel wants for exceptions and "
        "[system calls](syscall).",
        "{call}: a [VMM](@vmm) feljegyzi, milyen kezelőket kér a vendégkernel a kivételekhez és a "
        "[rendszerhívásokhoz](syscall)."),
    "hypercall.set_gdt": (
        "{call}: the [VMM](@vmm) has checked each segment (rings 1 and 3 only) and copies them "
        "into its own table.",
        "{call}: a [VMM](@vmm) minden szegmenst ellenőrzött (csak 1-es és 3-as gyűrű), és "
        "átmásolja a saját táblájába."),
    "hypercall.stack_switch": (
        "{call}: [system calls](syscall) will find this stack in the guest kernel.",
        "{call}: a [rendszerhívások](syscall) ezt a vermet találják majd a vendégkernelben."),
    "hypercall.set_callbacks": (
        "{call}: the [VMM](@vmm) notes whom to call when an event comes, instead of an "
        "[interrupt](interrupt).",
        "{call}: a [VMM](@vmm) feljegyzi, kit hívjon [megszakítás](interrupt) helyett, ha esemény "
        "jön."),
    "hypercall.mmuext_op": (
        "{call}: the [VMM](@vmm) has checked the guest's [page tables](pagetable); the processor "
        "walks them as they are, and the guest can only read them.",
        "{call}: a [VMM](@vmm) ellenőrizte a vendég [laptábláit](pagetable); a processzor úgy "
        "járja be őket, ahogy vannak, a vendég pedig csak olvashatja őket."),
    "hypercall.mmuext_op.use": (
        "{call}: the processor walks this [directory](pagetable) of the guest's from now on. It "
        "was checked before; [CR3](cr3) has its address.",
        "{call}: a processzor mostantól a vendégnek ezt a [lapkönyvtárát](pagetable) járja be. Az "
        "ellenőrzése korábban megvolt; a címe a [CR3](cr3)-ban van."),
    "hypercall.mmuext_op.other": (
        "{call}: translations are dropped from the [TLB](tlb), or a page directory is given back "
        "to the guest.",
        "{call}: fordítások kerülnek ki a [TLB](tlb)-ből, vagy egy lapkönyvtár visszakerül a "
        "vendéghez."),
    "hypercall.mmu_update": (
        "{call}: changes to the guest's page tables, one or many at once; each was checked first: "
        "only frames of its own, no table writable.",
        "{call}: a vendég laptábláinak módosítása, egy vagy sok egyszerre; előbb mind ellenőrizve: "
        "csak saját keretek, és egyik tábla sem írható."),
    "hypercall.update_va_mapping": (
        "{call}: one entry of the guest's page table is changed as its kernel asks, after a check: "
        "a frame of its own, and no table writable.",
        "{call}: a vendég laptáblájának egy bejegyzése úgy változik, ahogy a kernele kérte; előbb "
        "ellenőrzés: saját keret, és egyik tábla sem írható."),
    "hypercall.multicall": (
        "{call}: several requests, one [trap](trap).",
        "{call}: több kérés, egyetlen [csapda](trap)."),
    "hypercall.xen_version": (
        "{call}: an empty question; on its way back the [VMM](@vmm) delivers the event that was "
        "waiting.",
        "{call}: üres kérdés; visszatéréskor a [VMM](@vmm) kézbesíti a várakozó eseményt."),
    "hypercall.console_io": (
        "{call}: the [VMM](@vmm) passes characters to or from the guest's console.",
        "{call}: a [VMM](@vmm) karaktereket ad át a vendég konzoljának, vagy onnan."),
    "hypercall.iret": (
        "{call}: the [VMM](@vmm) returns for the guest kernel and lets events in again if the "
        "saved [IF](if) says so.",
        "{call}: a [VMM](@vmm) tér vissza a vendégkernel helyett, és ha a mentett [IF](if) ezt "
        "mondja, újra beengedi az eseményeket."),
    "hypercall.sched_op": (
        "{call}: the guest kernel gives the processor back, as [HLT](hlt) would on the bare "
        "machine, or ends the run.",
        "{call}: a vendégkernel visszaadja a processzort, ahogy csupasz gépen a [HLT](hlt) tenné, "
        "vagy befejezi a futást."),
    "hypercall.event_channel_op": (
        "{call}: the guest kernel gets an event channel; its device may now report.",
        "{call}: a vendégkernel eseménycsatornát kap; az eszköze mostantól jelezhet."),
    "hypercall.vcpu_op": (
        "{call}: the virtual timer is set.",
        "{call}: a virtuális időzítő beállítva."),
    "upcall": (
        "An event has come: the [VMM](@vmm) notes it in the shared page and calls the guest "
        "kernel's handler at {handler}.",
        "Esemény jött: a [VMM](@vmm) feljegyzi a közös lapon, és meghívja a vendégkernel kezelőjét "
        "({handler})."),
    "upcall.held": (
        "An event has come, but the guest kernel holds events back: the [VMM](@vmm) only notes it "
        "in the shared page. EIP stays {handler}.",
        "Esemény jött, de a vendégkernel visszatartja az eseményeket: a [VMM](@vmm) csak feljegyzi "
        "a közös lapon. EIP marad {handler}."),
}
