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
    "option.address": ("Address", "Cím"),
    "address.mapped": ("a page that is mapped", "leképezett lap"),
    "address.high": ("a page at the other end", "lap a címtér másik végén"),
    "address.unmapped": ("a page that is not mapped", "le nem képezett lap"),
    "format.32-bit": ("32-bit, 2 levels", "32 bites, 2 szint"),
    "format.pae": ("PAE, 3 levels", "PAE, 3 szint"),
    "format.4-level": ("64-bit, 4 levels", "64 bites, 4 szint"),
    "format.5-level": ("64-bit, 5 levels", "64 bites, 5 szint"),
    "second.none": ("Bare metal", "Csupasz gép"),
    "second.shadow": ("Shadow", "Árnyék"),
    "second.nested": ("Nested (EPT)", "Beágyazott (EPT)"),
    "kind.row": ("row", "sor"),
    "kind.guest": ("guest's own entry", "a vendég saját bejegyzése"),
    "row.table": ("page table", "laptábla"),
    "row.data": ("data", "adat"),
    "row.miss": ("1st try", "1. kísérlet"),
    "row.guest": ("VMM looks", "VMM olvas"),
    "row.retry": ("2nd try", "2. kísérlet"),
    "column.guest": ("guest's", "vendégé"),
    "result.ok": ("found:", "megvan:"),
    "result.fault": ("page fault:", "laphiba:"),
    "formula.bare": ("{n} levels, {n} references", "{n} szint, {n} hivatkozás"),
    "formula.nested": (
        "({n} + 1) · ({m} + 1) − 1 = {total}", "({n} + 1) · ({m} + 1) − 1 = {total}"),
    "formula.shadow": (
        "first touch {total}, later {n} again", "elsőre {total}, később {n}"),
    "start.none": (
        "The processor has the [virtual address](page) {gva} and the table root in [CR3](cr3). "
        "Press → for the first memory reference of the [walk](walk).",
        "A processzornál a {gva} [virtuális cím](page) és a [CR3](cr3)-ban a tábla gyökere van. A "
        "[bejárás](walk) első memóriahivatkozásához nyomja meg a → billentyűt."),
    "start.shadow": (
        "The [shadow page table](shadow) is still empty. Press → to see the first access to {gva} "
        "miss it.",
        "Az [árnyék-laptábla](shadow) még üres. A → billentyűvel látható, hogyan hibázza el a "
        "{gva} első elérése."),
    "start.nested": (
        "The guest's [CR3](cr3) is itself a guest-physical address, so even the first entry needs "
        "a [nested walk](nested). Press →.",
        "A vendég [CR3](cr3)-a maga is vendégfizikai cím, így már az első bejegyzéshez is "
        "[beágyazott bejárás](nested) kell. Nyomja meg a → billentyűt."),
    "read": (
        "Reference {number}: entry {index} of the {name} table, read at {address}.",
        "{number}. hivatkozás: a(z) {name} tábla {index}. bejegyzése, olvasva itt: {address}."),
    "read.nested": (
        "Reference {number}: to find guest-physical {gpa}, the processor reads the "
        "[{name}](@vmm) at {address}.",
        "{number}. hivatkozás: a {gpa} vendégfizikai címhez a processzor ezt olvassa: "
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
    "hidden": (
        "Not present: a [page fault](pf) brings in the [VMM](@vmm), which now looks into the "
        "guest's own table.",
        "Nincs jelen: egy [laphiba](pf) behozza a [VMM](@vmm)-et, amely most a vendég saját "
        "tábláját nézi meg."),
    "filled": (
        "The guest's table maps it, so the fault was [hidden](hidden-fault): the [VMM](@vmm) wrote "
        "the shadow entry, guest virtual straight to host physical {address}.",
        "A vendég táblája leképezi, tehát a hiba [rejtett](hidden-fault) volt: a [VMM](@vmm) "
        "beírta az árnyékbejegyzést, a vendég virtuális címétől egyenesen a gazdafizikai {address} "
        "címig."),
    "fault": (
        "The entry is not present: [page fault](pf), error code {error}. The guest's kernel will "
        "hear of it.",
        "A bejegyzés nincs jelen: [laphiba](pf), hibakód: {error}. A vendég kernele értesül róla."),
    "panel.steps": ("The walk so far", "Az eddigi bejárás"),
    "note.pdpte": (
        "A real processor keeps the four PAE entries of this level in registers and reads them "
        "when CR3 is loaded; the walk here reads the entry itself.",
        "A valódi processzor e szint négy PAE-bejegyzését regiszterekben tartja, és a CR3 "
        "betöltésekor olvassa be; az itteni bejárás magát a bejegyzést olvassa."),
}
