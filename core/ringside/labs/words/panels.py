"""Titles and explanations in the panels."""

from __future__ import annotations

from .say import Message

PANELS: dict[str, Message] = {
    "code": ("Guest code · {name}", "Vendégkód · {name}"),
    "registers": ("Registers", "Regiszterek"),
    "console": ("Console", "Konzol"),
    "counts": ("So far", "Eddig"),
    "exits": ("Exits by reason", "Kilépések ok szerint"),
    "porting": ("− native, + ported", "− eredeti, + átírt"),
    "equivalence": ("Equivalence", "Ekvivalencia"),
    "entry": ("Entry, bit by bit", "A bejegyzés bitenként"),
    "references": ("References", "Hivatkozások"),
    "why": ("What just happened", "Mi történt"),
}

CLASSES: dict[str, Message] = {
    "innocuous": ("innocuous", "ártalmatlan"),
    "privileged": ("privileged", "privilegizált"),
    "sensitive": ("sensitive", "érzékeny"),
}

CLASS_TIPS: dict[str, Message] = {
    "privileged": (
        "Privileged: without the right to it, the processor traps.",
        "Privilegizált: aki nem jogosult rá, annál a processzor csapdát vált ki."),
    "sensitive": (
        "Sensitive but not privileged: it reads or changes the processor's real state in outer "
        "rings, or quietly fails to, without a trap.",
        "Érzékeny, de nem privilegizált: a külső gyűrűkben is a valódi állapotot olvassa vagy "
        "módosítja, vagy szó nélkül nem hajtja végre, csapda nélkül."),
}

REGISTER_TIPS: dict[str, Message] = {
    "eip": ("Offset of the next instruction in CS.", "A következő utasítás CS-beli offszetje."),
    "esp": ("Top of the stack.", "A verem teteje."),
    "eflags": (
        "The flags that are set; IF lets device interrupts in.",
        "A bekapcsolt jelzőbitek; az IF engedi be az eszközmegszakításokat."),
    "cs": (
        "Code segment; its low two bits are the ring.",
        "Kódszegmens; alsó két bitje a gyűrű."),
    "cr3": ("Physical address of the page-table root.", "A laptáblagyökér fizikai címe."),
    "cr0": ("Control bits: protection (bit 0), paging (bit 31) and more.",
            "Vezérlőbitek: védelem (0. bit), lapozás (31. bit) és mások."),
    "cr2": ("The address of the last page fault.", "Az utolsó laphiba címe."),
}
