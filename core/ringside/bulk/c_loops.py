"""The same loops in C, for the benchmark: compiled when it runs, if there is a compiler.

Each does exactly what its bulk counterpart does, in the plainest way: one access after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ringside.bulk.arrays import Bools, Ints

SOURCE = r"""
#include <stdint.h>
#include <string.h>

typedef uint64_t u64;
typedef int64_t i64;

#define PRESENT 1u
#define WRITE 2u
#define USER 4u
#define ACCESSED 0x20u
#define DIRTY 0x40u
#define LARGE 0x80u
#define EPT_ACCESSED 0x100u
#define EPT_DIRTY 0x200u
#define ADDRESS 0x000ffffffffff000ull
#define RESERVED 0x000ffff000000000ull

/* One 4-level walk for 4 KiB pages; -1 for any fault. */
static i64 native(u64 *memory, u64 root, u64 linear, int write, u64 *refs)
{
    u64 table = root, rights = ~0ull, *entry[4];
    for (int level = 3; level >= 0; level--) {
        u64 *at = memory + (table >> 3) + (linear >> (12 + 9 * level) & 511);
        u64 value = *at;
        ++*refs;
        if (!(value & PRESENT) || value & (RESERVED | (level ? LARGE : 0)))
            return -1;
        rights &= value;
        entry[level] = at;
        table = value & ADDRESS;
    }
    if (!(rights & USER) || (write && !(rights & WRITE)))
        return -1;
    for (int level = 3; level >= 0; level--)
        if (!(*entry[level] & ACCESSED))
            *entry[level] |= ACCESSED;
    if (write && !(*entry[0] & DIRTY))
        *entry[0] |= DIRTY;
    return (i64)(table | (linear & 4095));
}

i64 walk_native(u64 *memory, u64 root, const i64 *linear, const uint8_t *write, i64 count,
                i64 *address)
{
    u64 refs = 0;
    for (i64 n = 0; n < count; n++)
        address[n] = native(memory, root, (u64)linear[n], write[n], &refs);
    return (i64)refs;
}

/* One walk of four nested levels; -1 for a violation. */
static i64 nested(u64 *memory, u64 root, u64 gpa, int write, u64 *refs)
{
    u64 table = root, rights = ~0ull, *entry[4];
    for (int level = 3; level >= 0; level--) {
        u64 *at = memory + (table >> 3) + (gpa >> (12 + 9 * level) & 511);
        u64 value = *at;
        ++*refs;
        if (!(value & 7) || value & (RESERVED | (level ? 0xf8 : 0)))
            return -1;
        rights &= value;
        entry[level] = at;
        table = value & ADDRESS;
    }
    if (write && !(rights & WRITE))
        return -1;
    for (int level = 3; level >= 0; level--)
        if (!(*entry[level] & EPT_ACCESSED))
            *entry[level] |= EPT_ACCESSED;
    if (write && !(*entry[0] & EPT_DIRTY))
        *entry[0] |= EPT_DIRTY;
    return (i64)(table | (gpa & 4095));
}

/* The same, remembered for each guest frame: for reads and, since they set D, for writes. */
static i64 remembered(u64 *memory, u64 root, u64 gpa, int write, u64 *refs, i64 *known)
{
    if (!known)
        return nested(memory, root, gpa, write, refs);
    i64 *frame = known + (gpa >> 12) * 2 + write;
    if (!*frame) {
        i64 found = nested(memory, root, gpa & ~4095ull, write, refs);
        *frame = found < 0 ? found : found | 1;
    }
    return *frame < 0 ? *frame : *frame - 1 + (i64)(gpa & 4095);
}

/* Two dimensions, 24 references: every guest table's address is translated first. "known" is 0, or
   zeros for remembering each guest frame's translations. */
i64 walk_nested(u64 *memory, u64 guest_root, u64 nested_root, const i64 *linear,
                const uint8_t *write, i64 count, i64 *address, i64 *known)
{
    u64 refs = 0;
    for (i64 n = 0; n < count; n++) {
        u64 table = guest_root, rights = ~0ull, *entry[4], gva = (u64)linear[n];
        int level;
        address[n] = -1;
        for (level = 3; level >= 0; level--) {
            u64 gpa = table + (gva >> (12 + 9 * level) & 511) * 8;
            i64 hpa = remembered(memory, nested_root, gpa, 0, &refs, known);
            if (hpa < 0)
                break;
            entry[level] = memory + (hpa >> 3);
            u64 value = *entry[level];
            ++refs;
            if (!(value & PRESENT) || value & (RESERVED | (level ? LARGE : 0)))
                break;
            rights &= value;
            table = value & ADDRESS;
        }
        if (level >= 0 || !(rights & USER) || (write[n] && !(rights & WRITE)))
            continue;
        i64 hpa = remembered(memory, nested_root, table | (gva & 4095), write[n], &refs,
                             known);
        if (hpa < 0)
            continue;
        for (level = 3; level >= 0; level--)
            if (!(*entry[level] & ACCESSED))
                *entry[level] |= ACCESSED;
        if (write[n] && !(*entry[0] & DIRTY))
            *entry[0] |= DIRTY;
        address[n] = hpa;
    }
    return (i64)refs;
}

/* Look-ups in sets of keys, the newest first; held begins as -1s. LRU: a hit renews its key. */
i64 look_up(i64 *held, i64 sets, i64 ways, i64 renews, const i64 *keys, i64 count, uint8_t *hit)
{
    i64 hits = 0;
    for (i64 n = 0; n < count; n++) {
        i64 key = keys[n], *set = held + (key & (sets - 1)) * ways, way = 0;
        while (way < ways - 1 && set[way] != key)
            way++;
        hit[n] = set[way] == key;
        hits += hit[n];
        if (hit[n] && !renews)
            continue;
        memmove(set + 1, set, way * sizeof *set);
        set[0] = key;
    }
    return hits;
}
"""

COMPILERS = ("cc", "gcc", "clang")


class CLoops:
    """The compiled loops."""

    def __init__(self, library: Any) -> None:
        import ctypes

        self.library = library
        for name in ("walk_native", "walk_nested", "look_up"):
            getattr(library, name).restype = ctypes.c_int64

    @staticmethod
    def _arguments(values: Sequence[Any]) -> list[Any]:
        import ctypes

        return [
            value.ctypes.data_as(ctypes.c_void_p)
            if isinstance(value, np.ndarray)
            else ctypes.c_int64(value)
            for value in values
        ]

    def walk_native(self, memory: Ints, root: int, linear: Ints, write: Bools, out: Ints) -> int:
        """4-level walks as user; return the references made."""
        asked = self._arguments([memory, root, linear, write.view(np.uint8), len(linear), out])
        return int(self.library.walk_native(*asked))

    def walk_nested(
        self, memory: Ints, roots: tuple[int, int], linear: Ints, write: Bools, out: Ints,
        known: Ints,
    ) -> int:  # fmt: skip
        """Walks of 24 references as user; return the references really made.

        ``known``: two zeros for each guest frame, to remember its nested walks by; if it is
        empty, every walk is made.
        """
        asked = [memory, *roots, linear, write.view(np.uint8), len(linear), out,
                 known if len(known) else 0]  # fmt: skip
        return int(self.library.walk_nested(*self._arguments(asked)))

    def look_up(
        self, held: Ints, sets: int, ways: int, renews: bool, keys: Ints, hit: Bools
    ) -> int:
        """Look-ups, LRU if a hit ``renews`` its key, else FIFO; return the hits."""
        asked = self._arguments([held, sets, ways, renews, keys, len(keys), hit.view(np.uint8)])
        return int(self.library.look_up(*asked))


def compile_loops(folder: str | Path) -> CLoops | None:
    """Compile the loops into ``folder``; None if there is no compiler or it fails."""
    import shutil
    import subprocess

    compiler = next((found for name in COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        return None
    import ctypes

    source, library = Path(folder) / "loops.c", Path(folder) / "loops.so"
    source.write_text(SOURCE, encoding="ascii")
    done = subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return None
    return CLoops(ctypes.CDLL(str(library)))
