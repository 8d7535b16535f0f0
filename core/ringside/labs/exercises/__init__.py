"""The tasks of each lab, by the lab's id."""

from __future__ import annotations

from collections.abc import Mapping

from ..tasks import Task
from . import memory, processor, theory

TASKS: Mapping[str, tuple[Task, ...]] = {
    "rings": processor.RINGS,
    "translation": processor.TRANSLATION,
    "paravirtual": processor.PARAVIRTUAL,
    "vtx": processor.VTX,
    "classification": theory.CLASSIFICATION,
    "properties": theory.PROPERTIES,
    "emulated": theory.EMULATED,
    "compare": theory.COMPARE,
    "fastest": theory.FASTEST,
    "walks": memory.WALKS,
    "shadow": memory.SHADOW,
    "tlb": memory.TLB,
    "where-nested-wins": memory.WINS,
    "pool": memory.POOL,
    "phone": memory.PHONE,
}
