"""What is known of a chunk before it is written: how long its paths are, which flags are dead."""

from __future__ import annotations

from ringside.isa.instruction import Insn, Mem
from ringside.isa.row import DERIVED_FLAGS
from ringside.machine.translator.graph import Block
from ringside.machine.translator.sites import ALL, changes
from ringside.machine.translator.source import may_raise

FLAG_READS = frozenset(ALL) | frozenset(DERIVED_FLAGS)
SHORT_TAIL = 4


def is_tail(block: Block) -> bool:
    """Whether a block is better copied than jumped to: the few instructions before a return."""
    return not block.to and block.cost <= SHORT_TAIL and not block.joins


def costs(head: int, blocks: dict[int, Block], copies: bool) -> tuple[int, set[int]]:
    """The longest path through a chunk, and the lengths of the paths back to its head."""
    longest = 0
    turns: set[int] = set()
    seen: dict[int, set[int]] = {}
    work = [(head, 0)]
    while work:
        start, before = work.pop()
        block = blocks[start]
        spent = before + block.cost
        if spent in seen.setdefault(start, set()):
            continue
        seen[start].add(spent)
        longest = max(longest, spent)
        for target in block.to:
            if target == head:
                turns.add(spent)
            elif target in blocks and blocks[target].chunk == head:
                work.append((target, spent))
            elif copies and target in blocks and is_tail(blocks[target]):
                longest = max(longest, spent + blocks[target].cost)
    return longest, turns


def liveness(insns: list[tuple[int, Insn]]) -> tuple[list[bool], list[bool]]:
    """For each instruction of a block: may the flags it sets be asked for from outside (a fault, an
    exit), and does the next instruction read them?"""
    lives, reads = [], []
    for k, (_, insn) in enumerate(insns):
        after = insn.row.flags
        if after is None:
            lives.append(False)
            reads.append(False)
            continue
        following = insns[k + 1 :]
        reads.append(bool(following) and bool(FLAG_READS & set(following[0][1].row.takes)))
        lives.append(_lives(changes(after), following))
    return lives, reads


def _lives(left: frozenset[str], following: list[tuple[int, Insn]]) -> bool:
    for _, insn in following:
        row = insn.row
        asks = FLAG_READS & {*row.takes, *row.flags_take}
        memory = any(type(operand) is Mem for operand in insn.operands)
        if asks or memory or insn.rep or row.kind == "system" or may_raise(row.meaning):
            return True
        if row.flags is not None and not row.flags_if:
            left = left - changes(row.flags)
            if not left:
                return False
    return True
