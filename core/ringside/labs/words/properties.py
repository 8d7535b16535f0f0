"""Words of the lab "Three properties"."""

from __future__ import annotations

from .say import Message

PROPERTIES: dict[str, Message] = {
    "title": ("Three properties", "Három tulajdonság"),
    "question": (
        "Is it a virtual machine monitor in Popek and Goldberg's sense?",
        "Virtuálisgép-monitor-e Popek és Goldberg értelmében?"),
    "kind.technique": ("technique", "technika"),
    "kind.wrong": ("violation", "sérülés"),
    "kind.attack": ("hostile guest", "ellenséges vendég"),
    "head.equivalence": ("equivalence", "ekvivalencia"),
    "head.control": ("resource control: hostile guests", "erőforrás: ellenséges vendégek"),
    "head.control.short": ("resource control", "erőforrások"),
    "head.efficiency": ("efficiency", "hatékonyság"),
    "crime.hostile_outside": ("RAM", "tár"),
    "crime.hostile_tables": ("tables", "táblák"),
    "crime.hostile_descriptors": ("descr.", "leírók"),
    "crime.hostile_timer": ("clock", "óra"),
    "crime.hostile_greedy": ("greed", "mohó"),
    "crime.hostile_spy": ("spy", "kém"),
    "crime.hostile_crash": ("crash", "hiba"),
    "isa.virtualizable": ("every sensitive instr. traps", "ami érzékeny, csapdát okoz"),
    "start": (
        "Three properties make a [VMM](vmm): [equivalence](equivalence), [resource control]"
        "(resource-control), [efficiency](efficiency). Each technique is tried in turn: one guest beside the bare machine, seven "
        "hostile guests beside a neighbour, one run that is counted. Press → for the first.",
        "Három tulajdonság tesz valamit [VMM](vmm)-mé: [ekvivalencia](equivalence), "
        "[erőforrás-felügyelet](resource-control), [hatékonyság](efficiency). Minden technika sorra kerül: egy vendég a csupasz gép "
        "mellett, hét ellenséges vendég egy szomszéd mellett, egy megszámolt futás. Kezdés: →."),
    "say.equal.state": (
        "Under {technique} the guest {guest} was compared with bare metal after every step, {steps} "
        "times: registers, flags, control registers, console and memory were the same. [Equivalence]"
        "(equivalence) holds.",
        "{technique}: a(z) {guest} vendéget minden lépés után összevetettük a csupasz géppel, "
        "{steps} alkalommal. Mindig egyeztek a regiszterek, jelzőbitek, vezérlőregiszterek, a konzol "
        "és a memória. Az [ekvivalencia](equivalence) teljesül."),
    "say.equal.further": (
        "Under {technique} the guest {guest} was compared with bare metal after each of the first "
        "{steps} steps, and now and then up to step {total}: registers, flags, control registers, "
        "console and memory were the same.",
        "{technique}: a(z) {guest} vendéget az első {steps} lépés mindegyike után összevetettük a "
        "csupasz géppel, onnan a(z) {total}. lépésig időnként. Mindig egyeztek a regiszterek, "
        "jelzőbitek, vezérlőregiszterek, a konzol és a memória."),
    "say.equal.console": (
        "Under {technique} the guest {guest} runs with a changed source, so only what it says can "
        "be compared: the same {steps} characters as on bare metal.",
        "{technique}: a(z) {guest} vendég módosított forrással fut, ezért csak az hasonlítható "
        "össze, amit kiír: ugyanaz a(z) {steps} karakter, mint csupasz gépen."),
    "say.parts.state": (
        "Under {technique} the guest {guest} parts from bare metal at step {step}: after "
        "{instruction}, {what} is {found} instead of {expected}. [Equivalence](equivalence) is "
        "lost, and nobody was told.",
        "{technique}: a(z) {guest} vendég a(z) {step}. lépésben eltér a csupasz géptől: "
        "{instruction} után {what} = {found}, nem {expected}. Az [ekvivalencia](equivalence) "
        "odavan, és senki sem értesült róla."),
    "say.parts.console": (
        "Under {technique} the guest {guest} says something else than on bare metal, from "
        "character {step} on.",
        "{technique}: a(z) {guest} vendég a(z) {step}. karaktertől mást ír, mint csupasz gépen."),
    "say.attack": (
        "{technique}, a hostile guest: {purpose} The neighbour and the VMM came to no harm: "
        "{stopped}.",
        "{technique}, egy ellenséges vendég: {purpose} A szomszéd és a VMM sértetlen: {stopped}."),
    "say.attack.seen": (
        "{technique}, a hostile guest: {purpose} It harmed nobody, but it knows where it is: "
        "{times} answers were the [VMM](vmm)'s, not its own machine's. That is a loss of "
        "[equivalence](equivalence), not of control.",
        "{technique}, egy ellenséges vendég: {purpose} Senkinek sem ártott, de tudja, hol van: "
        "{times} válasz a [VMM](vmm)-é volt, nem a saját gépéé. Ez az [ekvivalencia](equivalence) "
        "sérülése, nem az ellenőrzésé."),
    "say.attack.harm": (
        "{technique}, a hostile guest: {purpose} It did harm: resource control is lost.",
        "{technique}, egy ellenséges vendég: {purpose} Kárt okozott: az erőforrás-felügyelet "
        "elveszett."),
    "say.efficient": (
        "Under {technique} the processor itself ran {share} % of {guest}'s {steps} steps; the VMM "
        "came in {exits} times. Modelled, without what devices take, that is {slowdown} times the "
        "cycles of bare metal.",
        "{technique}: a(z) {guest} {steps} lépésének {share} %-át maga a processzor futtatta; a "
        "VMM {exits} alkalommal lépett be. A modell szerint, az eszközök ideje nélkül, ez a csupasz "
        "gép ciklusainak {slowdown}-szorosa."),
    "say.inefficient": (
        "Under {technique} the processor ran none of {guest}'s {steps} steps itself. That is not "
        "efficiency in the sense of the definition, whatever it costs: here {slowdown} times the "
        "modelled cycles of bare metal, without what devices take.",
        "{technique}: a(z) {guest} {steps} lépéséből egyet sem futtatott maga a processzor. A "
        "definíció szerint ez nem hatékony, bármennyibe kerül: itt, az eszközök ideje nélkül, a "
        "csupasz gép modellezett ciklusainak {slowdown}-szorosa."),
    "say.other.work": (
        "The guest has parted from bare metal before, so some of what is counted may be other work.",
        "A vendég korábban már eltért a csupasz géptől, ezért amit számolunk, annak egy része más "
        "munka lehet."),
    "fact.compared": ("compared", "összevetve"),
    "fact.compared.state": ("the whole state after each of {steps} steps",
        "a teljes állapot mind a(z) {steps} lépés után"),
    "fact.further": ("and then", "azután"),
    "fact.further.now.and.again": (
        "now and then, to step {total}", "időnként, a(z) {total}. lépésig"),
    "fact.compared.console": ("{steps} characters of console", "{steps} konzolkarakter"),
    "fact.difference": ("first difference", "első eltérés"),
    "fact.difference.value": (
        "{what}: {found}, bare metal {expected}", "{what}: {found}, csupasz gépen {expected}"),
    "fact.none": ("none", "nincs"),
    "fact.instruction": ("made by", "okozta"),
    "fact.stopped": ("stopped by", "megállította"),
    "fact.saw": ("what it saw", "amit látott"),
    "fact.neighbour": ("the neighbour", "a szomszéd"),
    "fact.neighbour.good": (
        "came to its end, memory and state as when alone",
        "végigfutott; memóriája, állapota mint egyedül"),
    "fact.neighbour.slow": ("did not come to its end", "nem jutott a végére"),
    "fact.neighbour.harmed": ("is not what it is when alone", "nem az, ami egyedül"),
    "fact.vmm": ("the VMM's tables", "a VMM táblái"),
    "fact.clock": ("the real timer", "a valódi időzítő"),
    "fact.untouched": ("untouched", "érintetlen"),
    "fact.touched": ("changed", "megváltozott"),
    "fact.culprit": ("the hostile guest", "az ellenséges vendég"),
    "fact.culprit.value": ("{steps} steps, {outcome}", "{steps} lépés, {outcome}"),
    "fact.runs": ("still running", "még fut"),
    "fact.exits": ("exits", "kilépések"),
    "fact.direct": ("run directly", "közvetlenül futott"),
    "fact.direct.value": ("{direct} of {steps} steps", "{direct} a(z) {steps} lépésből"),
    "fact.cycles": ("cycles (modelled)", "ciklus (modell)"),
    "fact.cycles.value": (
        "{cycles}; bare metal {bare}", "{cycles}; csupasz gép {bare}"),
    "panel.definition": ("The definition", "A definíció"),
    "define.equivalence": (
        "Equivalence: a program behaves under the VMM as on the bare machine, except for time and "
        "for how much there is of everything.",
        "Ekvivalencia: a program a VMM alatt úgy viselkedik, mint a csupasz gépen, kivéve az időt "
        "és azt, hogy miből mennyi van."),
    "define.control": (
        "Resource control: no program can touch anything that was not given to it; the VMM decides "
        "about every resource and can take it back.",
        "Erőforrás-felügyelet: egyetlen program sem nyúlhat ahhoz, amit nem kapott meg; minden "
        "erőforrásról a VMM dönt, és bármikor visszaveheti."),
    "define.efficiency": (
        "Efficiency: innocuous instructions are executed by the hardware directly, with no "
        "intervention of the VMM. Cycles are modelled: prices and paging of the {preset}, which has "
        "no EPT; what devices take is left out, for a real port is slower than a virtual device.",
        "Hatékonyság: az ártalmatlan utasításokat közvetlenül a hardver hajtja végre, a VMM "
        "beavatkozása nélkül. A ciklusok modellezettek: a(z) {preset} áraival és lapozásával, "
        "amelyben nincs EPT; az eszközök ideje kimarad, mert egy valódi port lassabb, mint egy "
        "virtuális eszköz."),
    "panel.exits": ("Exits", "Kilépések"),
    "panel.done": ("Measured so far", "Eddigi mérések"),
    "done.equal": ("equivalence", "ekvivalencia"),
    "done.attacks": ("attacks that did no harm", "támadások kár nélkül"),
    "done.seen": ("saw the VMM", "látta a VMM-et"),
}
