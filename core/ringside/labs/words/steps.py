"""One sentence per step: what just happened, built from the event's own facts."""

from __future__ import annotations

from .pv_steps import PV_STEPS
from .say import Message
from .vtx_steps import VTX_STEPS

STEPS: dict[str, Message] = {
    "start": (
        "The machine is ready. Press → for the first step.",
        "A gép készen áll. Az első lépéshez nyomd meg a → billentyűt."),
    "start.guest": (
        "The [VMM](vmm) has put the [guest](guest) into [ring](ring) 1. Press → for the first "
        "step.",
        "A [VMM](vmm) az 1-es [gyűrűbe](ring) tette a [vendéget](guest). Az első lépéshez nyomd "
        "meg a → billentyűt."),
    "end": (
        "The run has ended: {outcome}.",
        "A futás véget ért: {outcome}."),
    # direct execution
    "run.app": (
        "The [application](@app) runs {insn} directly on the processor.",
        "Az [alkalmazás](@app) közvetlenül a processzoron futtatja: {insn}."),
    "run.kernel": (
        "The [guest kernel](@kernel) runs {insn} directly on the processor.",
        "A [vendégkernel](@kernel) közvetlenül a processzoron futtatja: {insn}."),
    "run.vmm": (
        "The [VMM](@vmm) is at work.",
        "A [VMM](@vmm) dolgozik."),
    "run.cli": (
        "The [kernel](@kernel) switches interrupts off: [IF](if) is now 0.",
        "A [kernel](@kernel) letiltja a megszakításokat: az [IF](if) most 0."),
    "run.sti": (
        "The [kernel](@kernel) switches interrupts on: [IF](if) is now 1.",
        "A [kernel](@kernel) engedélyezi a megszakításokat: az [IF](if) most 1."),
    "run.out": (
        "The [{who}](@{context}) writes {value} to [port](port) {port}: {device} gets it.",
        "A(z) [{who}](@{context}) a(z) {port} [portra](port) írja: {value}. A(z) {device} "
        "megkapja."),
    "run.in": (
        "The [{who}](@{context}) reads [port](port) {port}: {device} answers {value}.",
        "A(z) [{who}](@{context}) a(z) {port} [portot](port) olvassa: a(z) {device} válasza "
        "{value}."),
    "run.control": (
        "The [kernel](@kernel) loads {register}: {before} → {after}.",
        "A [kernel](@kernel) betölti a(z) {register} regisztert: {before} → {after}."),
    "ring.in": (
        "{cause} takes the processor from [ring](ring) {before} into ring {after}.",
        "{cause} a processzort a(z) {before}. [gyűrűből](ring) a(z) {after}. gyűrűbe viszi."),
    "ring.out": (
        "{cause} goes from [ring](ring) {before} out to ring {after}: an [application](@app) runs "
        "again.",
        "{cause} a(z) {before}. [gyűrűből](ring) a(z) {after}. gyűrűbe lép: újra egy "
        "[alkalmazás](@app) fut."),
    "syscall": (
        "The [application](@app) makes [system call](syscall) {number}: INT {vector} enters the "
        "kernel through the [IDT](idt).",
        "Az [alkalmazás](@app) a(z) {number}. [rendszerhívást](syscall) kéri: az INT {vector} az "
        "[IDT](idt)-n át a kernelbe lép."),
    "interrupt": (
        "A device [interrupt](interrupt), vector {vector}, stops the guest at {eip} and enters its "
        "handler.",
        "Egy eszköz [megszakítása](interrupt) ({vector}. vektor) megállítja a vendéget ({eip}), "
        "és a kezelője veszi át a vezérlést."),
    "fault": (
        "{insn} raises [{name}](fault) at {eip}: the processor enters the kernel's handler.",
        "{insn} a(z) {eip} címen [{name}](fault) kivételt okoz: a processzor a kernel kezelőjébe "
        "lép."),
    "fault.nothing": (
        "{nothing}: the processor raises [{name}](fault) and enters the kernel's handler.",
        "{nothing}: a processzor [{name}](fault) kivételt vált ki, és a kernel kezelőjébe lép."),
    "fault.chain": (
        "{insn} raises [{name}](fault) at {eip}. Delivering it through the [IDT](idt) raises "
        "{chain}: for the last of these the processor enters the kernel's handler.",
        "{insn} a(z) {eip} címen [{name}](fault) kivételt okoz. A kézbesítése az [IDT](idt)-n át "
        "újabbat vált ki: {chain}. Az utolsónak a kezelőjébe lép a processzor."),
    "shutdown.raised": (
        "{insn} raises [{name}](fault) at {eip}, which cannot be delivered through the [IDT](idt). "
        "Neither can what follows from that, the double fault included ({chain}): the processor "
        "shuts down.",
        "{insn} a(z) {eip} címen [{name}](fault) kivételt okoz, amely az [IDT](idt)-n át nem "
        "kézbesíthető. Ami ebből következik, az sem, a kettős hiba sem ({chain}): a processzor "
        "leáll."),
    "shutdown.tried": (
        "The [VMM](@vmm) tries to deliver the exception through the guest's own [IDT](idt), and "
        "what follows when that fails ({chain}), the double fault included. None can be "
        "delivered: the virtual processor shuts down.",
        "A [VMM](@vmm) a vendég saját [IDT](idt)-jén át próbálja kézbesíteni a kivételt, majd "
        "azt, ami a kudarcból következik ({chain}), végül a kettős hibát. Egyik sem kézbesíthető: "
        "a virtuális processzor leáll."),
    "shutdown.delivery": (
        "The [VMM](@vmm) tries to deliver the exception through the guest's own [IDT](idt). "
        "Neither it nor the double fault that follows can be delivered: the virtual processor "
        "shuts down.",
        "A [VMM](@vmm) a vendég saját [IDT](idt)-jén át próbálja kézbesíteni a kivételt. Sem ez, "
        "sem a belőle következő kettős hiba nem kézbesíthető: a virtuális processzor leáll."),
    "shutdown.exit": (
        "After the triple fault there is nothing to return to: the [VMM](@vmm) stops only this "
        "[virtual CPU](vcpu), as a real processor would shut down. The host and other guests go "
        "on.",
        "A hármas hiba után nincs hová visszatérni: a [VMM](@vmm) csak ezt a "
        "[virtuális CPU-t](vcpu) állítja le, ahogy a valódi processzor is leállna. A gazda és a "
        "többi vendég fut tovább."),
    "fault.page": (
        "The address {address} is not mapped for this access: [page fault](pf). The kernel's "
        "handler takes over.",
        "A(z) {address} cím ehhez a hozzáféréshez nincs leképezve: [laphiba](pf). A kernel "
        "kezelője veszi át."),
    "halt": (
        "[HLT](hlt): the processor stops; only an [interrupt](interrupt) can wake it.",
        "[HLT](hlt): a processzor megáll; csak egy [megszakítás](interrupt) ébresztheti fel."),
    "wake": (
        "An [interrupt](interrupt) wakes the processor after {idle} idle ticks.",
        "Egy [megszakítás](interrupt) {idle} üresjárati ütem után felébreszti a processzort."),
    "console": (
        "The [{who}](@{context}) runs {insn}, and the console shows {text}.",
        "A(z) [{who}](@{context}) futtatja: {insn}, és a konzolon megjelenik: {text}."),
    # silent failures
    "silent": (
        "[{mnemonic}](sensitive) should have set {flag} to {wanted}. In ring {ring} the processor "
        "ignores that without a [trap](trap): {flag} stays {kept}, and the [VMM](vmm) never knew.",
        "A(z) [{mnemonic}](sensitive) a(z) {flag} bitet {wanted} értékre állította volna. A(z) "
        "{ring}. gyűrűben a processzor ezt [csapda](trap) nélkül figyelmen kívül hagyja: {flag} "
        "= {kept}, és a [VMM](vmm) nem is tud róla."),
    "revealed": (
        "[{mnemonic}](sensitive) reads the real machine, not the virtual one: {value}. No "
        "[trap](trap), so the [VMM](vmm) cannot correct it.",
        "A(z) [{mnemonic}](sensitive) a valódi gépet olvassa, nem a virtuálisat: {value}. Nincs "
        "[csapda](trap), így a [VMM](vmm) nem javíthat rajta."),
    # into the VMM
    "trap": (
        "The [{who}](@{context}) tries {insn} in [ring](ring) {ring}. The processor "
        "[traps](trap): {name} brings in the [VMM](@vmm).",
        "A(z) [{who}](@{context}) a(z) {ring}. [gyűrűben](ring) ezt próbálja: {insn}. Ez "
        "[csapda](trap): a(z) {name} a [VMM](@vmm)-nek adja a vezérlést."),
    "trap.nothing": (
        "{nothing}. The processor [traps](trap): {name} brings in the [VMM](@vmm).",
        "{nothing}. Ez [csapda](trap): a(z) {name} a [VMM](@vmm)-nek adja a vezérlést."),
    "trap.callout": (
        "The translated code of the [guest kernel](@kernel) calls the [VMM](@vmm) by an INT.",
        "A [vendégkernel](@kernel) lefordított kódja egy INT-tel a [VMM](@vmm)-et hívja."),
    "trap.cli": (
        "The [guest kernel](@kernel) tries to switch interrupts off. [CPL](cpl) {ring} > "
        "[IOPL](iopl) 0, so the CPU [traps](trap) into the [VMM](@vmm).",
        "A [vendégkernel](@kernel) letiltaná a megszakításokat. [CPL](cpl) {ring} > [IOPL](iopl) "
        "0, ezért a CPU [csapdával](trap) a [VMM](@vmm)-be lép."),
    "trap.sti": (
        "The [guest kernel](@kernel) tries to switch interrupts on. [CPL](cpl) {ring} > "
        "[IOPL](iopl) 0, so the CPU [traps](trap) into the [VMM](@vmm).",
        "A [vendégkernel](@kernel) engedélyezné a megszakításokat. [CPL](cpl) {ring} > "
        "[IOPL](iopl) 0, ezért a CPU [csapdával](trap) a [VMM](@vmm)-be lép."),
    "trap.hlt": (
        "The [guest kernel](@kernel) tries [HLT](hlt). It must stop the guest, not the host: the "
        "CPU [traps](trap) into the [VMM](@vmm).",
        "A [vendégkernel](@kernel) [HLT](hlt)-t hajtana végre. Ennek a vendéget kell "
        "megállítania, nem a gazdát: a CPU [csapdával](trap) a [VMM](@vmm)-be lép."),
    "trap.io": (
        "The [{who}](@{context}) reaches for a device with {insn}. [CPL](cpl) {ring} > "
        "[IOPL](iopl) 0, so the CPU [traps](trap) into the [VMM](@vmm).",
        "A(z) [{who}](@{context}) eszközhöz nyúl: {insn}. [CPL](cpl) {ring} > [IOPL](iopl) 0, "
        "ezért a CPU [csapdával](trap) a [VMM](@vmm)-be lép."),
    "trap.iret": (
        "The [guest kernel](@kernel) returns with [IRET](iret) to a ring it may not enter by "
        "itself: {name} brings in the [VMM](@vmm).",
        "A [vendégkernel](@kernel) [IRET](iret)-tel olyan gyűrűbe térne vissza, ahová magától "
        "nem léphet: a(z) {name} a [VMM](@vmm)-nek adja a vezérlést."),
    "trap.int": (
        "The [application](@app) makes a [system call](syscall). The real [IDT](idt) belongs to "
        "the [VMM](@vmm), so it gets control first.",
        "Az [alkalmazás](@app) [rendszerhívást](syscall) kér. A valódi [IDT](idt) a "
        "[VMM](@vmm)-é, ezért ő kapja meg először a vezérlést."),
    "trap.page": (
        "The [{who}](@{context}) touches {address}, which the [shadow page table](shadow) does not "
        "allow: [#PF](pf) brings in the [VMM](@vmm).",
        "A(z) [{who}](@{context}) a(z) {address} címhez nyúl, amelyet az "
        "[árnyék-laptábla](shadow) nem enged elérni: a [#PF](pf) a [VMM](@vmm)-nek adja a "
        "vezérlést."),
    "trap.interrupt": (
        "It is time for a device [interrupt](interrupt): the [VMM](@vmm) takes the processor.",
        "Eszköz[megszakítás](interrupt) esedékes: a [VMM](@vmm) veszi át a processzort."),
    # the VMM's work
    "emulate": (
        "The [VMM](@vmm) [emulates](emulate) {insn} on the [virtual CPU](vcpu).",
        "A [VMM](@vmm) a [virtuális CPU-n](vcpu) [emulálja](emulate): {insn}."),
    "emulate.changed": (
        "The [VMM](@vmm) [emulates](emulate) {insn} on the [virtual CPU](vcpu): {register} "
        "{before} → {after}.",
        "A [VMM](@vmm) a [virtuális CPU-n](vcpu) [emulálja](emulate): {insn}. {register}: {before} "
        "→ {after}."),
    "emulate.segments": (
        "The guest's segments do not hold what its [descriptor table](gdt) says now. Until it "
        "loads them again, only the [VMM](@vmm) can carry its code out: it [emulates](emulate) "
        "{insn}.",
        "A vendég szegmensei nem azt tartalmazzák, amit a [leírótáblája](gdt) most mond. Amíg "
        "újra be nem tölti őket, csak a [VMM](@vmm) hajthatja végre a kódját: "
        "[emulálja](emulate): {insn}."),
    "emulate.beyond": (
        "{insn} lies outside the code segment the guest has on the real processor, so the "
        "[VMM](@vmm) [emulates](emulate) it on the [virtual CPU](vcpu).",
        "Ez az utasítás kívül esik azon a kódszegmensen, amelyet a vendég a valódi processzoron "
        "kap, ezért a [VMM](@vmm) a [virtuális CPU-n](vcpu) [emulálja](emulate): {insn}."),
    "emulate.single": (
        "The guest's kernel single-steps itself ([TF](tf) is 1). Translated code cannot be stepped "
        "like that, so the [VMM](@vmm) [emulates](emulate) {insn}.",
        "A vendég rendszermagja lépésenként futtatja magát (a [TF](tf) 1). A lefordított kód így "
        "nem léptethető, ezért a [VMM](@vmm) [emulálja](emulate): {insn}."),
    "emulate.narrow": (
        "The guest's kernel runs in a 16-bit segment, and such code is not translated: the "
        "[VMM](@vmm) [emulates](emulate) {insn}.",
        "A vendég rendszermagja 16 bites szegmensben fut, az ilyen kód nem lesz lefordítva: a "
        "[VMM](@vmm) [emulálja](emulate): {insn}."),
    "emulate.ring": (
        "The guest is in [ring](ring) 1 or 2, whose code is neither run directly nor translated: "
        "the [VMM](@vmm) [emulates](emulate) {insn}.",
        "A vendég az 1-es vagy a 2-es [gyűrűben](ring) van; az ottani kód se közvetlenül nem fut, "
        "se lefordítva: a [VMM](@vmm) [emulálja](emulate): {insn}."),
    "emulate.real": (
        "The guest is in real mode, where nothing is translated: the [VMM](@vmm) "
        "[emulates](emulate) {insn}.",
        "A vendég valós módban van, ott semmi sincs lefordítva: a [VMM](@vmm) "
        "[emulálja](emulate): {insn}."),
    "emulate.descriptors": (
        "The guest's [descriptor table](gdt) is in this page, and the processor uses a copy the "
        "[VMM](@vmm) made of it. So the page is read-only, and the VMM does {insn} itself.",
        "Ebben a lapban van a vendég [leírótáblája](gdt), a processzor pedig a [VMM](@vmm) róla "
        "készült másolatát használja. Ezért a lap csak olvasható, és a VMM hajtja végre: {insn}."),
    "emulate.tables": (
        "This is a [page table](pagetable) of the guest's, from which [shadow](shadow) entries "
        "were made. So the page is read-only, and the [VMM](@vmm) does {insn} itself.",
        "Ez a vendég egyik [laptáblája](pagetable), ebből készültek az [árnyéktábla](shadow) "
        "bejegyzései. Ezért a lap csak olvasható, és a [VMM](@vmm) hajtja végre: {insn}."),
    "emulate.code": (
        "Code in this page has been [translated](translation), so the page is read-only. The "
        "[VMM](@vmm) does {insn} itself, and drops every translation made from bytes it changes.",
        "Ebben a lapban lefordított kód van, ezért csak olvasható. A [VMM](@vmm) maga hajtja "
        "végre: {insn}, és eldob minden [fordítást](translation), amely megváltozó bájtokból "
        "készült."),
    "emulate.adapted": (
        "{insn} trapped so often that a [callout](callout) was put in its place. The [VMM](@vmm) carries it "
        "out on the [virtual CPU](vcpu).",
        "Annyiszor okozott csapdát, hogy [VMM-hívás](callout) került a helyére: {insn}. A [VMM](@vmm) hajtja "
        "végre a [virtuális CPU-n](vcpu)."),
    "emulate.cli": (
        "The [VMM](@vmm) clears the guest's virtual [IF](if). When the guest runs again, the real "
        "one is 1, so the host keeps control.",
        "A [VMM](@vmm) a vendég virtuális [IF](if) bitjét törli. Amikor a vendég újra fut, a "
        "valódi 1, így a gazda kezében marad a vezérlés."),
    "emulate.sti": (
        "The [VMM](@vmm) sets the guest's virtual [IF](if). The real one is 1 whenever the guest "
        "runs, before and after.",
        "A [VMM](@vmm) a vendég virtuális [IF](if) bitjét állítja 1-re. A valódi előtte is, utána "
        "is 1, valahányszor a vendég fut."),
    "emulate.hlt": (
        "The [VMM](@vmm) stops only this [virtual CPU](vcpu). The host and other guests go on.",
        "A [VMM](@vmm) csak ezt a [virtuális CPU-t](vcpu) állítja meg. A gazda és a többi vendég "
        "fut tovább."),
    "emulate.io": (
        "The [VMM](@vmm) does {insn} on the guest's virtual device: {register}.",
        "A [VMM](@vmm) a vendég virtuális eszközén hajtja végre: {insn} ({register})."),
    "emulate.iret": (
        "The [VMM](@vmm) carries out the [IRET](iret) on the [virtual CPU](vcpu), including the "
        "virtual [IF](if).",
        "A [VMM](@vmm) a [virtuális CPU-n](vcpu) hajtja végre az [IRET](iret)-et, a virtuális "
        "[IF](if)-fel együtt."),
    "inject": (
        "The [VMM](@vmm) delivers {name} to the guest through the guest's own [IDT](idt), handler "
        "at {handler}.",
        "A [VMM](@vmm) a vendég saját [IDT](idt)-jén át kézbesíti: {name}, kezelő: {handler}."),
    "inject.int": (
        "The [VMM](@vmm) passes the [system call](syscall) on: it enters the guest kernel's "
        "handler at {handler} through the guest's own [IDT](idt).",
        "A [VMM](@vmm) továbbadja a [rendszerhívást](syscall): a vendég saját [IDT](idt)-jén át a "
        "vendégkernel kezelőjébe lép ({handler})."),
    "shadow": (
        "The guest's own table maps {gva}, so this was a [hidden fault](hidden-fault). The "
        "[VMM](@vmm) fills the [shadow](shadow): {gva} → frame at {hpa}.",
        "A vendég saját táblája leképezi: {gva}, tehát ez [rejtett laphiba](hidden-fault) volt. A "
        "[VMM](@vmm) kitölti az [árnyékot](shadow): {gva} → {hpa} keret."),
    "shadow.unpaged": (
        "The guest has not switched paging on: its address {gva} is guest-physical. The "
        "[VMM](@vmm) still needs a [shadow](shadow) entry, and fills it in: {gva} → frame at "
        "{hpa}. The guest knows nothing of this [hidden fault](hidden-fault).",
        "A vendég még nem kapcsolta be a lapozást: a(z) {gva} cím vendégfizikai. A "
        "[VMM](@vmm)-nek így is kell [árnyékbejegyzés](shadow), és ki is tölti: {gva} → {hpa} "
        "keret. A vendég nem tud erről a [rejtett laphibáról](hidden-fault)."),
    "inject.nothing": (
        "{nothing}. The [VMM](@vmm) delivers {name} to the guest through the guest's own "
        "[IDT](idt), handler at {handler}.",
        "{nothing}. A [VMM](@vmm) a vendég saját [IDT](idt)-jén át kézbesíti: {name}, kezelő: "
        "{handler}."),
    "inject.chain": (
        "The [VMM](@vmm) delivers an exception to the guest; delivering it raises the next "
        "({chain}). For {name} there is a handler in the guest's own [IDT](idt).",
        "A [VMM](@vmm) kivételt kézbesít a vendégnek; a kézbesítés újabbat vált ki ({chain}). A(z) "
        "{name} kivételnek van kezelője a vendég saját [IDT](idt)-jében."),
    "resume": (
        "The [VMM](@vmm) returns with IRET: the guest goes on in [ring](ring) {ring} at {eip}.",
        "A [VMM](@vmm) IRET-tel visszatér: a vendég a(z) {ring}. [gyűrűben](ring) folytatja, "
        "itt: {eip}."),
    # emulation: the VMM is at work all the time
    "start.emulated": (
        "The [guest](guest) is data in the [VMM](vmm)'s hands: its registers are numbers in "
        "memory. Press → for the first instruction.",
        "A [vendég](guest) adat a [VMM](vmm) kezében: a regiszterei számok a memóriában. Az első "
        "utasításhoz nyomd meg a → billentyűt."),
    "interpret": (
        "The [VMM](@vmm) fetches {insn}, takes it apart and carries it out on the "
        "[stored state](vcpu). The processor itself never sees it.",
        "A [VMM](@vmm) beolvassa, szétszedi és a [tárolt állapoton](vcpu) végrehajtja: {insn}. "
        "Maga a processzor nem is látja."),
    "interpret.changed": (
        "The [VMM](@vmm) carries out {insn} on the [stored state](vcpu): {register} {before} → "
        "{after}. The processor itself never sees it.",
        "A [VMM](@vmm) a [tárolt állapoton](vcpu) hajtja végre: {insn}. {register}: {before} → "
        "{after}. Maga a processzor nem is látja."),
    "interpret.io": (
        "The [VMM](@vmm) carries out {insn}: [port](port) {port} leads to its model of a device, "
        "{device}.",
        "A [VMM](@vmm) végrehajtja: {insn}. A(z) {port} [port](port) egy eszköz modelljéhez vezet: "
        "{device}."),
    # paravirtualization
    "start.paravirtual": (
        "This [guest](guest) was [written for a VMM](paravirtualization): it knows that it is in "
        "[ring](ring) 1. Press → for the first step.",
        "Ezt a [vendéget](guest) [VMM-hez írták](paravirtualization): tudja, hogy az 1-es "
        "[gyűrűben](ring) van. Az első lépéshez nyomd meg a → billentyűt."),
    "trap.sensitive": (
        "On this imagined processor [{insn}](sensitive) is privileged too: in [ring](ring) {ring} "
        "it [traps](trap), and the [VMM](@vmm) hears of it.",
        "Ezen az elképzelt processzoron ez is privilegizált: [{insn}](sensitive). A(z) {ring}. "
        "[gyűrűben](ring) [csapdát](trap) vált ki, így a [VMM](@vmm) tud róla."),
    **PV_STEPS,
    "crash": (
        "{vm} cannot go on: {why}. The [VMM](@vmm) ends it; nobody else notices.",
        "{vm} nem futhat tovább: {why}. A [VMM](@vmm) leállítja; senki más nem veszi észre."),
    "schedule": (
        "The host gives the processor to {vm}: {why}.",
        "A gazda a processzort a(z) {vm} gépnek adja: {why}."),
    "block": (
        "{vm} sleeps until its next virtual [interrupt](interrupt).",
        "{vm} a következő virtuális [megszakításáig](interrupt) alszik."),
    "denied": (
        "{vm} asked for guest-physical {gpa}. That memory is not its own: {why}.",
        "{vm} a(z) {gpa} vendégfizikai címet kérte. Ez a memória nem az övé: {why}."),
    "diverge": (
        "From here on the guest differs from bare metal: {what} is {found}, on bare metal "
        "{expected}.",
        "A vendég innentől eltér a csupasz géptől: {what} = {found}, csupasz gépen {expected}."),
    "diverge.sensitive": (
        "[{mnemonic}](sensitive) ran in [ring](ring) {ring} without a [trap](trap), so the "
        "[VMM](@vmm) never knew. The guest now differs from bare metal: {what} is {found} instead "
        "of {expected}.",
        "[{mnemonic}](sensitive) a(z) {ring}. [gyűrűben](ring) [csapda](trap) nélkül futott le, "
        "így a [VMM](@vmm) nem tud róla. A vendég innentől eltér a csupasz géptől: {what} = "
        "{found}, nem {expected}."),
    "met": (
        "{vm} answered frame {number} in time: {latency} ticks.",
        "{vm} időben válaszolt a(z) {number}. keretre: {latency} ütem."),
    "missed": (
        "{vm} missed the [deadline](deadline) of frame {number}: {latency} ticks.",
        "{vm} lekéste a(z) {number}. keret [határidejét](deadline): {latency} ütem."),
    # hardware assist
    **VTX_STEPS,
}

NOTHING: dict[str, Message] = {
    "memory": ("There is no memory at {eip}, and so no instruction",
               "A(z) {eip} címen nincs memória, így utasítás sincs"),
    "bytes": ("The bytes at {eip} ({bytes}) are no instruction",
              "A(z) {eip} címen álló bájtok ({bytes}) nem alkotnak utasítást"),
    "long": ("The instruction at {eip} is longer than 15 bytes",
             "A(z) {eip} címen álló utasítás 15 bájtnál hosszabb"),
}
"""Why there is no instruction at a place the guest has come to."""

WHO: dict[str, Message] = {
    "app": ("application", "alkalmazás"),
    "kernel": ("guest kernel", "vendégkernel"),
    "vmm": ("VMM", "VMM"),
    "device": ("device", "eszköz"),
    "host": ("host", "gazda"),
}

CAUSES: dict[str, Message] = {
    "interrupt": ("An interrupt", "Egy megszakítás"),
    "fault": ("An exception", "Egy kivétel"),
    "exception": ("An exception", "Egy kivétel"),
    "int": ("INT", "Az INT"),
    "iret": ("IRET", "Az IRET"),
    "call": ("A call gate", "Egy hívókapu"),
    "retf": ("RETF", "A RETF"),
}

# The reasons that events carry, as the policies and the VMM name them.
REASONS: dict[str, Message] = {
    "it was running": ("it was running", "eddig is az futott"),
    "it can run": ("it can run", "futásra kész"),
    "its time slice is not over": ("its time slice is not over", "az időszelete még tart"),
    "its turn has come": ("its turn has come", "rá került a sor"),
    "the one before it sleeps": ("the one before it sleeps", "az előtte lévő alszik"),
    "the one before it gives way": ("the one before it gives way", "az előtte lévő lemond róla"),
    "it has the highest priority of those that can run": (
        "it has the highest priority of those that can run",
        "a futásra készek közül neki a legmagasabb a prioritása"),
    "it is beyond this machine's memory": (
        "it is beyond this machine's memory", "túl van e gép memóriáján"),
}

OUTCOMES: dict[str, Message] = {
    "halted": (
        "the guest halted with interrupts off", "a vendég letiltott megszakításokkal megállt"),
    "waiting": ("the guest waits for input", "a vendég bemenetre vár"),
    "exit": ("the guest ended with exit status {status}", "a vendég {status} kilépési kóddal "
             "fejezte be"),
    "exit.success": (
        "the guest ended with code 0, success (exit status 2 × 0 + 1 = {status})",
        "a vendég 0 kóddal, sikeresen befejezte (kilépési kód: 2 × 0 + 1 = {status})"),
    "exit.code": (
        "the guest ended with code {code} (exit status 2 × {code} + 1 = {status})",
        "a vendég {code} kóddal fejezte be (kilépési kód: 2 × {code} + 1 = {status})"),
    "crashed": ("the VMM ended the guest: {detail}", "a VMM leállította a vendéget: {detail}"),
    "entry-failed": (
        "VM entry failed: {detail}", "a VM entry nem sikerült: {detail}"),
    "shutdown": (
        "triple fault: the processor shut down", "hármas hiba: a processzor leállt"),
    "reset": ("the guest reset the processor", "a vendég újraindította a processzort"),
    "not-modelled": (
        "the guest used something that is not modelled: {detail}",
        "a vendég olyasmit használt, ami nincs modellezve: {detail}"),
}

REFUSALS: dict[int, Message] = {
    -1: ("what it names is not the guest's to have", "amit megnevez, az nem a vendégé"),
    -2: ("what it names does not exist", "amit megnevez, az nem létezik"),
    -11: ("too much for one trap: it may ask again for the rest",
          "egy csapdához túl sok: a maradékot újra kérheti"),
    -14: ("a pointer leads where the guest's kernel may not go",
          "egy mutató oda vezet, ahová a vendégkernel nem nyúlhat"),
    -16: ("what it names is in use", "amit megnevez, az használatban van"),
    -22: ("an argument does not fit", "egy argumentum nem megfelelő"),
    -28: ("all of them are in use", "mindegyik foglalt"),
    -38: ("there is no such call", "nincs ilyen hívás"),
}
"""Why a hypercall is refused, by its result."""
