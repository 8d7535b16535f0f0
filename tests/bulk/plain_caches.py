"""The pipeline of ``bulk.caches`` in plain Python: one access after the other, scalar walkers."""

from __future__ import annotations

from collections import OrderedDict

from ringside.bulk.caches import FIRST, MISS, SECOND
from ringside.machine.nested import nested_walk
from ringside.machine.walker import walk


class Lru:
    def __init__(self, sets, ways):
        self.sets = [OrderedDict() for _ in range(sets)]
        self.ways = ways

    def use(self, key, index):
        """Look a key up and fill it; tell whether it was there."""
        held = self.sets[index & len(self.sets) - 1]
        there = key in held
        held[key] = None
        held.move_to_end(key)
        if len(held) > self.ways:
            held.popitem(last=False)
        return there

    def flush(self):
        for held in self.sets:
            held.clear()


class Prefixes:
    def __init__(self, format, entries):
        self.format = format
        self.caches = {number: Lru(1, ways) for number, ways in entries.items()}

    def start(self, address, tag, leaf):
        """Level of the first entry to read, the walk's last one being at ``leaf``."""
        first = len(self.format.levels)
        for number in sorted(self.caches, reverse=True):
            if leaf < number:
                shift = self.format.levels[-number].shift
                if self.caches[number].use((address >> shift, tag), 0):
                    first = number - 1
        return first

    def flush(self):
        for cache in self.caches.values():
            cache.flush()


class Plain:
    """``walk(space, address, write)`` gives the outcome of one access, see below."""

    def __init__(self, hardware, guest_format, nested_format=None):
        self.hardware = hardware
        self.first = Lru(*hardware.first)
        self.second = Lru(*hardware.second) if hardware.second else None
        self.prefixes = Prefixes(guest_format, hardware.walk_cache)
        self.nested_tlb = Lru(1, hardware.nested_tlb) if hardware.nested_tlb else None
        self.format = guest_format
        if nested_format:
            self.nested_prefixes = Prefixes(nested_format, hardware.nested_walk_cache)
        self.space = None

    def access(self, memory, root, space, address, write):
        if not self.hardware.tagged and self.space not in (None, space):
            self.first.flush()
            self.prefixes.flush()
            if self.second:
                self.second.flush()
        self.space = space
        tag = space if self.hardware.tagged else 0
        look = self.native if isinstance(root, int) else self.nested
        page_bits, walk_references = look(memory, root, tag, address, write)
        if page_bits is None:
            return MISS, walk_references(), True
        page = address >> page_bits
        key = (page, page_bits, tag)
        if self.first.use(key, page):
            return FIRST, 0, False
        if self.second and self.second.use(key, page):
            return SECOND, 0, False
        return MISS, walk_references(), False

    def native(self, memory, root, tag, address, write):
        format = self.format
        result = walk(format, root, address, lambda at: memory.read(at, format.entry_bytes),
                      write=write, user=True)

        def references():
            leaf = result.refs[-1].level
            return self.prefixes.start(address, tag, leaf) - leaf + 1

        return (result.page_size.bit_length() - 1 if result.fault is None else None), references

    def nested(self, memory, roots, tag, address, write):
        nested_format = self.nested_prefixes.format
        result = nested_walk(self.format, roots[0], nested_format, roots[1], address,
                             memory.read, write=write, user=True)
        last = [ref for ref in result.refs if ref.dimension == "nested"][-1].reference
        size = None
        if result.hpa >= 0:
            depth = len(nested_format.levels) - last.level
            size = min(result.guest.page_size, nested_format.levels[depth].page_size)

        def references():
            entries = [ref.reference for ref in result.refs if ref.dimension == "guest"]
            levels = len(self.format.levels)
            leaf = levels + 1 - len(entries)
            first = self.prefixes.start(address, tag, leaf)
            count = max(first - leaf + 1, 0) if entries else 0
            for row in range(max(ref.row for ref in result.refs) + 1):
                cells = [ref for ref in result.refs if ref.row == row and ref.dimension == "nested"]
                is_data = result.guest is not None and row == len(result.guest.refs)
                if not is_data and first < levels and levels - row >= first:
                    continue
                gpa, end = cells[0].gpa, cells[-1].reference.level
                bad = result.violation.fault if result.violation else None
                missing = bad is not None and (not bad & 1 or bad & 8)
                good = row < len(entries) or is_data and not missing
                machine = roots[1]
                frame = (gpa >> 12, machine)
                if good and self.nested_tlb and self.nested_tlb.use(frame, 0):
                    continue
                count += self.nested_prefixes.start(gpa >> 12 << 12, machine, end) - end + 1
            return count

        return (size.bit_length() - 1 if size else None), references
