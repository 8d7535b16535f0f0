"""Each lab's short answer to its own question, and what the real world makes of it.

Figures carry their source in the text; they are those the labs compare themselves with.
"""

from __future__ import annotations

from .say import Message

ANSWERS: dict[str, Message] = {
    "rings": (
        "It is moved to a [ring](ring) with fewer rights. What is [privileged](privileged) then "
        "traps into the [VMM](vmm), which carries it out on a virtual processor. That is enough "
        "only if every [sensitive](sensitive) instruction traps; POPF does not.",
        "Kevesebb jogú [gyűrűbe](ring) kerül. Ami [privilegizált](privileged), az ott csapdával a "
        "[VMM](vmm)-be jut, amely egy virtuális processzoron hajtja végre. Ez csak akkor elég, ha "
        "minden [érzékeny](sensitive) utasítás csapdát okoz; a POPF nem ilyen."),
    "translation": (
        "Yes. The VMM translates the kernel's machine code a few instructions at a time, just "
        "before they run, and keeps the result. Most instructions are copied as they are; "
        "sensitive ones become a short sequence on virtual state, or a call of the VMM.",
        "Igen. A VMM a kernel gépi kódját néhány utasításonként, közvetlenül a futás előtt "
        "fordítja le, és az eredményt megőrzi. A legtöbb utasítás változatlan másolat; az "
        "érzékenyekből rövid sorozat lesz a virtuális állapoton, vagy a VMM hívása."),
    "paravirtual": (
        "Its source is changed beforehand: instead of a sensitive instruction stands a "
        "[hypercall](hypercall), or a write to memory shared with the VMM. So nothing fails "
        "silently and many exits are saved. The VMM must check every argument, since a guest may "
        "lie.",
        "A forrását előre átírják: az érzékeny utasítás helyén [hiperhívás](hypercall) áll, vagy "
        "írás a VMM-mel közös memóriába. Így semmi sem hibázik csendben, és sok kilépés elmarad. A "
        "VMM-nek minden argumentumot ellenőriznie kell, mert a vendég hazudhat."),
    "vtx": (
        "The guest has all four rings for itself, in non-root operation. What the VMM has asked "
        "for in the [VMCS](vmcs) leads to a [VM exit](vmexit), with the reason written down. "
        "POPF, SGDT and the like act on the guest's own state and need no exit.",
        "A vendégnek mind a négy gyűrű megvan, nem gyökér módban. Amit a VMM a [VMCS](vmcs)-ben "
        "kért, az [VM-kilépéshez](vmexit) vezet, leírt okkal. A POPF, az SGDT és társaik a "
        "vendég saját állapotán dolgoznak, kilépés nélkül."),
    "classification": (
        "Those that are [sensitive](sensitive) and do not trap in user mode. Popek and Goldberg's "
        "first theorem needs every sensitive instruction to be [privileged](privileged). IA-32 "
        "without VT-x has such offenders; the small RISC-V machine here has none.",
        "Azok, amelyek [érzékenyek](sensitive), és felhasználói módban nem okoznak csapdát. Popek "
        "és Goldberg első tétele szerint minden érzékeny utasításnak "
        "[privilegizáltnak](privileged) kell lennie. A VT-x nélküli IA-32-ben vannak ilyenek, az "
        "itteni kis RISC-V gépben nincsenek."),
    "properties": (
        "It is, if it has all three: [equivalence](equivalence), "
        "[resource control](resource-control), [efficiency](efficiency). Trap and emulate on IA-32 "
        "fails equivalence; pure emulation runs nothing directly, so it fails efficiency.",
        "Akkor az, ha mindhárom megvan: [egyenértékűség](equivalence), "
        "[erőforrás-felügyelet](resource-control), [hatékonyság](efficiency). A csapda és emulálás "
        "IA-32-n az egyenértékűséget nem teljesíti; a tiszta emuláció semmit sem futtat "
        "közvetlenül, ezért a hatékonyságot nem."),
    "emulated": (
        "It can run a guest of another instruction set, since nothing of the guest touches the "
        "real processor. For the same reason no instruction runs directly, and it is slow.",
        "Más utasításkészletű vendéget is tud futtatni, mert a vendégből semmi sem ér a valódi "
        "processzorhoz. Ugyanezért egyetlen utasítás sem fut közvetlenül, és lassú."),
    "compare": (
        "It depends on what the guest does: the cost is the number of exits times the price of "
        "each. It stays the same guest under all techniques but trap and emulate, where sensitive "
        "instructions that do not trap leave it different.",
        "Attól függ, mit csinál a vendég: az ár a kilépések száma szorozva egy kilépés árával. "
        "Minden technikánál ugyanaz a vendég marad, kivéve a csapda és emulálást: ott a csapdát nem "
        "okozó érzékeny utasítások után eltér."),
    "fastest": (
        "None at everything. Hardware is as fast as bare metal where nothing exits, such as system "
        "calls; binary translation wins where each operation would exit, such as port access. As "
        "exits became cheaper, and with [nested paging](nested), hardware overtook it at page "
        "faults, too.",
        "Mindenben egyik sem. A hardver olyan gyors, mint a csupasz gép, ahol nincs kilépés, "
        "például rendszerhívásnál; a bináris fordítás nyer, ahol minden művelet kilépne, például "
        "portelérésnél. Az olcsóbb kilépésekkel és a [beágyazott lapozással](nested) a hardver a "
        "laphibáknál is megelőzte."),
    "walks": (
        "With n levels of the guest and m nested ones, (n + 1)(m + 1) − 1 references: 24 for four "
        "and four, against 4 without a hypervisor. Larger pages take levels away, and caches skip "
        "most of the rest.",
        "n vendégszinttel és m beágyazottal (n + 1)(m + 1) − 1 hivatkozás: négy és négy szintnél "
        "24, hipervizor nélkül 4. A nagyobb lapok szinteket vesznek el, a maradék nagy részét a "
        "gyorsítótárak átugorják."),
    "shadow": (
        "Either the guest's tables are made read-only, so that each write traps and the "
        "[shadow](shadow) follows at once; or the shadow is treated as a [TLB](tlb), and follows "
        "when the guest says INVLPG or loads CR3. The first costs traps at writes, the second "
        "faults that refill.",
        "Vagy csak olvashatók a vendég táblái, így minden írás csapda, és az [árnyék](shadow) "
        "azonnal követi; vagy az árnyék olyan, mint egy [TLB](tlb), és az INVLPG-nél vagy a CR3 "
        "betöltésénél követi. Az első az írásnál kerül csapdába, a második újratöltő laphibákba."),
    "tlb": (
        "It keeps the result of a walk: page, frame, rights. An entry goes when another needs its "
        "place, at INVLPG, and at a load of CR3 or a switch, unless it carries a [tag](vpid). "
        "Nothing tells other processors of a changed table: the system must interrupt them.",
        "A bejárás eredményét őrzi: lap, keret, jogok. Egy bejegyzés eltűnik, ha a helye másnak kell, "
        "INVLPG-nél, és a CR3 betöltésekor vagy váltáskor, hacsak nincs [címkéje](vpid). A többi "
        "processzor nem tud a megváltozott tábláról: a rendszernek kell megszakítania őket."),
    "where-nested-wins": (
        "Nested paging wins where page tables or address spaces change often, for it saves the "
        "exits. It can lose where the program only misses the TLB, for each miss walks in two "
        "dimensions. Large pages shorten that walk.",
        "A beágyazott lapozás ott nyer, ahol gyakran változnak a laptáblák vagy a címterek, mert "
        "megtakarítja a kilépéseket. Ott veszíthet, ahol a program csak a TLB-t téveszti, mert "
        "minden tévesztés kétdimenziós bejárás. A nagy lapok ezt rövidítik."),
    "pool": (
        "Yes, as long as they do not all use it at once. Equal pages are kept once, a "
        "[balloon](balloon) lets each guest choose what to give back, and what still does not fit "
        "goes to the host's disk. Shares and the [tax](idletax) on idle memory say who gives.",
        "Igen, amíg nem egyszerre használják mind. Az egyforma lapok egyszer vannak meg, a "
        "[léggömbbel](balloon) maga a vendég választja ki, mit ad vissza, és ami így sem fér el, "
        "a gazda lemezére kerül. Hogy ki adjon, azt a részesedés és a tétlen memória "
        "[adója](idletax) dönti el."),
    "phone": (
        "Yes, if the punctual one has priority: it needs little, but at once. Under round robin "
        "its interrupt waits until the other's time slice is over, so a long slice misses "
        "[deadlines](deadline). A shorter one misses fewer and costs more switches.",
        "Igen, ha a pontosnak elsőbbsége van: keveset kér, de azonnal. Körforgó ütemezésnél a "
        "megszakítása megvárja a másik időszeletének végét, ezért a hosszú szelet "
        "[határidőket](deadline) mulaszt. A rövidebb kevesebbet, több váltás árán."),
}

WORLD: dict[str, Message] = {
    "rings": (
        "The 32-bit processors of PCs had four rings, and systems used 0 and 3. Robin and Irvine "
        "(USENIX Security 2000) examined about 250 documented instructions of the Pentium and "
        "counted 17 that are sensitive and do not trap. So pure trap and emulate was not enough "
        "for them.",
        "A PC-k 32 bites processzorainak négy gyűrűje volt, a rendszerek a 0-st és a 3-ast "
        "használták. Robin és Irvine (USENIX Security 2000) a Pentium mintegy 250 leírt "
        "utasítását vizsgálta, és 17 olyat számolt, amely érzékeny és nem okoz csapdát. A tiszta "
        "csapda és emulálás ezért itt nem volt elég."),
    "translation": (
        "VMware's software VMM worked so; Adams and Agesen (ASPLOS 2006) describe it. They give "
        "units of at most 12 instructions, chaining, and adaptation: code that often faults on "
        "page tables becomes a callout. Their system calls cost about 2000 cycles more than on "
        "bare metal. Regions of hot code are an addition of this simulator's.",
        "A VMware szoftveres VMM-je így dolgozott; Adams és Agesen (ASPLOS 2006) írja le: legfeljebb "
        "12 utasításos egységek, láncolás, alkalmazkodás: a laptáblákon gyakran hibázó kódból "
        "VMM-hívás lesz. A rendszerhívás nagyjából 2000 ciklussal drágább, mint a csupasz gépen. A "
        "gyakran futó kód régiói e szimulátor hozzáadásai."),
    "paravirtual": (
        "Xen (Barham and others, SOSP 2003) ran ported kernels in ring 1. Porting Linux took 2995 "
        "lines, 1.36 % of its x86 code. Some of Xen's hypercalls have the names you see here, such "
        "as mmu_update, stack_switch and iret.",
        "A Xen (Barham és mások, SOSP 2003) az 1-es gyűrűben futtatott átírt kerneleket. A Linux "
        "átírása 2995 sor volt, x86-os kódjának 1,36%-a. A Xen néhány hiperhívásának neve megegyezik "
        "az itteniekkel, ilyen a mmu_update, a stack_switch és az iret."),
    "vtx": (
        "VT-x and AMD-V came about 2005. AMD's SVM can intercept PUSHF, POPF and IRET, too. "
        "Leaving the guest and coming back took 3963 cycles on Prescott (2005) and 784 on Sandy "
        "Bridge (2011), says table 1 of Agesen and others (USENIX ATC 2012), quoted from memory.",
        "A VT-x és az AMD-V 2005 körül jelent meg. Az AMD SVM a PUSHF, POPF és IRET utasítást is "
        "el tudja fogni. A vendég elhagyása és a visszatérés Prescotton (2005) 3963, Sandy Bridge-en "
        "(2011) 784 ciklus volt: Agesen és mások (USENIX ATC 2012), 1. táblázat, emlékezetből "
        "idézve."),
    "classification": (
        "Robin and Irvine's list has 18 names, their paper counts 17. Since about 2017 processors "
        "have UMIP, a bit of CR4: with it SGDT, SIDT, SLDT, STR and SMSW trap in user mode. POPF "
        "still does not.",
        "Robin és Irvine listáján 18 név van, a cikk 17-et számol. 2017 körül jelent meg az UMIP, a "
        "CR4 egy bitje: vele az SGDT, SIDT, SLDT, STR és SMSW felhasználói módban csapdát okoz. A "
        "POPF továbbra sem."),
    "properties": (
        "Popek and Goldberg stated them in 1974 (Communications of the ACM 17, 7). Their first "
        "theorem is a sufficient condition, not a necessary one: binary translation and "
        "paravirtualization lie outside of it. Time and the amount of resources may differ in an "
        "equivalent machine.",
        "Popek és Goldberg 1974-ben mondta ki őket (Communications of the ACM 17, 7). Első tételük "
        "elégséges feltétel, nem szükséges: a bináris fordítás és a paravirtualizáció kívül esik "
        "rajta. Egyenértékű gépen az idő és az erőforrások mennyisége eltérhet."),
    "emulated": (
        "The SCOPE Alliance (2008) files it as whole-system emulation; QEMU, Bochs and Simics are "
        "of this kind. Popek and Goldberg would not call it virtualization, which needs most "
        "instructions to run directly.",
        "A SCOPE Alliance (2008) teljes rendszer emulálásának nevezi; ilyen a QEMU, a Bochs és a "
        "Simics. Popek és Goldberg szerint ez még nem virtualizálás, mert ahhoz az utasítások "
        "többségének közvetlenül kell futnia."),
    "compare": (
        "Adams and Agesen (ASPLOS 2006) held two VMMs side by side so: on the first VT-x "
        "processors the hardware VMM was often slower than binary translation. A Linux guest that "
        "boots under KVM makes about 580 000 exits (one student's published measurement).",
        "Adams és Agesen (ASPLOS 2006) két VMM-et így vetett össze: az első VT-x processzorokon a "
        "hardveres gyakran lassabb volt a bináris fordításnál. Egy induló Linux-vendég KVM alatt "
        "mintegy 580 000 kilépést tesz (egy hallgató közölt mérése)."),
    "fastest": (
        "Adams and Agesen (ASPLOS 2006) measured on a Pentium 4: a true page fault took 1093 "
        "cycles on bare metal, 3927 in the software VMM, 11 242 in the hardware VMM. Port access "
        "took 15 826 in the hardware VMM, a fifteenth of bare metal's 3209 in the software VMM.",
        "Adams és Agesen (ASPLOS 2006) Pentium 4-en mérte: egy valódi laphiba a csupasz gépen 1093 "
        "ciklus, a szoftveres VMM-ben 3927, a hardveresben 11 242. A portelérés a hardveres VMM-ben "
        "15 826, a szoftveresben a csupasz gép 3209 ciklusának tizenötöde."),
    "walks": (
        "Five levels on both sides make 35. With caches for page walks warm, about 1.5 references "
        "are left without virtualization and 4.4 with it (Park and others, ISCA 2022, as quoted). "
        "Intel calls it EPT, AMD RVI or NPT.",
        "Mindkét oldalon öt szinttel 35. A bejárás meleg gyorsítótáraival virtualizálás nélkül mintegy "
        "1,5, vele 4,4 hivatkozás marad (Park és mások, ISCA 2022, idézetből). Az Intelnél EPT, az "
        "AMD-nél RVI vagy NPT a neve."),
    "shadow": (
        "Adams and Agesen (ASPLOS 2006) call it a trade-off in three: traced writes, hidden "
        "faults, context switches. A traced page-table write cost 391 cycles in their software VMM "
        "and 12 733 in the hardware VMM. With nested paging none of it is needed.",
        "Adams és Agesen (ASPLOS 2006) háromirányú egyensúlynak nevezi: figyelt írások, rejtett "
        "laphibák, folyamatváltások. Egy figyelt laptáblaírás a szoftveres VMM-jükben 391, a "
        "hardveresben 12 733 ciklus volt. Beágyazott lapozásnál mindez nem kell."),
    "tlb": (
        "Intel tags TLB entries with a VPID, AMD with an ASID, so a switch of virtual machines "
        "need not flush. The VMM can flush by address, by tag, or everything (INVVPID).",
        "Az Intel VPID-del, az AMD ASID-del címkézi a TLB bejegyzéseit, ezért virtuális gépek "
        "váltásakor nem kell üríteni. A VMM címenként, címkénként vagy mindent kiüríthet "
        "(INVVPID)."),
    "where-nested-wins": (
        "VMware's white papers report gains up to 42 % with AMD RVI (2008) and up to 48 % with "
        "Intel EPT (2009) in benchmarks that stress paging, up to 500 and 600 % in microbenchmarks. "
        "With 4 KB pages, programs that mostly miss the TLB could lose a little.",
        "A VMware tanulmányai a lapozást terhelő méréseknél AMD RVI-vel (2008) legfeljebb 42%, "
        "Intel EPT-vel (2009) legfeljebb 48% nyereséget közölnek, mikroméréseknél 500 és 600%-ot. "
        "4 KB-os lapokkal a főleg TLB-t tévesztő programok kissé veszíthettek."),
    "pool": (
        "So works VMware ESX; Waldspurger (OSDI 2002) describes it: a default tax of 75 % on idle "
        "memory, samples of 100 pages every 30 seconds. The balloon cost dbench 1.4 to 4.4 %. In "
        "production sharing reclaimed 10 to 33 % of the memory, as later summaries say.",
        "Így működik a VMware ESX; Waldspurger (OSDI 2002) írja le: a tétlen memória adója "
        "alapesetben 75%, 30 másodpercenként 100 lapos minta. A léggömb a dbench programnak 1,4–4,4%-ba "
        "került. Éles rendszerekben a megosztás a memória 10–33%-át nyerte vissza, későbbi "
        "összefoglalók szerint."),
    "phone": (
        "OKL4 of OK Labs ran a telephony system beside a rich one on one processor. A GSM frame is "
        "4.615 ms. For servers the choice is another: Xen's credit scheduler has time slices of "
        "30 ms, ESX of 50 ms.",
        "Az OK Labs OKL4 rendszere egy processzoron futtatott telefonos és gazdag rendszert. Egy "
        "GSM-keret 4,615 ms. Kiszolgálóknál más a választás: a Xen credit ütemezőjének időszelete "
        "30 ms, az ESX-é 50 ms."),
}
