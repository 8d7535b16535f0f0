"""The pipeline of ``bulk.caches`` one access after the other, with the scalar walkers and caches."""

from __future__ import annotations

from ringside.bulk.caches import FIRST, MISS, SECOND
from ringside.machine.nested import nested_walk
from ringside.machine.walk_caches import LruCache, NestedCaches, PrefixCaches, skip_native
from ringside.machine.walker import walk


class Plain:
    """``access`` gives the outcome of one access: where found, references made, whether bad."""

    def __init__(self, hardware, guest_format, nested_format=None):
        self.hardware = hardware
        self.first = LruCache(*hardware.first)
        self.second = LruCache(*hardware.second) if hardware.second else None
        self.prefixes = PrefixCaches(guest_format, hardware.walk_cache)
        self.format = guest_format
        if nested_format:
            nested = PrefixCaches(nested_format, hardware.nested_walk_cache)
            self.nested_caches = NestedCaches(self.prefixes, nested, hardware.nested_tlb)
        self.space = None

    def access(self, memory, root, space, address, write):
        if not self.hardware.tagged and self.space not in (None, space):
            self.first.flush()
            self.prefixes.flush()
            if self.second is not None:
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
        if self.second is not None and self.second.use(key, page):
            return SECOND, 0, False
        return MISS, walk_references(), False

    def native(self, memory, root, tag, address, write):
        format = self.format
        result = walk(format, root, address, lambda at: memory.read(at, format.entry_bytes),
                      write=write, user=True)

        def references():
            return len(result.refs) - len(skip_native(result, tag, self.prefixes))

        return (result.page_size.bit_length() - 1 if result.fault is None else None), references

    def nested(self, memory, roots, tag, address, write):
        nested_format = self.nested_caches.nested.format
        result = nested_walk(self.format, roots[0], nested_format, roots[1], address,
                             memory.read, write=write, user=True)
        last = [ref for ref in result.refs if ref.dimension == "nested"][-1].reference
        size = None
        if result.hpa >= 0:
            depth = len(nested_format.levels) - last.level
            size = min(result.guest.page_size, nested_format.levels[depth].page_size)

        def references():
            return len(result.refs) - len(self.nested_caches.skip(result, tag, roots[1]))

        return (size.bit_length() - 1 if size else None), references
