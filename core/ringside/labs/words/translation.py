"""Words of the lab "Binary translation"."""

from __future__ import annotations

from .say import Message

TRANSLATION: dict[str, Message] = {
    "title": ("Binary translation", "Bináris fordítás"),
    "question": (
        "Can a kernel be rewritten while it runs, without its source and without its noticing?",
        "Át lehet-e írni egy kernelt futás közben, forrás nélkül, úgy, hogy ne vegye észre?"),
    "technique": ("Binary translation", "Bináris fordítás"),
    "technique.note": (
        "The kernel runs as code the VMM has written for it; applications run directly.",
        "A kernel a VMM által írt kódként fut; az alkalmazások közvetlenül."),
    # the figure
    "guest": ("guest code · unit at {eip}", "vendégkód · egység: {eip}"),
    "guest.region": ("guest code · region at {eip}", "vendégkód · régió: {eip}"),
    "guest.short": ("guest code", "vendégkód"),
    "guest.app": ("application · ring 3", "alkalmazás · 3. gyűrű"),
    "cache": ("translation cache · ring 1", "fordítási tár · 1. gyűrű"),
    "cache.gone": ("translation cache · given up", "fordítási tár · eldobva"),
    "cache.short": ("its translation", "a fordítása"),
    "word.ident": ("identical", "azonos"),
    "word.in-line": ("in line", "helyben"),
    "word.callout": ("callout", "hívás"),
    "word.branch": ("branch", "ugrás"),
    "word.chained": ("chained", "láncolt"),
    "word.lookup": ("lookup", "keresés"),
    "tip.ident": (
        "The cache holds a copy, bit by bit the same.",
        "A tárban bitről bitre azonos másolata van."),
    "tip.in-line": (
        "Replaced in line: the same effect on the virtual CPU, which lies in memory. No trap.",
        "Helyben kiváltva: ugyanaz a hatás a memóriában tárolt virtuális CPU-n. Nincs csapda."),
    "tip.callout": (
        "Callout: INT FCh (in one byte: INT3) calls the VMM, which carries the instruction out on "
        "the virtual CPU.",
        "VMM-hívás: az INT FCh (egy bájton: INT3) a VMM-et hívja, amely végrehajtja az utasítást a "
        "virtuális CPU-n."),
    "tip.branch": (
        "A direct branch. Its target is not known yet, so it leads to the VMM.",
        "Közvetlen ugrás. A célja még nem ismert, ezért a VMM-hez vezet."),
    "tip.chained": (
        "A direct branch, chained: it goes straight to the translation of its target.",
        "Láncolt közvetlen ugrás: egyenesen a célja fordítására ugrik."),
    "tip.lookup": (
        "The target is known only at run time: a hash table finds its translation.",
        "A cél csak futáskor derül ki: a fordítását hasítótábla keresi meg."),
    "tip.tail": ("The way on to the next unit.", "Az út a következő egységhez."),
    "tip.overhead": (
        "Stands for none of the guest's instructions: the translation's overhead.",
        "Nem felel meg vendégutasításnak: a fordítás többletköltsége."),
    "falls": ("(no jump: {eip} follows)", "(nincs ugrás: {eip} jön)"),
    "head.chained": ("chained to it: the unit at {eip}", "ide van láncolva: {eip} egysége"),
    "head.next": ("where the guest goes: {eip}, not translated yet",
                  "ide tart a vendég: {eip}, még nincs lefordítva"),
    "head.now": ("what stands at {eip} now", "ami most itt áll: {eip}"),
    "to.vmm": ("→ VMM", "→ VMM"),
    "more": ("{n} more", "még {n}"),
    "empty.new": ("not translated yet", "még nincs lefordítva"),
    "empty.new.1": (
        "The VMM translates code only when the guest gets there.",
        "A VMM csak akkor fordít kódot, amikor a vendég odaér."),
    "empty.app": ("runs directly", "közvetlenül fut"),
    "empty.app.1": (
        "Ring 3 code is harmless: nothing is translated.",
        "A 3. gyűrű kódja ártalmatlan: nem kell fordítani."),
    "empty.vmm": ("the VMM does it in software", "a VMM szoftverrel végzi"),
    "empty.vmm.1": (
        "What cannot be fetched or translated is interpreted.",
        "Ami nem olvasható vagy nem fordítható, azt értelmezi."),
    "vmm": ("VMM · ring 0", "VMM · 0. gyűrű"),
    "vmm.idle": ("has nothing to do", "nincs dolga"),
    "vmm.translate": (
        "translates {eip}: {guest} → {cache} bytes", "fordít: {eip}, {guest} → {cache} bájt"),
    "vmm.again": (
        "hot: {eip} again, {guest} → {cache} bytes", "gyakori, újra: {eip}, {guest} → {cache} bájt"),
    "vmm.chain": (
        "writes {target} into the jump at {jump}", "{jump}: az ugrásba beírja: {target}"),
    "vmm.elide": (
        "drops the jump at {jump}: its target follows", "{jump}: az ugrás elhagyva, a célja jön"),
    "vmm.discard": ("gives up the unit at {eip}", "eldobja az egységet: {eip}"),
    "vmm.adapt": (
        "{eip} will be a callout from now on", "{eip} mostantól VMM-hívás lesz"),
    "vmm.callout": ("called for {insn}", "hívták: {insn}"),
    "vmm.find": ("looks for the translation of {eip}", "keresi: {eip} fordítása"),
    "vmm.emulate": ("carries out {insn}", "végrehajtja: {insn}"),
    "vmm.inject": ("delivers vector {vector} to the guest", "kézbesít: {vector}. vektor"),
    "vmm.fault": ("exception {name} at {eip}", "kivétel: {name}, {eip}"),
    "vmm.shadow": ("fills the shadow entry of {gva}", "árnyékbejegyzés: {gva}"),
    "vmm.work": ("at work", "dolgozik"),
    "lookup": ("lookup · hash table", "keresés · hasítótábla"),
    "lookup.idle": ("for returns and indirect jumps", "visszatérésekhez, közvetett ugrásokhoz"),
    "lookup.hit": ("{eip} → {address}: hit", "{eip} → {address}: találat"),
    "lookup.miss": ("{eip}: miss, the VMM is called", "{eip}: nincs meg, jön a VMM"),
    "actor.tip.vmm": (
        "The VMM translates, chains, gives up, and carries out what may not run in ring 1.",
        "A VMM fordít, láncol, eldob, és végrehajtja, ami az 1. gyűrűben nem futhat."),
    "actor.tip.lookup": (
        "Code of the translator's own in the cache: guest address in, cache address out.",
        "A fordító saját kódja a tárban: vendégcímből tárbeli cím."),
    "strip": ("the whole cache: {units} units, {size} bytes",
        "a teljes tár: {units} egység, {size} bájt"),
    "strip.note": ("arcs: chained jumps", "ívek: láncolt ugrások"),
    "piece.tip": (
        "Unit at {eip}: {size} bytes for {lines} of the guest's instructions.",
        "{eip} egysége: {lines} vendégutasítás {size} bájton."),
    "arc.tip": ("A jump chained to {eip}.", "Láncolt ugrás ide: {eip}."),
    "shares": (
        "kernel instructions executed: {total}", "végrehajtott kernelutasítások: {total}"),
    "share.identical": ("identical", "azonos"),
    "share.branches": ("branches", "ugrás"),
    "share.calls": ("call, ret", "call, ret"),
    "share.inline": ("in line", "helyben"),
    "share.callouts": ("callouts", "VMM-hívás"),
    "share.trapped": ("traps", "csapda"),
    "figure.copies": ("no VMM\nneeded", "VMM\nnélkül"),
    "figure.hits": ("lookup\nhits", "keresési\ntalálat"),
    "figure.expansion": ("bytes per\nguest byte", "bájt vendég-\nbájtonként"),
    # panels
    "panel.shares": ("How the kernel ran", "Hogyan futott a kernel"),
    "panel.shares.note": (
        "A direct jump is an identical copy within a region of hot code; elsewhere its displacement "
        "is another.",
        "Egy közvetlen ugrás a gyakran futó kód régiójában azonos másolat; másutt más az eltolása."),
    "panel.cells": ("Virtual CPU in memory", "Virtuális CPU a memóriában"),
    "panel.cache": ("Translator", "A fordító"),
    "cell.virtual_if": ("IF", "IF"),
    "cell.pending": ("interrupt waits", "váró megszakítás"),
    "cell.tip": (
        "Translated code reaches this through GS, at {offset}.",
        "A lefordított kód ezt GS-en át éri el, itt: {offset}."),
    "row.units": ("units in the cache", "egység a tárban"),
    "row.translated": ("units translated", "lefordított egység"),
    "row.discarded": ("given up", "eldobott"),
    "row.chained": ("jumps chained", "láncolt ugrás"),
    "row.elided": ("jumps elided", "elhagyott ugrás"),
    "row.adapted": ("adapted to callouts", "VMM-hívássá alakult"),
    "row.regions": ("regions of hot code", "gyakran futó régió"),
    "row.hits": ("lookups: hits", "keresés: találat"),
    "row.misses": ("lookups: misses", "keresés: nincs meg"),
    "row.expansion": ("expansion", "növekedés"),
    "row.overhead": ("overhead instructions", "többletutasítás"),
    # kinds to jump by
    "kind.translate": ("translation", "fordítás"),
    "kind.chain": ("chaining", "láncolás"),
    "kind.discard": ("invalidation", "eldobás"),
    "kind.trap": ("exit to the VMM", "kilépés a VMM-be"),
    "kind.emulate": ("emulation", "emulálás"),
    "kind.inject": ("injection", "injektálás"),
    "kind.syscall": ("system call", "rendszerhívás"),
    "kind.console": ("console output", "konzolkimenet"),
    # sentences
    "start": (
        "The kernel of this [guest](guest) never runs where it lies: the [VMM](@vmm) "
        "[translates](translation) it, unit by unit, and the processor runs the translation in "
        "[ring](ring) 1. Press →.",
        "E [vendég](guest) kernele sosem fut ott, ahol van: a [VMM](@vmm) egységenként "
        "[lefordítja](translation), és a processzor a fordítást futtatja az 1. [gyűrűben](ring). "
        "Nyomd meg a → billentyűt."),
    "start.later": (
        "The guest has got ready, {steps} instructions so far; {units} [translated](translation) "
        "units are in the cache. Here its story begins. Press →.",
        "A vendég előkészült, eddig {steps} utasítással; a tárban {units} "
        "[lefordított](translation) egység van. Itt kezdődik a története. Nyomd meg a → "
        "billentyűt."),
    "run.ident": (
        "{insn} runs from the cache as an identical copy: it is [innocuous](innocuous), in ring 1 "
        "it does what it does in ring 0.",
        "{insn} azonos másolatként fut a tárból: [ártalmatlan](innocuous), az 1. gyűrűben ugyanazt "
        "teszi, mint a 0.-ban."),
    "run.ident.segment": (
        "{insn} runs from the cache as an identical copy. It is [sensitive](sensitive), but what it "
        "loads is a [descriptor](gdt) of the [VMM](@vmm)'s, made for ring 1.",
        "{insn} azonos másolatként fut a tárból. [Érzékeny](sensitive), de amit betölt, az a "
        "[VMM](@vmm) [leírója](gdt), az 1. gyűrűhöz igazítva."),
    "run.ident.jump": (
        "{insn} runs from the cache as an identical copy: this is a region of hot code, and from "
        "the jump to its target it takes as many bytes as the guest's own.",
        "{insn} azonos másolatként fut a tárból: ez gyakran futó kód régiója, és az ugrástól a "
        "céljáig pontosan annyi bájt, mint a vendégé."),
    "run.cli": (
        "Instead of {insn} one move runs: the virtual [IF](if) in memory becomes 0. No "
        "[trap](trap), no VMM.",
        "{insn} helyett egyetlen mov fut: a memóriában tárolt virtuális [IF](if) 0 lesz. Nincs "
        "[csapda](trap), nincs VMM."),
    "run.sti": (
        "Instead of {insn} the virtual [IF](if) in memory becomes 1, and a test follows: no "
        "[interrupt](interrupt) waits, so the VMM is not called.",
        "{insn} helyett a memóriában a virtuális [IF](if) 1 lesz, majd egy vizsgálat jön: nem vár "
        "[megszakítás](interrupt), így a VMM-et nem kell hívni."),
    "run.popf": (
        "Instead of {insn}, which would [silently](sensitive) lose IF in ring 1, the virtual "
        "[IF](if) in memory is set from the stack; the real POPF does the other flags.",
        "{insn} az 1. gyűrűben [szó nélkül](sensitive) elveszítené az IF-et; ehelyett a "
        "memóriabeli virtuális [IF](if) kapja meg a veremből, a többi jelzőbitet a valódi POPF "
        "állítja."),
    "run.in-line": (
        "Instead of {insn} these {count} instructions run, on the virtual CPU in memory: no "
        "[trap](trap).",
        "{insn} helyett ez a(z) {count} utasítás fut, a memóriabeli virtuális CPU-n: nincs "
        "[csapda](trap)."),
    "run.in-line.one": (
        "Instead of {insn} one other instruction runs, on the virtual CPU in memory: no "
        "[trap](trap).",
        "{insn} helyett egyetlen másik utasítás fut, a memóriabeli virtuális CPU-n: nincs "
        "[csapda](trap)."),
    "run.branch": (
        "{insn} runs from the cache; the way it takes is [chained](chained): straight to the "
        "translation of {eip}.",
        "{insn} a tárból fut; az útja [láncolt](chained): egyenesen {eip} fordítására visz."),
    "run.stub": (
        "{insn} runs from the cache. Its target {eip} is not [chained](chained) yet: the next "
        "instruction there calls the [VMM](@vmm).",
        "{insn} a tárból fut. A célja, {eip}, még nincs [láncolva](chained): ott a következő "
        "utasítás a [VMM](@vmm)-et hívja."),
    "run.call": (
        "{insn} pushes the guest's own return address {back}, as the guest expects; the jump "
        "behind it is [chained](chained) to the translation of {eip}.",
        "{insn} a vendég saját visszatérési címét, {back} teszi a verembe, ahogy a vendég várja; a "
        "mögötte álló jmp {eip} fordítására van [láncolva](chained)."),
    "run.call.stub": (
        "{insn} pushes the guest's own return address {back}, as the guest expects. The jump "
        "behind it is not [chained](chained) to {eip} yet: next it calls the [VMM](@vmm).",
        "{insn} a vendég saját visszatérési címét, {back} teszi a verembe, ahogy a vendég várja. A "
        "mögötte álló jmp még nincs {eip} fordítására [láncolva](chained): most a [VMM](@vmm)-et "
        "hívja."),
    "run.hit": (
        "{insn} leads to {eip}. The [lookup](lookup) finds it in the hash table: on to cache "
        "address {address}, without the VMM.",
        "{insn} ide vezet: {eip}. A [keresés](lookup) megtalálja a hasítótáblában: tovább a tár "
        "{address} címére, VMM nélkül."),
    "run.miss": (
        "{insn} leads to {eip}. The hash table does not know it, so the [lookup](lookup) calls the "
        "[VMM](@vmm).",
        "{insn} ide vezet: {eip}. A hasítótábla nem ismeri, ezért a [keresés](lookup) a [VMM](@vmm)-et "
        "hívja."),
    "trap.callout": (
        "In the place of {insn} stands {call}, a [callout](callout): the [VMM](@vmm) gets control.",
        "{insn} helyén {call} áll, egy [VMM-hívás](callout): a [VMM](@vmm) kapja meg a vezérlést."),
    "trap.callout.privileged": (
        "{insn} is [privileged](privileged), so in its place stands {call}, a [callout](callout): the "
        "[VMM](@vmm) gets control.",
        "{insn} [privilegizált](privileged), ezért a helyén {call} áll, egy [VMM-hívás](callout): a "
        "[VMM](@vmm) kapja meg a vezérlést."),
    "trap.callout.sensitive": (
        "{insn} is [sensitive](sensitive): in ring 1 it would not do what it does in ring 0. In its "
        "place stands {call}, a [callout](callout): the [VMM](@vmm) gets control.",
        "{insn} [érzékeny](sensitive): az 1. gyűrűben nem azt tenné, amit a 0.-ban. A helyén {call} "
        "áll, egy [VMM-hívás](callout): a [VMM](@vmm) kapja meg a vezérlést."),
    "trap.nothing": (
        "{nothing}, so there is nothing to translate. INT FCh stands in its place, a [callout](callout): the "
        "[VMM](@vmm) gets control and raises the [exception](fault) the real processor would.",
        "{nothing}, tehát nincs mit lefordítani. A helyén INT FCh áll, egy [VMM-hívás](callout): a "
        "[VMM](@vmm) kapja meg a vezérlést, és azt a [kivételt](fault) váltja ki, amelyet a "
        "valódi processzor is kiváltana."),
    "trap.sti": (
        "The test after STI has found that an [interrupt](interrupt) waits: the [VMM](@vmm) is "
        "called to let it in.",
        "Az STI utáni vizsgálat szerint [megszakítás](interrupt) vár: a [VMM](@vmm)-et kell hívni, "
        "hogy beengedje."),
    "trap.link": (
        "The branch leads to {eip}, for which it is not [chained](chained): its stub calls the [VMM](@vmm).",
        "Az ugrás ide vezet: {eip}, de még nincs [láncolva](chained): a csonkja a [VMM](@vmm)-et hívja."),
    "trap.code": (
        "{insn} writes to {address}, on a page whose code has been [translated](translation). The "
        "[VMM](@vmm) keeps such pages read-only: [page fault](pf).",
        "{insn} a(z) {address} címre ír, olyan lapra, amelynek a kódja le van "
        "[fordítva](translation). A [VMM](@vmm) az ilyen lapokat csak olvashatónak tartja: "
        "[laphiba](pf)."),
    "find": (
        "The [VMM](@vmm) looks for the translation of {eip}.",
        "A [VMM](@vmm) a {eip} című kód fordítását keresi."),
    "translate": (
        "The [VMM](@vmm) translates the unit at {eip} (guest instructions: {count}): {guest} bytes "
        "become {cache} bytes in the cache.",
        "A [VMM](@vmm) lefordítja a {eip} címen kezdődő egységet ({count} vendégutasítás): {guest} bájtból a "
        "tárban {cache} bájt lesz."),
    "translate.hot": (
        "The code around {eip} is hot. The [VMM](@vmm) [translates](translation) it again as one "
        "region of {count} instructions, laid out as the guest has it. Direct jumps copied as they "
        "are: {same} of {jumps}.",
        "{eip} környéke gyakran fut. A [VMM](@vmm) újra [lefordítja](translation), egyetlen, "
        "{count} utasításos régióként, a vendég elrendezésében. Változatlanul másolt közvetlen "
        "ugrások: {same}/{jumps}."),
    "middle": (
        "That address lies in the middle of an instruction translated before. Read from here, the "
        "same bytes are other instructions, and get a translation of their own.",
        "Ez a cím egy korábban lefordított utasítás közepén van. Innen olvasva ugyanazok a bájtok "
        "más utasítások, és saját fordítást kapnak."),
    "chain": (
        "It [chains](chained) the branch: the jump at {jump} now goes straight there, and the VMM will not "
        "be asked again.",
        "[Láncolja](chained) az ugrást: a(z) {jump} címen álló jmp mostantól egyenesen oda visz, a VMM-et "
        "többé nem kérdezik."),
    "chain.only": (
        "{eip} has been translated already. The [VMM](@vmm) [chains](chained) the branch: the jump at {jump} "
        "now goes straight there.",
        "{eip} már le van fordítva. A [VMM](@vmm) [láncolja](chained) az ugrást: a(z) {jump} címen álló jmp "
        "mostantól egyenesen oda visz."),
    "elide": (
        "Because it lies right behind the jump at {jump}, that jump is not needed at all.",
        "Mivel közvetlenül a(z) {jump} címen álló jmp mögé kerül, arra az ugrásra nincs is "
        "szükség."),
    "discard.written": (
        "The guest has written to its own code, so the translation of {eip} is wrong: the "
        "[VMM](@vmm) gives it up. What stands there now is translated when the guest gets there.",
        "A vendég a saját kódjába írt, így {eip} fordítása érvénytelen: a [VMM](@vmm) eldobja. Ami "
        "most áll ott, akkor fordul le, amikor a vendég odaér."),
    "discard.adapted": (
        "An instruction here has faulted again and again on writes the VMM must see. The "
        "[VMM](@vmm) gives the unit at {eip} up; the new translation will have a [callout](callout) in its "
        "place, which is cheaper.",
        "Egy itteni utasítás újra meg újra hibát okozott olyan írással, amelyről a VMM-nek tudnia "
        "kell. A [VMM](@vmm) eldobja {eip} egységét; az új fordításban [VMM-hívás](callout) áll majd a "
        "helyén, az olcsóbb."),
    "discard.full": (
        "The cache is full: the [VMM](@vmm) empties it and begins afresh.",
        "A tár megtelt: a [VMM](@vmm) kiüríti, és újrakezdi."),
    "resume.cache": (
        "The [VMM](@vmm) resumes the guest's kernel in the cache, at the translation of {eip}.",
        "A [VMM](@vmm) a tárban folytatja a vendég kernelét, {eip} fordításánál."),
    "resume.direct": (
        "The [VMM](@vmm) goes to the [application](@app) at {eip}: it runs directly, nothing is "
        "translated.",
        "A [VMM](@vmm) az [alkalmazásra](@app) tér át ({eip}): az közvetlenül fut, nem kell "
        "fordítani."),
    "resume.pad": (
        "There is no translation of {eip} and there will be none: nothing can be fetched there. "
        "The guest comes out in the cache at a place that calls the [VMM](@vmm) at once.",
        "{eip} fordítása nincs és nem is lesz: onnan semmi sem olvasható be. A vendég a tárban "
        "olyan helyre kerül, amely rögtön a [VMM](@vmm)-et hívja."),
    "fault.none": (
        "At {eip} there is nothing the processor could fetch, so there is nothing to translate. The "
        "[VMM](@vmm) raises the [exception](fault) the real processor would.",
        "{eip} címen nincs mit beolvasni, így fordítani sem. A [VMM](@vmm) azt a "
        "[kivételt](fault) váltja ki, amelyet a valódi processzor is kiváltana."),
}
