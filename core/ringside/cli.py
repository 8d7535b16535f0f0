"""The command line: ``ringside …``.

Without arguments it starts the desktop app if that is installed. Every refusal goes to the
error stream with what to do about it, and the exit status is not 0.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import __version__
from .bulk import commands as bulk

SLICE = 200_000  # steps between two looks at the keyboard and two lines of progress


class Refusal(Exception):
    """What the user asked for cannot be done; printed, exit status 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        return _desktop([])
    options = _parser().parse_args(arguments)
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
    serve.add_argument("--port", type=int, default=0, help="port on the loopback (default: free)")
    serve.add_argument("--no-browser", action="store_true", help="do not open a browser")

    labs = add("labs", _labs, "list the labs with their guests and techniques")
    labs.add_argument("--json", action="store_true", help="print as JSON")
    labs.add_argument("--lang", choices=("en", "hu"), default="en")

    run = add("run", _run, "run a lab's guest, an .asm, a .bin or a multiboot ELF")
    run.add_argument("what", help="a lab, a guest of the shelf, or a file")
    run.add_argument("--cpu", default=None, metavar="TECHNIQUE",
                     help="how the CPU is virtualized (default: bare-metal; see 'ringside labs')")
    run.add_argument("--guest", default=None, help="which guest of the lab")
    run.add_argument("--max-instructions", type=_count, default=100_000_000, metavar="N",
                     help="stop after N guest instructions")
    run.add_argument("--input", default="", help="text to type at the guest's serial console")
    run.add_argument("--disk", default=None, help="image of the first hard disk")
    run.add_argument("--json", action="store_true", help="print the report as JSON")
    run.add_argument("--quiet", action="store_true", help="no progress")

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
    figure.add_argument("--step", type=_count, default=0)
    figure.add_argument("--guest", default=None)
    figure.add_argument("--technique", default=None)
    figure.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    figure.add_argument("--lang", choices=("en", "hu"), default="en")
    figure.add_argument("--shape", choices=("wide", "tall"), default="wide")
    figure.add_argument("--theme", choices=("light", "dark"), default="light")
    figure.add_argument("-o", "--output", required=True)

    bulk.add(commands)

    classify = add("classify", _classify, "find every instruction's Popek and Goldberg class")
    classify.add_argument("--isa", default="ia32", help="instruction set (default: ia32)")
    classify.add_argument("--samples", type=_count, default=24, help="states for each encoding")
    classify.add_argument("--seed", type=_count, default=1974)
    classify.add_argument("--all", action="store_true", help="list the innocuous ones, too")
    classify.add_argument("--lang", choices=("en", "hu"), default="en")
    classify.add_argument("--json", action="store_true", help="print as JSON")

    bench = add("bench", _bench, "measure guest instructions per second")
    bench.add_argument("--json", action="store_true", help="print as JSON")
    bench.add_argument("--bulk", action="store_true", help="bulk address translation instead")
    bench.add_argument("--seconds", type=_seconds, default=1.0, help="time for each guest")
    return parser


def _serve_arguments(options: argparse.Namespace) -> list[str]:
    arguments = ["--port", str(options.port)]
    return [*arguments, "--no-browser"] if options.no_browser else arguments


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


def _count(text: str) -> int:
    try:
        value = int(text.replace("_", ""))
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return value


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
            print(f"         {option['id']}: {values}")
    return 0


def _run(options: argparse.Namespace) -> int:
    from .labs.batch import Batch, BatchError

    try:
        batch = Batch.open(
            options.what, technique=options.cpu, guest=options.guest,
            disk=_read(options.disk) if options.disk else None)
    except BatchError as error:
        raise Refusal(str(error)) from None
    if options.input:
        # What the shell could not read as text has no characters to type.
        batch.receive(options.input.encode("utf-8", "replace").decode("utf-8"))
    shown = 0
    stopped = False
    progress = not options.quiet and not options.json and sys.stderr.isatty()
    try:
        while not batch.ended and batch.instructions < options.max_instructions:
            batch.advance(min(SLICE, options.max_instructions - batch.instructions))
            if not options.json:
                console = batch.console
                sys.stdout.write(console[shown:])
                sys.stdout.flush()
                shown = len(console)
            if progress:
                print(f"\r{batch.instructions:>15,} instructions", end="", file=sys.stderr)
    except KeyboardInterrupt:
        stopped = True
    if progress:
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    report = batch.report(stopped=stopped)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        if shown and not batch.console.endswith("\n"):
            print()
        print(_pretty(report))
    return 130 if stopped else int(report["status"])


def _pretty(report: dict[str, Any]) -> str:
    from .labs.narrate import outcome_words

    lines = [
        f"outcome       {outcome_words(report['outcome'], 'en')}",
        f"technique     {report['technique']}",
        f"instructions  {report['instructions']:,}",
        f"cycles        {report['cycles']:,} (modelled: {report['preset']})",
    ]
    for reason, count in report["exits"].items():
        lines.append(f"exit          {reason:<24} {count:,}")
    lines.append(f"digest        {report['digest']}")
    return "\n".join(lines)


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read {name}: {error.strerror or error}") from None


def _write(name: str, content: bytes) -> None:
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise Refusal(f"cannot write {name}: {error.strerror or error}") from None


def _asm(options: argparse.Namespace) -> int:
    from .isa.assembler import AssemblyError
    from .labs.batch import assemble_file

    source = _read(options.file)
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
        _write(options.output, program.image)
    if not options.listing or options.output:
        print(f"{len(program.image)} bytes at {program.origin:#x}, entry {program.entry:#x}")
    return 0


def _disasm(options: argparse.Namespace) -> int:
    from .isa.disassemble import disassemble

    code = _read(options.file)
    for address, insn, text in disassemble(code, options.origin, options.bits):
        at = address - options.origin
        raw = code[at : at + (insn.length if insn else 1)]
        print(f"{address:08x}  {raw.hex():<22}  {text}")
    return 0


def _figure(options: argparse.Namespace) -> int:
    from .session import Session

    chosen = dict(pair.partition("=")[::2] for pair in options.option)
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
        error = answer["error"]
        raise Refusal(f"{error['message']} {error['hint']}".strip())
    _write(options.output, answer["svg"].encode("utf-8"))
    reached = loaded["frame"]["step"]
    if reached < options.step:
        print(f"ringside: the run has only {reached} steps; this is the last", file=sys.stderr)
    return 0


def _classify(options: argparse.Namespace) -> int:
    from .classify import published, report
    from .classify.laboratory import classify

    def progress(done: int, total: int) -> bool:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} encodings", end="", file=sys.stderr)
        return True

    try:
        result = classify(options.isa, options.samples, options.seed, progress)
    except KeyError as error:
        raise Refusal(str(error.args[0])) from None
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    if options.json:
        print(json.dumps([found.as_dict() for found in result.findings], ensure_ascii=False))
        return 0
    for line in report.table(result, options.lang, options.all):
        print(line)
    for line in report.verdicts(result, options.lang):
        print(line)
    if options.isa.startswith("ia32"):
        for line in report.comparison(published.compare(result), options.lang):
            print(line)
    return 0


def _bench(options: argparse.Namespace) -> int:
    from time import perf_counter

    from . import bench

    if options.bulk:
        return bulk.bulk_bench(perf_counter, as_json=options.json)
    report = bench.run(perf_counter, seconds=options.seconds)
    print(json.dumps(report, indent=2) if options.json else bench.pretty(report))
    return 0
