"""``ringside properties``: equivalence, resource control and efficiency, measured."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .arguments import Refusal


def add(commands: Any) -> None:
    """Add the command to what ``ArgumentParser.add_subparsers`` gave."""
    text = "measure Popek and Goldberg's three properties of each technique"
    properties = commands.add_parser("properties", help=text, description=text)
    properties.set_defaults(command=measure_and_report)
    properties.add_argument("--technique", "--cpu", default=None, metavar="TECHNIQUE",
                            help="one technique only (default: every one)")
    properties.add_argument("--guest", default="popf",
                            help="the guest for equivalence and efficiency (default: popf)")
    properties.add_argument("--lang", choices=("en", "hu"), default="en")
    properties.add_argument("--json", action="store_true", help="print as JSON")


def measure_and_report(options: argparse.Namespace) -> int:
    """Carry the command out."""
    from ..properties.measure import measure
    from ..properties.report import lines
    from ..properties.subjects import PROCESSOR, SUBJECTS, CannotRun
    from ..properties.words import say

    wanted = [options.technique] if options.technique else [each.id for each in SUBJECTS]
    found = []
    try:
        for technique in wanted:
            try:
                found.append(measure(technique, options.guest))
            except CannotRun:
                if options.technique or technique == wanted[-1] and not found:
                    raise
    except ValueError as error:
        raise Refusal(str(error)) from None
    if options.json:
        print(json.dumps([each.as_dict() for each in found], ensure_ascii=False, indent=2))
        return 0
    for each in found:
        print("\n".join(lines(each, options.lang)))
    print(say("counted", options.lang, preset=PROCESSOR.title))
    return 0
