"""Whole numbers as people write them on the command line."""

from __future__ import annotations

import argparse


def count_of(text: str) -> int:
    """A whole number, 0 or more; underscores may group its digits."""
    try:
        value = int(text.replace("_", ""))
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return value
