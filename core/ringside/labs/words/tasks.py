"""Words of the tasks about processors and theory. ``NAME.why`` says why the answer is right."""

from __future__ import annotations

from .say import Message

PROCESSOR: dict[str, Message] = {
    "traps": (
        "The guest “{guest}” runs under “{technique}” from its first step to its end. How many "
        "times does the [VMM](vmm) get control?",
        "A(z) „{guest}” vendég végigfut, a technika: „{technique}”. Hányszor kapja meg a "
        "vezérlést a [VMM](vmm)?"),
    "traps.why": (
        "Counted over the whole run: {value} times, for the last time in step {step} of {last}.",
        "Az egész futásban {value} alkalommal, utoljára a(z) {step}. lépésben; összesen {last} "
        "lépés van."),
    "parting": (
        "The guest “{guest}” runs under “{technique}”, and on bare metal beside it. Which "
        "instruction is the first to leave the two different?",
        "A(z) „{guest}” vendég fut, a technika: „{technique}”, mellette ugyanez csupasz gépen. "
        "Melyik utasítás után tér el először a kettő?"),
    "parting.why": (
        "Both are compared after each guest step. Before step {step} they are equal.",
        "A kettőt minden vendéglépés után összehasonlítjuk. A(z) {step}. lépés előtt egyformák."),
    "ring": (
        "In which [ring](ring) of the processor does the kernel of the guest “{guest}” run when "
        "the technique is “{technique}”? Answer with its number.",
        "A processzor hányas [gyűrűjében](ring) fut a(z) „{guest}” vendég kernele, ha a technika: "
        "„{technique}”?"),
    "ring.why": (
        "In step {step} the kernel runs an instruction itself, and the processor's CPL is {value}.",
        "A(z) {step}. lépésben a kernel maga futtat utasítást, és a processzor CPL-je {value}."),
    "callout": (
        "The lecture's five instructions are translated into one unit. Which of them becomes a "
        "callout, so that the VMM is entered each time?",
        "Az előadás öt utasításából egy fordítási egység lesz. Melyikből lesz VMM-hívás, "
        "amely mindig a VMM-be vezet?"),
    "callout.why": (
        "Of the five only {text} stands in the cache as a callout. Step {step} is its first.",
        "Az öt közül csak ez áll VMM-hívásként a gyorsítótárban: {text}. Először a(z) {step}. "
        "lépésben hív."),
    "units": (
        "How many units does the translator make for the guest “{guest}” until its end, with "
        "those from before the first step shown?",
        "Hány egységet készít a fordító a(z) „{guest}” vendéghez annak végéig, az első látható "
        "lépés előttiekkel együtt?"),
    "units.why": (
        "The last one is made in step {step}; then the translator has made {value}.",
        "Az utolsó a(z) {step}. lépésben készül; ezzel együtt {value}."),
    "given-up": (
        "How many times must the translator give up units of the guest “{guest}”, because the code "
        "they came from was written to?",
        "Hányszor kell a fordítónak eldobnia a(z) „{guest}” vendég egységeit, mert felülírták a "
        "kódot, amelyből készültek?"),
    "given-up.why": (
        "In the whole run, {last} steps, it happens {value} times.",
        "Az egész futásban, amely {last} lépés, ez {value} alkalommal történik."),
    "hypercalls": (
        "How many [hypercalls](hypercall) does the ported guest “{guest}” make until its end?",
        "Hány [hiperhívást](hypercall) tesz a portolt „{guest}” vendég a végéig?"),
    "hypercalls.why": (
        "{value} in the whole run; step {step} is the last.",
        "Az egész futásban {value}; az utolsó a(z) {step}. lépés."),
    "often": (
        "Which [hypercall](hypercall) does the guest “{guest}” make most often?",
        "Melyik [hiperhívást](hypercall) használja leggyakrabban a(z) „{guest}” vendég?"),
    "often.why": (
        "{value} is called {count} times, first in step {step}.",
        "A(z) {value} hívás {count} alkalommal fordul elő, először a(z) {step}. lépésben."),
    "refused": (
        "The guest “{guest}” lies in its hypercalls. How many calls of {call} does the VMM refuse?",
        "A(z) „{guest}” vendég hazudik a hiperhívásaiban. A VMM hány {call} hívást utasít el?"),
    "refused.why": (
        "{value} refused calls of {call}; step {step} is the last of them.",
        "Elutasított {call} hívás: {value}; az utolsó a(z) {step}. lépés."),
    "reason": (
        "With which exit reason (a number in the [VMCS](vmcs)) does {insn} leave the guest "
        "“{guest}”?",
        "Milyen kilépési okkal (egy szám a [VMCS](vmcs)-ben) hagyja el a(z) {insn} a(z) „{guest}” "
        "vendéget?"),
    "reason.why": (
        "In step {step} the processor writes {value} into the field EXIT_REASON.",
        "A(z) {step}. lépésben a processzor az EXIT_REASON mezőbe ezt írja: {value}."),
    "exits": (
        "How many [VM exits](vmexit) does the guest “{guest}” cost until its end, when memory is "
        "virtualized by “{technique}”?",
        "Hány [VM-kilépésbe](vmexit) kerül a(z) „{guest}” vendég a végéig, ha a memória "
        "virtualizálása: „{technique}”?"),
    "exits.why": (
        "{value} in the whole run; step {step} is the last.",
        "Az egész futásban {value}; az utolsó a(z) {step}. lépés."),
    "own-faults": (
        "How many exits with reason 0 (exception) does the guest “{guest}” make, when memory is "
        "virtualized by “{technique}”?",
        "Hányszor lép ki a(z) „{guest}” vendég 0-s okkal (kivétel), ha a memória virtualizálása: "
        "„{technique}”?"),
    "own-faults.why": (
        "{value} in the whole run of {last} steps. With a shadow the VMM must see every page "
        "fault; with nested paging the guest's own faults stay in the guest.",
        "A(z) {last} lépéses futásban {value}. Árnyék esetén a VMM-nek minden laphibát látnia "
        "kell; beágyazott lapozásnál a vendég saját hibái a vendégben maradnak."),
}

THEORY: dict[str, Message] = {
    "none": ("none", "egyik sem"),
    "yes": ("yes", "igen"),
    "no": ("no", "nem"),
    "class": (
        "Which class does the experiment put {insn} into? The processor: {isa}.",
        "Melyik osztályba teszi a kísérlet ezt: {insn}? A processzor: {isa}."),
    "class.privileged": (
        "privileged: it traps in user mode", "privilegizált: felhasználói módban csapda"),
    "class.offender": ("sensitive, but it does not trap", "érzékeny, de nem okoz csapdát"),
    "class.innocuous": ("innocuous", "ártalmatlan"),
    "class.why": (
        "Decided by experiment {step}: two states that differ in mode or place only, and what "
        "{insn} did in each.",
        "A(z) {step}. kísérlet dönti el: két állapot, amely csak módban vagy helyben tér el, és "
        "amit a(z) {insn} bennük tett."),
    "offenders": (
        "Of the first {count} encodings the laboratory examines, how many are sensitive and do "
        "not trap? The processor: {isa}.",
        "A labor által vizsgált első {count} kódolás közül hány érzékeny úgy, hogy nem okoz "
        "csapdát? A processzor: {isa}."),
    "offenders.why": (
        "The last of the {count} is decided in step {step}; {value} of them were offenders.",
        "Az utolsót a(z) {count} közül a(z) {step}. lépés dönti el; közülük {value} ilyen."),
    "spy": (
        "A hostile guest looks for traces of the VMM with instructions that only read. Does it "
        "find any under “{subject}”?",
        "Egy ellenséges vendég csak olvasó utasításokkal keresi a VMM nyomait. Talál ilyet, ha a "
        "technika: „{subject}”?"),
    "spy.why": (
        "Step {step} runs it: it found {count} traces.",
        "A(z) {step}. lépés futtatja: {count} nyomot talált."),
    "unequal": (
        "Under which technique does the guest “{guest}” not behave as on bare metal?",
        "Melyik technikánál nem úgy viselkedik a(z) „{guest}” vendég, mint a csupasz gépen?"),
    "unequal.why": (
        "Each was held beside bare metal after every guest step; step {step} shows it.",
        "Mindegyiket minden vendéglépés után összehasonlítottuk a csupasz géppel; a(z) {step}. "
        "lépés mutatja."),
    "direct": (
        "How many instructions of the guest “{guest}” does the processor run by itself under "
        "“{subject}”?",
        "A(z) „{guest}” vendég hány utasítását futtatja maga a processzor, ha a technika: "
        "„{subject}”?"),
    "direct.why": (
        "Of {steps} guest steps {value} were direct; the VMM got control {exits} times.",
        "A(z) {steps} vendéglépésből {value} volt közvetlen; a VMM {exits} alkalommal kapta meg a "
        "vezérlést."),
    "happenings": (
        "How many {what} does the guest “{guest}” have until its end?",
        "Hány {what} van a(z) „{guest}” vendégben a végéig?"),
    "what.exception": ("exceptions", "kivétel"),
    "what.syscall": ("system calls", "rendszerhívás"),
    "what.interrupt": ("interrupts", "megszakítás"),
    "happenings.why": (
        "{value} in the whole run of {last} steps; step {step} is the last.",
        "A(z) {last} lépéses futásban {value}; az utolsó a(z) {step}. lépés."),
    "by-itself": (
        "The guest “{guest}” runs to its end. How many of its instructions does the real processor "
        "run by itself?",
        "A(z) „{guest}” vendég végigfut. Hány utasítását futtatja maga a valódi processzor?"),
    "by-itself.why": (
        "The emulator carried out {count}; the processor itself ran {value}: it does not know "
        "this instruction set.",
        "Az emulátor {count} utasítást hajtott végre, maga a processzor ennyit: {value}. Ezt az "
        "utasításkészletet nem is ismeri."),
    "first-apart": (
        "The guest “{guest}” runs under all techniques at once. Which is the first to part from "
        "bare metal?",
        "A(z) „{guest}” vendég minden technikával egyszerre fut. Melyik tér el először a csupasz "
        "géptől?"),
    "first-apart.why": (
        "All lanes are compared after each guest step, here up to step {step}.",
        "Minden sávot minden vendéglépés után összehasonlítunk, itt a(z) {step}. lépésig."),
    "lane-exits": (
        "How often has the VMM got control after {count} guest steps of “{guest}” under “{lane}”?",
        "Hányszor kapta meg a VMM a vezérlést a(z) „{guest}” vendég {count} lépése után, ha a "
        "technika: „{lane}”?"),
    "lane-exits.why": (
        "The lane shows {value} exits at guest step {step}.",
        "A sáv a(z) {step}. vendéglépésnél ennyi kilépést mutat: {value}."),
    "dearest": (
        "Which technique has cost most cycles after {count} guest steps of “{guest}”? The "
        "processor: {preset}.",
        "Melyik technika került a legtöbb ciklusba a(z) „{guest}” vendég {count} lépése után? A "
        "processzor: {preset}."),
    "dearest.why": (
        "{cycles} cycles at step {step}: events counted times this processor's prices.",
        "A(z) {step}. lépésnél {cycles} ciklus: megszámolt események szorozva e processzor "
        "áraival."),
    "since": (
        "On which processor is a hardware VMM faster than the software VMM at “{guest}” for the "
        "first time? What is not an exit: {rest}. EPT is used where there is EPT.",
        "Melyik processzoron gyorsabb először a hardveres VMM a szoftveresnél ebben: „{guest}”? "
        "Ami nem kilépés: {rest}. Ahol van EPT, ott azt használja."),
    "since.why": (
        "Step {step} shows the generation that decides it.",
        "A(z) {step}. lépés mutatja azt a nemzedéket, amely eldönti."),
    "prescott": ("Prescott, 2005", "Prescott, 2005"),
    "merom": ("Merom, 2006", "Merom, 2006"),
    "penryn": ("Penryn, 2008", "Penryn, 2008"),
    "westmere": ("Westmere, 2010", "Westmere, 2010"),
    "sandy-bridge": ("Sandy Bridge, 2011", "Sandy Bridge, 2011"),
    "never": ("on none of them", "egyiken sem"),
    "faster": (
        "Which VMM needs fewer cycles for “{guest}” on {preset}? Both keep shadow page tables.",
        "Melyik VMM-nek kell kevesebb ciklus ehhez: „{guest}”? A processzor: {preset}; a "
        "laptábláknak mindkettőnél árnyéka van."),
    "faster.why": (
        "Modelled: the software VMM {software} cycles, the hardware VMM {hardware}.",
        "Modellezve: a szoftveres VMM {software}, a hardveres {hardware} ciklus."),
    "software": ("the software VMM (binary translation)", "a szoftveres VMM (bináris fordítás)"),
    "hardware": ("the hardware VMM (VT-x)", "a hardveres VMM (VT-x)"),
}
