"""The entry a walk has read, opened into its fields in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence

from ..machine.descriptors import Field
from ..machine.paging import EPT_BITS, PagingFormat
from ..machine.walker import Reference
from ..scenes.walk import BitField
from .narrate import hexa
from .words.say import pick
from .words.walk_fields import NAMES, TEXTS

RESERVED = Field("reserved", 3, 4, "must be 0 in an entry that points to a table")
LEAF_ONLY = frozenset({"memory type", "ignore pat", "d"})
"""Fields an EPT entry has only where it maps a page (SDM vol. 3, "EPT Translation Mechanism")."""
ADDRESS = "address"


def entry_fields(format: PagingFormat, reference: Reference, lang: str) -> tuple[BitField, ...]:
    """The fields of the entry, lowest bit first; an address is shown whole, with its zeros."""
    fields = []
    for field in _fields(format, reference):
        value, digits = field.of(reference.entry), (field.bits + 3) // 4
        if field.name == ADDRESS:
            value, digits = value << field.low, (field.low + field.bits + 3) // 4
        high = field.low + field.bits - 1
        place = str(field.low) if field.bits == 1 else f"{high}:{field.low}"
        name = pick(NAMES[field.name], lang) if field.name in NAMES else field.name
        text = pick(TEXTS[field.text], lang)
        fields.append(BitField(
            f"field:{field.low}", name, str(value) if field.bits == 1 else hexa(value, digits),
            value != 0, f"{place} · {text}"))
    return tuple(fields)


def _fields(format: PagingFormat, reference: Reference) -> Sequence[Field]:
    """Those of the format; an EPT entry that points to a table has no memory type."""
    leaf = reference.level == 1 or reference.entry & format.bits.large
    if format.bits is not EPT_BITS or leaf:
        return format.fields
    fields = [field for field in format.fields if field.name not in LEAF_ONLY]
    place = next(number for number, field in enumerate(fields) if field.low > RESERVED.low)
    return [*fields[:place], RESERVED, *fields[place:]]
