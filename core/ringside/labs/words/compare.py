"""Words of the lab "Compare"."""

from __future__ import annotations

from .say import Message

COMPARE: dict[str, Message] = {
    "title": ("Compare", "Összehasonlítás"),
    "question": (
        "What does the same guest cost under each technique, and is it still the same?",
        "Mennyibe kerül ugyanaz a vendég az egyes technikákkal, és ugyanaz marad-e?"),
    "picture": ("{guest} on {preset}", "{guest}, {preset}"),
    "picture.short": ("{guest}", "{guest}"),
    "step": ("guest step {step}", "{step}. vendéglépés"),
    "where": ("ring {ring} · {address} · {insn}", "{ring}. gyűrű · {address} · {insn}"),
    "where.short": ("ring {ring} · {insn}", "{ring}. gyűrű · {insn}"),
    "where.vmm": ("VMM · {address} · {insn}", "VMM · {address} · {insn}"),
    "where.vmm.short": ("VMM · {insn}", "VMM · {insn}"),
    "where.root": ("root mode · {address} · {insn}", "root mód · {address} · {insn}"),
    "where.root.short": ("root mode · {insn}", "root mód · {insn}"),
    "added": ("+{added} in this step", "+{added} ebben a lépésben"),
    "facts": ("{exits} exits · {share} % direct", "{exits} kilépés · {share}% közvetlen"),
    "facts.one": ("1 exit · {share} % direct", "1 kilépés · {share}% közvetlen"),
    "facts.bare": ("no VMM", "nincs VMM"),
    "facts.interpreted": ("nothing runs directly", "semmi sem fut közvetlenül"),
    "paging.ept": ("EPT", "EPT"),
    "paging.shadow": ("shadow", "árnyék"),
    "isa.title": ("virtualizable", "virtualizálható"),
    "legend.own": ("guest", "vendég"),
    "legend.vmm": ("VMM; ticks: exits", "VMM; jelek: kilépések"),
    "legend.next": (
        "above it: the next instruction", "fölötte: a következő utasítás"),
    "scale.end": ("{cycles} cycles", "{cycles} ciklus"),
    "parted": (
        "step {step}: {what} is {found}, not {expected}",
        "{step}. lépés: {what} = {found}, nem {expected}"),
    "ended": ("ended after {step} steps", "{step} lépés után véget ért"),
    "start": (
        "The same [guest](guest) stands at its first instruction under {count} techniques. Press → "
        "to let each carry out one guest instruction.",
        "Ugyanaz a [vendég](guest) {count} technikával áll az első utasítása előtt. A → "
        "billentyűre mindegyik végrehajt egy vendégutasítást."),
    "said": (
        "{insn}: {parts} cycles.",
        "{insn}: {parts} ciklus."),
    "delivered": ("An event is delivered to the guest", "Egy esemény jut a vendéghez"),
    "part": ("{lane} +{added}", "{lane} +{added}"),
    "parting": (
        "Here {lane} parts from bare metal: {what} is {found} instead of {expected}. "
        "Nobody was told.",
        "Itt válik el a(z) {lane} a csupasz géptől: {what} = {found}, nem {expected}. "
        "Senki sem kapott róla jelzést."),
    "end": ("All have come to their end.", "Mindegyik véget ért."),
    "finished": ("all ended", "mind véget ért"),
    "ported": (
        "Ported guest: other instructions, so it is not compared step by step.",
        "Átírt vendég: mások az utasításai, ezért lépésenként nem vetjük össze."),
    "option.preset": ("Processor", "Processzor"),
    "option.paging": ("Hardware paging", "Hardveres lapozás"),
    "option.paging.processor": ("as the processor can", "ahogy a processzor tudja"),
    "option.paging.both": ("EPT and shadow", "EPT és árnyék"),
    "option.isa": ("Instruction set", "Utasításkészlet"),
    "option.devices": ("Devices", "Eszközök"),
    "devices.without": ("without device time", "eszközidő nélkül"),
    "devices.with": ("with device time", "eszközidővel"),
    "kind.exit": ("exit", "kilépés"),
    "kind.diverge": ("divergence", "eltérés"),
    "panel.equal": ("Equivalence", "Ekvivalencia"),
    "equal": (
        "After each of {steps} guest steps {who} held the same state: registers, flags, segments, "
        "control registers, output, memory.",
        "A(z) {steps} vendéglépés mindegyike után {who} ugyanabban az állapotban volt: regiszterek, "
        "jelzőbitek, szegmensek, vezérlőregiszterek, kimenet, memória."),
    "equal.one": (
        "After 1 guest step {who} hold the same state: registers, flags, segments, control "
        "registers, output, memory.",
        "1 vendéglépés után {who} ugyanabban az állapotban van: regiszterek, jelzőbitek, "
        "szegmensek, vezérlőregiszterek, kimenet, memória."),
    "equal.none": (
        "Registers, flags, segments, control registers, output and memory are compared after every "
        "guest step.",
        "Minden vendéglépés után összevetjük a regisztereket, jelzőbiteket, szegmenseket, "
        "vezérlőregisztereket, a kimenetet és a memóriát."),
    "who.all": ("all", "valamennyi"),
    "who.compared": ("all that are compared", "minden, amit összevetünk,"),
    "apart": (
        "Not compared: {lanes}. The kernel was changed for it, so its instructions are others.",
        "Nem vetjük össze: {lanes}. Ehhez a kernelt átírták, ezért mások az utasításai."),
    "unequal": (
        "{lane} is different since guest step {step}, {insn}: {what} is {found} instead of "
        "{expected}.",
        "{lane} a(z) {step}. vendéglépés ({insn}) óta más: {what} = {found}, nem "
        "{expected}."),
    "panel.exits": ("Exits by kind", "Kilépések fajtánként"),
    "panel.bills": ("Cycles, modelled", "Ciklusok, modellezve"),
    "no.exits": ("none", "nincs"),
    "modelled": (
        "Cycles are modelled: counted events times the prices of {preset}.",
        "A ciklusok modellezettek: megszámolt események szorozva a(z) {preset} áraival."),
}
