"""Words of the lab "Where nested wins"."""

from __future__ import annotations

from .say import Message

WINS: dict[str, Message] = {
    "title": ("Where nested wins", "Hol nyer a beágyazott"),
    "question": (
        "For which programs is nested paging faster than shadow paging, and for which slower?",
        "Mely programoknak gyorsabb a beágyazott lapozás az árnyéknál, és melyeknek lassabb?"),
    "load.churn": ("page tables change (fork, exec, mmap)", "változó laptáblák (fork, exec, mmap)"),
    "load.fork": (
        "processes come and go (a switch for 30 new pages)",
        "folyamatok jönnek-mennek (váltás 30 új laponként)"),
    "load.switch": ("processes take turns", "folyamatok felváltva"),
    "load.trace": ("a dropped trace file", "idehúzott nyomfájl"),
    "option.page": ("Pages", "Lapok"),
    "page.4K": ("4 KiB", "4 KiB"),
    "page.2M": ("2 MiB, guest and host", "2 MiB, vendég és gazda"),
    "page.2M-host": ("4 KiB, host 2 MiB", "4 KiB, gazda 2 MiB"),
    "option.caches": ("Walk caches", "Bejárástárak"),
    "caches.on": ("on, with nested TLB", "van, beágyazott TLB-vel"),
    "caches.off": ("none", "nincs"),
    "option.roots": ("Shadow after a switch", "Árnyék váltás után"),
    "roots.kept": ("kept for each process", "folyamatonként megmarad"),
    "roots.dropped": ("dropped, filled again", "eldobva, újratöltve"),
    "option.work": ("Work per access", "Munka elérésenként"),
    "work.100": ("100 cycles", "100 ciklus"),
    "work.25": ("25 cycles", "25 ciklus"),
    "work.400": ("400 cycles", "400 ciklus"),
    "option.preset": ("Prices", "Árak"),
    "kind.loses": ("nested loses", "a beágyazott veszít"),
    "kind.wins": ("nested wins", "a beágyazott nyer"),
    "map.title": ("nested against shadow, whole run", "beágyazott az árnyékhoz mérve, egészében"),
    "mark.loses": ("papers: loses", "cikkek: veszít"),
    "mark.loses.note": (
        "papers: nested loses there; no figure published",
        "cikkek: itt a beágyazott veszít; számot nem közöltek"),
    "legend.nested": ("nested faster", "beágyazott gyorsabb"),
    "legend.shadow": ("shadow faster", "árnyék gyorsabb"),
    "x.churn": ("pages mapped anew, per million accesses →",
                "újonnan leképezett lap, millió elérésenként →"),
    "x.fork": ("pages mapped anew, per million accesses →",
               "újonnan leképezett lap, millió elérésenként →"),
    "x.switch": ("context switches per million accesses →",
                 "folyamatváltás millió elérésenként →"),
    "x.trace": ("hardware →", "hardver →"),
    "y.pages": ("memory in use ↓", "használt memória ↓"),
    "y.trace": ("pages", "lapok"),
    "hard.small": ("small TLB", "kis TLB"),
    "hard.two": ("two TLBs", "két TLB"),
    "hard.all": ("+ caches", "+ tárak"),
    "progress": (
        "{done} of {total} measured · shadow : nested, cycles per access for memory, modelled",
        "{done}/{total} megmérve · árnyék : beágyazott, ciklus elérésenként, modell"),
    "progress.short": ("{done} of {total} measured; cycles are modelled",
                       "{done}/{total} megmérve; a ciklus modell"),
    "drop": (
        "Drop a trace file onto the page, or choose one above: the output of Valgrind's lackey "
        "(--trace-mem=yes) or CSV, compressed or not. It is measured from its first access on.",
        "Húzz egy nyomfájlt az oldalra, vagy válaszd ki fent: a Valgrind lackey kimenetét "
        "(--trace-mem=yes) vagy CSV-t, tömörítve is lehet. A mérés az első eléréstől tart."),
    "start": (
        "Each cell is a workload, measured with both techniques on the same accesses. To the "
        "right its [page tables](pagetable) change more often, downwards it uses more memory than "
        "the [TLB](tlb) reaches. Press →.",
        "Minden mező egy munkaterhelés, mindkét technikával ugyanazokon az eléréseken mérve. "
        "Jobbra gyakrabban változnak a [laptáblái](pagetable), lefelé több memóriát használ, mint "
        "ameddig a [TLB](tlb) ér. Nyomd meg a → billentyűt."),
    "cell.wins": (
        "{rows}, {column}: [nested](nested) is {gain} % faster. Cycles an access: the "
        "[shadow](@vmm) {events} for faults and exits and {native} for walks; nested {faults} for "
        "its own faults and exits and {walks} for walks.",
        "{rows}, {column}: a [beágyazott](nested) {gain}%-kal gyorsabb. Ciklus elérésenként: az "
        "[árnyék](@vmm) {events} hibákra és kilépésekre, {native} bejárásra; a beágyazott {faults} "
        "a saját hibáira és kilépéseire, {walks} bejárásra."),
    "cell.loses": (
        "{rows}, {column}: [nested](nested) is {gain} % slower. Its walks cost {walks} cycles an "
        "access, the [shadow's](@vmm) {native}, and there are few faults and "
        "exits to save ({events} against {faults}).",
        "{rows}, {column}: a [beágyazott](nested) {gain}%-kal lassabb. A bejárásai elérésenként "
        "{walks} ciklusba kerülnek, az [árnyékéi](@vmm) {native} ciklusba, és kevés a "
        "megtakarítható hiba és kilépés ({events}, a beágyazotté {faults})."),
    "cell.even": (
        "{rows}, {column}: no difference worth the name; {walks} cycles an access with either.",
        "{rows}, {column}: nincs számottevő különbség; {walks} ciklus elérésenként mindkettővel."),
    "panel.cell": ("This workload: cycles per access", "Ez a terhelés: ciklus elérésenként"),
    "bar.shadow.walk": ("shadow: walks", "árnyék: bejárás"),
    "bar.shadow.event": ("shadow: faults, exits", "árnyék: hibák, kilépések"),
    "bar.shadow.refill": ("shadow: filled again after switches", "árnyék: újratöltés váltás után"),
    "bar.nested.walk": ("nested: walks", "beágyazott: bejárás"),
    "bar.nested.event": ("nested: faults, exits", "beágyazott: hibák, kilépések"),
    "bar.work": ("the program's own work (assumed)", "a program saját munkája (feltevés)"),
    "bar.note": (
        "{refs_shadow} and {refs_nested} references a walk; {hit} % TLB hits; {touched} pages "
        "mapped anew, {switches} switches among {accesses} accesses; {roots}. Events are counted, cycles modelled with the prices of {preset}.",
        "{refs_shadow} és {refs_nested} hivatkozás bejárásonként; {hit}% TLB-találat; {touched} "
        "újonnan leképezett lap, {switches} váltás {accesses} elérés közben; {roots}. Az események számoltak, a ciklusok a(z) {preset} áraival "
        "modellezettek."),
    "note.kept": (
        "a traced shadow is kept for each process", "minden folyamatnak megmarad a figyelt árnyéka"),
    "note.dropped": (
        "the shadow is dropped at each CR3 load, and its tables are not traced",
        "az árnyék minden CR3-betöltéskor eldobódik, és a táblái nem figyeltek"),
    "cell.refills": (
        "After {switches} switches, {refills} entries of the [shadow](@vmm) that had been there "
        "were made again, each by a [hidden fault](hidden-fault).",
        "{switches} váltás után az [árnyék](@vmm) {refills} korábbi bejegyzése készült el újra, "
        "mindegyik egy [rejtett laphibával](hidden-fault)."),
    "panel.compared": ("This map beside them", "Ez a térkép mellettük"),
    "compared": (
        "Nested paging against shadow paging is between {low} and {high} in this map, which is "
        "modelled.",
        "A beágyazott lapozás az árnyékhoz képest ezen a (modellezett) térképen {low} és {high} "
        "között van."),
    "compared.near": ("{name}: a cell comes within a tenth of it.",
                      "{name}: egy mező egytizednyire megközelíti."),
    "compared.between": ("{name}: the map goes beyond it, but no cell is near.",
                         "{name}: a térkép túlmegy rajta, de egyik mező sincs közel."),
    "compared.beyond": ("{name}: no workload of this map comes to that.",
                        "{name}: ennek a térképnek egyik terhelése sem éri el."),
    "compared.loses": (
        "Where it loses, it loses up to {low}; the papers tell the direction, but no such figure. "
        "Here every access goes to any page alike, and most of them miss the [TLB](tlb).",
        "Ahol veszít, legfeljebb {low}; a közlemények az irányt mondják, ilyen számot nem. Itt "
        "minden elérés bármelyik lapra egyformán mehet, és a többségük nincs a [TLB](tlb)-ben."),
    "compared.never": ("It loses nowhere in this map.", "Ezen a térképen sehol sem veszít."),
    "panel.published": ("Published", "Közölt eredmények"),
    "published": (
        "AMD RVI: up to 42 % faster in benchmarks that stress paging, up to 500 % in "
        "microbenchmarks (VMware, Performance Evaluation of AMD RVI, 2009). Intel EPT: up to 48 % "
        "and 600 % (VMware, Performance Evaluation of Intel EPT, 2009). The same papers advise "
        "large pages: programs that mostly miss the [TLB](tlb) and change little lose with small "
        "ones. A cell is marked when it comes within a tenth of such a figure; and, as no figure for "
        "the loss is published, where nothing changes and it loses.",
        "AMD RVI: a lapozást terhelő mérésekben legfeljebb 42%-kal, mikromérésekben 500%-kal "
        "gyorsabb (VMware, Performance Evaluation of AMD RVI, 2009). Intel EPT: legfeljebb 48%, "
        "illetve 600% (VMware, Performance Evaluation of Intel EPT, 2009). Ugyanezek nagy lapokat "
        "ajánlanak: amelyik program főleg a [TLB](tlb)-t hibázza el, és keveset változtat, kis "
        "lapokkal veszít. Egy mező akkor kap jelet, ha egy ilyen számot egytizednyire megközelít; "
        "és mivel a veszteségre nincs közölt szám, ott, ahol semmi sem változik, és veszít."),
    "panel.trace": ("The trace", "A nyomfájl"),
    "trace.name": ("{name}: {shown} of {accesses} accesses.",
        "{name}: {accesses} elérésből {shown}."),
    "trace.garbage": (
        "{count} lines say nothing; the first: {lines}",
        "{count} sor értelmezhetetlen; az elsők: {lines}"),
}
