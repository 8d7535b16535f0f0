"""The engine is the interpreter, only faster: same states after every number of steps."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.isa.registers import CS, DS, EBP, EDI, ES, ESI, ESP, SS
from ringside.machine.descriptors import segment_descriptor
from ringside.machine.engine import Engine
from ringside.machine.segmentation import cached

sys.path.insert(0, str(Path(__file__).parent))
from engine_programs import DATA, FAR_DATA, STACK, Maker

STEPS = 400
FLAT = 0xFFFF_FFFF
DIRECTORY, TABLE = 0x80000, 0x81000


def change_segments(bench, variant, ring):
    """Segments as a VMM, an old program or nobody in particular would set them up."""
    segs = bench.cpu.segs

    def segment(base, limit, kind=3):
        return cached(0x10, segment_descriptor(base, limit, kind, dpl=ring))

    if variant == "truncated":
        segs[DS] = segs[ES] = segs[SS] = segment(0, 0xFFBF_FFFF)
    elif variant == "small":
        segs[DS], segs[ES] = segment(0x10, 0x3FFFF), segment(0, 0x30020)
        segs[SS] = segment(0, 0x4FFFF)
    elif variant == "odd":
        segs[SS] = segment(0, 0x4FFF7, 7)  # expand-down
        segs[DS] = segment(0, FLAT, 1)  # read-only
        segs[CS] = cached(8, segment_descriptor(0, 0x8040, 0xB))
    elif variant == "sixteen":
        segs[CS] = cached(8, segment_descriptor(0, 0xFFFF, 0xB, big=False))
        segs[SS] = cached(0x10, segment_descriptor(0x40000, 0xFFFF, 3, big=False))
    elif variant == "based":
        segs[DS], segs[SS] = segment(0xFFFF_FFF0, FLAT), segment(8, FLAT)


def turn_paging_on(bench):
    memory, cpu = bench.memory, bench.cpu
    memory.write32(DIRECTORY, TABLE | 7)
    for page in range(256):
        memory.write32(TABLE + 4 * page, page << 12 | 7)
    memory.write32(TABLE + 4 * 0x31, 0)  # a hole
    memory.write32(TABLE + 4 * 0x22, 0x22 << 12 | 5)  # a read-only page
    cpu.write_control(3, DIRECTORY)
    cpu.write_control(0, cpu.cr0 | 0x8001_0000)


def prepare(make_bench, source, seed):
    """A processor about to run ``source``, the rest chosen by ``seed``."""
    r = random.Random(seed)
    bench = make_bench()
    kinds = ["flat", "flat", "truncated", "small", "odd", "based", "sixteen", "ring 3"]
    variant = r.choice(kinds)
    if variant == "sixteen":
        bench.load(re.sub(r"\[(?=\d)", "[dword ", source), bits=16)
    else:
        bench.load(source)
    ring = 3 if variant == "ring 3" else 0
    bench.enter(ring)
    change_segments(bench, variant, ring)
    for where in (DATA, FAR_DATA):
        bench.memory.write_bytes(where, r.randbytes(200))
    regs = bench.cpu.regs
    for k in range(8):
        regs[k] = r.choice([0, 1, 5, FLAT, 0x8000_0000, r.getrandbits(32), DATA])
    regs[ESP], regs[ESI], regs[EDI], regs[EBP] = STACK, DATA + 64, FAR_DATA, STACK
    if r.random() < 0.5:
        turn_paging_on(bench)
    return bench


def state(bench):
    cpu, tlb = bench.cpu, bench.cpu.tlb
    return {
        "regs": cpu.regs[:], "eip": cpu.eip, "eflags": cpu.eflags, "time": cpu.time,
        "steps": cpu.steps, "cr2": cpu.cr2, "cpl": cpu.cpl, "halted": cpu.halted,
        "shutdown": cpu.shutdown, "tlb": dict(tlb.entries), "order": [q[:] for q in tlb.queues],
    }  # fmt: skip


def check(make_bench, seed, self_modifying):
    r = random.Random(seed)
    source = Maker(seed).program(self_modifying)
    slow, fast = (prepare(make_bench, source, seed) for _ in range(2))
    engine = Engine(fast.cpu, hot=r.choice([1, 2, 4]))
    done = 0
    while done < STEPS:
        n = r.choice([1, 2, 3, 5, 8, 13, 40, 100, STEPS])
        done += n
        stopped = slow.cpu.run(n)
        assert engine.run(n) == stopped
        assert state(fast) == state(slow), source
        assert fast.memory.ram == slow.memory.ram, source
        if stopped != "limit":
            return


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_stretch_of_a_random_program_ends_in_the_same_state(make_bench, seed):
    check(make_bench, seed, False)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_code_that_changes_itself_runs_as_changed(make_bench, seed):
    check(make_bench, seed, True)


# Seeds that once found a mistake.
@pytest.mark.parametrize(
    "seed", [108, 225, 278, 287, 372, 406, 511, 3000624, 5001495, 4001040, 12005270, 13000506]
)
@pytest.mark.parametrize("self_modifying", [False, True])
def test_a_program_that_once_differed_does_not(make_bench, seed, self_modifying):
    check(make_bench, seed, self_modifying)
