"""Words of the lab "Paravirtualization"."""

from __future__ import annotations

from .say import Message

PARAVIRTUAL: dict[str, Message] = {
    "title": ("Paravirtualization", "Paravirtualizáció"),
    "question": (
        "What if the kernel knows that it is a guest, and asks instead of trapping?",
        "Mi lenne, ha a kernel tudná, hogy vendég, és csapda helyett kérdezne?"),
    "technique": ("Paravirtualization", "Paravirtualizáció"),
    "technique.note": (
        "The kernel was ported beforehand: hypercalls instead of problem instructions.",
        "A kernelt előre átírták: a problémás utasítások helyett hiperhívások vannak benne."),
    # the figure
    "layer.app": ("ring 3 · applications", "3. gyűrű · alkalmazások"),
    "layer.kernel": ("ring 1 · guest kernel, ported", "1. gyűrű · átírt vendégkernel"),
    "layer.vmm": ("ring 0 · VMM", "0. gyűrű · VMM"),
    "layer.app.tip": (
        "Applications are not changed. Their system calls go straight into their kernel.",
        "Az alkalmazások változatlanok. A rendszerhívásaik egyenesen a kernelükbe jutnak."),
    "layer.kernel.tip": (
        "This kernel was written for ring 1: it asks the VMM for what it may not do itself.",
        "Ezt a kernelt az 1. gyűrűre írták: amit maga nem tehet meg, azt a VMM-től kéri."),
    "layer.vmm.tip": (
        "The VMM checks every argument before it does anything.",
        "A VMM minden argumentumot ellenőriz, mielőtt bármit tesz."),
    "chip.ask": ("INT 82h: {call}", "INT 82h: {call}"),
    "chip.trap": ("{name}: {insn}", "{name}: {insn}"),
    "chip.timer": ("the host's timer", "a gazda időzítője"),
    "chip.syscall": ("INT 80h: past the VMM", "INT 80h: a VMM kimarad"),
    "chip.answer": ("answer: {result}", "válasz: {result}"),
    "chip.event": ("event: handler called", "esemény: jön a kezelő"),
    "chip.back": ("goes on", "folytatódik"),
    "chip.exception": ("to its handler", "a kezelőjéhez"),
    "shared": ("shared page", "közös lap"),
    "shared.mask": ("events off (IF)", "tiltás (IF)"),
    "shared.pending": ("event waits", "váró esemény"),
    "shared.fault": ("fault address (CR2)", "hibacím (CR2)"),
    "tip.mask": (
        "1 holds events back. The kernel writes it with one MOV: this is its CLI and STI.",
        "Az 1 visszatartja az eseményeket. A kernel egyetlen MOV-val írja: ez a CLI és az STI."),
    "tip.pending": (
        "The VMM notes here that an event has come.", "A VMM itt jelzi, hogy esemény jött."),
    "tip.fault": (
        "Where the last page fault was: the kernel reads it here instead of in CR2.",
        "Az utolsó laphiba címe: a kernel a CR2 helyett itt olvassa."),
    "channels": ("event channels", "csatornák"),
    "channels.none": ("none yet", "még nincs"),
    "virq.0": ("timer", "időzítő"),
    "virq.2": ("console", "konzol"),
    "verdict.asked": ("asked: every argument is checked",
        "kérés: minden argumentum ellenőrizve lesz"),
    "verdict.done": ("✓ checked and done: {result}", "✓ ellenőrizve, kész: {result}"),
    "verdict.refused": ("✗ refused: {result} {errno}", "✗ elutasítva: {result} {errno}"),
    "effect.entry": ("PTE", "PTE"),
    "effect.entries": ("PTE {count}", "PTE {count}"),
    "effect.entry.tip": (
        "The entry of the guest's page table, before and after: its VMM has changed it.",
        "A vendég laptáblájának bejegyzése előtte és utána: a VMM módosította."),
    "effect.pinned.tip": (
        "Page tables the VMM had not seen before. The guest can only read them from now on.",
        "Laptáblák, amelyeket a VMM még nem látott. A vendég mostantól csak olvashatja őket."),
    "effect.pinned": ("✓ directory · new tables", "✓ könyvtár · új tábla"),
    "guard": ("✓ no harm done", "✓ kár nem esett"),
    "note.idle": ("waits until it is asked", "várja, hogy kérdezzék"),
    "note.port": (
        "does {insn} on the guest's virtual device", "a virtuális eszközön végzi: {insn}"),
    "note.exception": (
        "passes the exception on to the handler the kernel has announced",
        "továbbadja a kivételt a kernel által bejelentett kezelőnek"),
    "note.event": ("notes the event in the shared page", "feljegyzi az eseményt a közös lapon"),
    "note.trap": ("looks why it was called", "megnézi, miért hívták"),
    "note.sleep": ("lets the guest sleep till the next event",
        "a vendég a következő eseményig alszik"),
    "kept.segments": ("segments accepted", "elfogadott szegmens"),
    "kept.traps": ("handlers announced", "bejelentett kezelő"),
    "kept.tables": ("page tables checked", "ellenőrzött laptábla"),
    "kept.tip": (
        "What this guest has asked for and the VMM, after checking it, keeps for it.",
        "Amit ez a vendég kért, és a VMM ellenőrzés után nyilvántart."),
    "change.here": ("changed here · {file}:{line}", "itt változott · {file}:{line}"),
    "change.near": ("nearest change · {file}:{line}", "legközelebbi változás · {file}:{line}"),
    "change.none": ("what porting changed", "mi változott"),
    "side.native": ("native, for the bare machine", "eredeti, csupasz gépre"),
    "side.ported": ("ported, for this VMM", "átírt, ehhez a VMM-hez"),
    "log": ("hypercalls so far: {count}", "hiperhívás eddig: {count}"),
    "log.unknown": ("(no such call)", "(nincs ilyen hívás)"),
    "log.done": ("done", "kész"),
    "log.refused": ("refused", "elutasítva"),
    "bars": (
        "exits until the same output (characters: {n})",
        "kilépés ugyanannyi kimenetig ({n} karakter)"),
    "bars.none": ("exits so far", "kilépés eddig"),
    "bars.calls": ("hypercalls of this guest", "e vendég hiperhívásai"),
    "bar.trap": ("trap-and-emulate", "csapda és emuláció"),
    "bar.here": ("paravirtual", "paravirtuális"),
    "bar.done": ("done", "teljesítve"),
    "bar.refused": ("refused", "elutasítva"),
    "bars.note": (
        "measured: the native guest runs beside, under trap-and-emulate",
        "mérve: az eredeti vendég mellette fut, csapda és emuláció alatt"),
    "bars.note.none": (
        "compared as soon as both have written something",
        "összevetés, mihelyt mindkettő írt valamit"),
    "bars.note.wrong": (
        "but there the native guest writes something else: it goes wrong silently",
        "csakhogy ott az eredeti vendég mást ír ki: szó nélkül hibásan fut"),
    "bars.note.alone": (
        "this guest exists only as a paravirtual one", "ez a vendég csak paravirtuálisan létezik"),
    "saved.note": ("exits saved on the same guest", "megtakarított kilépés ugyanazon a vendégen"),
    "more.note": ("exits, compared on the same guest", "kilépés, ugyanazon a vendégen mérve"),
    "harm": ("0", "0"),
    "harm.note": (
        "bytes changed outside the guest by this call",
        "megváltozott bájt a vendégen kívül e hívás nyomán"),
    # panels
    "panel.calls": ("Hypercalls by name", "Hiperhívások név szerint"),
    "panel.calls.note": (
        "{exits} exits in all, {refused} calls refused.",
        "Összesen {exits} kilépés, {refused} elutasított hívás."),
    "panel.summary": ("Porting in figures", "Az átírás számokban"),
    # kinds to jump by
    "kind.hypercall": ("hypercall", "hiperhívás"),
    "kind.syscall": ("system call", "rendszerhívás"),
    "kind.upcall": ("event", "esemény"),
    "kind.trap": ("exit to the VMM", "kilépés a VMM-be"),
    "kind.inject": ("exception passed on", "továbbadott kivétel"),
    "kind.emulate": ("port I/O", "port I/O"),
    "kind.console": ("console output", "konzolkimenet"),
    # sentences
    "mask.on": (
        "The kernel holds events back: {insn}, one MOV to the shared page. On the bare machine CLI "
        "stood here, which in ring 1 would [trap](trap).",
        "A kernel visszatartja az eseményeket: {insn}, egyetlen MOV a közös lapra. Csupasz gépen "
        "itt CLI állt, amely az 1. gyűrűben [csapdába](trap) esne."),
    "mask.off": (
        "The kernel lets events in again: {insn}, one MOV to the shared page, where STI stood.",
        "A kernel újra beengedi az eseményeket: {insn}, egyetlen MOV a közös lapra, ahol STI "
        "állt."),
    "syscall": (
        "The [application](@app) makes [system call](syscall) {number}: INT {vector} leads straight "
        "to its kernel in [ring](ring) 1. The VMM has put that gate into its own table and is not "
        "asked.",
        "Az [alkalmazás](@app) a(z) {number}. [rendszerhívást](syscall) kéri: az INT {vector} "
        "egyenesen a kernelébe visz az 1. [gyűrűbe](ring). Ezt a kaput a VMM tette a saját "
        "táblájába, őt nem kérdezik."),
    "page": (
        "The {who} touches {address}, which the guest's own page table does not allow: [page "
        "fault](pf). The interrupt table is the VMM's, so the [VMM](@vmm) hears of it first.",
        "{address}: ezt a hozzáférést ({who}) a vendég saját laptáblája nem engedi: "
        "[laphiba](pf). A megszakítástábla a VMM-é, ezért a [VMM](@vmm) értesül róla először."),
    "inject": (
        "The [VMM](@vmm) passes {name} on to the handler the kernel has announced, {handler}; it "
        "pushes the frame the processor would.",
        "A [VMM](@vmm) továbbadja ({name}) a kernel által bejelentett kezelőnek ({handler}); olyan "
        "keretet tesz a verembe, amilyet a processzor tenne."),
    "sched.0": (
        "{call}, yield: the guest kernel gives way. Another virtual machine may have the processor.",
        "{call}, yield: a vendégkernel lemond a processzorról. Más virtuális gép kaphatja meg."),
    "sched.1": (
        "{call}, block: the guest kernel has nothing to do until the next event, as after "
        "[HLT](hlt) on the bare machine. The mask in the shared page is cleared for it.",
        "{call}, block: a vendégkernelnek a következő eseményig nincs dolga, mint csupasz gépen "
        "[HLT](hlt) után. Ehhez a közös lapon a tiltás törlődik."),
    "sched.2": (
        "{call}, shutdown: the guest ends its run.",
        "{call}, shutdown: a vendég befejezi a futását."),
    "unharmed": (
        "All memory outside the guest is byte by byte what it was.",
        "A vendégen kívüli memória bájtról bájtra ugyanaz, ami volt."),
}
