"""Words for the real programs of the lab "Walks": which instruction made an access."""

from __future__ import annotations

from .say import Message

PROGRAMS: dict[str, Message] = {
    "program.linked_list": ("guest: a linked list", "vendég: láncolt lista"),
    "program.matrix": ("guest: matrix product", "vendég: mátrixszorzás"),
    "program.sieve": ("guest: sieve", "vendég: szita"),
    "program.rings": ("guest: rings, a page fault", "vendég: gyűrűk, laphiba"),
    "program.page_tables": ("guest: changes its page tables", "vendég: írja a laptábláit"),
    "program.trace": ("a dropped trace file", "idehúzott nyomfájl"),
    "fetch": (
        "The processor fetches [{text}](@{context}) at {eip}{place}.",
        "A processzor ezt az utasítást olvassa be: [{text}](@{context}), cím: {eip}{place}."),
    "read": (
        "[{text}](@{context}) at {eip}{place} reads {address}.",
        "[{text}](@{context}), cím: {eip}{place}, innen olvas: {address}."),
    "write": (
        "[{text}](@{context}) at {eip}{place} writes {address}.",
        "[{text}](@{context}), cím: {eip}{place}, ide ír: {address}."),
    "gate": (
        "During [{text}](@{context}) at {eip}{place} the processor itself reads a gate of the "
        "[IDT](idt), at {address}.",
        "A(z) [{text}](@{context}) közben ({eip}{place}) a processzor maga olvas egy kaput az "
        "[IDT](idt)-ből: {address}."),
    "descriptor": (
        "During [{text}](@{context}) at {eip}{place} the processor itself uses a descriptor of the "
        "[GDT](gdt), at {address}.",
        "A(z) [{text}](@{context}) közben ({eip}{place}) a processzor maga használ egy leírót a "
        "[GDT](gdt)-ből: {address}."),
    "task": (
        "During [{text}](@{context}) at {eip}{place} the processor itself looks up in the "
        "[TSS](tss), at {address}, which stack ring 0 has.",
        "A(z) [{text}](@{context}) közben ({eip}{place}) a processzor maga nézi meg a [TSS](tss)-"
        "ben ({address}), melyik verem a 0-s gyűrűé."),
    "stack": (
        "During [{text}](@{context}) at {eip}{place} the processor itself saves on the kernel's "
        "stack, at {address}, where to go on.",
        "A(z) [{text}](@{context}) közben ({eip}{place}) a processzor maga menti a kernel vermére "
        "({address}), hol kell folytatni."),
    "invlpg": (
        "[{text}](@{context}) at {eip}{place}.",
        "[{text}](@{context}), cím: {eip}{place}."),
    "cr3": (
        "[{text}](@{context}) at {eip}{place}.",
        "[{text}](@{context}), cím: {eip}{place}."),
    "traced read": (
        "The program of the trace reads or fetches {address}.",
        "A nyomfájl programja innen olvas vagy hív le: {address}."),
    "traced write": (
        "The program of the trace writes {address}.",
        "A nyomfájl programja ide ír: {address}."),
    "place": (" ({file}, line {line})", " ({file}, {line}. sor)"),
    "beat.stale": (
        "Access {access}: the [TLB](tlb) still knows {gva} as host-physical {address}. The tables "
        "say otherwise by now, but nobody has told it: a [stale translation](stale), as real "
        "processors have.",
        "{access}. elérés: a [TLB](tlb) {gva} lapját még mindig itt tudja: gazdafizikai {address}. "
        "A táblák már mást mondanak, de erről senki sem szólt: [elavult fordítás](stale), ahogy a "
        "valódi processzoroknál."),
    "beat.emptied": (
        "Another [CR3](cr3): {count} translation(s) of this machine leave the [TLB](tlb), and the "
        "walk caches are emptied.",
        "Új [CR3](cr3): a gép {count} fordítása kikerül a [TLB](tlb)-ből, és a bejárástárak "
        "kiürülnek."),
    "beat.rights": (
        "Access {access}: the [TLB](tlb) knows {gva}, but not with the right this access needs. "
        "The tables have the last word: the processor walks.",
        "{access}. elérés: a [TLB](tlb) ismeri {gva} lapját, de nem a szükséges joggal. A tábláké "
        "az utolsó szó: a processzor bejárja őket."),
    "hidden.denied": (
        "The shadow forbids it: a [page fault](pf) brings in the [VMM](@vmm), which now looks "
        "into the guest's own table.",
        "Az árnyék tiltja: egy [laphiba](pf) a [VMM](@vmm)-nek adja a vezérlést, amely most a "
        "vendég saját tábláját nézi meg."),
    "drop": (
        "Drop a trace file onto the page, or choose one above: the output of Valgrind's lackey "
        "(--trace-mem=yes) or CSV, compressed or not. Its first accesses are walked one by one.",
        "Húzz egy nyomfájlt az oldalra, vagy válaszd ki fent: a Valgrind lackey kimenetét "
        "(--trace-mem=yes) vagy CSV-t, tömörítve is lehet. Az első elérései egyenként járhatók be."),
    "panel.access": ("What makes this access", "Mi okozza ezt az elérést"),
    "row.instruction": ("instruction", "utasítás"),
    "row.eip": ("EIP", "EIP"),
    "row.kind": ("access", "elérés"),
    "row.ring": ("ring", "gyűrű"),
    "row.line": ("line {line} of {file}", "{file}, {line}. sor"),
    "kind.fetch": ("fetch", "lehívás"),
    "kind.read": ("read", "olvasás"),
    "kind.write": ("write", "írás"),
    "kind.gate": ("processor: IDT gate", "processzor: IDT-kapu"),
    "kind.descriptor": ("processor: descriptor", "processzor: leíró"),
    "kind.task": ("processor: TSS", "processzor: TSS"),
    "kind.stack": ("processor: stack", "processzor: verem"),
    "kind.invlpg": ("INVLPG", "INVLPG"),
    "kind.cr3": ("CR3 load", "CR3-betöltés"),
    "kind.traced read": ("trace: read", "nyomfájl: olvasás"),
    "kind.traced write": ("trace: write", "nyomfájl: írás"),
    "note.guest": (
        "The accesses were recorded while the simulated machine ran this guest: the first {count} "
        "from the part of interest. The tables are built here, in the chosen format.",
        "Az eléréseket a szimulált gép rögzítette, miközben ezt a vendéget futtatta: a lényeges "
        "résztől az első {count}. A táblák itt épülnek, a választott formátumban."),
    "note.mirrored": (
        "The guest's own mappings and rights are mirrored in them, as they were at each access.",
        "A vendég saját leképezései és jogai kerülnek beléjük, ahogy az egyes eléréseknél álltak."),
    "note.unpaged": (
        "This guest runs without paging: its addresses are mapped to themselves.",
        "Ez a vendég lapozás nélkül fut: a címei önmagukra képződnek le."),
}
