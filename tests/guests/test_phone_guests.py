"""The two worlds of the phone, as guests."""

from __future__ import annotations

from ringside import guests
from ringside.host.phone import Phone, Settings
from ringside.machine.loader import load_program
from ringside.trace.events import Denied, Event

STEPS = 60_000


def phone(policy: str) -> tuple[Phone, list[Denied]]:
    """A phone that ran for a while, and what was denied in it."""
    denied: list[Denied] = []

    def hear(event: Event) -> None:
        if isinstance(event, Denied):
            denied.append(event)

    phone = Phone(
        lambda machine: load_program(machine, guests.program("phone_radio")),
        lambda machine: load_program(machine, guests.program("phone_rich")),
        Settings(policy=policy),
    )
    phone.listener = hear
    phone.run(STEPS)
    return phone, denied


def test_the_radio_answers_every_frame_when_it_comes_first() -> None:
    ran, _ = phone("fixed-priority")
    assert ran.radio.met >= 10 and ran.radio.missed == 0


def test_the_radio_misses_frames_when_it_has_to_wait_for_its_turn() -> None:
    ran, _ = phone("round-robin")
    assert ran.radio.missed > ran.radio.met


def test_the_rich_world_reads_nothing_beyond_its_memory_and_goes_on() -> None:
    ran, denied = phone("fixed-priority")
    assert "rich: I read 4294967295\n" in ran.console  # all ones: nobody answered
    assert "rich: round 4\n" in ran.console
    assert denied and {event.vm for event in denied} == {"rich"}
    assert {event.gpa for event in denied} == {4 << 20}
