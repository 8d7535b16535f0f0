"""Compare many random instructions with Unicorn: ``make fuzz``.

``python tests/oracles/fuzz_unicorn.py --cases 200000 --seed 1 [--only shld]``; exit status 1 if
any case differs. About 7 000 cases a second.
"""

from __future__ import annotations

import argparse
import sys
import time

import unicorn_cases

SHOWN = 40


def main(arguments: list[str] | None = None) -> int:
    """Run the cases, print what differs, and say how many there were."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=200_000, help="how many instructions")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers")
    parser.add_argument("--only", default="", help="one mnemonic of the table")
    chosen = parser.parse_args(arguments)
    if chosen.only and not any(row.mnemonic == chosen.only for row, _ in unicorn_cases.drawable()):
        parser.error(f"no data, branch or string instruction is called {chosen.only!r}")
    start = time.perf_counter()
    differing = 0
    for line in unicorn_cases.fuzz(chosen.cases, chosen.seed, chosen.only):
        differing += 1
        if differing <= SHOWN:
            print(line)
    seconds = time.perf_counter() - start
    print(f"{chosen.cases} cases, seed {chosen.seed}: {differing} differ ({seconds:.0f} s)")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
