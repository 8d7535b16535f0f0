"""Random page tables for comparing the bulk walkers with the scalar ones."""

from __future__ import annotations

import itertools
import random

from ringside.machine.memory import FRAME
from ringside.machine.paging import PagingFormat
from ringside.machine.tables import TableBuilder

SIZE = 1 << 20


def builder(format, memory, first, place=lambda address: address):
    frames = itertools.count(first)
    return TableBuilder(format, memory, lambda: next(frames), place)


def random_pages(rng: random.Random, format: PagingFormat, count: int) -> list[int]:
    """Pages that share tables now and then."""
    bases = [rng.getrandbits(format.address_bits) for _ in range(2)]
    found = []
    for _ in range(count):
        base = rng.choice(bases)
        low = rng.choice(format.levels).shift + rng.randrange(1, 4)
        found.append((base >> low << low | rng.getrandbits(low)) & -FRAME)
    return found


def spoil(rng: random.Random, format: PagingFormat, entry: int, leaf: bool) -> int:
    """Change an entry a little: permissions mostly, sometimes something forbidden."""
    choice = rng.random()
    flag = format.bits
    if choice < 0.45:
        return entry
    if choice < 0.75:
        entry ^= rng.choice([flag.write, flag.user, flag.accessed, flag.dirty, flag.global_])
    elif choice < 0.85:
        entry &= ~flag.present
    elif choice < 0.9:
        entry ^= 1 << rng.randrange(format.entry_bytes * 8)
    elif choice < 0.95:
        entry |= flag.large
    elif not leaf:
        entry |= 0xFF_F000 << rng.choice([0, 8])  # perhaps beyond memory
    return entry & (1 << 8 * format.entry_bytes) - 1


def random_tables(rng, format, memory, first, frames, place=lambda address: address, pages=None,
                  spoiled=0.3):
    """Map random pages to ``frames``, spoil some entries; return the root and the pages."""
    tables = builder(format, memory, first, place)
    pages = random_pages(rng, format, 12) if pages is None else pages
    for page in pages:
        level = rng.choice([1, 1, 1, 2])
        number = len(format.levels) - level
        if level > 1 and not format.levels[number].large:
            level = 1
        size = format.levels[len(format.levels) - level].page_size
        frame = rng.choice(frames) * FRAME & -size
        try:
            tables.map(page, frame // FRAME, level=level)
        except ValueError:
            continue
    size = format.entry_bytes
    for table in tables.tables:
        for at in range(place(table), place(table) + FRAME, size):
            entry = memory.read(at, size)
            if entry and rng.random() < spoiled:
                memory.write(at, spoil(rng, format, entry, False), size)
    return tables.root, pages
