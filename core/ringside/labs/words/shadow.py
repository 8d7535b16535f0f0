"""Words of the lab "Shadow paging"."""

from __future__ import annotations

from .say import Message

SHADOW: dict[str, Message] = {
    "title": ("Shadow paging", "Árnyéklapozás"),
    "question": (
        "How does the VMM keep its own page tables in step with the guest's?",
        "Hogyan tartja a VMM a saját laptábláit összhangban a vendégéivel?"),
    "mode.traced": ("Traced", "Figyelt"),
    "mode.traced.note": (
        "The guest's page tables are read-only: each write traps, and the shadow follows at once.",
        "A vendég laptáblái csak olvashatók: minden írás csapda, az árnyék azonnal követi."),
    "mode.shadow": ("Unsynchronised", "Szinkronizálatlan"),
    "mode.shadow.note": (
        "Writes are free. The shadow follows at INVLPG and CR3 loads, as a TLB does.",
        "Az írás szabad. Az árnyék az INVLPG-nél és a CR3 betöltésekor követ, mint egy TLB."),
    "mode.cached": ("Kept roots", "Megőrzött gyökerek"),
    "mode.cached.note": (
        "Traced, and a shadow is kept for each address space across context switches.",
        "Figyelt, és folyamatváltáskor minden címtér árnyéka megmarad."),
    "option.cpu": ("Processor", "Processzor"),
    "cpu.trap-and-emulate": ("de-privileged, ring 1", "jogfosztott, 1-es gyűrű"),
    "cpu.hardware-assist": ("VT-x without EPT", "VT-x EPT nélkül"),
    "option.guest": ("Guest", "Vendég"),
    "guest.page_tables": ("a kernel and its page tables", "egy kernel és laptáblái"),
    "kind.shadow": ("shadow filled", "árnyék kitöltve"),
    "kind.trap": ("trap", "csapda"),
    "kind.inject": ("guest's own fault", "a vendég saját hibája"),
    "kind.emulate": ("carried out by the VMM", "a VMM hajtja végre"),
    "kind.console": ("number printed", "kiírt szám"),
    "kind.stale": ("wrong read", "hibás olvasás"),
    "title.guest": ("guest's page table", "vendég laptáblája"),
    "title.host": ("allotment", "kiosztás"),
    "title.shadow": ("shadow", "árnyék"),
    "note.guest": ("virtual → guest frame", "virtuális → vendégkeret"),
    "note.host": ("→ host frame", "→ gazdakeret"),
    "note.shadow": ("virtual → host frame", "virtuális → gazdakeret"),
    "who.app": ("guest's program runs", "a vendég programja fut"),
    "who.kernel": ("guest's kernel runs", "a vendég kernele fut"),
    "who.vmm": ("VMM runs", "a VMM fut"),
    "who.host": ("host runs", "a gazda fut"),
    "who.device": ("device", "eszköz"),
    "lock": ("read-only while the guest runs", "a vendég futása közben csak olvasható"),
    "none": ("no entry", "nincs bejegyzés"),
    "stale": ("stale", "elavult"),
    "page.self": ("table", "tábla"),
    "said": ("numbers the guest read and printed", "a vendég által olvasott és kiírt számok"),
    "said.right": (
        "read from the frame its table named", "a táblája szerinti keretből"),
    "said.wrong": (
        "read from a frame its table no longer named",
        "olyan keretből, amely már nem volt a táblájában"),
    "verdict.wrong": (
        "{count} read from a stale translation", "{count} olvasás elavult fordítással"),
    "verdict.right": ("every read as the table says", "minden olvasás a tábla szerint"),
    "verdict.stale": (
        "a translation in use is stale", "egy használt fordítás elavult"),
    "added.stale": (
        "The guest reads page {page} and gets frame {got}, though its table says {wanted}: a "
        "[stale](stale) translation. It has not flushed, so the architecture allows this.",
        "A vendég a(z) {page} lapot olvassa, és a(z) {got} keretet kapja, pedig a táblája szerint "
        "{wanted}: [elavult](stale) fordítás. Nem ürített, így az architektúra ezt megengedi."),
    "added.free": (
        "The guest changed the entry of page {page} and nobody noticed: the shadow keeps the old "
        "frame until a flush.",
        "A vendég átírta a(z) {page} lap bejegyzését, és senki sem vette észre: az árnyék "
        "ürítésig a régi keretet tartja."),
    "added.again": (
        "The guest writes into the entry of page {page} what is there already. The shadow is still "
        "the old one: only a flush brings it up to date.",
        "A vendég azt írja a(z) {page} lap bejegyzésébe, ami már ott van. Az árnyék még mindig a "
        "régi: csak egy ürítés frissíti."),
    "added.trace": (
        "The address lies in the guest's page table, which is kept read-only: a [trace](trace).",
        "A cím a vendég laptáblájában van, amelyet a VMM csak olvashatóan tart: [figyelt "
        "írás](trace)."),
    "added.followed": (
        "The guest's entry of page {page} is changed, and what the shadow had made from it is "
        "dropped.",
        "A vendég {page} lapjának bejegyzése megváltozott, és az árnyék eldobta, ami ebből "
        "készült."),
    "added.followed.none": (
        "The guest's entry of page {page} is changed; the shadow had made nothing from it yet.",
        "A vendég {page} lapjának bejegyzése megváltozott; az árnyék még semmit sem készített "
        "belőle."),
    "added.true": (
        "The guest's own table denies it: a [true fault](true-fault). The guest's kernel gets it.",
        "A vendég saját táblája tagadja: [valódi laphiba](true-fault). A vendég kernele kapja."),
    "added.dirty": (
        "The first write to page {page}: the VMM sets D in the guest's entry, and only now makes "
        "its own writable.",
        "Az első írás a(z) {page} lapra: a VMM beállítja a D bitet a vendég bejegyzésében, és csak "
        "most teszi írhatóvá a sajátját."),
    "panel.exits": ("The same guest under each technique", "Ugyanaz a vendég minden technikával"),
    "panel.exits.note": (
        "Exits to the VMM for page tables, in the whole run: faults, traced writes, CR3, INVLPG, "
        "hypercalls, EPT violations. I/O is left out.",
        "Kilépések a VMM-hez a laptáblák miatt az egész futásban: hibák, figyelt írások, CR3, "
        "INVLPG, hiperhívások, EPT-sértések. Az I/O nélkül."),
    "panel.exits.wait": (
        "Go to the end of the run to compare.", "Az összevetéshez menj a futás végére."),
    "panel.faults": ("Page faults so far", "Laphibák eddig"),
    "fault.hidden": ("hidden: filled", "rejtett: kitöltve"),
    "fault.traced": ("traced writes", "figyelt írás"),
    "fault.true": ("true: the guest's", "valódi: a vendégé"),
    "other.paravirt": ("Paravirtual", "Paravirtuális"),
    "other.nested": ("Nested (EPT)", "Beágyazott (EPT)"),
}
