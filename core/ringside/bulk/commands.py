"""``ringside trace import``, ``ringside sweep`` and ``ringside bulk-bench``.

:func:`add` hangs them into an argument parser. Refusals are :class:`BadRequest`, printed by
whoever runs the command. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ringside.bulk.trace_format import DESCRIPTION
from ringside.whole_numbers import count_of

Clock = Callable[[], float]

MOST_PROCESSES = 61  # of a pool on Windows
MADE_UP = 1_000_000  # accesses of a made-up stream, unless the user says how many

# Fields of a point that may be given several values, and what turns a word into one.
CHOICES: dict[str, tuple[Callable[[str], Any], str]] = {
    "technique": (str, "native, shadow, nested, shadow-dropped"),
    "page": (str, "the guest's page size: 4K, 2M, 4M, 1G"),
    "host-page": (str, "the host's page size"),
    "format": (str, "the guest's page tables: 32-bit, pae, 4-level, 5-level"),
    "nested-format": (str, "the host's: ept-4, ept-5, 4-level, 5-level"),
    "tlb": (str, "the first TLB as SETSxWAYS, such as 16x4"),
    "second-tlb": (str, "the second one; 'none' for none"),
    "walk-cache": (int, "entries of each level's page-walk cache; 0 for none"),
    "nested-tlb": (int, "entries of the nested TLB; 0 for none"),
    "pages": (int, "pages the stream touches"),
    "spaces": (int, "address spaces taking turns"),
    "turn": (int, "accesses of a turn"),
    "life": (int, "accesses until a page of a churning stream is replaced"),
    "preset": (str, "the processor whose prices are paid"),
}


class BadRequest(Exception):
    """What was asked cannot be done; says what to do instead."""


def add(commands: Any) -> None:
    """Add the commands to what ``ArgumentParser.add_subparsers`` gave."""
    trace = commands.add_parser("trace", help="read traces of real programs")
    actions = trace.add_subparsers(required=True, metavar="action")
    text = "read a trace (Valgrind lackey or CSV; plain, gzip, bzip2 or xz) and pack it"
    importer = actions.add_parser(
        "import", help=text, description=text, epilog=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    importer.add_argument("file", help="the trace; - is standard input")
    importer.add_argument("-o", "--output", help="the packed trace (default: only report)")
    importer.add_argument("--limit", type=_positive, default=100_000_000, metavar="N",
                          help="read at most N accesses")
    importer.add_argument("--quiet", action="store_true", help="no progress")
    importer.set_defaults(command=import_trace, parser=importer)

    text = "run a stream of accesses through many configurations"
    sweeper = commands.add_parser("sweep", help=text, description=text)
    sweeper.add_argument("stream", help="uniform, zipf, loop, strided, churn, or file:TRACE")
    sweeper.add_argument("--accesses", type=_positive, default=None, metavar="N",
                         help=f"at most so many (default: {MADE_UP:,} of a made-up stream, all of "
                              "a trace)")
    sweeper.add_argument("--seed", type=count_of, default=1)
    for name, (kind, help_text) in CHOICES.items():
        sweeper.add_argument(f"--{name}", type=_list_of(kind), metavar="A,B,…", help=help_text)
    sweeper.add_argument("--no-tags", action="store_true",
                         help="flush the TLBs when another address space gets its turn")
    sweeper.add_argument("--jobs", type=_positive, default=0, metavar="N",
                         help="processes (default: one for each CPU)")
    sweeper.add_argument("--executor", default="", metavar="WHERE",
                         help="run elsewhere: dask://host:port, or dask:// on this computer")
    sweeper.add_argument("-o", "--output", help="write CSV here (default: print it)")
    sweeper.add_argument("--chart", help="write a bar chart here, as SVG")
    sweeper.add_argument("--quiet", action="store_true", help="no progress")
    sweeper.set_defaults(command=run_sweep)


def _positive(text: str) -> int:
    try:
        value = int(text.replace("_", ""))
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return value


def _list_of(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def convert(text: str) -> list[Any]:
        try:
            return [kind("" if word == "none" else word) for word in text.split(",")]
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no list of whole numbers") from None

    return convert


class _Line:
    """One line on standard error, written over and over until something else is to be said."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.open = False

    def show(self, text: str) -> None:
        """Write the line anew."""
        if not self.quiet:
            print(f"\r{text}", end="", file=sys.stderr, flush=True)
            self.open = True

    def end(self) -> None:
        """Begin a new line, if there was one."""
        if self.open:
            print(file=sys.stderr)
            self.open = False


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def import_trace(options: argparse.Namespace) -> int:
    """Read a trace, report, and pack it if an output is named."""
    from ringside.bulk.packed import save
    from ringside.bulk.reading import TraceError, TraceReader

    source: Path | IO[bytes]
    name = options.file
    if name == "-":
        source, name = sys.stdin.buffer, "standard input"
    else:
        source = Path(options.file)
        if source.is_dir():
            raise BadRequest(f"{options.file} is a folder; name a file in it")
        if not source.exists():  # a pipe or a device will do
            raise BadRequest(f"there is no file {options.file}")
        if options.output and Path(options.output).resolve() == source.resolve():
            raise BadRequest("the packed trace would overwrite the trace; name another output")
    line = _Line(options.quiet)

    def progress(done: int, total: int | None, accesses: int) -> None:
        share = f"{100 * done / total:5.1f} %" if total else f"{done >> 20} MiB"
        line.show(f"{share}  {accesses:,} accesses")

    reader = TraceReader(source, limit=options.limit, progress=progress)
    try:
        if options.output:
            partial = Path(f"{options.output}.part")
            try:
                save(partial, iter(reader))
                partial.replace(options.output)
            finally:
                partial.unlink(missing_ok=True)
        else:
            for _ in reader:
                pass
    except TraceError as error:
        raise BadRequest(f"{name}: {error}") from error
    except OSError as error:
        raise BadRequest(f"{error.filename or name}: {_reason(error)}") from error
    finally:
        line.end()
    print(reader.report)
    return 0


def _require_writable(output: Path) -> None:
    """Refuse what no result could be written to, before hours are spent on finding it."""
    if output.is_dir():
        raise BadRequest(f"{output} is a folder; name a file in it")
    if not output.parent.is_dir():
        raise BadRequest(f"there is no folder {output.parent} to write {output.name} into")


def run_sweep(options: argparse.Namespace) -> int:
    """Measure every combination; write CSV and perhaps a chart."""
    from concurrent.futures import BrokenExecutor

    from ringside.bulk import sweep
    from ringside.bulk.chart import svg
    from ringside.bulk.reading import LIMIT

    names = {name: name.replace("-", "_") for name in CHOICES}
    choices = {
        field: getattr(options, field)
        for field in names.values()
        if getattr(options, field) is not None
    }
    usual = LIMIT if options.stream.startswith(sweep.FILE) else MADE_UP
    unused = [name for name, field in names.items()
              if options.stream.startswith(sweep.FILE) and field in choices
              and field in sweep.MADE_UP_ONLY]
    if unused:
        raise BadRequest(f"a trace file has no use for --{' and --'.join(unused)}; leave it out")
    for output in (options.output, options.chart):
        if output:
            _require_writable(Path(output))
    base = sweep.Point(
        stream=options.stream, accesses=options.accesses or usual, seed=options.seed,
        tagged=not options.no_tags,
    )  # fmt: skip

    line = _Line(options.quiet)
    try:
        asked = sweep.points(base, choices)
        jobs = options.jobs or min(len(asked), os.cpu_count() or 1, MOST_PROCESSES)
        with sweep.executor(options.executor, jobs) as pool:
            results = sweep.sweep(
                asked, pool, lambda done, total: line.show(f"{done} of {total}")
            )
        line.end()
        if not all(result.whole for result in results):
            more = "leave --accesses out, or give" if options.accesses else "give"
            print(f"ringside: only the first {base.accesses:,} accesses of the trace were taken; "
                  f"{more} a larger --accesses for more", file=sys.stderr)
        if options.output:
            with Path(options.output).open("w", encoding="utf-8", newline="") as file:
                sweep.write_csv(results, file)
        else:
            sweep.write_csv(results, sys.stdout)
        if options.chart:
            Path(options.chart).write_text(svg(results), encoding="utf-8")
    except ValueError as error:
        raise BadRequest(str(error)) from error
    except BrokenExecutor as error:
        message = "a process of the sweep was ended from outside; try fewer --jobs"
        raise BadRequest(message) from error
    except OSError as error:
        raise BadRequest(f"{error.filename or options.stream}: {_reason(error)}") from error
    finally:
        line.end()
    return 0


def bulk_bench(clock: Clock, *, accesses: int = 1_000_000, as_json: bool = False) -> int:
    """Print the bulk engine's figures; the clock comes from the command line's own module."""
    from ringside.bulk import bench

    report = bench.run(clock, accesses=accesses)
    print(json.dumps(report, indent=2) if as_json else bench.pretty(report))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run these commands on their own: ``python -m ringside.bulk.commands``."""
    parser = argparse.ArgumentParser(prog="ringside")
    add(parser.add_subparsers(required=True, metavar="command"))
    options = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except BadRequest as refusal:
        print(f"ringside: {refusal}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ringside: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
