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
    Term("paravirtualization", ("paravirtualization", "paravirtualizáció"), (
        "The guest's kernel is changed beforehand: instead of instructions that cannot be "
        "virtualized it asks the VMM.",
        "A vendég kernelét előre módosítják: a nem virtualizálható utasítások helyett a VMM-et "
        "kéri.")),
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
    Term("nested", ("nested paging", "beágyazott lapozás"), (
        "The processor itself walks two tables: the guest's, and the host's for every guest "
        "physical address (Intel EPT, AMD RVI).",
        "A processzor maga jár be két táblát: a vendégét, és minden vendégfizikai címhez a "
        "gazdáét (Intel EPT, AMD RVI).")),
    Term("walk", ("page walk", "laptáblabejárás"), (
        "Reading one entry per level to turn a virtual address into a physical one.",
        "Szintenként egy bejegyzés kiolvasása, amely a virtuális címből fizikait ad.")),
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
