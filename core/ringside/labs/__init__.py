"""The labs: one file each, one question each. The list below is all there is."""

from __future__ import annotations

from . import (
    classification,
    compare,
    emulated,
    fastest,
    nested_wins,
    paravirtual,
    phone,
    pool,
    properties,
    rings,
    shadow,
    tlb,
    translation,
    vtx,
    walks,
)
from .lab import Lab

LABS: tuple[Lab, ...] = (
    rings.LAB, translation.LAB, paravirtual.LAB, vtx.LAB, classification.LAB, properties.LAB,
    emulated.LAB, compare.LAB, fastest.LAB, walks.LAB, shadow.LAB, tlb.LAB,
    nested_wins.LAB, pool.LAB, phone.LAB,
)
