"""Words of the lab "Walks"."""

from __future__ import annotations

from .say import Message

WALKS: dict[str, Message] = {
    "title": ("Walks", "Laptáblabejárás"),
    "question": (
        "How many memory references does one address cost?",
        "Hány memóriahivatkozásba kerül egyetlen cím?"),
    "caption.address": ("virtual address", "virtuális cím"),
    "caption.references": ("references", "hivatkozás"),
    "caption.entry": ("entry", "bejegyzés"),
    "offset": ("offset", "eltolás"),
    "caption.accesses": (
        "accesses and their references", "elérések és hivatkozásaik"),
    "notice.hit": ("found in the TLB: no walk", "megvan a TLB-ben: nincs bejárás"),
    "notice.stale": ("found in the TLB, but stale", "megvan a TLB-ben, de elavult"),
    "option.address": ("Address", "Cím"),
    "address.mapped": ("a page that is mapped", "leképezett lap"),
    "address.high": ("a page at the other end", "lap a címtér másik végén"),
    "address.unmapped": ("a page that is not mapped", "le nem képezett lap"),
    "address.readonly": ("a read-only page", "csak olvasható lap"),
    "address.noexec": ("data, not to be run", "adatlap, nem futtatható"),
    "address.kernel": ("a page of the kernel", "a kernel lapja"),
    "address.reserved": ("reserved bit in the entry", "fenntartott bit a bejegyzésben"),
    "address.outside": ("a table beyond memory", "tábla a memórián túl"),
    "address.loop": ("a table that points to itself", "önmagára mutató tábla"),
    "address.swapped": ("a page the host has taken", "a gazda által elvett lap"),
    "address.host-readonly": ("read-only for the host", "a gazdánál csak olvasható"),
    "address.host-noexec": ("not to be run for the host", "a gazdánál nem futtatható"),
    "address.misconfigured": ("misconfigured host entry", "hibás gazdabejegyzés"),
    "option.access": ("Access", "Elérés"),
    "access.read": ("read", "olvasás"),
    "access.write": ("write", "írás"),
    "access.fetch": ("instruction fetch", "utasítás lehívása"),
    "option.program": ("Program", "Program"),
    "program.one": ("one access", "egy elérés"),
    "program.twice": ("the same access twice", "ugyanaz kétszer"),
    "program.array": ("along an array", "végig egy tömbön"),
    "program.chain": ("a linked list, twice", "láncolt lista kétszer"),
    "program.turns": ("two machines by turns", "két gép felváltva"),
    "option.page": ("Page", "Lap"),
    "page.4K": ("4 KiB", "4 KiB"),
    "page.2M": ("2 MiB (32-bit: 4 MiB)", "2 MiB (32 bites: 4 MiB)"),
    "page.1G": ("1 GiB", "1 GiB"),
    "option.host": ("Host's page", "Gazda lapja"),
    "host.4K": ("4 KiB", "4 KiB"),
    "host.2M": ("2 MiB (32-bit: 4 MiB)", "2 MiB (32 bites: 4 MiB)"),
    "host.1G": ("1 GiB", "1 GiB"),
    "option.nested": ("Host's tables", "Gazda táblái"),
    "nested.ept-4": ("EPT, 4 levels", "EPT, 4 szint"),
    "nested.ept-5": ("EPT, 5 levels", "EPT, 5 szint"),
    "nested.4-level": ("AMD, 4 levels", "AMD, 4 szint"),
    "nested.pae": ("AMD, PAE, 3 levels", "AMD, PAE, 3 szint"),
    "nested.32-bit": ("AMD, 32-bit, 2 levels", "AMD, 32 bites, 2 szint"),
    "option.caches": ("Caches", "Gyorsítótárak"),
    "caches.none": ("none", "egyik sem"),
    "caches.tlb": ("TLB", "TLB"),
    "caches.walk": ("walk caches", "bejárástárak"),
    "caches.ntlb": ("nested TLB", "beágyazott TLB"),
    "caches.walk+ntlb": ("walk caches, nested TLB", "bejárástárak, beágyazott TLB"),
    "caches.tlb+walk": ("TLB, walk caches", "TLB, bejárástárak"),
    "caches.tlb+walk+ntlb": ("all three", "mindhárom"),
    "option.vpid": ("VPID tags", "VPID-címke"),
    "vpid.on": ("on", "be"),
    "vpid.off": ("off: flush on switch", "ki: váltáskor ürít"),
    "format.32-bit": ("32-bit, 2 levels", "32 bites, 2 szint"),
    "format.pae": ("PAE, 3 levels", "PAE, 3 szint"),
    "format.4-level": ("64-bit, 4 levels", "64 bites, 4 szint"),
    "format.5-level": ("64-bit, 5 levels", "64 bites, 5 szint"),
    "second.none": ("Bare metal", "Csupasz gép"),
    "second.shadow": ("Shadow", "Árnyék"),
    "second.nested": ("Nested (EPT)", "Beágyazott (EPT)"),
    "kind.row": ("row", "sor"),
    "kind.guest": ("guest's own entry", "a vendég saját bejegyzése"),
    "kind.access": ("next access", "következő elérés"),
    "kind.data": ("next load or store", "következő adatelérés"),
    "kind.hit": ("TLB hit", "TLB-találat"),
    "kind.fault": ("fault or exit", "hiba vagy kilépés"),
    "row.shadow": ("shadow", "árnyék"),
    "row.table": ("page table", "laptábla"),
    "row.data": ("data", "adat"),
    "row.miss": ("1st try", "1. kísérlet"),
    "row.guest": ("VMM looks", "VMM olvas"),
    "row.retry": ("2nd try", "2. kísérlet"),
    "column.guest": ("guest's", "vendégé"),
    "result.ok": ("found:", "megvan:"),
    "result.fault": ("page fault:", "laphiba:"),
    "result.exit": ("exit:", "kilépés:"),
    "result.violation": ("EPT violation", "EPT-sértés"),
    "result.misconfiguration": ("EPT misconfig.", "hibás EPT"),
    "result.npf": ("nested #PF", "beágyazott #PF"),
    "result.denied": ("refused", "elutasítva"),
    "formula.hit": ("no reference", "nincs hivatkozás"),
    "formula.warm": ("{n} levels of the shadow", "az árnyék {n} szintje"),
    "formula.skipped": ("{skipped} saved by caches", "{skipped} megtakarítva"),
    "formula.short": (
        "in full; this walk stops at {made}", "a teljes; ez {made} után megáll"),
    "formula.skipped.short": (
        "{skipped} saved by caches; stops early", "{skipped} megtakarítva; megáll"),
    "formula.bare": ("{n} levels, {n} references", "{n} szint, {n} hivatkozás"),
    "formula.nested": (
        "({n} + 1) · ({m} + 1) − 1 = {whole}", "({n} + 1) · ({m} + 1) − 1 = {whole}"),
    "formula.shadow": (
        "first touch {total}, later {n} again", "elsőre {total}, később {n}"),
    "start.none": (
        "The processor has the [virtual address](page) {gva} and the table root in [CR3](cr3). "
        "Press → for the first memory reference of the [walk](walk).",
        "A processzor ismeri a(z) {gva} [virtuális címet](page), és a [CR3](cr3)-ból a tábla "
        "gyökerét. A [bejárás](walk) első memóriahivatkozásához nyomd meg a → billentyűt."),
    "start.shadow": (
        "The [shadow page table](shadow) is still empty. Press → to see the first access to {gva} "
        "miss it.",
        "Az [árnyék-laptábla](shadow) még üres. A → billentyűvel látható, hogy a(z) {gva} cím "
        "első elérése nem talál benne semmit."),
    "start.nested": (
        "The guest's [CR3](cr3) is itself a guest-physical address, so even the first entry needs "
        "a [nested walk](nested). Press →.",
        "A vendég [CR3](cr3)-a maga is vendégfizikai cím, így már az első bejegyzéshez is "
        "[beágyazott bejárás](nested) kell. Nyomd meg a → billentyűt."),
    "read": (
        "Reference {number}: entry {index} of the {name} table, read at {address}.",
        "{number}. hivatkozás: a(z) {name} tábla {index}. bejegyzése, olvasva itt: {address}."),
    "read.nested": (
        "Reference {number}: to find guest-physical {gpa}, the processor reads the "
        "[{name}](@vmm) at {address}.",
        "{number}. hivatkozás: a(z) {gpa} vendégfizikai címhez a processzor ezt olvassa: "
        "[{name}](@vmm), {address}."),
    "read.guest": (
        "Reference {number}: now the guest's own [{name}](@kernel) can be read; it lies at "
        "host-physical {address}.",
        "{number}. hivatkozás: most olvasható a vendég saját bejegyzése, [{name}](@kernel); a "
        "gazdafizikai címe {address}."),
    "read.shadow": (
        "Reference {number}: the processor reads the shadow's [{name}](@vmm) at {address}.",
        "{number}. hivatkozás: a processzor az árnyék bejegyzését olvassa: [{name}](@vmm), "
        "{address}."),
    "read.software": (
        "Reference {number}: the [VMM](@vmm) reads the guest's own [{name}](@kernel) in software.",
        "{number}. hivatkozás: a [VMM](@vmm) szoftverrel olvassa a vendég saját bejegyzését: "
        "[{name}](@kernel)."),
    "done": (
        "Done after {total} references: {gva} is at physical {address}.",
        "Kész {total} hivatkozás után: {gva} fizikai címe {address}."),
    "done.nested": (
        "Done after {total} references: {gva} is guest-physical {gpa}, host-physical {address}.",
        "Kész {total} hivatkozás után: {gva} vendégfizikai címe {gpa}, gazdafizikai címe "
        "{address}."),
    "done.loop": (
        "That page is the table that points to itself.",
        "Ez a lap az önmagára mutató tábla."),
    "hidden": (
        "Not present: a [page fault](pf) brings in the [VMM](@vmm), which now looks into the "
        "guest's own table.",
        "Nincs jelen: egy [laphiba](pf) a [VMM](@vmm)-nek adja a vezérlést, amely most a vendég "
        "saját tábláját nézi meg."),
    "filled": (
        "The guest's table maps it, so the fault was [hidden](hidden-fault): the [VMM](@vmm) wrote "
        "the shadow entry, guest virtual straight to host physical {address}.",
        "A vendég táblája leképezi, tehát a hiba [rejtett](hidden-fault) volt: a [VMM](@vmm) "
        "beírta az árnyékbejegyzést, a vendég virtuális címétől egyenesen a gazdafizikai {address} "
        "címig."),
    "fault": (
        "The guest's entry is not present: [page fault](pf), error code {error}. The guest's "
        "kernel will hear of it, the [VMM](@vmm) need not.",
        "A vendég bejegyzése nincs jelen: [laphiba](pf), hibakód: {error}. A vendég kernele "
        "értesül róla, a [VMM](@vmm)-nek nem kell."),
    "fault.denied": (
        "The page is there, but the guest's entries forbid this access: [page fault](pf), error "
        "code {error}.",
        "A lap megvan, de a vendég bejegyzései tiltják ezt az elérést: [laphiba](pf), hibakód: "
        "{error}."),
    "fault.reserved": (
        "A bit that must be 0 is set: [page fault](pf) with the reserved flag, error code {error}. "
        "The tables themselves are wrong.",
        "Be van kapcsolva egy bit, amelynek 0-nak kell lennie: [laphiba](pf) a „fenntartott” "
        "jelzővel, hibakód: {error}. Maga a tábla hibás."),
    "ones": (
        "There is no memory at that address: the bus answers with ones, and the processor takes "
        "them for an entry.",
        "Azon a címen nincs memória: a sín csupa egyessel felel, és a processzor ezt veszi "
        "bejegyzésnek."),
    "ones.software": (
        "There is no memory of this machine's at guest-physical {at}: the [VMM](@vmm) takes ones "
        "for the entry, as an empty bus would answer.",
        "A vendégfizikai {at} címen e gépnek nincs memóriája: a [VMM](@vmm) csupa egyest vesz "
        "bejegyzésnek, ahogy az üres sín felelne."),
    "loop": (
        "This entry leads to a table that the walk has already come through ({table}): it points "
        "back to itself. The walk takes no notice and reads it as the next level.",
        "Ez a bejegyzés olyan táblához vezet, amelyen a bejárás már átment ({table}): a tábla "
        "önmagára mutat. A bejárás ezt nem veszi észre, és a következő szintnek olvassa."),
    "loop.end": (
        "It leads to the same table again, but the levels are used up: the table itself is taken "
        "for the page. So a loop cannot keep a walk going for ever, and is no fault.",
        "Ez is ugyanahhoz a táblához vezet, de a szintek elfogytak: maga a tábla lesz a lap. Egy "
        "hurok ezért nem tarthatja örökké a bejárást, és nem is hiba."),
    "loop.end.pae": (
        "It leads to the same table again, but the levels are used up: the table itself is taken "
        "for the page, and no loop lasts for ever. A PDPTE has no bits for rights: read as "
        "a PTE it is a page of the kernel that nobody may write.",
        "Ez is ugyanahhoz a táblához vezet, de a szintek elfogytak: maga a tábla lesz a lap, a "
        "hurok nem tart örökké. Egy PDPTE-ben nincsenek jogbitek: PTE-ként olvasva a kernel "
        "lapja, amelyet senki sem írhat."),
    "violation": (
        "The host's entries allow only {rights}: [EPT violation](ept-violation), qualification "
        "{error}. The [VMM](@vmm) decides; the guest knows nothing of it.",
        "A gazda bejegyzései csak ezt engedik: {rights}. [EPT-sértés](ept-violation), minősítő: "
        "{error}. A [VMM](@vmm) dönt; a vendég nem tud róla."),
    "violation.absent": (
        "The host has nothing here for the guest's memory: [EPT violation](ept-violation), "
        "qualification {error}. The [VMM](@vmm) gives a frame, or refuses; the guest's own tables "
        "are in order.",
        "A gazda itt nem adott memóriát a vendég alá: [EPT-sértés](ept-violation), minősítő: "
        "{error}. A [VMM](@vmm) ad keretet, vagy elutasítja; a vendég saját táblái rendben "
        "vannak."),
    "violation.beyond": (
        "Guest-physical {gpa} is beyond this machine's memory, so the host has nothing to put "
        "there: [EPT violation](ept-violation), qualification {error}. It was the guest's entry "
        "that was wrong; the [VMM](@vmm) answers as an empty bus would.",
        "A vendégfizikai {gpa} túl van e gép memóriáján, a gazdának nincs mit oda tennie: "
        "[EPT-sértés](ept-violation), minősítő: {error}. A vendég bejegyzése volt rossz; a "
        "[VMM](@vmm) úgy felel, mint az üres sín."),
    "npf.beyond": (
        "Guest-physical {gpa} is beyond this machine's memory, so the host has nothing to put "
        "there: [nested page fault](ept-violation), error code {error}. It was the guest's entry "
        "that was wrong; the [VMM](@vmm) answers as an empty bus would.",
        "A vendégfizikai {gpa} túl van e gép memóriáján, a gazdának nincs mit oda tennie: "
        "[beágyazott laphiba](ept-violation), hibakód: {error}. A vendég bejegyzése volt rossz; a "
        "[VMM](@vmm) úgy felel, mint az üres sín."),
    "misconfiguration": (
        "The host's entry is impossible, such as writes without reads: [EPT "
        "misconfiguration](ept-misconfiguration). A mistake of the [VMM](@vmm), or its trick to "
        "notice every access.",
        "A gazda bejegyzése lehetetlen, például írható, de nem olvasható: [hibás "
        "EPT-bejegyzés](ept-misconfiguration). A [VMM](@vmm) tévedése, vagy fogása, hogy minden "
        "elérésről tudjon."),
    "npf": (
        "The host's tables forbid it: [nested page fault](ept-violation), error code {error}. On "
        "AMD it leaves the guest for the [VMM](@vmm).",
        "A gazda táblái tiltják: [beágyazott laphiba](ept-violation), hibakód: {error}. AMD-n ez "
        "kilép a vendégből a [VMM](@vmm)-hez."),
    "denied": (
        "Guest-physical {final} is beyond this machine's memory: the [VMM](@vmm) maps nothing and "
        "answers as an empty bus would.",
        "A vendégfizikai {final} túl van e gép memóriáján: a [VMM](@vmm) nem képez le semmit, és "
        "úgy felel, mint az üres sín."),
    "beat.miss": (
        "Access {access}: {gva} is not in the [TLB](tlb), so there will be a [walk](walk).",
        "{access}. elérés: {gva} nincs a [TLB](tlb)-ben, ezért [bejárás](walk) következik."),
    "beat.clean": (
        "Access {access}: the [TLB](tlb) knows {gva}, but not as a page that was written: the "
        "processor walks again, to check the right and to set the dirty flag.",
        "{access}. elérés: a [TLB](tlb) ismeri {gva} lapját, de nem írottként: a processzor újra "
        "bejárja, hogy ellenőrizze a jogot és beállítsa a módosított jelzőt."),
    "beat.hit": (
        "Access {access}: {gva} is in the [TLB](tlb): host-physical {address}, without a single "
        "reference.",
        "{access}. elérés: {gva} megvan a [TLB](tlb)-ben: gazdafizikai {address}, egyetlen "
        "hivatkozás nélkül."),
    "beat.flushed": (
        "Virtual machine {vm} gets the processor. Without tags its addresses could be mistaken for "
        "the other's: all {count} translations are flushed.",
        "A(z) {vm}. virtuális gép kapja a processzort. Címke nélkül a címei összekeverednének a "
        "másikéval: mind a(z) {count} fordítás törlődik."),
    "beat.kept": (
        "Virtual machine {vm} gets the processor. [VPID](vpid) tags tell the machines apart: all "
        "{count} translations stay.",
        "A(z) {vm}. virtuális gép kapja a processzort. A [VPID](vpid)-címkék megkülönböztetik a "
        "gépeket: mind a(z) {count} fordítás megmarad."),
    "beat.invalidated": (
        "INVLPG {gva}: {count} translation(s) dropped from the [TLB](tlb), and the walk caches are "
        "emptied.",
        "INVLPG {gva}: {count} fordítás törölve a [TLB](tlb)-ből, és a bejárástárak kiürülnek."),
    "panel.tlb": ("TLB", "TLB"),
    "panel.sums": ("All accesses so far", "Az eddigi elérések együtt"),
    "panel.console": ("Type an address", "Írj be egy címet"),
    "sum.made": ("references", "hivatkozás"),
    "sum.walk": ("saved: walk caches", "megtakarítás: bejárástárak"),
    "sum.nested": ("saved: nested walk caches", "megtakarítás: beágyazott bejárástárak"),
    "sum.ntlb": ("saved: nested TLB", "megtakarítás: beágyazott TLB"),
    "sum.note": (
        "{accesses} accesses, {hits} of them found in the TLB",
        "{accesses} elérés, ebből {hits} a TLB-ben megvolt"),
    "console.help": (
        "An address in hexadecimal; 'w' before it writes, 'x' runs it.\n'invlpg ADDRESS', 'switch' (to the other "
        "machine).",
        "Egy cím tizenhatos számrendszerben; 'w' előtte: írás, 'x': lehívás.\n'invlpg CÍM', 'switch' (a másik "
        "gépre)."),
    "console.pages": ("Mapped pages", "Leképezett lapok"),
    "panel.steps": ("The walk so far", "Az eddigi bejárás"),
    "note.pdpte": (
        "A real processor keeps the four PAE entries of this level in registers and reads them "
        "when CR3 is loaded; the walk here reads the entry itself.",
        "A valódi processzor e szint négy PAE-bejegyzését regiszterekben tartja, és a CR3 "
        "betöltésekor olvassa be; az itteni bejárás magát a bejegyzést olvassa."),
}
