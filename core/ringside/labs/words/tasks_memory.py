"""Words of the tasks about memory, and of the phone's. ``NAME.why`` says why it is right."""

from __future__ import annotations

from .say import Message

MEMORY: dict[str, Message] = {
    "references": (
        "Guest paging {guest}, guest pages of {page}; nested tables {nested}, host pages of "
        "{host}; nothing is cached. How many memory references does one walk make?",
        "A vendég lapozása {guest}, lapjai {page} méretűek; a beágyazott táblák: {nested}, a gazda "
        "lapjai {host} méretűek; nincs gyorsítótár. Hány memóriahivatkozásba kerül egy bejárás?"),
    "references.why": (
        "Each step is one reference, and the walk is done in step {step}.",
        "Minden lépés egy hivatkozás, és a bejárás a(z) {step}. lépésben ér véget."),
    "own": (
        "Guest paging {guest}, guest pages of {page}, nested tables {nested}. How many references "
        "of the walk read the guest's own tables?",
        "A vendég lapozása {guest}, lapjai {page} méretűek, a beágyazott táblák: {nested}. A bejárás "
        "hány hivatkozása olvassa a vendég saját tábláit?"),
    "own.why": (
        "{value} of {last}; the others find where the guest's tables and its page lie. Step {step} "
        "reads the last of them.",
        "A(z) {last} közül {value}; a többi megkeresi, hol vannak a vendég táblái és a lapja. Az "
        "utolsót a(z) {step}. lépés olvassa."),
    "ending": (
        "Address: {address}; access: {access}; paging: {guest}, under EPT. How does the walk end?",
        "Cím: {address}; elérés: {access}; lapozás: {guest}, EPT-vel. Hogyan ér véget a bejárás?"),
    "ending.why": (
        "The reference of step {step} decides it.",
        "A(z) {step}. lépés hivatkozása dönti el."),
    "ending.done": ("with a host address", "egy gazdacímmel"),
    "ending.fault": ("with a page fault for the guest", "laphibával, amelyet a vendég kap"),
    "ending.violation": ("with an EPT violation for the VMM", "EPT-sértéssel, amelyet a VMM kap"),
    "ending.misconfiguration": (
        "with an EPT misconfiguration for the VMM", "hibás EPT-bejegyzéssel, amelyet a VMM kap"),
    "faults": (
        "How many page faults reach the VMM in the whole run, when the [shadow](shadow) is kept as "
        "“{technique}” and the processor is “{cpu}”?",
        "Hány laphiba jut el a VMM-hez az egész futásban, ha az [árnyék](shadow): „{technique}”, "
        "a processzor pedig: „{cpu}”?"),
    "faults.why": (
        "{value} in {last} steps; step {step} is the last.",
        "{last} lépés alatt {value}; az utolsó a(z) {step}. lépés."),
    "traced": (
        "How many writes to its page tables does the guest make that the VMM must carry out, when "
        "the shadow is kept as “{technique}”?",
        "A vendég hány laptáblaírását kell a VMM-nek végrehajtania, ha az árnyék: „{technique}”?"),
    "traced.why": (
        "The panel counts {value} traced writes at step {step}.",
        "A panel a(z) {step}. lépésnél ennyi figyelt írást számol: {value}."),
    "stale": (
        "How many of the numbers the guest prints were read through a translation it had changed "
        "already, when the shadow is kept as “{technique}” and the processor is “{cpu}”?",
        "A vendég által kiírt számok közül hányat olvasott olyan fordítással, amelyet már "
        "megváltoztatott, ha az árnyék: „{technique}”, a processzor pedig: „{cpu}”?"),
    "stale.why": (
        "Held against a run whose shadow is never stale: {value} differ. Look at step {step}.",
        "Olyan futáshoz mérve, amelynek árnyéka sosem elavult: {value} tér el. Nézd meg a(z) "
        "{step}. lépést."),
    "misses": (
        "A [TLB](tlb) of {geometry} (sets × ways), replacement {policy}, stream “{guest}” over "
        "{pages} pages, one machine. How many of the first {count} accesses miss?",
        "A [TLB](tlb) alakja {geometry} (halmaz × út), a csere {policy}, a sorozat „{guest}”, "
        "{pages} lap, egy gép. Az első {count} elérésből hány téveszt?"),
    "switching": (
        "Machines: {machines}; turns of {turn}; pages of each: {pages}; at a switch: {technique}. "
        "How many of the first {count} accesses miss?",
        "Gépek: {machines}; egy kör {turn}; lapjaik száma: {pages}; váltáskor: {technique}. Az "
        "első {count} elérésből hány téveszt?"),
    "misses.why": (
        "After {count} accesses, in step {step}, the counter of misses says {value}.",
        "{count} elérés után, a(z) {step}. lépésben a tévesztések számlálója: {value}."),
    "stale-uses": (
        "A processor moves a page; the interrupt to the other processors is {ipi}. How many "
        "accesses use the translation that is no longer true?",
        "Egy processzor elköltöztet egy lapot; a többi processzornak szóló megszakítás: {ipi}. "
        "Hány elérés használja a már nem igaz fordítást?"),
    "stale-uses.why": (
        "{value} in the whole stream of {last} steps; look at step {step}.",
        "A(z) {last} lépéses sorozatban {value}; nézd meg a(z) {step}. lépést."),
    "winner": (
        "1 MiB in use, {rate} pages mapped anew per million accesses, pages {page}, caches for "
        "walks {caches}. Which is faster?",
        "1 MiB van használatban, millió elérésenként {rate} újonnan leképzett lap, lapméret "
        "{page}, a bejárás gyorsítótárai: {caches}. Melyik a gyorsabb?"),
    "winner.why": (
        "Step {step} measures this cell of the map; less than half a per cent counts as nothing.",
        "A(z) {step}. lépés méri a térkép e celláját; fél százaléknál kevesebb nem számít."),
    "winner.nested": ("nested paging", "a beágyazott lapozás"),
    "winner.shadow": ("shadow paging", "az árnyéklapozás"),
    "winner.neither": ("there is no difference", "nincs különbség"),
    "gain": (
        "1 MiB in use, {rate} pages mapped anew per million accesses, pages {page}, the program's "
        "own work {work} an access. By how many per cent, rounded, do the two differ?",
        "1 MiB van használatban, millió elérésenként {rate} újonnan leképzett lap, lapméret "
        "{page}, a program saját munkája elérésenként {work}. Hány százalék, kerekítve, a "
        "kettő különbsége?"),
    "gain.why": (
        "Step {step} measures this cell: {value} %, of the whole run with the program's work.",
        "A(z) {step}. lépés méri ezt a cellát: {value}%, az egész futásra, a program munkájával."),
    "frees": (
        "“{guest}”, memory promised: {overcommit}. What keeps most frames from being needed when "
        "the story ends?",
        "„{guest}”, az ígért memória: {overcommit}. Mi takarít meg a legtöbb keretet a történet "
        "végén?"),
    "frees.why": (
        "In the end the balloons hold {balloon} pages, sharing saves {sharing} frames, and {disk} "
        "pages lie on the host's disk.",
        "A végén a léggömbökben {balloon} lap van, a megosztás {sharing} keretet takarít meg, és "
        "{disk} lap van a gazda lemezén."),
    "frees.balloon": ("the balloon", "a léggömb"),
    "frees.sharing": ("page sharing", "a lapmegosztás"),
    "frees.disk": ("swapping by the host", "a gazda lapkivitele"),
    "lowest": (
        "“{guest}”, memory promised: {overcommit}, {balloon}. Which level does free "
        "memory fall to at its lowest?",
        "„{guest}”, az ígért memória: {overcommit}, {balloon}. Melyik szintig süllyed "
        "legmélyebben a szabad memória?"),
    "lowest.why": (
        "Step {step} is the first at this level.",
        "A(z) {step}. lépés az első ezen a szinten."),
    "double": (
        "“{guest}”, memory promised: {overcommit}, {balloon}. How many pages are "
        "[paged twice](double-paging), once by the guest and once by the host?",
        "„{guest}”, az ígért memória: {overcommit}, {balloon}. Hány lappal történik "
        "[kétszeres lapozás](double-paging): a vendég és a gazda is kiviszi?"),
    "double.why": (
        "{value} in the whole story; look at step {step}.",
        "Az egész történetben {value}; nézd meg a(z) {step}. lépést."),
    "missed": (
        "Scheduler “{technique}”, time slice {slice}, radio frames {frame}: how many deadlines has "
        "the radio missed after {ms} ms, as far as it has answered by then?",
        "Ütemező: „{technique}”, időszelet: {slice}, rádiókeretek: {frame}. Hány határidőt "
        "mulasztott el a rádió {ms} ms alatt, amennyire addig válaszolt?"),
    "missed.why": (
        "Step {step} is the last of the first {ms} ms: {value} missed, {met} met.",
        "A(z) {step}. lépés az utolsó az első {ms} ms-ban: elmulasztva {value}, betartva {met}."),
    "switches": (
        "Scheduler “{technique}”, time slice {slice}, radio frames {frame}: how many world "
        "switches does the panel count after {ms} ms?",
        "Ütemező: „{technique}”, időszelet: {slice}, rádiókeretek: {frame}. Hány világváltást "
        "számol a panel {ms} ms után?"),
    "switches.why": (
        "Step {step} is the last of the first {ms} ms; the counter says {value}.",
        "A(z) {step}. lépés az utolsó az első {ms} ms-ban; a számláló: {value}."),
    "refused": (
        "Which of the two systems does the hypervisor stop when it looks beyond its memory? "
        "Scheduler: “{technique}”.",
        "A két rendszer közül melyiket állítja meg a hipervizor, amikor a memóriáján túlra néz? "
        "Ütemező: „{technique}”."),
    "refused.why": (
        "It happens in step {step}.",
        "A(z) {step}. lépésben történik."),
    "world.radio": ("the radio", "a rádió"),
    "world.rich": ("the rich system", "a gazdag rendszer"),
}
