"""One sentence for a step under binary translation; None where the usual one says it best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..host.systems import System
from ..host.virtualized import Virtualized
from ..isa.decode import decode
from ..isa.row import classify
from ..machine.cpu import Cpu
from ..machine.memory import FRAME_SHIFT
from ..trace import events as ev
from ..vmm.cpu.binary_translation import BinaryTranslation
from ..vmm.exits import CALLOUT as CALLOUT_EXIT
from ..vmm.translation.hot import is_direct_jump
from ..vmm.translation.readout import Pair
from ..vmm.translation.unit import CALLOUT, EMULATE, GO, IDENT, INLINE, LINK, RETURN, Unit
from .narrate import hexa
from .translated import LOOKUP, Translated, kind_of
from .words.say import Segment, segments
from .words.translation import TRANSLATION

PRIVILEGED, SENSITIVE = "privileged", "sensitive"  # as ``classify`` says

INLINE_STORIES = frozenset({"cli", "sti", "popf"})
Told = list[Segment] | None
Heard = dict[type[ev.Event], Any]


class Story:
    """The steps of a run under binary translation, in the translator's terms."""

    def __init__(self, technique: BinaryTranslation, vcpu: Cpu) -> None:
        self.technique = technique
        self._vcpu = vcpu
        self.units: dict[int, Unit] = {}  # those there were before the step, by guest address

    @classmethod
    def of(cls, system: System) -> Story | None:
        """The story of a system whose guest is translated; None for any other."""
        if not isinstance(system, Virtualized):
            return None
        technique = system.vmm.guests[0].cpu
        if not isinstance(technique, BinaryTranslation):
            return None
        return cls(technique, system.vmm.vm.vcpu)

    def look(self) -> None:
        """Before a step is taken: which units there are."""
        self.units = {unit.key.eip: unit for unit in self.technique.cache.units.values()}

    def told(
        self, events: Sequence[ev.Event], eip: int, insn: str, lang: str, nothing: str = ""
    ) -> Told:
        """What the step did; see :func:`tell`."""
        cache = Translated(self.technique, events, self.units)
        return tell(cache, self._vcpu, eip, insn, lang, nothing)


def tell(
    cache: Translated, vcpu: Cpu, eip: int, insn: str, lang: str, nothing: str = ""
) -> Told:
    """What the step did; the instruction ``insn`` at ``eip`` was the next one before it.

    ``nothing`` says why there was none, if there was none.
    """
    heard: Heard = {}
    for event in cache.events:
        heard.setdefault(type(event), event)
    if nothing and _left_for(cache, heard) == EMULATE and cache.ran[-1:] != (cache.cache.pad,):
        return _say("trap.nothing", lang, nothing=nothing)
    for kind, speak in _SPEAKERS:
        if kind in heard:
            return None if speak is None else speak(cache, heard, vcpu, eip, insn, lang)
    if not heard and cache.technique.wish:
        return _say("find", lang, eip=hexa(vcpu.eip))
    return None


def _left_for(cache: Translated, heard: Heard) -> str:
    """What the translated code that the step left for the VMM asks it to do; else empty."""
    entered, spot = heard.get(ev.VmmEntered), cache.technique.spot
    called = entered is not None and entered.reason == CALLOUT_EXIT
    return spot.action if called and spot is not None else ""


def _say(key: str, lang: str, **facts: object) -> list[Segment]:
    return segments(TRANSLATION[key], lang, facts)


def _discarded(
    cache: Translated, heard: Heard, vcpu: Cpu, eip: int, insn: str, lang: str
) -> Told:
    gone = heard[ev.Discarded]
    return _say(f"discard.{gone.why}", lang, eip=hexa(gone.eip))


def _translated(
    cache: Translated, heard: Heard, vcpu: Cpu, eip: int, insn: str, lang: str
) -> Told:
    made = heard[ev.Translated]
    unit = cache.cache.unit_at(made.address)
    if made.replaced and unit is not None:
        jumps = [line for line in unit.lines if is_direct_jump(line)]
        same = sum(line.kind == IDENT for line in jumps)
        return _say("translate.hot", lang, eip=hexa(made.eip), count=made.count,
                    jumps=len(jumps), same=same)
    told = _say("translate", lang, eip=hexa(made.eip), count=made.count, cache=made.size,
                guest=unit.length if unit is not None else 0)
    if any(line.eip < made.eip < line.eip + len(line.code)
           for other in cache.cache.units.values() for line in other.lines):
        told += [{"text": " "}, *_say("middle", lang)]
    chained = heard.get(ev.Chained)
    if chained is not None:
        key = "elide" if chained.elided else "chain"
        told += [{"text": " "}, *_say(key, lang, jump=hexa(chained.source))]
    return told


def _chained(
    cache: Translated, heard: Heard, vcpu: Cpu, eip: int, insn: str, lang: str
) -> Told:
    chained = heard[ev.Chained]
    return _say("chain.only", lang, eip=hexa(chained.eip), jump=hexa(chained.source))


def _entered(
    cache: Translated, heard: Heard, vcpu: Cpu, eip: int, insn: str, lang: str
) -> Told:
    technique, entered = cache.technique, heard[ev.VmmEntered]
    if not technique.in_cache:
        return None
    if entered.reason == CALLOUT_EXIT:
        action = technique.spot.action if technique.spot is not None else ""
        if cache.ran and cache.ran[-1] == cache.cache.pad:
            return _say("fault.none", lang, eip=hexa(entered.eip))
        if action in (RETURN, GO):
            return _say("run.miss", lang, insn=insn, eip=hexa(vcpu.eip))
        if action == LINK:
            return _say("trap.link", lang, eip=hexa(vcpu.eip))
        if insn.startswith("sti") and len(cache.ran) > 1:
            return _say("trap.sti", lang)
        short = cache.ran[-1:] and cache.code_at(cache.ran[-1]).mnemonic == "int3"
        kind = _class_of(cache, eip)
        key = f"trap.callout.{kind}" if kind in (PRIVILEGED, SENSITIVE) else "trap.callout"
        return _say(key, lang, insn=insn, call="INT3" if short else "INT FCh")
    fault = heard.get(ev.FaultRaised)
    if fault is not None and fault.vector == 14 and fault.error & 2:
        gpa = technique.vm.where(fault.address)
        if gpa is not None and gpa >> FRAME_SHIFT in technique.shadow.code:
            return _say("trap.code", lang, insn=insn, address=hexa(fault.address))
    return None


def _resumed(
    cache: Translated, heard: Heard, vcpu: Cpu, eip: int, insn: str, lang: str
) -> Told:
    where = "cache" if cache.technique.in_cache else "direct"
    if where == "cache" and cache.cache.cpu.eip == cache.cache.pad:
        where = "pad"
    return _say(f"resume.{where}", lang, eip=hexa(heard[ev.Resumed].eip))


def _class_of(cache: Translated, eip: int) -> str:
    """Popek and Goldberg's class of the guest's instruction, where it is in the unit shown."""
    unit = cache.scope().unit
    pairs = (pair for pair in unit.pairs if pair.eip == eip and pair.code) if unit else ()
    return next((classify(decode(pair.code).row) for pair in pairs), "")


def _retired(
    cache: Translated, heard: Heard, vcpu: Cpu, eip: int, insn: str, lang: str
) -> Told:
    if not cache.ran:
        return None
    scope = cache.scope()
    if scope.unit is None:
        return None
    pair = next((pair for pair in scope.unit.pairs
                 if pair.eip == eip and any(row.address in cache.ran for row in pair.cache)), None)
    if pair is None:
        return None
    ways = {way.jump: way for way in scope.unit.exits}
    kind = kind_of(pair.kind, pair.cache, ways)
    if kind == IDENT:
        loads = classify(decode(pair.code).row) == SENSITIVE  # of those, only segments are copied
        key = ("run.ident.jump" if is_direct_jump(pair) else
               "run.ident.segment" if loads else "run.ident")
        return _say(key, lang, insn=insn)
    if kind == INLINE:
        name = insn.split()[0].rstrip("d")
        general = "run.in-line" if len(pair.cache) > 1 else "run.in-line.one"
        key = f"run.{name}" if name in INLINE_STORIES else general
        return _say(key, lang, insn=insn, count=len(pair.cache))
    if kind == CALLOUT:
        return None
    if kind == LOOKUP or cache.in_lookup:
        found = cache.in_lookup
        return _say(f"run.{found}", lang, insn=insn, eip=hexa(vcpu.eip),
                    address=hexa(cache.cache.cpu.eip)) if found else None
    return _branch(cache, pair, vcpu, insn, lang)


def _branch(cache: Translated, pair: Pair, vcpu: Cpu, insn: str, lang: str) -> Told:
    at, known = cache.cache.cpu.eip, cache.cache
    waits = known.spots[at].action == LINK if at in known.spots else False
    waits = waits or at in known.ways and at not in known.linked  # the jump behind the branch
    if insn.startswith("call"):
        back = hexa(pair.eip + len(pair.code))
        key = "run.call.stub" if waits else "run.call"
        return _say(key, lang, insn=insn, back=back, eip=hexa(vcpu.eip))
    key = "run.stub" if waits else "run.branch"
    return _say(key, lang, insn=insn, eip=hexa(vcpu.eip))


Speaker = Callable[[Translated, Heard, Cpu, int, str, str], Told]
# The first of these that was heard speaks; None: the usual sentence says it best.
_SPEAKERS: tuple[tuple[type[ev.Event], Speaker | None], ...] = (
    (ev.Injected, None),
    (ev.Discarded, _discarded),
    (ev.Translated, _translated),
    (ev.Chained, _chained),
    (ev.VmmEntered, _entered),
    (ev.Emulated, None),
    (ev.ShadowFilled, None),
    (ev.Resumed, _resumed),
    (ev.Retired, _retired),
)
