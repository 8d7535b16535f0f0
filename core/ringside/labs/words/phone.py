"""Words of the lab "Phone"."""

from __future__ import annotations

from .say import Message

PHONE: dict[str, Message] = {
    "title": ("Phone", "Telefon"),
    "question": (
        "Can a busy system and a punctual one share one processor?",
        "Osztozhat-e egy processzoron egy mindig dolgozó és egy pontos rendszer?"),
    "policy.round-robin": ("Round robin", "Körforgó"),
    "policy.fixed-priority": ("Fixed priority", "Rögzített prioritás"),
    "policy.round-robin.note": (
        "in turn, {slice} ms each", "sorban, egyenként {slice} ms"),
    "policy.fixed-priority.note": ("the radio always first", "mindig a rádió az első"),
    "option.frame": ("Radio frame", "Rádiókeret"),
    "frame.gsm": ("4.615 ms (GSM)", "4,615 ms (GSM)"),
    "frame.lte": ("1 ms (LTE subframe)", "1 ms (LTE-alkeret)"),
    "frame.slow": ("20 ms", "20 ms"),
    "option.slice": ("Time slice", "Időszelet"),
    "slice.30": ("30 ms", "30 ms"),
    "slice.5": ("5 ms", "5 ms"),
    "slice.1": ("1 ms", "1 ms"),
    "guest.pair": ("Radio and rich system", "Rádió és gazdag rendszer"),
    "radio": ("Radio", "Rádió"),
    "radio.inside": ("radio", "rádió"),  # inside a sentence
    "radio.to": ("radio", "rádiónak"),  # to whom something is given
    "radio.detail": ("real-time system", "valós idejű rendszer"),
    "rich": ("Rich system", "Gazdag rendszer"),
    "rich.inside": ("rich system", "gazdag rendszer"),
    "rich.to": ("rich system", "gazdag rendszernek"),
    "rich.detail": ("always busy", "mindig dolgozik"),
    "state.running": ("running", "fut"),
    "state.ready": ("waiting", "vár"),
    "state.asleep": ("asleep", "alszik"),
    "state.stopped": ("stopped", "leállt"),
    "vmm": ("Hypervisor", "Hipervizor"),
    "denied": ("access refused", "hozzáférés megtagadva"),
    "met": ("met in time", "időben"),
    "missed": ("missed", "lekésve"),
    "strip": ("who has the processor, the last {ms} ms", "kié a processzor az utolsó {ms} ms-ban"),
    "frames": (
        "radio frames; a line is an answer", "rádiókeretek; a vonal a válasz"),
    "latency": ("time to answer, frame by frame", "válaszidő keretenként"),
    "deadline": ("deadline {ms} ms", "határidő {ms} ms"),
    "start": (
        "Two guests share one processor: a radio that must answer every frame before the next one "
        "begins, and a rich system that never rests. Press →.",
        "Két vendég osztozik egy processzoron: egy rádió, amelynek minden keretre a következő "
        "kezdete előtt válaszolnia kell, és egy gazdag rendszer, amely sosem pihen. Nyomd meg a → "
        "billentyűt."),
    "schedule": (
        "The [hypervisor](@vmm) gives the processor to the [{to}](@{context}): {why}.",
        "A [hipervizor](@vmm) a(z) [{to}](@{context}) adja a processzort: {why}."),
    "inject.radio": (
        "A frame begins: the [hypervisor](@vmm) delivers the radio's [interrupt](interrupt), "
        "{late} ms after it was raised.",
        "Keret kezdődik: a [hipervizor](@vmm) kézbesíti a rádió [megszakítását](interrupt), {late} "
        "ms-mal a kérés után."),
    "inject.other": (
        "The [hypervisor](@vmm) delivers an [interrupt](interrupt) to the [{to}](@{context}).",
        "A [hipervizor](@vmm) [megszakítást](interrupt) kézbesít a(z) [{to}](@{context})."),
    "deadline.met": (
        "The [radio](@device) answers frame {number} after {ms} ms: in time.",
        "A [rádió](@device) {ms} ms után válaszol a(z) {number}. keretre: időben."),
    "deadline.late": (
        "The [radio](@device) answers frame {number} after {ms} ms: too late for its "
        "[deadline](deadline).",
        "A [rádió](@device) {ms} ms után válaszol a(z) {number}. keretre: a "
        "[határidőt](deadline) lekéste."),
    "deadline.passed": (
        "Frame {number} went unanswered until its [deadline](deadline) had passed.",
        "A(z) {number}. keret a [határidejéig](deadline) válasz nélkül maradt."),
    "deadline.passed.many": (
        "Frames {first} to {last} went unanswered until their [deadlines](deadline) had passed.",
        "A(z) {first}–{last}. keret a [határidejéig](deadline) válasz nélkül maradt."),
    "deadline.missed": (
        "Frame {number} went unanswered: the radio did not have the processor when its "
        "[deadline](deadline) passed.",
        "A(z) {number}. keret válasz nélkül maradt: a [határidő](deadline) idején a processzor nem "
        "a rádióé volt."),
    "deadline.missed.many": (
        "Frames {first} to {last} went unanswered: the radio did not have the processor when their "
        "[deadlines](deadline) passed.",
        "A(z) {first}–{last}. keret válasz nélkül maradt: a [határidők](deadline) idején a "
        "processzor nem a rádióé volt."),
    "block": (
        "The [{vm}](@{context}) executes [HLT](hlt) and sleeps. Only it stops, not the host.",
        "A(z) [{vm}](@{context}) [HLT](hlt)-t hajt végre, és elalszik. Csak ő áll meg, a gazda "
        "nem."),
    "refused": (
        "The [rich system](@app) maps guest-physical {gpa} and touches it. That address is not in "
        "its memory, so the [shadow table](shadow) gets no entry: it reads {value} like an empty "
        "bus, and the radio's memory stays out of reach.",
        "A [gazdag rendszer](@app) leképezi a(z) {gpa} vendégfizikai címet, és hozzányúl. Ez a "
        "cím nem az ő memóriájában van, ezért az [árnyéktáblába](shadow) nem kerül bejegyzés: "
        "mint üres buszról, {value} olvasható, és a rádió memóriája elérhetetlen marad."),
    "kind.schedule": ("world switch", "világváltás"),
    "kind.deadline": ("deadline met", "betartott határidő"),
    "kind.missed": ("deadline missed", "lekésett határidő"),
    "kind.denied": ("refused access", "megtagadott hozzáférés"),
    "kind.inject": ("interrupt delivered", "kézbesített megszakítás"),
    "kind.block": ("falls asleep", "elalszik"),
    "panel.facts": ("The phone in numbers", "A telefon számokban"),
    "fact.time": ("time", "idő"),
    "fact.switches": ("world switches", "világváltás"),
    "fact.exits": ("exits to the hypervisor", "kilépés a hipervizorba"),
    "fact.cpu.radio": ("processor for the radio", "a rádióé"),
    "fact.cpu.rich": ("processor for the rich system", "a gazdag rendszeré"),
    "console.radio": ("Radio's console", "A rádió konzolja"),
    "console.rich": ("Rich system's console", "A gazdag rendszer konzolja"),
    "model": (
        "Modelled: one instruction a microsecond, {cost} µs for each exit.",
        "Modell: mikroszekundumonként egy utasítás, kilépésenként {cost} µs."),
}
