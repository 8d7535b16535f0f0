"""Words of the lab "Classification"."""

from __future__ import annotations

from .say import Message

CLASSES: dict[str, Message] = {
    "title": ("Classification", "Osztályozás"),
    "question": (
        "Which instructions keep a processor from being virtualized?",
        "Mely utasítások miatt nem virtualizálható egy processzor?"),
    "option.isa": ("Instruction set", "Utasításkészlet"),
    "kind.offender": ("offender", "vétkes"),
    "kind.privileged": ("privileged", "privilegizált"),
    "kind.encoding": ("instruction", "utasítás"),
    "kind.verdict": ("verdict", "ítélet"),
    "all": (
        "{isa} · {done} / {total}", "{isa} · {done} / {total}"),
    "set.privileged": ("privileged: traps in user mode", "privilegizált: user módban csapda"),
    "set.privileged.tip": (
        "For states equal but for the mode it completes in supervisor mode and traps in user mode.",
        "Csak módban eltérő állapotokból indítva rendszermódban lefut, felhasználói módban "
        "csapdába esik."),
    "set.open": ("sensitive, and does not trap", "érzékeny, és nem csapdázik"),
    "set.open.none": ("sensitive without a trap: none", "csapda nélkül érzékeny: nincs"),
    "set.sensitive.tip": (
        "Control-sensitive: it changes mode or resources. Behaviour-sensitive: its result depends "
        "on them.",
        "Vezérlésérzékeny: megváltoztatja a módot vagy az erőforrásokat. Viselkedésérzékeny: az "
        "eredménye ezektől függ."),
    "kind.control.set": ("control-sensitive", "vezérlésérzékeny"),
    "kind.both.set": ("both", "mindkettő"),
    "kind.behaviour.set": ("behaviour-sensitive", "viselkedésérzékeny"),
    "innocuous": (
        "innocuous, may run directly: {count}", "ártalmatlan, közvetlenül futhat: {count}"),
    "state": ("state {number}", "{number}. állapot"),
    "end.done": ("completes", "lefut"),
    "end.trap": ("trap: {trap}", "csapda: {trap}"),
    "end.moved": ("completes", "lefut"),
    "side.before": ("{mode}, before", "{mode}, előtte"),
    "side.after": ("{mode}, after", "{mode}, utána"),
    "side.here": ("{mode}", "{mode}"),
    "side.moved": ("{mode}, moved", "{mode}, máshol"),
    "row.equal": ("what it did", "amit tett"),
    "row.equal.value": ("the same", "azonos"),
    "row.never": ("in every state", "minden állapotban"),
    "row.never.value": ("traps", "csapda"),
    "row.was": ("{name} before", "{name} előtte"),
    "mode.ring 0": ("ring 0", "0-s gyűrű"),
    "mode.ring 1": ("ring 1", "1-es gyűrű"),
    "mode.ring 3": ("ring 3", "3-as gyűrű"),
    "mode.root": ("root mode", "root mód"),
    "mode.non-root": ("non-root mode", "non-root mód"),
    "mode.machine": ("machine mode", "gépi mód"),
    "mode.user": ("user mode", "felhasználói mód"),
    "at.ring 0": ("ring 0", "a 0-s gyűrűben"),
    "at.ring 1": ("ring 1", "az 1-es gyűrűben"),
    "at.ring 3": ("ring 3", "a 3-as gyűrűben"),
    "at.root": ("root mode", "root módban"),
    "at.non-root": ("non-root mode", "non-root módban"),
    "at.machine": ("machine mode", "gépi módban"),
    "at.user": ("user mode", "felhasználói módban"),
    "what.device": ("the device's register", "az eszköz regisztere"),
    "what.halted": ("the halt state", "a leállás állapota"),
    "what.waiting": ("the waiting state", "a várakozás állapota"),
    "what.mode": ("the mode (by number)", "a mód (sorszáma)"),
    "what.debug": ("the debug registers", "a hibakereső regiszterek"),
    "what.tsc": ("the time-stamp counter", "az időbélyeg-számláló"),
    "shows.privileged": ("privileged", "privilegizált"),
    "shows.escapes": ("not privileged", "nem privilegizált"),
    "shows.innocuous": ("innocuous", "ártalmatlan"),
    "shows.control": ("control-sensitive", "vezérlésérzékeny"),
    "shows.location": ("location-sensitive", "helyérzékeny"),
    "shows.mode": ("mode-sensitive", "módérzékeny"),
    "shows.never": ("never completes", "sosem fut le"),
    "start": (
        "Nobody tells the laboratory what an instruction is: each is run on sampled machine states, "
        "in both modes, and the results are compared as [Popek and Goldberg](privileged)'s "
        "definitions say. Press → for the first experiment.",
        "A laboratóriumnak senki sem mondja meg, melyik utasítás micsoda: mindegyiket mintaként "
        "sorsolt gépállapotokon, mindkét módban lefuttatja, és az eredményeket [Popek és "
        "Goldberg](privileged) definíciói szerint veti össze. Az első kísérlethez nyomd meg a → "
        "billentyűt."),
    "say.privileged": (
        "{insn} completes in {first} and traps in {second} ({trap}): it is "
        "[privileged](privileged), the [VMM](@vmm) would be told.",
        "{insn} {first} lefut, {second} csapdába esik ({trap}), tehát "
        "[privilegizált](privileged): a [VMM](@vmm) értesülne róla."),
    "say.escapes": (
        "{insn} completes in {second} without a trap: it is not privileged, and the [VMM](@vmm) "
        "would never hear of it. Is it sensitive?",
        "{insn} {second} csapda nélkül lefut, tehát nem privilegizált, és a [VMM](@vmm) sosem "
        "értesülne róla. Vajon érzékeny-e?"),
    "say.innocuous": (
        "{insn} does the same in every mode and wherever the machine's resources lie, in all "
        "{count} runs: [innocuous](innocuous). It may run directly.",
        "{insn}: minden módban ugyanazt teszi, bárhol legyenek is a gép erőforrásai, mind a(z) "
        "{count} futásban: [ártalmatlan](innocuous). Közvetlenül futhat."),
    "say.privileged.plain": (
        "{insn} completes in {first} and traps in {second} ({trap}): [privileged](privileged). No "
        "state shows it to be sensitive.",
        "{insn} {first} lefut, {second} csapdába esik ({trap}): [privilegizált](privileged). "
        "Egyetlen állapot sem mutatja érzékenynek."),
    "say.control": (
        "{insn} changes {what} from {left} to {right} in {first}, without a trap: it is "
        "control-[sensitive](sensitive).",
        "{insn} {first} csapda nélkül változtat: {what} értéke {left} helyett {right}. "
        "Vezérlés[érzékeny](sensitive)."),
    "say.location": (
        "The same program on a machine whose tables, control registers and devices are other ones: "
        "{insn} leaves {what} at {right} instead of {left}. It is location-[sensitive](sensitive): "
        "it shows the real machine.",
        "Ugyanaz a program egy olyan gépen, ahol mások a táblák, a vezérlőregiszterek és az "
        "eszközök: {insn} után {what} értéke {left} helyett {right}. Hely[érzékeny](sensitive): "
        "a valódi gépet mutatja."),
    "say.mode": (
        "The state is the same but for the mode, and neither run traps. Afterwards {what} is {left} "
        "in {first} and {right} in {second}: {insn} is mode-[sensitive](sensitive).",
        "Az állapot csak a módban tér el, és egyik futás sem csapdázik. Utána {what} értéke: "
        "{first} {left}, {second} {right}. {insn}: mód[érzékeny](sensitive)."),
    "say.never": (
        "{insn} traps in every mode and every state here: there is nothing it could do unnoticed.",
        "{insn} itt minden módban és minden állapotban csapdába esik: észrevétlenül semmit sem "
        "tehet."),
    "say.offends": (
        "Sensitive and not privileged: it breaks theorem 1.",
        "Érzékeny, és nem privilegizált: sérti az 1. tételt."),
    "verdict.fails": (
        "All {total} encodings are examined. {count} instructions are sensitive and do not trap: "
        "theorem 1 does not promise a [VMM](vmm) for this processor. Other means are needed: "
        "[emulation](emulate), translation, changed guests, or new hardware.",
        "Mind a(z) {total} kódolás megvolt. {count} utasítás érzékeny, és nem csapdázik: az 1. "
        "tétel nem ígér [VMM](vmm)-et erre a processzorra. Más út kell: [emuláció](emulate), "
        "fordítás, módosított vendég vagy új hardver."),
    "verdict.holds": (
        "All {total} encodings are examined. Every sensitive instruction traps, so by theorem 1 a "
        "[VMM](vmm) can be built that runs everything else directly.",
        "Mind a(z) {total} kódolás megvolt. Minden érzékeny utasítás csapdázik, tehát az 1. "
        "tétel szerint építhető olyan [VMM](vmm), amely minden mást közvetlenül futtat."),
    "theorem.1": ("Theorem 1", "1. tétel"),
    "theorem.1.condition": ("sensitive ⊆ privileged", "érzékeny ⊆ privilegizált"),
    "theorem.3": ("Theorem 3 (hybrid)", "3. tétel (hibrid)"),
    "theorem.3.condition": ("user-sensitive ⊆ privileged", "user-érzékeny ⊆ privilegizált"),
    "sum.privileged": ("privileged", "privilegizált"),
    "sum.open": ("sensitive, does not trap", "érzékeny, nem csapdázik"),
    "sum.innocuous": ("innocuous", "ártalmatlan"),
    "theorem.open": ("no offender so far", "eddig nincs vétkes"),
    "theorem.fails": ("fails: {count} instructions", "{count} miatt nem teljesül"),
    "theorem.holds": ("holds", "teljesül"),
    "panel.evidence": ("What differs", "Ami eltér"),
    "panel.evidence.none": (
        "Nothing differs but how the runs ended.", "A futások végén kívül semmi sem tér el."),
    "panel.definition": ("The definition", "A definíció"),
    "define.privileged": (
        "Privileged: for two states equal but for the mode, it completes in supervisor mode and "
        "traps in user mode. Memory traps do not count, and doing nothing in silence is no trap.",
        "Privilegizált: két, csak módban eltérő állapotból rendszermódban lefut, felhasználói "
        "módban csapdába esik. A memóriacsapda nem számít, és a néma semmittevés nem csapda."),
    "define.control": (
        "Control-sensitive: there is a state in which it changes the mode or the resources "
        "(segments, tables, control registers, devices …) without a trap.",
        "Vezérlésérzékeny: van olyan állapot, amelyben csapda nélkül megváltoztatja a módot vagy "
        "az erőforrásokat (szegmenseket, táblákat, vezérlőregisztereket, eszközöket …)."),
    "define.location": (
        "Location-sensitive: two states differ only by a move of the resources (memory moved "
        "along), and the results differ by more than the move.",
        "Helyérzékeny: két állapot csak az erőforrások áthelyezésében tér el (a memória velük "
        "mozgott), az eredmények mégsem csak ennyiben."),
    "define.mode": (
        "Mode-sensitive: two states are equal but for the mode, neither traps, and the results "
        "differ in more than the mode.",
        "Módérzékeny: két állapot csak módban tér el, egyik sem csapdázik, és az eredmények nem "
        "csak a módban különböznek."),
    "define.innocuous": (
        "Innocuous: not sensitive. Evidence can only prove sensitivity; “innocuous” is as good as "
        "the samples.",
        "Ártalmatlan: nem érzékeny. Bizonyíték csak az érzékenységre lehet; az „ártalmatlan” "
        "annyit ér, amennyit a minták."),
    "define.theorem": (
        "Theorem 1 (Popek and Goldberg 1974): a VMM can be built if the sensitive instructions are "
        "a subset of the privileged ones. Theorem 3: a hybrid VMM, which interprets the kernel and "
        "runs only user programs directly, can be built if the user-sensitive ones are. Both are "
        "sufficient conditions.",
        "1. tétel (Popek és Goldberg, 1974): VMM építhető, ha az érzékeny utasítások a "
        "privilegizáltak részhalmaza. 3. tétel: hibrid VMM, amely a kernelt értelmezi és csak a "
        "programokat futtatja közvetlenül, építhető, ha a user módban érzékenyekre igaz ez. "
        "Mindkettő elégséges feltétel."),
    "panel.paper": ("Robin and Irvine's list (2000)", "Robin és Irvine listája (2000)"),
    "paper.found": ("found", "megvan"),
    "paper.waits": ("not examined yet", "még nem vizsgált"),
    "paper.part": ("so far not", "eddig nem"),
    "paper.not": ("does not offend here", "itt nem vét"),
    "paper.besides": ("found besides", "ezen kívül"),
    "paper.note": (
        "{agreed} of {listed} listed names found; the paper itself counts {count}. The list is only "
        "compared with, nothing is looked up in it.",
        "A listán szereplő {listed} névből {agreed} van meg; maga a cikk {count}-et számol. A "
        "lista csak összevetésre van itt, a vizsgálat nem néz bele."),
    "panel.reasons": ("Where list and laboratory differ", "Ahol a lista és a labor eltér"),
    "reasons.none": ("No difference so far.", "Eddig nincs eltérés."),
}
