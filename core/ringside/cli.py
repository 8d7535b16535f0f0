"""The command line: ``ringside …``.

Without arguments it starts the desktop app if that is installed. Every refusal goes to the
error stream with what to do about it, and the exit status is not 0.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import __version__
from .bulk import commands as bulk
from .commands import ask, compare, predict, properties, run
from .commands.arguments import (
    SLICE,
    Refusal,
    chosen_options,
    content_of,
    port_of,
    put_into,
    refusal_of,
)
from .commands.progress import Progress
from .host.memory import commands as pool
from .whole_numbers import count_of


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    # Decoded code is many small objects that stay; to look through all of them for garbage as
    # often as Python would takes most of the time of a guest that runs through new code only.
    gc.set_threshold(100_000, 20, 100)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        return _desktop([])
    options, unused = _parser().parse_known_args(arguments)
    if unused:  # said by the command itself, so that its own usage is shown
        options.parser.error(f"it has no use for: {' '.join(unused)}")
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (Refusal, bulk.BadRequest) as refusal:
        print(f"ringside: {refusal}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ringside: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ringside", description="Watch a hypervisor work, step by step and backwards.")
    parser.add_argument("--version", action="version", version=f"ringside {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> Any:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=run)
        return command

    serve = add("serve", lambda o: _desktop(_serve_arguments(o)), "start the desktop app")
    serve.add_argument("--port", type=port_of, default=0,
                       help="port on the loopback (default: free)")
    serve.add_argument("--no-browser", action="store_true", help="do not open a browser")
    window = serve.add_mutually_exclusive_group()
    window.add_argument("--window", action="store_true",
                        help="open a native window (needs 'ringside[native]')")
    window.add_argument("--no-window", action="store_true",
                        help="open a browser even if a native window is possible")

    labs = add("labs", _labs, "list the labs with their guests and techniques")
    labs.add_argument("--json", action="store_true", help="print as JSON")
    labs.add_argument("--lang", choices=("en", "hu"), default="en")

    run.add(commands)
    reference = add("reference", _reference, "print the instruction reference as Markdown")
    reference.add_argument("mnemonic", nargs="?", default=None,
                           help="only this instruction (default: all of them)")
    reference.add_argument("-o", "--output", help="file to write (default: the screen)")

    asm = add("asm", _asm, "assemble a file")
    asm.add_argument("file")
    asm.add_argument("-o", "--output", default=None, help="write the image here")
    asm.add_argument("--listing", action="store_true", help="print addresses, bytes and source")

    disasm = add("disasm", _disasm, "disassemble a flat image")
    disasm.add_argument("file")
    disasm.add_argument("--origin", type=_number, default=0x100000, help="address of byte 0")
    disasm.add_argument("--bits", type=int, choices=(16, 32), default=32)

    figure = add("figure", _figure, "write the figure of a lab's step as SVG")
    figure.add_argument("lab")
    figure.add_argument("--step", type=count_of, default=0)
    figure.add_argument("--guest", default=None)
    figure.add_argument("--technique", default=None)
    figure.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    figure.add_argument("--lang", choices=("en", "hu"), default="en")
    figure.add_argument("--shape", choices=("wide", "tall"), default="wide")
    figure.add_argument("--theme", choices=("light", "dark"), default="light")
    figure.add_argument("-o", "--output", required=True)

    bulk.add(commands)
    pool.add(commands)
    predict.add(commands)
    properties.add(commands)
    compare.add(commands)
    ask.add(commands)

    classify = add("classify", _classify, "find every instruction's Popek and Goldberg class")
    classify.add_argument("--isa", default="ia32", help="instruction set (default: ia32)")
    classify.add_argument("--samples", type=count_of, default=24, help="states for each encoding")
    classify.add_argument("--seed", type=count_of, default=1974)
    classify.add_argument("--all", action="store_true", help="list the innocuous ones, too")
    classify.add_argument("--lang", choices=("en", "hu"), default="en")
    classify.add_argument("--json", action="store_true", help="print as JSON")

    bench = add("bench", _bench, "measure guest instructions per second")
    bench.add_argument("--json", action="store_true", help="print as JSON")
    bench.add_argument("--bulk", action="store_true", help="bulk address translation instead")
    bench.add_argument("--seconds", type=_seconds, default=1.0, help="time for each guest")
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


def _serve_arguments(options: argparse.Namespace) -> list[str]:
    flags = {"--no-browser": options.no_browser, "--window": options.window,
             "--no-window": options.no_window}
    return ["--port", str(options.port), *(flag for flag, given in flags.items() if given)]


def _desktop(arguments: list[str]) -> int:
    """Hand over to the desktop app, found by name so that the core never imports it."""
    try:
        app = importlib.import_module("ringside_desktop.main")
    except ModuleNotFoundError:
        print("ringside: the desktop app is not installed; install 'ringside[desktop]', "
              "or see 'ringside --help' for the commands.", file=sys.stderr)
        return 2
    status: int = app.main(arguments)
    return status


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 3600")
    return value


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 0x100000") from None


def _labs(options: argparse.Namespace) -> int:
    from .session import Session

    catalogue = Session().handle({"op": "catalogue", "lang": options.lang})
    if options.json:
        print(json.dumps(catalogue["labs"], ensure_ascii=False, indent=2))
        return 0
    for lab in catalogue["labs"]:
        print(f"{lab['id']:<8} {lab['title']}: {lab['question']}")
        for name in ("guests", "techniques"):
            if lab[name]:
                print(f"         {name}: {', '.join(entry['id'] for entry in lab[name])}")
        for option in lab["options"]:
            values = ", ".join(value["id"] for value in option["values"])
            if values:
                print(f"         {option['id']}: {values}")
        numbers = [option["id"] for option in lab["options"] if option["most"]]
        if numbers:
            print(f"         numbers: {', '.join(numbers)}")
    return 0


def _asm(options: argparse.Namespace) -> int:
    from .isa.assembler import AssemblyError
    from .labs.batch import assemble_file

    source = content_of(options.file)
    try:
        program = assemble_file(options.file, source)
    except AssemblyError as error:
        for problem in error.problems:
            expected = f" (expected {problem.expected})" if problem.expected else ""
            print(f"{problem.file}:{problem.line}:{problem.column}: {problem.message}{expected}",
                  file=sys.stderr)
        return 1
    if options.listing:
        print(program.listing())
    if options.output:
        put_into(options.output, program.image)
    if not options.listing or options.output:
        print(f"{len(program.image)} bytes at {program.origin:#x}, entry {program.entry:#x}")
    return 0


def _disasm(options: argparse.Namespace) -> int:
    from .isa.disassemble import disassemble

    code = content_of(options.file)
    if not code:
        raise Refusal(f"{options.file} is empty: there is nothing to disassemble")
    for address, insn, text in disassemble(code, options.origin, options.bits):
        at = address - options.origin
        raw = code[at : at + (insn.length if insn else 1)]
        print(f"{address:08x}  {raw.hex():<22}  {text}")
    return 0


def _reference(options: argparse.Namespace) -> int:
    from .isa.reference import mnemonics, one, reference
    from .labs.unknown import nearest

    wanted = options.mnemonic
    if wanted is not None and wanted.lower() not in mnemonics():
        near = nearest(wanted.lower(), mnemonics())
        raise Refusal(f"there is no instruction {wanted!r} in the table; "
                      + (f"did you mean {near}?" if near
                         else "'ringside reference' begins with a list of all"))
    page = reference() if wanted is None else one(wanted.lower())
    if options.output:
        put_into(options.output, page.encode("utf-8"))
    else:
        print(page)
    return 0


def _figure(options: argparse.Namespace) -> int:
    from .session import Session

    chosen = chosen_options(options.option)
    session = Session()
    loaded = answer = session.handle({
        "op": "load", "lab": options.lab, "guest": options.guest, "technique": options.technique,
        "options": chosen, "lang": options.lang, "shape": options.shape, "step": options.step})
    while answer["ok"] and answer["frame"]["step"] < options.step and not answer.get("stopped"):
        further = min(options.step - answer["frame"]["step"], SLICE)
        loaded = answer = session.handle({"op": "run", "steps": further})
    if answer["ok"]:
        answer = session.handle({"op": "figure", "theme": options.theme})
    if not answer["ok"]:
        command = f"ringside figure {{lab}} --guest {options.lab} -o {options.output}"
        raise refusal_of(answer["error"], options.lab, options.lang, command)
    put_into(options.output, answer["svg"].encode("utf-8"))
    reached = loaded["frame"]["step"]
    if reached < options.step:
        print(f"ringside: the run has only {reached} steps; this is the last", file=sys.stderr)
    return 0


def _classify(options: argparse.Namespace) -> int:
    from .classify import published, report
    from .classify.laboratory import classify
    from .classify.variants import variant

    with Progress() as progress:

        def tell(done: int, total: int) -> bool:
            progress.say(f"{done} of {total} encodings")
            return True

        try:
            result = classify(options.isa, options.samples, options.seed, tell)
        except KeyError as error:
            raise Refusal(str(error.args[0])) from None
    if options.json:
        print(json.dumps([found.as_dict() for found in result.findings], ensure_ascii=False))
        return 0
    for line in report.table(result, options.lang, options.all):
        print(line)
    for line in report.verdicts(result, options.lang):
        print(line)
    if variant(options.isa).published:
        for line in report.comparison(published.compare(result), options.lang):
            print(line)
    return 0


def _bench(options: argparse.Namespace) -> int:
    from time import perf_counter, process_time

    from . import bench

    if options.bulk:
        # One core's own time, which Windows counts in steps that are too long.
        clock = perf_counter if sys.platform == "win32" else process_time
        return bulk.bulk_bench(clock, as_json=options.json)
    report = bench.run(perf_counter, seconds=options.seconds)
    print(json.dumps(report, indent=2) if options.json else bench.pretty(report))
    return 0
