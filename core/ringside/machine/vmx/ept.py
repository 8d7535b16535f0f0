"""Extended page tables."""

from __future__ import annotations


def pointer_problem(pointer: int) -> str:
    """What is wrong with an EPT pointer, or ""."""
    return ""
