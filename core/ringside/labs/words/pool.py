"""Words of the lab "Memory as a pool"."""

from __future__ import annotations

from .say import Message

POOL: dict[str, Message] = {
    "title": ("Pool", "Készlet"),
    "question": (
        "Can virtual machines have more memory together than the computer they run on?",
        "Lehet-e együtt több memóriájuk a virtuális gépeknek, mint a számítógépnek, amelyen "
        "futnak?"),

    # what can be chosen
    "guest.turns": ("Two take turns", "Ketten felváltva"),
    "guest.turns.note": (
        "A is busy, then B, then A again; C works quietly",
        "az A gép dolgozik, aztán a B, aztán újra az A; a C csendben teszi a dolgát"),
    "guest.idle": ("One hoards, one works", "Egy gyűjt, egy dolgozik"),
    "guest.idle.note": (
        "A has touched all its memory and idles; B could use more",
        "az A gép minden lapjához hozzányúlt, és tétlen; a B többet is használna"),
    "guest.like": ("Four alike", "Négy egyforma"),
    "guest.like.note": (
        "four VMs from one disk image", "négy virtuális gép ugyanarról a lemezképről"),
    "option.overcommit": ("Over-commitment", "Túlvállalás"),
    "overcommit.1.5": ("1.5 times the host", "a gazda 1,5-szerese"),
    "overcommit.1.25": ("1.25 times", "1,25-szörös"),
    "overcommit.2": ("2 times", "2-szeres"),
    "overcommit.1": ("none", "nincs"),
    "option.balloon": ("Ballooning", "Léggömb"),
    "option.sharing": ("Page sharing", "Lapmegosztás"),
    "option.swapping": ("Host swapping", "Lemezre írás"),
    "balloon.on": ("ballooning on", "léggömb van"),
    "balloon.off": ("ballooning off", "nincs léggömb"),
    "sharing.on": ("sharing on", "megosztás van"),
    "sharing.off": ("sharing off", "nincs megosztás"),
    "swapping.on": ("swapping on", "lemezre írás van"),
    "swapping.off": ("swapping off", "nincs lemezre írás"),
    "option.tax": ("Idle memory tax", "Tétlenségi adó"),
    "tax.75": ("tax 75 %", "adó 75 %"),
    "tax.0": ("no tax", "nincs adó"),
    "tax.50": ("tax 50 %", "adó 50 %"),
    "tax.90": ("tax 90 %", "adó 90 %"),
    "option.shares": ("Shares", "Részesedés"),
    "shares.equal": ("equal", "egyforma"),
    "shares.a": ("A has twice as many", "az A gépé kétszeres"),
    "shares.b": ("B has twice as many", "a B gépé kétszeres"),
    "shares.b4": ("B has four times as many", "a B gépé négyszeres"),
    "option.least": ("Minimum", "Minimum"),
    "least.25": ("a quarter of its memory", "a memóriája negyede"),
    "least.0": ("none", "nincs"),
    "least.10": ("a tenth", "a tizede"),
    "least.50": ("a half", "a fele"),
    "tax.later": ("tax 0, then 75 %", "adó 0, majd 75 %"),

    # in the picture
    "host": ("Host: {total} frames for {pages} pages", "Gazda: {total} keret {pages} lapra"),
    "host.tall": ("{total} frames, {pages} pages", "{total} keret, {pages} lap"),
    "part.own": (
        "{vm}: {count} frames nobody else uses", "{vm}: {count} keret, amelyet más nem használ"),
    "part.common": ("shared", "közös"),
    "part.common.tip": (
        "{count} frames with pages that are equal; sharing saves {saved} frames",
        "{count} keret egyforma lapokkal; a megosztás {saved} keretet takarít meg"),
    "part.free": ("free", "szabad"),
    "part.free.tip": ("{count} free frames", "{count} szabad keret"),
    "free": ("Free: {count}", "Szabad: {count}"),
    "level.high": ("enough", "elég"),
    "level.soft": ("soft", "enyhe"),
    "level.hard": ("hard", "súlyos"),
    "level.low": ("low", "kritikus"),
    "tile.0": ("no frame", "keret nélkül"),
    "tile.1": ("in use", "használt"),
    "tile.2": ("idle", "tétlen"),
    "tile.3": ("shared", "közös"),
    "tile.4": ("balloon", "léggömbben"),
    "tile.5": ("host's disk", "gazda lemezén"),
    "tip": ("{vm}, page {page}: {state}", "{vm}, {page}. lap: {state}"),
    "tip.frame": (
        "{vm}, page {page}: {state}, frame {frame}", "{vm}, {page}. lap: {state}, {frame}. keret"),
    "tip.shared": (
        "{vm}, page {page}: {state}, frame {frame}, used by {sharers} pages",
        "{vm}, {page}. lap: {state}, {frame}. keret, {sharers} lap használja"),
    "note.first": ("busy, idle, busy", "sok, kevés, sok"),
    "note.then": ("idle, busy, idle", "kevés, sok, kevés"),
    "note.steady": ("always a little", "mindig kevés"),
    "note.hoarder": ("touched all, idles", "mindent megfogott, tétlen"),
    "note.busy": ("always busy", "mindig dolgozik"),
    "note.same": ("like the others", "mint a többi"),
    "note.shares": ("shares × {factor}", "részesedés × {factor}"),
    "state.working": ("working", "dolgozik"),
    "state.idle": ("idle", "tétlen"),
    "state.waiting": ("must wait", "várnia kell"),
    "state.off": ("starting", "indul"),
    "has": ("has {count} of {pages}", "van {count} / {pages}"),
    "target": ("due {count}", "jár {count}"),
    "work": ("accesses per round", "hozzáférés körönként"),
    "flow.given": ("+{count}", "+{count}"),
    "flow.back": ("{count} back", "{count} vissza"),
    "flow.balloon": ("{count} to balloon", "{count} léggömbbe"),
    "flow.deflate": ("{count} returned", "{count} visszakap"),
    "flow.out": ("{count} to disk", "{count} lemezre"),
    "flow.in": ("{count} from disk", "{count} lemezről"),
    "flow.copy": ("{count} copied", "{count} másolat"),
    "flow.share": ("shared", "megosztva"),

    # sentences
    "start": (
        "Virtual machines with {pages} pages of memory share a [host](host) with {total} [frames]"
        "(frame). A page gets a frame when it is first touched. Press →.",
        "{pages} lapnyi memóriájú virtuális gépek osztoznak egy {total} [keretes](frame) "
        "[gazdán](host). Egy lap akkor kap keretet, amikor először hozzányúlnak. Nyomd meg a → "
        "billentyűt."),
    "allocate": (
        "[{vm}](@app) touches {count} of its pages that have no frame: the [host](@vmm) gives each "
        "a zeroed [frame](frame).",
        "A(z) [{vm}](@app) gép {count} olyan lapjához nyúl, amelynek nincs kerete: a [gazda](@vmm) "
        "mindegyiknek kinullázott [keretet](frame) ad."),
    "copy": (
        "[{vm}](@app) writes to {count} of the [shared pages](sharing): the [host](@vmm) "
        "[copies](cow) each one first.",
        "A(z) [{vm}](@app) gép {count} [közös lapra](sharing) ír: a [gazda](@vmm) előbb mindegyikről "
        "[saját másolatot](cow) ad neki."),
    "swapin": (
        "[{vm}](@app) waits for {count} of its pages, which the [host](@host) had put on its disk.",
        "A(z) [{vm}](@app) gép {count} lapjára vár, amelyet a [gazda](@host) a lemezére tett."),
    "double": (
        "{count} of them came back only to be written to the guest's own disk: [double paging]"
        "(double-paging).",
        "Közülük {count} csak azért jött vissza, hogy a vendég a saját lemezére írja: [kettős "
        "lapozás](double-paging)."),
    "worked": (
        "Nobody needs the host: {list} accesses.",
        "Senkinek sem kell a gazda; hozzáférések: {list}."),
    "worked.disk": (
        "{list} accesses without the host; a guest without enough memory reads from its own disk: "
        "{disk}.",
        "Hozzáférések a gazda nélkül: {list}; akinek kevés a memóriája, a saját lemezéről olvas: "
        "{disk}."),
    "stall.full": (
        "No frame is free, and the [host](@vmm) may not or cannot make one free: [{vm}](@app) must "
        "wait.",
        "Nincs szabad keret, és a [gazda](@vmm) nem tud vagy nem szabad, hogy felszabadítson: "
        "a(z) [{vm}](@app) gép kénytelen várni."),
    "stall.low": (
        "Hardly a frame is free: [{vm}](@app), which has more than its due, must wait.",
        "Alig van szabad keret: a(z) [{vm}](@app) gép, amelynek a járandóságánál több van, "
        "kénytelen várni."),
    "inflate": (
        "The [balloon](balloon) in [{vm}](@kernel) grows by {count} pages, chosen by its own kernel: "
        "{free} were free, {dropped} can be read again, {written} went to its own disk. That frees "
        "{frames} of the [host's](@vmm) frames.",
        "A(z) [{vm}](@kernel) gép [léggömbje](balloon) {count} lappal nő; a saját kernele "
        "választotta ki őket: {free} szabad volt, {dropped} újra beolvasható, {written} a saját "
        "lemezére került. Ez a [gazda](@vmm) {frames} keretét szabadítja fel."),
    "deflate": (
        "The [balloon](balloon) in [{vm}](@kernel) shrinks by {count}: its kernel may use that "
        "memory again, and gets a frame for each page it touches.",
        "A(z) [{vm}](@kernel) gép [léggömbje](balloon) {count} lappal kisebb: a kernele újra "
        "használhatja őket, és amelyikhez hozzányúl, ahhoz keretet kap."),
    "share": (
        "The [host](@vmm) looked at {scanned} pages and found {count} [equal to others](sharing), "
        "byte by byte ({vms}). That frees {frames} of its frames.",
        "A [gazda](@vmm) {scanned} lapot nézett meg; {count} bájtról bájtra [egyezik másokkal]"
        "(sharing) ({vms}). Ez {frames} keretet szabadít fel."),
    "spared": (
        "Of those on their way to the disk, {count} turned out [equal to others](sharing) and are "
        "shared instead.",
        "A lemezre szántak közül {count} [egyezett másokkal](sharing), az inkább közös lett."),
    "swapout": (
        "The [host](@host) [writes](hostswap) {count} of [{vm}](@app)'s pages to its disk, chosen at "
        "random: it cannot know which ones matter.",
        "A [gazda](@host) a(z) [{vm}](@app) gép {count} lapját a lemezére [írja](hostswap), véletlenül "
        "választva: nem tudhatja, melyik fontos."),
    "swapout.many": (
        "The [host](@host) [writes](hostswap) pages to its disk, chosen at random ({list}): it "
        "cannot know which ones matter.",
        "A [gazda](@host) véletlenül választott lapokat ír a [lemezére](hostswap) ({list}): nem "
        "tudhatja, melyik fontos."),
    "worked.few": (
        "{list} accesses; the host has to help with {few} of them.",
        "Hozzáférések: {list}; a gazdának {few} esetben kell segítenie."),
    "sample": (
        "Of {sampled} [sampled](sampling) pages each, {list} were touched. The [host](@vmm) works "
        "out what each VM is due.",
        "{sampled}-{sampled} [kiválasztott](sampling) lapból ennyihez nyúltak hozzá: {list}. A "
        "[gazda](@vmm) kiszámolja, kinek mennyi jár."),
    "level.to.high": (
        "{percent} % of the frames are free again ({count}): nobody has to give anything up.",
        "A keretek {percent} %-a újra szabad ({count}): senkinek sem kell lemondania semmiről."),
    "level.to.soft": (
        "Only {percent} % of the frames are free ({count}). Who has more than its due shall give up pages "
        "through its [balloon](balloon).",
        "A kereteknek már csak {percent} %-a szabad ({count}). Akinek a járandóságánál több van, a "
        "[léggömbjén](balloon) át adjon vissza lapokat."),
    "level.to.soft.nodriver": (
        "Only {percent} % of the frames are free ({count}), and there is no balloon to ask for pages.",
        "A kereteknek már csak {percent} %-a szabad ({count}), és nincs léggömb, amelytől lapot "
        "lehetne kérni."),
    "level.to.hard": (
        "Only {percent} % of the frames are free ({count}): a balloon alone would be too slow, the host "
        "may [swap](hostswap).",
        "A kereteknek már csak {percent} %-a szabad ({count}): a léggömb egyedül lassú volna, a "
        "gazda a [lemezére írhat](hostswap)."),
    "level.to.low": (
        "Only {percent} % of the frames are free ({count}): VMs above their due must wait.",
        "A kereteknek már csak {percent} %-a szabad ({count}): akinek a járandóságánál több van, "
        "vár."),
    "level.better": (
        "{percent} % of the frames are free again ({count}): swapping may stop, the [balloons]"
        "(balloon) go on.",
        "A keretek {percent} %-a újra szabad ({count}): nem kell tovább lemezre írni, a [léggömbök]"
        "(balloon) még dolgoznak."),
    "tax.changed": (
        "The [idle memory tax](idletax) goes from {before} to {count} %: an idle page now costs "
        "{k} times as much as one in use.",
        "A [tétlenségi adó](idletax) {before}-ról {count} %-ra nő: egy tétlen lap most {k}-szer "
        "annyiba kerül, mint egy használt."),

    # jumps
    "kind.allocate": ("frames given", "keretek kiosztása"),
    "kind.inflate": ("balloon grows", "léggömb nő"),
    "kind.deflate": ("balloon shrinks", "léggömb csökken"),
    "kind.share": ("pages shared", "lapok megosztása"),
    "kind.copy": ("copy on write", "másolás íráskor"),
    "kind.swapout": ("host swaps out", "a gazda lemezre ír"),
    "kind.swapin": ("host reads back", "a gazda visszaolvas"),
    "kind.double": ("double paging", "kettős lapozás"),
    "kind.sample": ("sampling", "mintavétel"),
    "kind.level": ("free memory's level", "a szabad memória szintje"),
    "kind.stall": ("a VM must wait", "egy gépnek várnia kell"),
    "kind.tax": ("the tax changes", "változik az adó"),

    # panels
    "panel.host": ("The host", "A gazda"),
    "panel.vm": ("{vm} in pages", "{vm} lapokban"),
    "panel.published": ("Published", "Közölt eredmények"),
    "published.tax": (
        "Waldspurger 2002, figure 7: when the tax went from 0 to 75 %, memory moved from the idle "
        "VM to the busy one, which then did over {gain} % more.",
        "Waldspurger 2002, 7. ábra: amikor az adó 0-ról 75%-ra nőtt, a memória a tétlen gépről a "
        "dolgozóhoz vándorolt, amely így több mint {gain}%-kal többet végzett."),
    "here.tax": (
        "Here, since the tax changed: A from {idle} to {idle_now} frames, B from {busy} to "
        "{busy_now}. 'ringside pool --figure tax' repeats the experiment itself.",
        "Itt, mióta az adó változott: az A gép {idle} keretről {idle_now} keretre, a B {busy} keretről "
        "{busy_now} keretre. Magát a kísérletet a 'ringside pool --figure tax' ismétli meg."),
    "here.notax": (
        "Here the tax does not change: A has {idle_now} frames, B {busy_now}. Choose 'tax 0, then "
        "75 %', or 'ringside pool --figure tax' for the experiment itself.",
        "Itt az adó nem változik: az A gépnek {idle_now} kerete van, a B-nek {busy_now}. Válaszd ezt: "
        "„adó 0, majd 75 %”, vagy a 'ringside pool --figure tax' parancsot magához a kísérlethez."),
    "published.sharing": (
        "Waldspurger 2002, figure 4: of one VM {one} % of the memory could be shared, of ten like "
        "VMs {ten} %, and nearly {reclaimed} % was reclaimed.",
        "Waldspurger 2002, 4. ábra: egy gép memóriájának {one}%-a volt megosztható, tíz egyforma "
        "gépének {ten}%-a, és közel {reclaimed}% felszabadult."),
    "here.sharing": (
        "Here {vms} VMs with {pages} pages: {saved} frames saved by now, {share} % of their memory. "
        "'ringside pool --figure sharing' repeats the experiment with one to ten.",
        "Itt {vms} gép {pages} lappal: eddig {saved} megtakarított keret, a memóriájuk {share}%-a. "
        "A kísérletet egytől tíz gépig a 'ringside pool --figure sharing' ismétli meg."),
    "panel.work": ("Accesses so far", "Hozzáférések eddig"),
    "row.round": ("round", "kör"),
    "row.free": ("free frames", "szabad keretek"),
    "row.common": ("shared frames", "közös keretek"),
    "row.saved": ("saved by sharing", "megosztással megtakarítva"),
    "row.overcommit": ("promised memory", "ígért memória"),
    "row.tax": ("idle memory tax", "tétlenségi adó"),
    "row.has": ("frames it uses", "használt keret"),
    "row.target": ("due", "jár"),
    "row.active": ("active, estimated", "aktív, becslés"),
    "row.shares": ("shares", "részesedés"),
    "row.least": ("minimum", "minimum"),
    "row.price": ("shares per page", "részesedés laponként"),
    "row.balloon": ("in the balloon", "léggömbben"),
    "row.disk": ("on the host's disk", "a gazda lemezén"),
    "row.given": ("frames given so far", "kiosztott keret eddig"),
    "row.copied": ("copied on write", "íráskor másolva"),
    "row.back": ("waits for host's disk", "várás a gazda lemezére"),
    "row.double": ("of them double paging", "ebből kettős lapozás"),
    "row.reads": ("reads of its own disk", "olvasás a saját lemezről"),
    "tip.has": (
        "Of a frame shared by n pages each pays for the n-th part.",
        "Az n lap által közösen használt keretnek mindegyik az n-ed részét fizeti."),
    "tip.target": (
        "What min-funding revocation leaves it: by shares, activity and tax.",
        "Amit a legkevesebbet fizetőtől való elvétel meghagy neki: részesedés, aktivitás és adó "
        "szerint."),
    "tip.active": (
        "From sampled pages; the largest of three moving averages.",
        "Kiválasztott lapokból; három mozgóátlag közül a legnagyobb."),
    "tip.shares": (
        "What it bids for memory; twice the shares, twice the claim.",
        "Ennyivel pályázik a memóriára; kétszeres részesedés, kétszeres igény."),
    "tip.least": (
        "Pages that nobody may take from it, however little it pays.",
        "Lapok, amelyeket senki sem vehet el tőle, bármilyen keveset fizet."),
    "tip.price": (
        "S / (P (f + k (1 − f))): who pays least loses the next page.",
        "S / (P (f + k (1 − f))): aki a legkevesebbet fizeti, attól kerül el a következő lap."),
    "model": (
        "After Waldspurger 2002. Modelled: what the guests do and what a disk costs; contents, "
        "hashes and copies are real bytes.",
        "Waldspurger 2002 nyomán. Modell: mit tesznek a vendégek, és mibe kerül a lemez; a "
        "tartalom, a hasítás és a másolás valódi bájtokon történik."),
    "ended": ("The end of this story.", "Ennek a történetnek vége."),
}
