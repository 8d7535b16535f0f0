"""Reading the translator for the figure: which unit a step was about, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..isa.decode import Truncated, decode
from ..isa.disassemble import format_insn
from ..isa.faults import Fault
from ..isa.instruction import Insn
from ..scenes.cache_strip import Arc, Piece
from ..scenes.translation import Block, Row
from ..trace import events as ev
from ..vmm.cpu.binary_translation import BinaryTranslation
from ..vmm.monitor import WINDOW
from ..vmm.translation.cache import LONGEST_UNIT
from ..vmm.translation.hot import is_direct_jump
from ..vmm.translation.readout import (
    Exit,
    UnitPicture,
    Written,
    read_given_up,
    read_left,
    read_place,
    read_unit,
)
from ..vmm.translation.replacements import plan
from ..vmm.translation.unit import CALLOUT, CONTROL, IDENT, INLINE, Unit
from .listing import Peek
from .narrate import hexa
from .words.say import pick, plain
from .words.translation import TRANSLATION

BRANCH, CHAINED, LOOKUP = "branch", "chained", "lookup"
TONES = {
    IDENT: "kernel", INLINE: "device", CALLOUT: "vmm", BRANCH: "vmm", CHAINED: "good",
    LOOKUP: "muted",
}  # fmt: skip
LONGEST = 15
ROWS = 18  # that there is room for in the figure


@dataclass(frozen=True, slots=True)
class Scope:
    """What the figure is about at one step."""

    unit: UnitPicture | None
    mood: str  # "new", "stale" or ""
    hot: frozenset[int]  # cache addresses the step executed, or was left at
    joined: UnitPicture | None = None  # a unit whose branch was chained to it just now


class Translated:
    """The translation cache at one step, whose ``events`` are known, and the units before it."""

    def __init__(
        self, technique: BinaryTranslation, events: Sequence[ev.Event],
        units_before: dict[int, Unit],
    ) -> None:
        self.technique = technique
        self.cache = technique.cache
        self.events = events
        self.before = units_before
        self.ran = tuple(
            event.linear for event in events
            if isinstance(event, ev.Retired) and event.linear >= WINDOW)

    # -- which unit --------------------------------------------------------------------------

    def scope(self) -> Scope:
        """The unit to show: the one that ran, was given up, was made, or is where things stand."""
        hot = frozenset(self.ran)
        for address in reversed(self.ran):  # first may come the jump from the unit before
            unit = self.cache.unit_at(address)
            if unit is not None:
                return Scope(read_unit(self.cache, unit), "", hot)
        made = self._heard(ev.Translated)
        gone = self._heard(ev.Discarded)
        if gone is not None and made is None and gone.eip in self.before:
            return Scope(read_given_up(self.cache, self.before[gone.eip]), "stale", hot)
        if made is not None and made.replaced:
            region = self._at(made.address)
            copied = () if region is None else (
                row.address for pair in region.pairs for row in pair.cache
                if pair.kind == IDENT and is_direct_jump(pair))
            return Scope(region, "new", frozenset(copied))
        chained = self._heard(ev.Chained)
        if chained is not None:
            source, target = self._at(chained.source), self._at(chained.target)
            if made is not None and target is not None:
                return Scope(target, "new", frozenset({chained.source}), source)
            if source is not None:
                return Scope(source, "", frozenset({chained.source}))
        if made is not None:
            return Scope(self._at(made.address), "new", hot)
        left = read_left(self.technique)
        if left is not None:
            return Scope(self._at(left), "", frozenset({left}))
        place = read_place(self.technique)
        if place is not None:
            return Scope(self._at(place.address), "", frozenset({place.address}))
        return Scope(None, "", hot)

    def _heard(self, kind: type[ev.Event]) -> Any:
        return next((event for event in self.events if type(event) is kind), None)

    def _at(self, address: int) -> UnitPicture | None:
        unit = self.cache.unit_at(address)
        return None if unit is None else read_unit(self.cache, unit)

    @property
    def in_lookup(self) -> str:
        """"hit" or "miss" if this step went through a lookup, else empty."""
        routines = (self.cache.routines.lookup, self.cache.routines.lookup_retired)
        if not any(address in routines for address in self.ran):
            return ""
        return "miss" if self.code_at(self.ran[-1]).mnemonic == "int" else "hit"

    def code_at(self, address: int) -> Insn:
        """The instruction in the cache."""
        return decode(self.cache.memory.read_bytes(address - WINDOW, LONGEST))

    # -- its rows ----------------------------------------------------------------------------

    def blocks(self, scope: Scope, lang: str) -> tuple[Block, ...]:
        """The unit, instruction by instruction; before it the branch that was chained to it."""
        if scope.unit is None:
            return ()
        blocks: list[Block] = []
        if scope.joined is not None and scope.joined.address != scope.unit.address:
            joined = self._unit_blocks(scope.joined, scope.hot, lang)
            blocks += [block for block in joined if block.hot][-1:] or joined[-1:]
        own = self._unit_blocks(scope.unit, scope.hot, lang)
        seen = {block.guest.key for block in own if block.guest is not None}
        blocks = [block for block in blocks if block.guest is None or block.guest.key not in seen]
        blocks += own
        if scope.mood:
            return tuple(blocks)
        for way in scope.unit.exits:
            after = self._at(way.target) if way.target >= 0 else None
            if after is None or after.address == scope.unit.address:
                continue
            more = self._unit_blocks(after, frozenset(), lang)
            taken = {block.guest.key for block in blocks if block.guest is not None}
            room = ROWS - sum(block.height for block in blocks)
            if room > sum(block.height for block in more) and not any(
                    block.guest is not None and block.guest.key in taken for block in more):
                blocks += _headed(more, "head.chained", lang, eip=hexa(way.eip))
        return tuple(blocks)

    def below(
        self, blocks: tuple[Block, ...], key: str, linear: int, peek: Peek, bits: int, lang: str
    ) -> tuple[Block, ...]:
        """Guest code under the unit: what it leads to, or what stands in its place now."""
        room = ROWS - sum(block.height for block in blocks) - 1
        more = self.guest_rows(linear, peek, bits, "muted", room)
        taken = {block.guest.key for block in blocks if block.guest is not None}
        renamed = [
            replace(block, key=f"{block.key}:now", hot=False, guest=replace(
                block.guest, hot=False,
                key=block.guest.key + (":now" if block.guest.key in taken else "")))
            for block in more if block.guest is not None]
        return (*blocks, *_headed(renamed, key, lang, eip=hexa(linear)))

    def _unit_blocks(
        self, unit: UnitPicture, hot: frozenset[int], lang: str
    ) -> list[Block]:
        ways = {way.jump: way for way in unit.exits}
        # A stub that ran stands for the jump that leads to it.
        stubs = hot & {stub.address for stub in unit.stubs}
        blocks = []
        for pair in unit.pairs:
            rows = [self._row(written, hot, ways, lang) for written in pair.cache]
            kind = kind_of(pair.kind, pair.cache, ways)
            blocks.append(Block(
                f"pair:{pair.cache[0].address if pair.cache else pair.eip:08x}",
                TONES[kind], pick(TRANSLATION[f"word.{kind}"], lang),
                Row(f"guest:{pair.eip:08x}", hexa(pair.eip), pair.code.hex(), pair.text,
                    hot=any(row.hot for row in rows)),
                tuple(rows), any(row.hot for row in rows),
                pick(TRANSLATION[f"tip.{kind}"], lang)))
        tail = [self._row(written, hot, ways, lang) for written in unit.tail]
        tail += [
            Row(f"elided:{way.jump:08x}", "", "",
                plain(TRANSLATION["falls"], lang, {"eip": hexa(way.eip)}), muted=True,
                hot=way.jump in hot)
            for way in unit.exits if way.elided]
        if tail:
            jumps = {written.address for written in unit.tail}
            waits = any(way.jump in jumps and way.target < 0 for way in unit.exits)
            kind = BRANCH if waits else CHAINED
            blocks.append(Block(
                f"pair:{unit.address:08x}:tail", TONES[kind], "", None, tuple(tail),
                any(row.hot for row in tail), pick(TRANSLATION["tip.tail"], lang)))
        if stubs and blocks and not any(block.hot for block in blocks):
            blocks[-1] = _heated(blocks[-1])
        return blocks

    def _row(
        self, written: Written, hot: frozenset[int], ways: dict[int, Exit], lang: str
    ) -> Row:
        way = ways.get(written.address)
        chip = tone = ""
        if way is not None:
            chained = way.target >= 0
            chip = f"→ {hexa(way.eip)}" if chained else pick(TRANSLATION["to.vmm"], lang)
            tone = "good" if chained else "vmm"
        elif written.address in self.cache.spots and self.cache.spots[written.address].action:
            chip, tone = pick(TRANSLATION["to.vmm"], lang), "vmm"
        return Row(
            f"cache:{written.address:08x}", hexa(written.address), written.code.hex(),
            written.text, hot=written.address in hot, muted=not written.counts and not chip,
            chip=chip, chip_tone=tone,
            tip="" if written.counts else pick(TRANSLATION["tip.overhead"], lang))

    def guest_rows(
        self, linear: int, peek: Peek, bits: int, tone: str, count: int = LONGEST_UNIT
    ) -> tuple[Block, ...]:
        """Guest code from ``linear`` on that has no translation, as far as a unit would go."""
        blocks: list[Block] = []
        while len(blocks) < count:
            code = peek(linear, LONGEST)
            try:
                insn = decode(code or b"", bits)
            except (Fault, Truncated):
                break
            row = Row(f"guest:{linear:08x}", hexa(linear), insn.raw.hex(),
                      format_insn(insn, linear), hot=not blocks)
            blocks.append(Block(f"pair:{linear:08x}", tone, "", row, (), not blocks))
            linear = linear + insn.length & 0xFFFF_FFFF
            if plan(insn).ends:
                break
        return tuple(blocks)

    # -- the cache as a whole ----------------------------------------------------------------

    def strip(self, shown: UnitPicture | None, lang: str) -> tuple[list[Piece], list[Arc]]:
        """Units and chained jumps, as fractions of the part of the cache that is in use."""
        cache = self.cache
        units = sorted(cache.units.values(), key=lambda unit: unit.address)
        gone = [
            self.before[event.eip] for event in self.events
            if isinstance(event, ev.Discarded) and event.eip in self.before]
        ends = [unit.end for unit in (*units, *gone)]
        whole = max([600, cache.next - cache.start, *(end - cache.start for end in ends)])

        def place(address: int) -> float:
            return (address - cache.start) / whole

        new = {event.address for event in self.events if isinstance(event, ev.Translated)}
        pieces = []
        for unit, state in (*((unit, "") for unit in units), *((unit, "gone") for unit in gone)):
            address = unit.address
            mood = state or ("new" if address in new else "current" if shown is not None
                             and shown.address == address else "")
            facts = {"eip": hexa(unit.key.eip), "lines": len(unit.lines),
                     "size": unit.end - address}
            pieces.append(Piece(
                f"unit:{address:08x}" + (":gone" if state else ""), place(address),
                place(unit.end), mood, plain(TRANSLATION["piece.tip"], lang, facts)))
        return pieces, [
            Arc(f"chain:{jump:08x}", place(jump), place(target),
                self._arc_state(jump, shown),
                plain(TRANSLATION["arc.tip"], lang, {"eip": hexa(cache.ways[jump].eip)}))
            for jump, target in cache.linked.items()
            if jump in cache.ways and jump not in cache.elided]

    def _arc_state(self, jump: int, shown: UnitPicture | None) -> str:
        if any(isinstance(event, ev.Chained) and event.source == jump for event in self.events):
            return "new"
        inside = shown is not None and shown.address <= jump < shown.address + shown.size
        return "current" if inside else ""


def kind_of(kind: str, written: Iterable[Written], ways: dict[int, Exit]) -> str:
    """What became of an instruction, branches told apart."""
    if kind != CONTROL:
        return kind
    own = [ways[row.address] for row in written if row.address in ways]
    if not own:
        return LOOKUP
    return CHAINED if all(way.target >= 0 for way in own) else BRANCH


def _headed(blocks: list[Block], key: str, lang: str, **facts: object) -> list[Block]:
    """The blocks with a line above the first of them."""
    if not blocks:
        return blocks
    return [replace(blocks[0], head=plain(TRANSLATION[key], lang, facts)), *blocks[1:]]


def _heated(block: Block) -> Block:
    """The block with its last row marked: the stub its jump leads to has run."""
    if not block.cache:
        return block
    rows = (*block.cache[:-1], replace(block.cache[-1], hot=True))
    guest = None if block.guest is None else replace(block.guest, hot=True)
    return replace(block, cache=rows, guest=guest, hot=True)
