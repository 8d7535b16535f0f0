"""When the host reclaims memory: four levels of free memory.

Waldspurger 2002, section 6.3. Below 4 % of free memory the host is in the *soft* state and
balloons, below 2 % in the *hard* state and pages, below 1 % in the *low* state and also makes VMs
above their target wait. It comes back to a better state only above the next higher threshold
(2, 4, 6 %), so that it does not flutter.
"""

from __future__ import annotations

HIGH, SOFT, HARD, LOW = "high", "soft", "hard", "low"
LEVELS = (HIGH, SOFT, HARD, LOW)
PERCENT: dict[str, float] = {HIGH: 6, SOFT: 4, HARD: 2, LOW: 1}


def threshold(level: str, frames: int) -> int:
    """The free frames that ``level``'s percentage of ``frames`` makes, rounded up."""
    return -int(-PERCENT[level] * frames // 100)


def next_level(level: str, free: int, frames: int) -> str:
    """The level after ``free`` of ``frames`` frames were counted."""
    worst = HIGH
    for name in LEVELS[1:]:
        if free < threshold(name, frames):
            worst = name
    if LEVELS.index(worst) >= LEVELS.index(level):
        return worst
    # Better than before, but only as far as the threshold above each level has been passed.
    while level != worst and free >= threshold(LEVELS[LEVELS.index(level) - 1], frames):
        level = LEVELS[LEVELS.index(level) - 1]
    return level
