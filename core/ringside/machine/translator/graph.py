"""The control flow of a region: blocks of one page, and how they fall into chunks.

A *chunk* is what the generated function can enter directly: the region's entry, return points of
calls, loop heads, and places where paths from different chunks meet. All other blocks are written
inside the chunk that reaches them: after a test, or as the join of two arms.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from ringside.isa.instruction import Insn, Rel
from ringside.machine.translator.emit import target_of
from ringside.machine.translator.source import tree_of
from ringside.machine.translator.values import MASK

Find = Callable[[int], Insn | None]

MOST_INSTRUCTIONS = 240


@dataclass(slots=True)
class Block:
    """A run of instructions entered only at ``start``; ``to`` are its successors' offsets."""

    start: int
    insns: list[tuple[int, Insn]]
    to: tuple[int, ...]
    after_call: int | None  # where the called procedure returns to
    back: list[int] = field(default_factory=list)  # predecessors within the region
    chunk: int = -1
    joins: list[int] = field(default_factory=list)  # blocks written after this one's arms

    @property
    def cost(self) -> int:
        """Instructions, hence ticks."""
        return len(self.insns)


def is_branch(insn: Insn) -> bool:
    """Whether the instruction may go elsewhere than to the next."""
    return insn.row.kind == "branch"


def ends_block(insn: Insn) -> bool:
    """Whether a block ends here: a branch, or a repeated instruction, which is its own loop."""
    return is_branch(insn) or bool(insn.rep)


def is_call(insn: Insn) -> bool:
    """Whether it is a near call: it stores where to go on."""
    takes = insn.row.takes
    return is_branch(insn) and "m" in takes and "eip_next" in takes


def successors(insn: Insn, eip: int) -> tuple[int, ...]:
    """Where a branch goes, as far as it says so itself: taken first."""
    if insn.rep:
        following = eip + insn.length
        return eip, following, following  # again; not at all; after the last time
    if not any(isinstance(operand, Rel) for operand in insn.operands):
        return ()
    row = insn.row
    last = tree_of(row.meaning).body[-1]
    assert isinstance(last, ast.Return)
    result = last.value
    if isinstance(result, ast.Tuple):
        result = result.elts[row.gives.index("eip")]
    target = target_of(insn, eip)
    if isinstance(result, ast.IfExp):
        mask = MASK if insn.code_bits == 32 else 0xFFFF
        return target, (eip + insn.length) & mask
    return (target,)


def discover(entry: int, find: Find, wanted: Callable[[int], bool]) -> dict[int, Block]:
    """The blocks reachable from ``entry``, in the order found.

    ``find`` gives the instruction at an offset, or None where the region must end (another page,
    an instruction left to the interpreter). ``wanted`` refuses blocks that never ran.
    """
    insns: dict[int, Insn] = {}
    leaders = {entry}
    work = [entry]
    while work and len(insns) < MOST_INSTRUCTIONS:
        eip = work.pop(0)
        while eip not in insns and len(insns) < MOST_INSTRUCTIONS:
            insn = find(eip)
            if insn is None:
                break
            insns[eip] = insn
            following = eip + insn.length
            if insn.rep:
                leaders.add(eip)
            if ends_block(insn):
                targets = list(successors(insn, eip))
                if is_call(insn):
                    targets.append(following)
                for target in targets:
                    if target not in leaders and wanted(target):
                        leaders.add(target)
                        work.append(target)
                break
            eip = following
    blocks: dict[int, Block] = {}
    for start in sorted(leaders):
        if start in insns:
            blocks[start] = _block(start, insns, leaders)
    for block in blocks.values():
        for target in block.to:
            if target in blocks:
                blocks[target].back.append(block.start)
    return blocks


def _block(start: int, insns: dict[int, Insn], leaders: set[int]) -> Block:
    run: list[tuple[int, Insn]] = []
    eip = start
    while eip in insns and (eip == start or eip not in leaders):
        insn = insns[eip]
        run.append((eip, insn))
        following = eip + insn.length
        if ends_block(insn):
            call = following if is_call(insn) else None
            return Block(start, run, successors(insn, eip), call)
        eip = following
    return Block(start, run, (eip,), None)


@dataclass(slots=True)
class Plan:
    """Blocks and the chunks they form, in the order they are written."""

    blocks: dict[int, Block]
    order: list[int]  # reverse postorder
    chunks: list[int]  # starts of the chunks' head blocks


def plan(entry: int, blocks: dict[int, Block]) -> Plan:
    """Decide which blocks head a chunk and where the others go."""
    roots = [entry]
    roots += [
        block.after_call
        for block in blocks.values()
        if block.after_call is not None and block.after_call in blocks
    ]
    order = _reverse_postorder(roots, blocks)
    position = {start: k for k, start in enumerate(order)}
    dominator = _dominators(roots, order, position, blocks)

    def dominates(head: int, start: int) -> bool:
        at: int | None = start
        while at is not None and position[at] > position[head]:
            at = dominator[at]
        return at == head

    heads = set(roots)
    loops: dict[int, set[int]] = {}
    for start in order:
        for source in blocks[start].back:
            if position[source] >= position[start]:
                heads.add(start)
                if dominates(start, source):
                    loops.setdefault(start, {start}).update(_body(start, source, blocks))
    for start in order:
        block = blocks[start]
        homes = {blocks[source].chunk for source in block.back}
        above = dominator[start]
        home = homes.pop() if len(homes) == 1 else None
        inside = home is not None and (home not in loops or start in loops[home])
        if start in heads or not inside or home is None or above is None:
            heads.add(start)
            block.chunk = start
            continue
        block.chunk = home
        if len(block.back) > 1:
            blocks[above].joins.append(start)
    return Plan(blocks, order, [start for start in order if start in heads])


def _body(head: int, tail: int, blocks: dict[int, Block]) -> set[int]:
    """The natural loop of the edge from ``tail`` back to ``head``."""
    found = {head}
    work = [tail]
    while work:
        at = work.pop()
        if at not in found:
            found.add(at)
            work += blocks[at].back
    return found


def _reverse_postorder(roots: list[int], blocks: dict[int, Block]) -> list[int]:
    seen: set[int] = set()
    post: list[int] = []
    for root in reversed(roots):
        stack: list[tuple[int, int]] = [(root, 0)]
        if root in seen:
            continue
        seen.add(root)
        while stack:
            start, k = stack.pop()
            targets = [t for t in reversed(blocks[start].to) if t in blocks]
            if k < len(targets):
                stack.append((start, k + 1))
                if targets[k] not in seen:
                    seen.add(targets[k])
                    stack.append((targets[k], 0))
            else:
                post.append(start)
    return post[::-1]


def _dominators(
    roots: list[int], order: list[int], position: dict[int, int], blocks: dict[int, Block]
) -> dict[int, int | None]:
    """Immediate dominators (Cooper, Harvey and Kennedy 2001); None is the outside world."""
    unknown = -1
    found: dict[int, int | None] = dict.fromkeys(order, unknown)

    def meet(one: int | None, other: int | None) -> int | None:
        while one != other:
            if one is None or other is None:
                return None
            if position[one] > position[other]:
                one = found[one]
            else:
                other = found[other]
        return one

    changed = True
    while changed:
        changed = False
        for start in order:
            if start in roots:
                new: int | None = None
            else:
                known = [s for s in blocks[start].back if found[s] != unknown]
                new = known[0]
                for source in known[1:]:
                    new = meet(new, source)
            if found[start] != new:
                found[start] = new
                changed = True
    return found
