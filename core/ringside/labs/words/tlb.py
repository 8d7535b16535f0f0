"""Words of the lab "TLB"."""

from __future__ import annotations

from .say import Message

TLB: dict[str, Message] = {
    "title": ("TLB", "TLB"),
    "question": (
        "What does the processor remember of its walks, and what makes it forget?",
        "Mire emlékszik a processzor a bejárásaiból, és mi feledteti el vele?"),
    "stream.zipf": ("few pages often (Zipf)", "kevés lap gyakran (Zipf)"),
    "stream.loop": ("a loop over all pages", "ciklus minden lapon át"),
    "stream.uniform": ("any page alike (uniform)", "bármelyik lap egyformán"),
    "stream.shootdown": ("two processors, a page moves", "két processzor, egy lap elköltözik"),
    "stream.trace": ("a dropped trace file", "idehúzott nyomfájl"),
    "tag.vpid": ("VPID tags", "VPID-címkék"),
    "tag.vpid.note": (
        "Every entry carries its virtual machine: nothing is flushed on a switch.",
        "Minden bejegyzés hordozza a virtuális gépét: váltáskor semmi sem törlődik."),
    "tag.flush": ("Flush on switch", "Ürítés váltáskor"),
    "tag.flush.note": (
        "Entries do not tell whose they are: a switch flushes all.",
        "A bejegyzésekből nem derül ki, kiéi: váltáskor mind törlődik."),
    "option.geometry": ("Sets × ways", "Halmazok × utak"),
    "option.policy": ("Makes room", "Helyet csinál"),
    "policy.fifo": ("the first filled", "a legelőször betöltött"),
    "policy.lru": ("the longest unused", "a legrégebben használt"),
    "option.machines": ("Machines", "Gépek"),
    "machines.2": ("two, by turns", "kettő, felváltva"),
    "machines.1": ("one", "egy"),
    "machines.4": ("four, by turns", "négy, felváltva"),
    "option.turn": ("Turn", "Kör"),
    "turn.24": ("24 accesses", "24 elérés"),
    "turn.8": ("8 accesses", "8 elérés"),
    "turn.120": ("120 accesses", "120 elérés"),
    "option.pages": ("Pages each", "Lap gépenként"),
    "option.ipi": ("Shootdown", "Érvénytelenítés"),
    "ipi.sent": ("asked for", "kérik"),
    "ipi.forgotten": ("forgotten", "elfelejtik"),
    "kind.miss": ("miss", "hiány"),
    "kind.evicted": ("eviction", "kiszorítás"),
    "kind.switch": ("switch", "váltás"),
    "kind.shootdown": ("shootdown", "shootdown"),
    "kind.stale": ("stale translation", "elavult fordítás"),
    "field.tag": ("tag", "címke"),
    "field.page": ("page", "lap"),
    "field.set": ("set", "halmaz"),
    "verdict.hit": ("hit", "találat"),
    "verdict.miss": ("miss: walk and fill", "hiány: bejárás, betöltés"),
    "verdict.stale": ("hit, but stale", "találat, de elavult"),
    "verdict.flushed": ("flushed", "kiürítve"),
    "verdict.kept": ("kept", "megmarad"),
    "verdict.remapped": ("page moved", "lap áthelyezve"),
    "verdict.shot": ("dropped on request", "kérésre törölve"),
    "verdict.invalidated": ("INVLPG", "INVLPG"),
    "actor.vm": ("VM {vm}", "{vm}. VM"),
    "actor.cpu": ("processor {cpu}", "{cpu}. processzor"),
    "shelf.cpu": ("TLB of processor {cpu}", "{cpu}. processzor TLB-je"),
    "plot.title": (
        "hits among the last {window} accesses, %", "találatok az utolsó {window} elérésből, %"),
    "curve.vpid": ("VPID", "VPID"),
    "curve.flush": ("flush", "ürítés"),
    "curve.own": ("hits", "találat"),
    "curve.cpu": ("both", "mindkettő"),
    "drop": (
        "Drop a trace file onto the page, or choose one above: the output of Valgrind's lackey "
        "(--trace-mem=yes) or CSV, compressed or not.",
        "Húzz egy nyomfájlt az oldalra, vagy válaszd ki fent: a Valgrind lackey kimenetét "
        "(--trace-mem=yes) vagy CSV-t, tömörítve is lehet."),
    "start": (
        "The [TLB](tlb) is empty: {sets} set(s) of {ways} way(s). The low bits of a page's number "
        "choose its set. Press → for the first access.",
        "A [TLB](tlb) üres: {sets} halmaz, mindegyikben {ways} hely. A lapszám alsó bitjei "
        "választják a halmazt. Az első eléréshez nyomd meg a → billentyűt."),
    "hit": (
        "[VM {vm}](@{context}) uses page {page}: found in set {set}, frame {frame}. No "
        "[walk](walk).",
        "A(z) [{vm}. VM](@{context}) a(z) {page} lapot éri el: megvan a(z) {set}. halmazban, "
        "kerete {frame}. Nincs [bejárás](walk)."),
    "miss": (
        "[VM {vm}](@{context}) uses page {page}: not in set {set}. The [walk](walk) finds frame "
        "{frame}, which takes a free way.",
        "A(z) [{vm}. VM](@{context}) a(z) {page} lapot éri el: nincs a(z) {set}. halmazban. A "
        "[bejárás](walk) a(z) {frame} keretet találja, amely szabad helyre kerül."),
    "miss.evicted": (
        "[VM {vm}](@{context}) uses page {page}: not in set {set}. The [walk](walk) finds frame "
        "{frame}; page {gone} of VM {whose} makes room.",
        "A(z) [{vm}. VM](@{context}) a(z) {page} lapot éri el: nincs a(z) {set}. halmazban. A "
        "[bejárás](walk) a(z) {frame} keretet találja; a(z) {whose}. VM {gone} lapja ad helyet."),
    "hit.cpu": (
        "[Processor {cpu}](@{context}) uses page {page}: found in set {set} of its own TLB, frame "
        "{frame}. No [walk](walk).",
        "A(z) [{cpu}. processzor](@{context}) a(z) {page} lapot éri el: megvan a saját TLB-jének "
        "{set}. halmazában, kerete {frame}. Nincs [bejárás](walk)."),
    "miss.cpu": (
        "[Processor {cpu}](@{context}) uses page {page}: not in set {set} of its own TLB. The "
        "[walk](walk) finds frame {frame}, which takes a free way.",
        "A(z) [{cpu}. processzor](@{context}) a(z) {page} lapot éri el: nincs a saját TLB-jének "
        "{set}. halmazában. A [bejárás](walk) a(z) {frame} keretet találja, amely szabad helyre "
        "kerül."),
    "miss.evicted.cpu": (
        "[Processor {cpu}](@{context}) uses page {page}: not in set {set} of its own TLB. The "
        "[walk](walk) finds frame {frame}; page {gone} makes room.",
        "A(z) [{cpu}. processzor](@{context}) a(z) {page} lapot éri el: nincs a saját TLB-jének "
        "{set}. halmazában. A [bejárás](walk) a(z) {frame} keretet találja; a(z) {gone} lap ad "
        "helyet."),
    "invalidated.cpu": (
        "INVLPG: [processor {cpu}](@{context}) drops page {page} ({count} entry). That reaches no "
        "other processor.",
        "INVLPG: a(z) [{cpu}. processzor](@{context}) törli a(z) {page} lapot ({count} "
        "bejegyzés). Ez más processzorhoz nem jut el."),
    "flushed": (
        "[VM {vm}](@{context}) gets the processor. Entries do not say whose they are, so all "
        "{count} are flushed.",
        "A(z) [{vm}. VM](@{context}) kapja a processzort. A bejegyzésekből nem derül ki, kiéi, "
        "ezért mind a(z) {count} törlődik."),
    "kept": (
        "[VM {vm}](@{context}) gets the processor. The [VPID](vpid) tells whose an entry is, so "
        "all {count} stay.",
        "A(z) [{vm}. VM](@{context}) kapja a processzort. A [VPID](vpid) megmondja, kié a "
        "bejegyzés, így mind a(z) {count} megmarad."),
    "remapped": (
        "Processor {cpu}: the kernel moves page {page} to frame {frame} and drops its own "
        "translation with INVLPG. That reaches no other processor.",
        "{cpu}. processzor: a kernel a(z) {page} lapot a(z) {frame} keretbe teszi, és INVLPG-vel "
        "törli a saját fordítását. Ez más processzorhoz nem jut el."),
    "shot": (
        "[Shootdown](shootdown): an interrupt asks processor {cpu} to drop page {page} "
        "({count} entry), and the other waits for its answer.",
        "[TLB-shootdown](shootdown): megszakítás kéri a(z) {cpu}. processzort, hogy törölje a(z) "
        "{page} lapot ({count} bejegyzés), és a másik megvárja a választ."),
    "stale": (
        "Processor {cpu} uses page {page} and still finds frame {frame}. The page tables say "
        "{wanted}: it reads or writes memory that may be another's by now.",
        "A(z) {cpu}. processzor a(z) {page} lapnál még a(z) {frame} keretet találja. A laptáblák "
        "szerint {wanted}: olyan memóriát ér el, amely már másé lehet."),
    "invalidated": (
        "INVLPG: page {page} of [VM {vm}](@{context}) is dropped ({count} entry).",
        "INVLPG: a(z) [{vm}. VM](@{context}) {page} lapja törölve ({count} bejegyzés)."),
    "panel.counters": ("Counters", "Számlálók"),
    "count.hits": ("hits", "találat"),
    "count.misses": ("misses", "hiány"),
    "count.evictions": ("evictions", "kiszorítás"),
    "count.flushed": ("flushed entries", "kiürített bejegyzés"),
    "count.shootdowns": ("shootdowns", "shootdown"),
    "count.stale": ("stale uses", "elavult használat"),
    "count.note": (
        "{accesses} accesses, {rate} % hits; with the other way of switching {other} %",
        "{accesses} elérés, {rate}% találat; a másik váltási móddal {other}%"),
    "count.alone": (
        "{accesses} accesses, {rate} % hits", "{accesses} elérés, {rate}% találat"),
    "panel.console": ("Type an access", "Írj be egy elérést"),
    "console.help": (
        "A page number in hexadecimal; 'invlpg PAGE'; 'switch' to the next machine.",
        "Lapszám tizenhatos számrendszerben; 'invlpg LAP'; 'switch': a következő gépre."),
    "panel.trace": ("The trace", "A nyomfájl"),
    "trace.name": (
        "{name}: the first {shown} of {accesses} accesses.",
        "{name}: az első {shown} elérés a(z) {accesses} közül."),
    "trace.garbage": (
        "{count} lines say nothing; the first: {lines}",
        "{count} sor értelmezhetetlen; az elsők: {lines}"),
}
