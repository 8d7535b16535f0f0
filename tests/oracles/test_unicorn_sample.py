"""A few thousand of the instruction cases of `make fuzz`, in every test run."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

pytest.importorskip("unicorn")
sys.path.insert(0, str(Path(__file__).parent))

import unicorn_cases


def test_random_instructions_do_here_what_they_do_in_unicorn() -> None:
    found = list(unicorn_cases.fuzz(8 * unicorn_cases.BATCH, seed=20240229))
    assert not found, "\n".join(found[:20])


def test_every_drawable_form_is_drawn_and_run() -> None:
    rng = random.Random(1)
    run = set()
    forms = unicorn_cases.drawable()
    here = unicorn_cases.Here(32, bytes(unicorn_cases.RAM))
    for entry in forms:
        for _ in range(200):
            case = unicorn_cases.draw(rng, [entry], 32)
            if case is not None:
                case.address = unicorn_cases.CODE
                if here.run(case):
                    run.add(entry[1].text)
                    break
    missing = {form.text for _, form in forms} - run
    assert missing == {"F6 /1 ib | Eb Ib", "F7 /1 iz | Ev Iz"}  # Unicorn does not know the alias


def test_a_wrong_meaning_would_be_found() -> None:
    """The oracle is awake: with one bit of the result flipped here, it says so."""
    rng = random.Random(2)
    forms = [entry for entry in unicorn_cases.drawable() if entry[0].mnemonic == "add"]
    ram = bytes(unicorn_cases.RAM)
    here, there = unicorn_cases.Here(32, ram), unicorn_cases.There(32, ram)
    case = None
    while case is None or not here.run(case):
        case = unicorn_cases.draw(rng, forms, 32)
        if case is not None:
            case.address = unicorn_cases.CODE
    assert unicorn_cases.differences(case, here, there) == []
    case.regs_after = (case.regs_after[0] ^ 1, *case.regs_after[1:])
    case.eflags_after ^= 1
    found = " ".join(unicorn_cases.differences(case, here, there))
    assert "eax" in found and "cf" in found
