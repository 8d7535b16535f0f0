"""The glossary: every term a sentence may link to, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from .say import Message


@dataclass(frozen=True, slots=True)
class Term:
    """A term, the word for it, and one or two plain sentences that explain it."""

    id: str
    word: Message
    text: Message


GLOSSARY: tuple[Term, ...] = (
    Term("hypercall", ("hypercall", "hiperhívás"), (
        "A call from a guest's kernel to the VMM, as a system call is one from a program to its "
        "kernel.",
        "A vendégkernel hívása a VMM felé, ahogy a rendszerhívás a programé a kernel felé.")),
    Term("vmx", ("VT-x", "VT-x"), (
        "Intel's hardware assist for virtualization: a second mode of the processor for guests, "
        "and instructions (VMX) to enter and leave it. AMD's is AMD-V, or SVM.",
        "Az Intel hardveres támogatása a virtualizációhoz: a processzor egy második módja a "
        "vendégeknek, és utasítások (VMX) a ki- és belépéshez. Az AMD-é az AMD-V, vagyis SVM.")),
    Term("rootmode", ("root and non-root mode", "gyökér és nem gyökér mód"), (
        "Two modes beside the rings: the VMM's, and the guest's, in which chosen actions leave. "
        "Both have rings 0 to 3.",
        "Két mód a gyűrűk mellett: a VMM-é, és a vendégé, amelyből kiválasztott műveletek "
        "kilépnek. Mindkettőben van 0–3. gyűrű.")),
    Term("vmcs", ("VMCS", "VMCS"), (
        "Virtual-machine control structure: a page in memory with the guest's state, the VMM's, "
        "what makes the guest leave, and why it did. AMD's is the VMCB.",
        "Virtuálisgép-vezérlő struktúra: egy lap a memóriában a vendég és a VMM állapotával, "
        "azzal, ami a vendéget kilépteti, és a kilépés okával. Az AMD-nél VMCB.")),
    Term("vmexit", ("VM exit", "VM exit"), (
        "The processor leaves the guest for the VMM: it saves the guest in the VMCS, notes a "
        "numbered reason, and loads the VMM's state. AMD says #VMEXIT.",
        "A processzor a vendégből a VMM-hez lép: a vendéget a VMCS-be menti, számozott okot ír be, "
        "és betölti a VMM állapotát. Az AMD-nél #VMEXIT.")),
    Term("injection", ("event injection", "esemény-injektálás"), (
        "The VMM writes an interrupt or exception into the VMCS; the processor delivers it through "
        "the guest's IDT as part of the VM entry.",
        "A VMM egy megszakítást vagy kivételt ír a VMCS-be; a processzor a VM entry részeként "
        "kézbesíti a vendég IDT-jén át.")),
    Term("window", ("interrupt window", "megszakításablak"), (
        "The moment the guest can take an interrupt again. The VMM can ask for a VM exit then.",
        "A pillanat, amikor a vendég újra fogadhat megszakítást. A VMM kérhet ekkorra VM exitet.")),
    Term("paravirtualization", ("paravirtualization", "paravirtualizáció"), (
        "The guest's kernel is changed beforehand: instead of instructions that cannot be "
        "virtualized it asks the VMM.",
        "A vendég kernelét előre módosítják: a nem virtualizálható utasítások helyett a VMM-hez "
        "fordul.")),
    Term("translation", ("binary translation", "bináris fordítás"), (
        "The VMM reads the kernel's machine code as it is about to run and writes code that is "
        "safe in ring 1 in its place, a dozen instructions at a time. Hot code is translated again as "
        "one region, in which jumps stay as they are.",
        "A VMM közvetlenül a futás előtt beolvassa a kernel gépi kódját, és olyat ír helyette, "
        "amely az 1. gyűrűben is biztonságos: egyszerre tucatnyi utasítást. A gyakran futó kódot "
        "egyetlen régióként újrafordítja, abban az ugrások változatlanok.")),
    Term("callout", ("callout", "VMM-hívás"), (
        "In translated code, what stands in the place of an instruction that must not run in ring "
        "1: a call to the VMM, which carries the instruction out.",
        "A lefordított kódban annak az utasításnak a helyén áll, amely nem futhat az 1. gyűrűben: "
        "hívja a VMM-et, és az hajtja végre.")),
    Term("chained", ("chained", "láncolt"), (
        "Of a jump in translated code: it goes straight to the translation of its target, and "
        "asks nobody.",
        "Ilyen a lefordított kód ugrása, ha egyenesen a célja fordítására visz, és senkit sem "
        "kérdez meg.")),
    Term("lookup", ("lookup", "keresés"), (
        "The search in a hash table for the translation that belongs to an address. Returns and "
        "indirect jumps need it: where they lead is known only as they run.",
        "Egy hasítótáblában a címhez tartozó fordítás megkeresése. Visszatéréshez és közvetett "
        "ugráshoz kell: hogy hová visznek, csak futás közben derül ki.")),
    Term("vmm", ("VMM", "VMM"), (
        "Virtual machine monitor, also hypervisor: the software that owns the real machine and "
        "gives each guest a virtual one.",
        "Virtuálisgép-monitor, más néven hipervizor: a szoftver, amely a valódi gépet birtokolja, "
        "és minden vendégnek egy virtuálisat ad.")),
    Term("guest", ("guest", "vendég"), (
        "The operating system and its programs inside a virtual machine.",
        "A virtuális gépben futó operációs rendszer a programjaival.")),
    Term("host", ("host", "gazda"), (
        "The real machine, with the software that manages it.",
        "A valódi gép az őt kezelő szoftverrel.")),
    Term("ring", ("protection ring", "védelmi gyűrű"), (
        "One of four privilege levels of an x86 processor. Ring 0 may do everything, ring 3 the "
        "least.",
        "Az x86 processzor négy jogosultsági szintjének egyike. A 0-s gyűrű mindent megtehet, a "
        "3-as a legkevesebbet.")),
    Term("cpl", ("CPL", "CPL"), (
        "Current privilege level: the ring the processor is in now. It is held in the low two "
        "bits of CS.",
        "Aktuális jogosultsági szint: a gyűrű, amelyben a processzor éppen van. A CS alsó két "
        "bitje tárolja.")),
    Term("iopl", ("IOPL", "IOPL"), (
        "I/O privilege level, two bits of EFLAGS. CLI, STI, IN and OUT are allowed only while "
        "CPL ≤ IOPL.",
        "I/O jogosultsági szint, az EFLAGS két bitje. A CLI, STI, IN és OUT csak CPL ≤ IOPL "
        "esetén megengedett.")),
    Term("if", ("IF", "IF"), (
        "Interrupt flag: while it is 0 the processor does not take device interrupts.",
        "Megszakításjelző bit: amíg 0, a processzor nem fogad eszközmegszakítást.")),
    Term("trap", ("trap", "csapda"), (
        "The processor stops an instruction and enters a handler in an inner ring.",
        "A processzor megállít egy utasítást, és egy belsőbb gyűrűben lévő kezelőbe lép.")),
    Term("fault", ("fault", "kivétel"), (
        "An exception raised before the instruction has changed anything, so that it can be tried "
        "again.",
        "Kivétel, amely azelőtt következik be, hogy az utasítás bármit megváltoztatott volna, így "
        "az megismételhető.")),
    Term("gp", ("#GP", "#GP"), (
        "General protection, vector 13: the instruction is not allowed here.",
        "Általános védelmi kivétel, 13-as vektor: az utasítás itt nem megengedett.")),
    Term("pf", ("#PF", "#PF"), (
        "Page fault, vector 14: the page tables do not allow the access. CR2 holds the address.",
        "Laphiba, 14-es vektor: a laptáblák nem engedik a hozzáférést. A cím a CR2-ben van.")),
    Term("emulate", ("emulate", "emulálás"), (
        "The VMM does in software, on the virtual CPU, what the instruction would have done.",
        "A VMM szoftverrel, a virtuális CPU-n végzi el, amit az utasítás tett volna.")),
    Term("vcpu", ("virtual CPU", "virtuális CPU"), (
        "The processor state a guest believes in: its registers, its IF, its page-table root.",
        "A processzorállapot, amelyben a vendég hisz: regiszterei, IF bitje, laptáblagyökere.")),
    Term("deprivilege", ("de-privileged", "jogfosztott"), (
        "The guest kernel runs in an outer ring than it was written for, so that privileged "
        "instructions trap.",
        "A vendégkernel külsőbb gyűrűben fut, mint amire írták, így a privilegizált utasításai "
        "csapdába esnek.")),
    Term("privileged", ("privileged", "privilegizált"), (
        "Popek and Goldberg: an instruction that traps in user mode and runs in supervisor mode.",
        "Popek és Goldberg: felhasználói módban csapdát okoz, rendszermódban lefut.")),
    Term("sensitive", ("sensitive", "érzékeny"), (
        "Popek and Goldberg: an instruction that changes the machine's resources or mode, or whose "
        "effect depends on them.",
        "Popek és Goldberg: az utasítás megváltoztatja a gép erőforrásait vagy módját, vagy a "
        "hatása függ tőlük.")),
    Term("innocuous", ("innocuous", "ártalmatlan"), (
        "Popek and Goldberg: not sensitive; it can run directly on the hardware.",
        "Popek és Goldberg: nem érzékeny; közvetlenül futhat a hardveren.")),
    Term("shadow", ("shadow page table", "árnyék-laptábla"), (
        "A page table the VMM builds for the real processor, from guest virtual straight to host "
        "physical addresses.",
        "A VMM által a valódi processzornak épített laptábla, a vendég virtuális címétől "
        "egyenesen a gazda fizikai címéig.")),
    Term("hidden-fault", ("hidden fault", "rejtett laphiba"), (
        "A page fault the guest never hears of: the shadow lacked an entry the guest's own table "
        "has.",
        "Laphiba, amelyről a vendég nem értesül: az árnyékból hiányzott egy bejegyzés, amely a "
        "vendég táblájában megvan.")),
    Term("tlb", ("TLB", "TLB"), (
        "Translation lookaside buffer: the processor's memory of recent address translations.",
        "Címfordítási gyorsítótár: a processzor emlékezete a legutóbbi címfordításokról.")),
    Term("pagetable", ("page table", "laptábla"), (
        "A tree in memory that says which physical frame holds a virtual page, and who may use it.",
        "Fa a memóriában, amely megmondja, melyik fizikai keretben van egy virtuális lap, és ki "
        "használhatja.")),
    Term("page", ("page", "lap"), (
        "A block of virtual addresses, usually 4 KiB.",
        "A virtuális címek egy blokkja, általában 4 KiB.")),
    Term("frame", ("frame", "keret"), (
        "A block of physical memory that can hold one page.",
        "A fizikai memória egy blokkja, amelyben egy lap elfér.")),
    Term("cr3", ("CR3", "CR3"), (
        "The control register with the physical address of the page-table root.",
        "A vezérlőregiszter, amely a laptáblagyökér fizikai címét tartalmazza.")),
    Term("idt", ("IDT", "IDT"), (
        "Interrupt descriptor table: the handler for each of the 256 vectors.",
        "Megszakításleíró-tábla: a 256 vektor kezelői.")),
    Term("gdt", ("GDT", "GDT"), (
        "Global descriptor table: the segments, each with base, limit and ring.",
        "Globális leírótábla: a szegmensek báziscímmel, határral és gyűrűvel.")),
    Term("tf", ("TF", "TF"), (
        "Trap flag: while it is 1, the processor raises a debug exception after each instruction.",
        "Lépésjelző: amíg 1, a processzor minden utasítás után hibakereső kivételt vált ki.")),
    Term("tss", ("TSS", "TSS"), (
        "Task state segment: holds the stack the processor switches to when it enters an inner "
        "ring.",
        "Taszkállapot-szegmens: benne van a verem, amelyre a processzor belsőbb gyűrűbe lépve "
        "átvált.")),
    Term("syscall", ("system call", "rendszerhívás"), (
        "A program asks its kernel for a service, here with INT 0x80.",
        "A program szolgáltatást kér a kerneltől, itt az INT 0x80 utasítással.")),
    Term("interrupt", ("interrupt", "megszakítás"), (
        "A device asks for the processor's attention between two instructions.",
        "Egy eszköz két utasítás között a processzor figyelmét kéri.")),
    Term("iret", ("IRET", "IRET"), (
        "Returns from a handler: takes EIP, CS and EFLAGS (and the outer stack) from the stack.",
        "Visszatérés a kezelőből: a veremből veszi az EIP, CS és EFLAGS értékét (és a külső "
        "vermet).")),
    Term("hlt", ("HLT", "HLT"), (
        "Stops the processor until the next interrupt.",
        "Megállítja a processzort a következő megszakításig.")),
    Term("port", ("port", "port"), (
        "An address in the I/O space, where IN and OUT reach a device.",
        "Cím az I/O térben, ahol az IN és OUT egy eszközt ér el.")),
    Term("equivalence", ("equivalence", "ekvivalencia"), (
        "Popek and Goldberg: the guest cannot tell the virtual machine from the real one, except "
        "by time and amount.",
        "Popek és Goldberg: a vendég nem tudja megkülönböztetni a virtuális gépet a valóditól, az "
        "időt és a mennyiséget kivéve.")),
    Term("resource-control", ("resource control", "erőforrás-felügyelet"), (
        "Popek and Goldberg: no program can touch what was not given to it; the VMM decides about "
        "every resource.",
        "Popek és Goldberg: egyetlen program sem nyúlhat ahhoz, amit nem kapott meg; minden "
        "erőforrásról a VMM dönt.")),
    Term("efficiency", ("efficiency", "hatékonyság"), (
        "Popek and Goldberg: innocuous instructions run directly on the hardware, without the VMM.",
        "Popek és Goldberg: az ártalmatlan utasítások közvetlenül a hardveren futnak, a VMM "
        "nélkül.")),
    Term("nested", ("nested paging", "beágyazott lapozás"), (
        "The processor itself walks two tables: the guest's, and the host's for every guest "
        "physical address (Intel EPT, AMD RVI).",
        "A processzor maga jár be két táblát: a vendégét, és minden vendégfizikai címhez a "
        "gazdáét (Intel EPT, AMD RVI).")),
    Term("walk", ("page walk", "laptáblabejárás"), (
        "Reading one entry per level to turn a virtual address into a physical one.",
        "Szintenként egy bejegyzés kiolvasása, amely a virtuális címből fizikait ad.")),
    Term("vpid", ("VPID", "VPID"), (
        "Virtual processor identifier: a tag on TLB entries, so that those of several virtual "
        "machines can stay side by side.",
        "Virtuálisprocesszor-azonosító: címke a TLB-bejegyzéseken, hogy több virtuális gépéi "
        "egymás mellett maradhassanak.")),
    Term("shootdown", ("TLB shootdown", "TLB-shootdown"), (
        "After a page-table change one processor interrupts the others, so that they drop the old "
        "translation too.",
        "Laptábla-változás után az egyik processzor megszakítja a többit, hogy azok is töröljék a "
        "régi fordítást.")),
    Term("true-fault", ("true fault", "valódi laphiba"), (
        "A page fault the guest's own page table asks for: its kernel must hear of it.",
        "Laphiba, amelyet a vendég saját laptáblája kíván: a kernelének értesülnie kell róla.")),
    Term("trace", ("trace", "figyelt írás"), (
        "The VMM keeps a guest page read-only because it made something from its contents; a "
        "write to it traps.",
        "A VMM csak olvashatóan tart egy vendéglapot, mert a tartalmából készített valamit; az "
        "írás csapdát okoz.")),
    Term("stale", ("stale translation", "elavult fordítás"), (
        "A translation that is still in use though the page table has changed. A flush ends it.",
        "Fordítás, amely még használatban van, noha a laptábla már megváltozott. Az ürítés "
        "szünteti meg.")),
    Term("ept-violation", ("EPT violation", "EPT-sértés"), (
        "The host's tables do not allow what the guest's memory access needs. It leaves the guest "
        "for the VMM, which may mend the tables.",
        "A gazda táblái nem engedik, amire a vendég memóriaelérésének szüksége van. A vendégből a "
        "VMM-hez lép ki, amely kijavíthatja a táblát.")),
    Term("ept-misconfiguration", ("EPT misconfiguration", "hibás EPT-bejegyzés"), (
        "An extended page-table entry with a combination of bits that means nothing. It leaves the "
        "guest for the VMM.",
        "Kiterjesztett laptábla-bejegyzés, amelynek bitjei együtt értelmetlenek. A vendégből a "
        "VMM-hez lép ki.")),
    Term("balloon", ("balloon", "léggömb"), (
        "A driver in the guest that asks its kernel for pages and hands them to the host. The "
        "guest itself chooses what it can do without.",
        "Meghajtó a vendégben, amely lapokat kér a kernelétől, és átadja őket a gazdának. Hogy mit "
        "nélkülöz, azt maga a vendég választja ki.")),
    Term("sharing", ("page sharing", "lapmegosztás"), (
        "Pages with equal contents, of any virtual machines, are kept in one frame.",
        "Az egyforma tartalmú lapok, bármelyik virtuális gépéi, egyetlen keretben vannak.")),
    Term("cow", ("copy on write", "másolás íráskor"), (
        "A shared page may be read by all. Who writes to it gets a copy of its own first.",
        "A közös lapot mindenki olvashatja. Aki írni akar rá, előbb saját másolatot kap.")),
    Term("hostswap", ("host swapping", "a gazda lemezre írása"), (
        "The host writes pages of a guest to disk without asking it. Reading one back makes the "
        "guest wait.",
        "A gazda a vendég megkérdezése nélkül írja lemezre a lapjait. A visszaolvasásra a "
        "vendégnek várnia kell.")),
    Term("double-paging", ("double paging", "kettős lapozás"), (
        "The guest writes a page to its own disk that the host had swapped out: it must be read "
        "back only to be written again.",
        "A vendég olyan lapot ír a saját lemezére, amelyet a gazda már kiírt: be kell olvasni, "
        "csak hogy újra ki lehessen írni.")),
    Term("idletax", ("idle memory tax", "tétlenségi adó"), (
        "A virtual machine pays more of its shares for an idle page than for one in use, so that "
        "idle memory is taken first.",
        "A virtuális gép tétlen lapért többet fizet a részesedéséből, mint használtért; így a "
        "tétlen memória kerül el előbb.")),
    Term("sampling", ("sampling", "mintavétel"), (
        "The host invalidates the mappings of a few random pages and sees which are touched again: "
        "an estimate of how much memory is in use.",
        "A gazda néhány véletlen lap leképezését érvényteleníti, és nézi, melyikhez nyúlnak újra: "
        "ebből becsüli a használt memóriát.")),
    Term("rtos", ("real-time OS", "valós idejű OS"), (
        "An operating system that must answer within a known time.",
        "Operációs rendszer, amelynek ismert időn belül kell válaszolnia.")),
    Term("scheduler", ("scheduler", "ütemező"), (
        "The part of the host that decides which virtual CPU runs next.",
        "A gazda azon része, amely eldönti, melyik virtuális CPU fut következőnek.")),
    Term("deadline", ("deadline", "határidő"), (
        "The latest moment at which an answer still counts.",
        "A legkésőbbi pillanat, amikor a válasz még számít.")),
)  # fmt: skip
