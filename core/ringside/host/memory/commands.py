"""``ringside pool``: a pool of memory run to its end, or one of Waldspurger's experiments again.

:func:`add` hangs it into an argument parser. Nothing heavy is imported before the command runs.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringside.bulk.commands import BadRequest

if TYPE_CHECKING:
    from ringside.host.memory.figures import Figure

FIGURES = ("tax", "sharing", "balloon", "sampling")
SCENARIOS = ("turns", "idle", "like")
MOST_OVERCOMMIT = 10.0
# What an option is when it is not given; without that it could not be told from the same, given.
USUAL: dict[str, Any] = {
    "scenario": SCENARIOS[0], "overcommit": 1.5, "tax": 0.75, "no_balloon": False,
    "no_sharing": False, "no_swapping": False, "output": None, "csv": None, "figure": None,
}
OF_SCENARIOS = ("scenario", "overcommit", "tax", "no_balloon", "no_sharing", "no_swapping")
OF_FIGURES = ("output", "csv")


def add(commands: Any) -> None:
    """Add the command to what ``ArgumentParser.add_subparsers`` gave."""
    text = "share a host's memory among virtual machines, or repeat a published experiment"
    pool = commands.add_parser("pool", help=text, description=text)
    pool.add_argument("--figure", choices=(*FIGURES, "all"), default=None,
                      help="an experiment of Waldspurger 2002, compared with what he published")
    pool.add_argument("--scenario", choices=SCENARIOS, default=None,
                      help=f"without --figure: what the VMs do (default: {USUAL['scenario']})")
    pool.add_argument("--overcommit", type=_ratio, default=None, metavar="X",
                      help="memory of the VMs over memory of the host "
                           f"(default: {USUAL['overcommit']})")
    pool.add_argument("--tax", type=_percent, default=None, metavar="PERCENT",
                      help="the idle memory tax (default: 75)")
    for name, what in (("balloon", "ballooning"), ("sharing", "page sharing"),
                       ("swapping", "the host's own swapping")):
        pool.add_argument(f"--no-{name}", action="store_true", default=None,
                          help=f"switch {what} off")
    pool.add_argument("-o", "--output", metavar="FILE.svg", default=None,
                      help="draw the experiment of --figure here")
    pool.add_argument("--csv", metavar="FILE", default=None,
                      help="write the rows of --figure here")
    pool.add_argument("--guests", action="store_true",
                      help="two real guests with balloon drivers lend each other frames")
    pool.add_argument("--json", action="store_true", help="print as JSON")
    pool.set_defaults(command=run)


def _ratio(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= MOST_OVERCOMMIT:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_OVERCOMMIT:g}")
    return value


def _percent(text: str) -> float:
    try:
        value = float(text) / 100
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 0 to below 100")
    return value


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; 1 if a published behaviour did not come out."""
    _refuse_unused(options)
    for name, value in USUAL.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.guests:
        _print_guests(as_json=options.json)
        return 0
    if options.figure is None:
        _print_scenario(options)
        return 0
    from ringside.host.memory.figures import FIGURES as MADE

    names = FIGURES if options.figure == "all" else (options.figure,)
    figures = [MADE[name]() for name in names]
    _write(figures, options)
    if options.json:
        shown = [asdict(figure) for figure in figures]
        print(json.dumps(shown if options.figure == "all" else shown[0],
                         ensure_ascii=False, indent=2))
    else:
        print("\n\n".join(pretty(figure) for figure in figures))
    return 0 if all(each.holds for figure in figures for each in figure.comparisons) else 1


def _refuse_unused(options: argparse.Namespace) -> None:
    """A switch that would do nothing is a mistake, not a wish."""
    unused: tuple[str, ...]
    if options.guests:
        what, unused = "--guests", (*OF_SCENARIOS, *OF_FIGURES, "figure")
    elif options.figure:
        what, unused = "--figure, a published experiment as it was set up,", OF_SCENARIOS
    else:
        what, unused = "a scenario", OF_FIGURES
    flags = [f"--{name.replace('_', '-')}" for name in unused if getattr(options, name) is not None]
    if flags:
        hint = "" if options.guests or options.figure else ", or choose a --figure"
        raise BadRequest(f"{what} has no use for {', '.join(flags)}; leave it out{hint}")
    if options.output and options.figure == "all":
        raise BadRequest(
            f"one file holds one chart; choose one of --figure {', '.join(FIGURES)} for -o")


def _write(figures: list[Figure], options: argparse.Namespace) -> None:
    """The files that were asked for."""
    from ringside.host.memory.chart import svg, write_csv

    try:
        if options.output:
            Path(options.output).write_text(svg(figures[0]), encoding="utf-8")
        if options.csv:
            with Path(options.csv).open("w", encoding="utf-8", newline="") as file:
                write_csv(figures, file)
    except OSError as error:
        raise BadRequest(f"cannot write {error.filename}: {error.strerror}") from error


def pretty(figure: Figure) -> str:
    """A figure as plain text."""
    from ringside.host.memory.report import table

    names = list(figure.rows[0])
    cells = [[str(row[name]) for name in names] for row in figure.rows]
    lines = [figure.title, "", *table(names, cells), "", f"{figure.source}, and here:"]
    width = max(len(each.what) for each in figure.comparisons)
    for each in figure.comparisons:
        mark = "" if each.holds else "   DIFFERS"
        lines.append(f"  {each.what:<{width}}  {each.published}; here {each.here}{mark}")
    return "\n".join([*lines, f"modelled: {figure.modelled}"])


def _print_scenario(options: argparse.Namespace) -> None:
    from ringside.host.memory.report import lines, run_scenario
    from ringside.host.memory.scenarios import SCENARIOS as PLANNED

    scenario = PLANNED[options.scenario]()
    most = scenario.most_overcommit
    if options.overcommit > most:
        raise BadRequest(
            f"the VMs of {options.scenario!r} are promised {scenario.least} of their "
            f"{scenario.pages} pages, so the host cannot have fewer frames: "
            f"--overcommit {most:.2f} is the most")
    settings = scenario.settings(
        options.overcommit, balloon=not options.no_balloon, sharing=not options.no_sharing,
        swapping=not options.no_swapping, taxes=((0, options.tax),))
    report = run_scenario(options.scenario, scenario, settings)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines(report)))


# What the two drivers are asked for, one after the other: nothing, then a lot of the second,
# then the other way round.
REQUESTS = ((0, 60), (60, 0), (0, 60))
GUEST_STEPS = 40_000


def _print_guests(*, as_json: bool) -> None:
    from ringside.host.lending import Lending

    lending = Lending((20, 100))
    shown: list[dict[str, Any]] = []
    for request in REQUESTS:
        lending.run(request, GUEST_STEPS)
        shown.append({
            "asked for": list(request),
            "guests": [
                {"name": vm.name, "frames": len(lending.owned(number)), "balloon": balloon.held,
                 "exits": sum(vm.exits.values()), "says": vm.console.strip().split("\n")[-1]}
                for number, (vm, balloon) in enumerate(
                    zip(lending.vms, lending.balloons, strict=True))],
            "free frames": len(lending.pool.free)})
    if as_json:
        print(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    for stage in shown:
        print(f"asked for balloons of {stage['asked for']} pages; "
              f"{stage['free frames']} frames are free")
        for guest in stage["guests"]:
            print(f"  {guest['name']}  {guest['frames']} frames, {guest['exits']:,} exits so far; "
                  f"its console: {guest['says']}")
