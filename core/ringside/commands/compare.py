"""``ringside compare``: one guest under several techniques, side by side after the same step."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ..whole_numbers import count_of
from .arguments import Refusal, add_prices, processor_of
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..measure.comparison import Comparison, Lane
    from ..trace.presets import Preset

LIMIT = 100_000


def add(commands: Any) -> None:
    """Add the command to what ``ArgumentParser.add_subparsers`` gave."""
    text = "run one guest under several techniques in lock-step and compare"
    compare = commands.add_parser("compare", help=text, description=text)
    compare.set_defaults(command=run_and_compare)
    compare.add_argument("what", metavar="GUEST", help="a guest of the shelf, or a file")
    compare.add_argument("--cpu", default=None, metavar="A,B,…", action="append",
                         help="the techniques, the first one the others are held against "
                              "(default: bare-metal and all that can run the guest); a variant "
                              "is said as hardware-assist/shadow or trap-and-emulate/"
                              "virtualizable")
    compare.add_argument("--max-instructions", type=count_of, default=LIMIT, metavar="N",
                         help=f"stop after N guest steps (default: {LIMIT})")
    compare.add_argument("--quick", action="store_true",
                         help="compare after each of the first 20,000 guest steps, then now and "
                              "then: what differs for a while may be missed")
    add_prices(compare)
    compare.add_argument("--devices", choices=("without", "with"), default="without",
                         help="count the time devices take or not (default: without: a virtual "
                              "device is faster than a real port)")
    compare.add_argument("--lang", choices=("en", "hu"), default="en")
    compare.add_argument("--json", action="store_true", help="print as JSON")


def run_and_compare(options: argparse.Namespace) -> int:
    """Carry the command out; 0 if all lanes stayed equal, 1 if one parted."""
    from ..trace.presets import PRESETS
    from ..vmm.lockstep import CLOSELY
    from .side_by_side import lines

    processor = processor_of(options) or PRESETS[0]
    refused: dict[str, str] = {}
    comparison = _open(options.what, ",".join(options.cpu or ()), processor, refused)
    if options.quick:
        comparison.closely = CLOSELY
    _run(comparison, options.max_instructions)
    report = as_data(options.what, comparison, processor, devices=options.devices == "with") | {
        "refused": refused}
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines(report, options.lang)))
    return 1 if any(lane.difference for lane in comparison.lanes) else 0


def _run(comparison: Comparison, limit: int) -> None:
    """Run to the end or to ``limit`` guest steps, with a sign of life after each stretch."""
    from ..measure.comparison import STRETCH

    with Progress() as progress:
        while comparison.running and comparison.step < limit:
            comparison.seek(min(limit, (comparison.step // STRETCH + 1) * STRETCH))
            progress.say(f"{comparison.step:>15,} guest steps")


def _open(
    what: str, cpu: str, processor: Preset, refused: dict[str, str]
) -> Comparison:
    from ..guests import HOSTILE, NANO, SHELF
    from ..isa.assembler import AssemblyError
    from ..isa.faults import NotModelled
    from ..labs.batch import BatchError, Unknown
    from ..labs.lanes import compare, find_guest, techniques_for
    from ..labs.unknown import unknown
    from ..machine.loader import ImageError

    try:
        assembled, disk = find_guest(what)
        able = techniques_for(what)
        if len(able) < 2 and not cpu:
            raise Refusal(f"only {able[0]} can run {what}: there is nothing to compare it with")
        wanted = tuple(cpu.split(",")) if cpu else able
        for id in wanted:
            _check(id, what, able, processor)
        if len(set(wanted)) != len(wanted):
            raise Refusal("a technique is named twice")
        return compare(
            what, assembled, wanted, disk, ept=processor.ept, refused=None if cpu else refused)
    except Unknown:
        guests = sorted(entry.id for entry in (*SHELF, *NANO, *HOSTILE)
                        if len(techniques_for(entry.id)) > 1)
        raise Refusal(unknown(
            f"{what!r} is neither a file nor a guest to compare", what, {"guests": guests}),
        ) from None
    except (BatchError, ImageError, NotModelled) as error:
        raise Refusal(str(error)) from None
    except AssemblyError as error:
        first = error.problems[0]
        raise Refusal(f"{first.file}:{first.line}:{first.column}: {first.message}") from None


def _check(id: str, what: str, able: Sequence[str], processor: Preset) -> None:
    """Refuse a technique or variant that there is not, that cannot run the guest, or that the
    processor has not got."""
    from ..labs.lanes import NO_EPT, Way
    from ..trace.presets import PRESETS

    try:
        way = Way.of(id)
    except ValueError as error:
        raise Refusal(str(error)) from None
    if way.technique not in able:
        raise Refusal(
            f"{what} does not run under {way.technique}; choose among: {', '.join(able)}")
    if way.memory in NO_EPT and not processor.ept:
        known = ", ".join(found.id for found in PRESETS if found.ept)
        raise Refusal(
            f"{processor.title} has no EPT, so {id} cannot run on it; give another --preset: "
            f"{known}")


def as_data(
    what: str, comparison: Comparison, processor: Preset, *, devices: bool = False
) -> dict[str, Any]:
    """Where every lane is and what it has cost, as JSON-ready data; ``devices``: their time too."""
    return {
        "guest": what,
        "guest_steps": comparison.step,
        "compared_each": min(comparison.step, comparison.closely),
        "preset": processor.title,
        "own_prices": {name: processor.prices[name].cycles for name in sorted(processor.own)},
        "devices": "with" if devices else "without",
        "lanes": [_lane(lane, processor, devices) for lane in comparison.lanes],
    }


def _lane(lane: Lane, processor: Preset, devices: bool) -> dict[str, Any]:
    from ..labs.lanes import reader
    from ..labs.listing import Listing
    from ..trace.cost import DEVICE_PRICES

    seen = reader(lane)
    outcome, found, bill = lane.system.outcome, lane.difference, lane.bill(processor)
    if not devices:
        bill = bill.without(DEVICE_PRICES)
    return {
        "technique": lane.id,
        "memory": lane.memory,
        "guest_steps": lane.guest_steps,
        "ring": ring if (ring := seen.guest_ring) >= 0 else None,
        "address": seen.linear,
        "instruction": Listing().text(seen.linear, seen.peek, seen.code_bits),
        "outcome": None if outcome is None else str(outcome),
        "cycles": bill.total,
        "own_cycles": round(lane.own(bill)),
        "assumed_cycles": round(bill.assumed),
        "price_note": bill.note,
        "exits": lane.exits,
        "direct": round(lane.direct, 6),
        "compared": lane.compared,
        "difference": None if found is None else {
            "guest_step": found.guest_step, "address": found.eip,
            "instruction": Listing().text(found.eip, seen.peek, seen.code_bits),
            "what": found.what,
            "expected": found.expected, "found": found.found},
        "bill": {line.name: {"count": line.count, "cycles": line.cycles, "total": line.total}
                 for line in bill.lines},
    }
