"""Where prices come from, in Hungarian; in English they stand beside the figures themselves."""

from __future__ import annotations

import re

from .say import decimal

HUNGARIAN: tuple[tuple[str, str], ...] = (
    ("native: 11 for the pair", "csupasz gépen: 11 a kettő együtt"),
    ("native: the same way into an inner ring", "csupasz gépen: ugyanaz az út egy belső gyűrűbe"),
    ("in (port 80h), native: bus time, not the processor's",
     "in (80h port), csupasz gépen: a busz ideje, nem a processzoré"),
    (", native", ", csupasz gépen"),
    ("CLI on a Pentium 4", "CLI egy Pentium 4-en"),
    ("RDTSC trapped and emulated, 2030, without the exception itself, 889",
     "RDTSC csapdával és emulálással, 2030, maga a kivétel (889) nélkül"),
    ("RDTSC by a callout from translated code", "RDTSC, lefordított kódból a VMM-et hívva"),
    ("adapted, a trap of over 1000 cycles becomes a call of a few hundred",
     "átalakítva az 1000 ciklusnál hosszabb csapdából néhány száz ciklusos hívás lesz"),
    ("RDTSC, a virtual clock, emulated in line", "RDTSC, egy virtuális óra, helyben emulálva"),
    ("an instruction of the translator's; one in three is a load of 4 cycles",
     "a fordító egy utasítása; minden harmadik 4 ciklusos betöltés"),
    ("the guest's gate read, its frame written: ten accesses to the cache",
     "a vendég kapuját olvassa, a keretét írja: tíz művelet a gyorsítótárral"),
    ("the guest's two entries read, their flags and the shadow's entry written",
     "a vendég két bejegyzését olvassa, a jelzőiket és az árnyék bejegyzését írja"),
    ("table 2: 0.91 µs for an IN or OUT that the VMM serves itself, at 733 MHz",
     "2. táblázat: 0,91 µs egy IN vagy OUT, amelyet a VMM maga szolgál ki, 733 MHz-en"),
    ("one instruction in a cycle", "ciklusonként egy utasítás"),
    ("fetch, decode and carry out one IA-32 instruction in software: tens of cycles",
     "egy IA-32 utasítást szoftverrel lehívni, dekódolni, végrehajtani: több tíz ciklus"),
    ("a page-table entry found in the second-level cache",
     "a laptábla bejegyzése a másodszintű gyorsítótárban van"),
    ("BNT17 ch. 4: VMRESUME and the VMCALL exit", "BNT17 4. fejezet: VMRESUME és a VMCALL kilépése"),
    ("BNT17 ch. 4", "BNT17 4. fejezet"),
    ("this processor has no EPT; as its exit for #PF",
     "ebben a processzorban nincs EPT; annyi, mint a #PF kilépése"),
    ("AMRS12 table 1", "AMRS12 1. táblázat"),
    ("; no figure for this processor is known", "; erről a processzorról nincs ismert szám"),
    ("your VM exit and VMRESUME", "a saját VM-kilépésed és VMRESUME-od"),
)
"""What sources say, and the same in Hungarian; longer parts before those they contain."""
_INSTEAD = re.compile(r"instead of ([\d.]+) \(")
_TAKEN = re.compile(r"; here taken as ([\d.]+) of it")


def source_in(source: str, lang: str) -> str:
    """The source of a price in a language."""
    if lang != "hu":
        return source
    for english, hungarian in HUNGARIAN:
        source = source.replace(english, hungarian)
    source = _INSTEAD.sub(lambda found: f"{decimal(found[1], lang)} helyett (", source)
    return _TAKEN.sub(lambda found: f"; itt ennek {decimal(found[1], lang)}-szerese", source)
