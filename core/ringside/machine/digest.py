"""One number for everything a guest can see, to compare runs and techniques by."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence


def digest(
    registers: Sequence[int],
    selectors: Sequence[int],
    control: Sequence[int],
    ram: Iterable[bytes | bytearray | memoryview],
    console: str,
) -> str:
    """SHA-256, as hexadecimal text, of a guest's visible state.

    ``registers`` are the general ones, EIP and EFLAGS; ``control`` CR0, CR2, CR3, CR4, then base
    and limit of GDTR and IDTR; ``ram`` is the guest's memory in address order, in any pieces.
    """
    total = hashlib.sha256()
    for numbers in (registers, selectors, control):
        total.update(struct.pack(f"<{len(numbers)}I", *numbers))
    for piece in ram:
        total.update(piece)
    total.update(console.encode())
    return total.hexdigest()
