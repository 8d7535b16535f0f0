"""Words of the lab "Which is fastest?"."""

from __future__ import annotations

from .say import Message

FASTEST: dict[str, Message] = {
    "title": ("Which is fastest?", "Melyik a leggyorsabb?"),
    "question": (
        "Which VMM is fastest, at what, and on which processor?",
        "Melyik VMM a leggyorsabb, miben, és melyik processzoron?"),
    "view.figures": ("Predicted and published", "Számított és közölt"),
    "view.figures.note": (
        "Seven nanobenchmarks, run and counted here, beside what was measured in 2006.",
        "Hét nanopróba, itt lefuttatva és megszámolva, a 2006-ban mértek mellett."),
    "view.generations": ("Over the generations", "Nemzedékeken át"),
    "view.generations.note": (
        "One nanobenchmark, priced on eight processors.",
        "Egy nanopróba, nyolc processzoron beárazva."),
    "option.preset": ("Processor", "Processzor"),
    "kind.benchmark": ("benchmark", "próba"),
    "kind.far": ("far from published", "messze a közölttől"),
    "kind.crossover": ("cross-over", "átbillenés"),
    "bars": ("Cycles for one round · {preset}", "Ciklusok körönként · {preset}"),
    "bars.note": (
        "bar: predicted · mark: published, Pentium 4 · each tenfold is the same length",
        "sáv: számított · jel: közölt, Pentium 4 · minden tízszeres ugyanannyival hosszabb"),
    "bars.note.short": (
        "bar: predicted · mark: published (log.)", "sáv: számított · jel: közölt (log.)"),
    "head.predicted": ("predicted", "számított"),
    "head.published": ("published", "közölt"),
    "head.predicted.short": ("model", "modell"),
    "head.published.short": ("paper", "cikk"),
    "generations": ("{title}: cycles by processor", "{title}: ciklusok processzoronként"),
    "unit": ("cycles", "ciklus"),
    "crossing.hardware": ("hardware is faster", "a hardver gyorsabb"),
    "crossing.nested": ("hardware with EPT is faster", "az EPT-s hardver gyorsabb"),
    "start.figures": (
        "Seven small programs do one thing each, on bare metal, under a [VMM](vmm) with "
        "[binary translation](translation), and under one with VT-x of the first generation. Press "
        "→ to run one.",
        "Hét kis program mind egyetlen dolgot tesz: csupasz gépen, [bináris "
        "fordítást](translation) végző [VMM](vmm) alatt és első nemzedékű VT-x-es alatt. A → "
        "billentyű futtat egyet."),
    "said": (
        "{title}, {system}: {cycles} cycles. Published: {published}.",
        "{title}, {system}: {cycles} ciklus. Közölt: {published}."),
    "given": (
        "{title}, {system}: {cycles} cycles. The published figure, {published}, is itself a price "
        "here, so this is no prediction; the others build on it.",
        "{title}, {system}: {cycles} ciklus. A közölt érték, {published}, itt maga is ár, ez tehát "
        "nem jóslat; a többi épít rá."),
    "far": (
        "That is off by a factor of {factor}.", "Ez {factor}-szeres eltérés."),
    "elsewhere": (
        "The published figures are those of the Pentium 4.", "A közölt értékek a Pentium 4-éi."),
    "start.generations": (
        "{title}: what happens in one round was counted once. Press → to price it on one processor "
        "after the other.",
        "{title}: hogy egy körben mi történik, azt egyszer számoltuk meg. A → billentyű sorra "
        "beárazza a processzorokon."),
    "generation": (
        "{name}, {year}: leaving a virtual machine and coming back takes {trip} cycles. {title}: "
        "software VMM {software}, hardware VMM {hardware}.",
        "{name}, {year}: egy virtuális gép elhagyása és a visszatérés {trip} ciklus. {title}: "
        "szoftveres VMM {software}, hardveres VMM {hardware}."),
    "crossed.hardware": (
        "From here on the hardware VMM is faster.",
        "Innentől a hardveres VMM a gyorsabb."),
    "crossed.nested": (
        "From here on the hardware VMM is faster, but only with EPT.",
        "Innentől a hardveres VMM a gyorsabb, de csak EPT-vel."),
    "nested": (
        "With EPT the VMM has nothing to do with page tables: {nested}.",
        "EPT-vel a VMM-nek nincs dolga a laptáblákkal: {nested}."),
    "constant.same": (
        "Only VM transitions have figures for every processor; all other prices stay those of the "
        "Pentium 4, so the software VMM's line is flat by assumption. The option \"other prices\" "
        "tries another one.",
        "Csak a VM-átmenetekről van adat minden processzorhoz; minden más ár a Pentium 4-é marad, "
        "így a szoftveres VMM vonala feltevés szerint vízszintes. A „többi ár” beállítás mással "
        "próbálja."),
    "constant.half": (
        "Only VM transitions have figures for every processor; here all other prices are taken as "
        "half the Pentium 4's on every later processor. That is an assumption, not a measurement.",
        "Csak a VM-átmenetekről van adat minden processzorhoz; itt minden más ár a későbbi "
        "processzorokon a Pentium 4-é fele. Ez feltevés, nem mérés."),
    "option.rest": ("Other prices", "Többi ár"),
    "rest.same": ("as on the Pentium 4", "mint a Pentium 4-en"),
    "rest.half": ("half, later", "később fele"),
    "panel.why": ("Why it differs", "Miért tér el"),
    "panel.bill": ("What one round is made of", "Miből áll egy kör"),
    "panel.measured": ("Measured · {file}", "Mért rész · {file}"),
    "measured": ("{purpose} One round: {code}", "{purpose} Egy kör: {code}"),
    "panel.verdict": ("How good is the model?", "Mennyire jó a modell?"),
    "verdict": (
        "{right} of {pairs} pairs whose published figures differ by more than 20 % come in the same "
        "order; {near} of {all} figures are within a factor of two, and {given} of those are "
        "prices themselves.",
        "A több mint 20%-kal eltérő {pairs} párból {right} sorrendje ugyanaz; {all} értékből "
        "{near} kétszeresen belül van, s közülük {given} maga is ár."),
    "verdict.wrong": (
        "In the other order: {one} and {other}.", "Fordított sorrendben: {one} és {other}."),
    "panel.generations": ("Cycles by processor", "Ciklusok processzoronként"),
    "panel.assumption": ("What is assumed", "Mit tételezünk fel"),
}
