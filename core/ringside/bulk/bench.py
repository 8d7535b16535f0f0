"""How fast the bulk engine is: translations and look-ups per second, beside other ways.

The clock is handed in, as in ``ringside.bench``. In the same run the same work is done by a plain
Python loop (on fewer accesses), by pycachesim if it is installed, and by a small C loop if there
is a compiler; all answers are compared. The ways take turns, so that whatever else the computer
does hits all of them, and each figure is the best of a few rounds. Bulk and C tell which look-ups
hit; pycachesim only counts hits and misses.

Nested walks are measured twice, each beside a plain and a C loop that do the same: once every one
of the 24 references is really made, once the nested walk of a guest frame is made only once a call
and remembered, while its references are counted each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from itertools import count
from math import inf
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np

from ringside.bulk.arrays import Bools, Ints
from ringside.bulk.c_loops import CLoops, compile_loops
from ringside.bulk.nested import NestedWalker
from ringside.bulk.tlb import BulkTlb
from ringside.bulk.traces import Shape, stream
from ringside.bulk.walks import Walker
from ringside.machine.memory import FRAME, FRAME_SHIFT, Memory
from ringside.machine.nested import nested_walk
from ringside.machine.paging import EPT_FOUR_LEVEL, FOUR_LEVEL
from ringside.machine.tables import TableBuilder
from ringside.machine.walker import lean_steps, lean_walk

Clock = Callable[[], float]

ACCESSES = 1_000_000
PAGES = 1 << 14  # 64 MiB of data
SAMPLE = 100  # the plain loops get one access in so many
ROUNDS = 5
SHAPES = ((16, 4), (128, 12), (1, 64))
STREAMS = ("uniform", "zipf", "loop")
FIFO_STREAM = "zipf"  # one stream is enough: whatever it is, FIFO is a loop
GUEST_FRAMES = 1 << 15
ERROR_USER, ERROR_WRITE = 4, 2
ALL_MADE = "nested walks, all 24 references made"
ONCE_A_CALL = "nested walks, each frame's once a call"
SHIFTS = (39, 30, 21, 12)
WRONG = FOUR_LEVEL.levels[-1].reserved


Ways: TypeAlias = dict[str, tuple[int, Callable[[], object]]]
"""For each way of doing the work how many accesses it does, and the way."""


def measured(clock: Clock, rounds: int, ways: Ways) -> dict[str, float]:
    """Accesses per second of each way in its fastest round."""
    times: dict[str, float] = {}
    for _ in range(rounds):
        for name, (_, work) in ways.items():
            start = clock()
            work()
            times[name] = min(clock() - start, times.get(name, inf))
    return {name: ways[name][0] / max(time, 1e-9) for name, time in times.items()}


class Walks:
    """Tables, addresses and the four ways to walk them."""

    def __init__(self, accesses: int, seed: int = 1) -> None:
        chance = np.random.default_rng(seed)
        self.base = 0x7F12_3400_0000
        self.linear = self.base + chance.integers(0, PAGES * FRAME, accesses)
        self.write = chance.random(accesses) < 0.3
        self.order = chance.permutation(PAGES).tolist()

    def native(self) -> tuple[Memory, int]:
        """4-level tables that map the pages to frames in a random order."""
        memory = Memory(2 * PAGES * FRAME)
        frames = count(1)
        tables = TableBuilder(FOUR_LEVEL, memory, lambda: next(frames))
        for page, frame in enumerate(self.order):
            tables.map(self.base + page * FRAME, PAGES + frame)
        return memory, tables.root

    def nested(self) -> tuple[Memory, tuple[int, int]]:
        """The same under 4-level nested tables, guest frames in a random order."""
        memory = Memory((GUEST_FRAMES + 256) * FRAME)
        host_frames = count(GUEST_FRAMES)
        nested = TableBuilder(EPT_FOUR_LEVEL, memory, lambda: next(host_frames))
        for gfn in range(GUEST_FRAMES):
            nested.map(gfn << FRAME_SHIFT, self._host(gfn))
        frames = count(1)
        guest = TableBuilder(
            FOUR_LEVEL,
            memory,
            lambda: next(frames),
            lambda gpa: self._host(gpa >> FRAME_SHIFT) << FRAME_SHIFT | gpa & FRAME - 1,
        )
        for page, frame in enumerate(self.order):
            guest.map(self.base + page * FRAME, PAGES + frame)
        return memory, (guest.root, nested.root)

    @staticmethod
    def _host(gfn: int) -> int:
        return gfn * 7919 % GUEST_FRAMES


def to_host(entries: memoryview, root: int, gpa: int) -> int:
    """A nested walk of four levels in plain Python."""
    table = root
    for shift in SHIFTS:
        entry = entries[(table >> 3) + (gpa >> shift & 511)]
        if not entry & 7 or entry & WRONG:
            raise AssertionError("the tables map everything")
        table = entry & EPT_FOUR_LEVEL.address_mask
    return table


def _copy(memory: Memory) -> Memory:
    made = Memory(memory.size)
    made.ram[:] = memory.ram
    return made


def native_walks(clock: Clock, accesses: int, rounds: int, c: CLoops | None) -> dict[str, float]:
    """Native 4-level walks with permission checks, A and D."""
    walks = Walks(accesses)
    memory, root = walks.native()
    fresh = _copy(memory)
    walker = Walker(FOUR_LEVEL, memory)
    found = walker.walk(root, walks.linear, write=walks.write, user=True)
    assert not found.faults
    steps = lean_steps(FOUR_LEVEL, True)
    sample = max(1, accesses // SAMPLE)
    asked = list(zip(walks.linear[:sample].tolist(), walks.write[:sample].tolist(), strict=True))

    def plain() -> list[int]:
        answers = []
        for linear, write in asked:
            frame, _, _ = lean_walk(
                memory, steps, 8, FOUR_LEVEL.address_mask, root, linear,
                ERROR_USER | (ERROR_WRITE if write else 0), True,
            )  # fmt: skip
            answers.append(frame << FRAME_SHIFT | linear & FRAME - 1)
        return answers

    assert plain() == found.address[:sample].tolist()
    ways: Ways = {
        "bulk": (
            accesses, lambda: walker.walk(root, walks.linear, write=walks.write, user=True)),
        "plain Python": (sample, plain),
    }  # fmt: skip
    if c is not None:
        out = np.empty(accesses, np.int64)
        array: Ints = np.frombuffer(fresh.ram, np.int64)
        loops = c
        ways["C"] = (
            accesses, lambda: loops.walk_native(array, root, walks.linear, walks.write, out))
    rates = measured(clock, rounds, ways)
    if c is not None:
        assert np.array_equal(out, found.address), "the C loop disagrees"
        assert fresh.ram == memory.ram, "the C loop disagrees on A and D"
    return rates


def nested_walks(
    clock: Clock, accesses: int, rounds: int, c: CLoops | None, *, share: bool
) -> dict[str, float]:
    """Walks of 24 references with permission checks, A and D in both dimensions.

    ``share``: the nested walk of a guest frame is made once in each call, not for every access.
    """
    walks = Walks(accesses)
    memory, (guest_root, nested_root) = walks.nested()
    fresh = _copy(memory)
    walker = NestedWalker(FOUR_LEVEL, EPT_FOUR_LEVEL, memory, share=share)
    found = walker.walk(guest_root, nested_root, walks.linear, write=walks.write, user=True)
    assert set(found.references.tolist()) == {24}
    sample = max(1, accesses // SAMPLE)
    asked = walks.linear[:sample].tolist()
    entries = memory.m8.cast("Q")

    def plain() -> list[int]:
        """Reads only: A and D are set already, and nothing here faults."""
        answers = []

        def translate(gpa: int) -> int:
            return to_host(entries, nested_root, gpa)

        if share:
            translate = cache(translate)
        for gva in asked:
            table = translate(guest_root)
            for shift in SHIFTS:
                entry = entries[(table >> 3) + (gva >> shift & 511)]
                if not entry & 1 or entry & WRONG:
                    raise AssertionError("the tables map everything")
                table = translate(entry & FOUR_LEVEL.address_mask)
            answers.append(table | gva & FRAME - 1)
        return answers

    assert plain() == found.hpa[:sample].tolist()
    one = nested_walk(
        FOUR_LEVEL, guest_root, EPT_FOUR_LEVEL, nested_root, asked[0], memory.read, user=True
    )
    assert (one.hpa, len(one.refs)) == (int(found.hpa[0]), 24)
    ways: Ways = {
        "bulk": (accesses, lambda: walker.walk(
            guest_root, nested_root, walks.linear, write=walks.write, user=True)),
        "plain Python": (sample, plain),
    }
    if c is not None:
        out = np.empty(accesses, np.int64)
        array: Ints = np.frombuffer(fresh.ram, np.int64)
        roots = (guest_root, nested_root)
        loops = c

        def in_c() -> None:
            known = np.zeros(2 * GUEST_FRAMES if share else 0, np.int64)
            loops.walk_nested(array, roots, walks.linear, walks.write, out, known)

        ways["C"] = (accesses, in_c)
    rates = measured(clock, rounds, ways)
    if c is not None:
        assert np.array_equal(out, found.hpa), "the C loop disagrees"
        assert fresh.ram == memory.ram, "the C loop disagrees on A and D"
    return rates


def look_ups(
    clock: Clock, kind: str, sets: int, ways: int, accesses: int, rounds: int, c: CLoops | None,
    policy: str = "lru",
) -> dict[str, float]:  # fmt: skip
    """Look-ups in one TLB on one stream."""
    pages = 1 << 16 if kind != "loop" else sets * ways + sets // 2 + 1
    pieces = stream(kind, accesses, Shape(pages=pages), seed=5)
    keys: Ints = np.concatenate([piece.address for piece in pieces]) >> FRAME_SHIFT
    hits = BulkTlb(sets, ways, policy=policy).look_up(keys)
    sample = max(1, accesses // 20)
    some = keys[:sample].tolist()
    renews = policy == "lru"

    def plain() -> list[bool]:
        held: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(sets)]
        answers = []
        for key in some:
            there = held[key & sets - 1]
            hit = key in there
            if not hit:
                if len(there) == ways:
                    there.popitem(last=False)
                there[key] = None
            elif renews:
                there.move_to_end(key)
            answers.append(hit)
        return answers

    assert plain() == hits[:sample].tolist()
    all_ways: Ways = {
        "bulk": (accesses, lambda: BulkTlb(sets, ways, policy=policy).look_up(keys)),
        "plain Python": (sample, plain),
    }
    other = pycachesim(sets, ways, policy)
    if other is not None:
        byte = [key << FRAME_SHIFT for key in some]
        all_ways["pycachesim"] = (sample, lambda: other(byte))
        found = int(np.count_nonzero(hits[:sample]))
        assert other(byte) == (found, sample - found), "pycachesim disagrees"
    if c is not None:
        answer: Bools = np.empty(accesses, np.bool_)
        loops = c

        def in_c() -> None:
            held = np.full(sets * ways, -1, np.int64)
            loops.look_up(held, sets, ways, renews, keys, answer)

        all_ways["C"] = (accesses, in_c)
    rates = measured(clock, rounds, all_ways)
    if c is not None:
        assert np.array_equal(answer, hits), "the C loop disagrees"
    return rates


def pycachesim(
    sets: int, ways: int, policy: str = "lru"
) -> Callable[[list[int]], tuple[int, int]] | None:
    """A run of pycachesim as a TLB (a cache with lines of 4 KiB), giving its hits and misses.

    None if it is not installed.
    """
    from importlib import import_module

    try:
        cachesim = import_module("cachesim")
    except ImportError:
        return None

    def run(addresses: list[int]) -> tuple[int, int]:
        memory = cachesim.MainMemory()
        cache = cachesim.Cache("TLB", sets, ways, FRAME, policy.upper())
        memory.load_to(cache)
        memory.store_from(cache)
        simulator = cachesim.CacheSimulator(cache, memory)
        simulator.load(addresses)
        counted = cache.stats()
        return int(counted["HIT_count"]), int(counted["MISS_count"])

    return run


def run(
    clock: Clock, *, accesses: int = ACCESSES, rounds: int = ROUNDS, with_c: bool = True
) -> dict[str, Any]:
    """Time everything; give the figures as plain data, in accesses per second."""
    with TemporaryDirectory() as folder:
        c = compile_loops(folder) if with_c else None
        figures: dict[str, dict[str, float]] = {
            "4-level walks": native_walks(clock, accesses, rounds, c),
            ALL_MADE: nested_walks(clock, accesses, rounds, c, share=False),
            ONCE_A_CALL: nested_walks(clock, accesses, rounds, c, share=True),
        }
        for sets, ways in SHAPES:
            for kind in STREAMS:
                name = f"TLB {sets}x{ways}, {kind}"
                figures[name] = look_ups(clock, kind, sets, ways, accesses, rounds, c)
        for sets, ways in SHAPES:
            name = f"FIFO {sets}x{ways}, {FIFO_STREAM}"
            figures[name] = look_ups(clock, FIFO_STREAM, sets, ways, accesses, rounds, c, "fifo")
    missing = {
        "C": "no C compiler was found" if with_c and c is None else "",
        "pycachesim": "pycachesim is not installed" if pycachesim(1, 1) is None else "",
    }
    return {
        "unit": "accesses per second",
        "missing": [reason for reason in missing.values() if reason],
        "accesses": accesses,
        "rates": {
            name: {way: round(rate) for way, rate in rates.items()}
            for name, rates in figures.items()
        },
        "ratios": {
            name: {
                way: round(rates["bulk"] / rate, 2) for way, rate in rates.items() if way != "bulk"
            }
            for name, rates in figures.items()
        },
    }


def pretty(report: dict[str, Any]) -> str:
    """The report as a table: millions of accesses per second, and how many times the others."""
    wide = max(map(len, report["rates"])) + 1
    lines = [f"{'M accesses/s':<{wide}}{'bulk':>8}  bulk is so many times as fast as"]
    for name, rates in report["rates"].items():
        others = ", ".join(
            f"{way} {ratio:g}x" for way, ratio in report["ratios"][name].items()
        )
        lines.append(f"{name:<{wide}}{rates['bulk'] / 1e6:8.1f}  {others}")
    lines += [f"Left out: {reason}." for reason in report["missing"]]
    return "\n".join(lines)
