"""What the prices of the cost model are called; their keys are those of ``trace.presets``."""

from __future__ import annotations

from .say import Message

PRICES: dict[str, Message] = {
    "instruction": ("instructions", "utasítások"),
    "interpreted instruction": ("interpreted instructions", "értelmezett utasítások"),
    "walk reference": ("page-walk references", "laptábla-hivatkozások"),
    "port access": ("port on the bus", "port a buszon"),
    "virtual device": ("virtual device", "virtuális eszköz"),
    "exception": ("exception and IRET", "kivétel és IRET"),
    "page fault": ("page fault and IRET", "laphiba és IRET"),
    "system call": ("system call and return", "rendszerhívás oda-vissza"),
    "call or return": ("call, return", "hívás, visszatérés"),
    "interrupt flag": ("CLI, STI", "CLI, STI"),
    "vmm dispatch": ("VMM's work", "a VMM munkája"),
    "callout": ("callout", "VMM-hívás"),
    "adapted callout": ("adapted callout", "betanult VMM-hívás"),
    "in-line device": ("device in line", "eszköz helyben"),
    "translation overhead": ("translator's instructions", "a fordító utasításai"),
    "injection": ("injection", "injektálás"),
    "shadow fill": ("shadow fill", "árnyéktöltés"),
    "hypercall": ("hypercall", "hiperhívás"),
    "vm round trip": ("VM exit and entry", "VM-kilépés és -belépés"),
    "vmread": ("VMREAD", "VMREAD"),
    "vmwrite": ("VMWRITE", "VMWRITE"),
    "vmlaunch": ("VMLAUNCH", "VMLAUNCH"),
    "vmresume": ("VMRESUME", "VMRESUME"),
    "exit vmcall": ("VM exit", "VM-kilépés"),
    "exit cpuid": ("VM exit: CPUID", "VM-kilépés: CPUID"),
    "exit #PF": ("VM exit: #PF", "VM-kilépés: #PF"),
    "exit io": ("VM exit: I/O", "VM-kilépés: I/O"),
    "exit ept violation": ("VM exit: EPT violation", "VM-kilépés: EPT-sértés"),
}
