"""``ringside properties``: equivalence, resource control and efficiency, measured."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .arguments import Refusal

USUAL = "popf"


def add(commands: Any) -> None:
    """Add the command to what ``ArgumentParser.add_subparsers`` gave."""
    text = "measure Popek and Goldberg's three properties of each technique"
    properties = commands.add_parser("properties", help=text, description=text)
    properties.set_defaults(command=measure_and_report)
    properties.add_argument("--technique", "--cpu", default=None, metavar="TECHNIQUE",
                            help="one technique only (default: every one)")
    named = properties.add_mutually_exclusive_group()
    named.add_argument("what", nargs="?", default=None, metavar="GUEST",
                       help=f"the guest for equivalence and efficiency (default: {USUAL})")
    named.add_argument("--guest", default=None, metavar="GUEST", help="the same")
    properties.add_argument("--every-step", action="store_true",
                            help="compare after every step of a long guest, too: slower")
    properties.add_argument("--lang", choices=("en", "hu"), default="en")
    properties.add_argument("--json", action="store_true", help="print as JSON")


def measure_and_report(options: argparse.Namespace) -> int:
    """Carry the command out."""
    from ..properties.measure import measure
    from ..properties.report import lines
    from ..properties.subjects import PROCESSOR, SUBJECTS, CannotRun
    from ..properties.words import say
    from ..vmm.lockstep import CLOSELY, EVERY_STEP

    wanted = [options.technique] if options.technique else [each.id for each in SUBJECTS]
    closely = EVERY_STEP if options.every_step else CLOSELY
    guest = next(name for name in (options.what, options.guest, USUAL) if name is not None)
    found = []
    for technique in wanted:
        try:
            found.append(measure(technique, guest, closely))
        except CannotRun as error:
            if options.technique or technique == wanted[-1] and not found:
                raise Refusal(str(error)) from None
        except ValueError as error:
            raise Refusal(str(error)) from None
        else:
            if not options.json:  # each technique as soon as it is known: some guests take long
                print("\n".join(lines(found[-1], options.lang)), flush=True)
    if options.json:
        print(json.dumps([each.as_dict() for each in found], ensure_ascii=False, indent=2))
    else:
        print(say("counted", options.lang, preset=PROCESSOR.title))
    return 0
