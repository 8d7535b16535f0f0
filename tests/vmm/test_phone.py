"""The phone: deadlines are met or missed by what really ran, and memory stays its owner's."""

from __future__ import annotations

import pytest
from ringside import guests
from ringside.host.phone import POLICIES, RADIO, RICH, Phone, Settings
from ringside.host.radio import MET, MISSED, Radio
from ringside.isa.width import D
from ringside.machine.bus import Bus
from ringside.machine.devices.port import ManualClock
from ringside.machine.loader import load_program
from ringside.machine.machine import Machine
from ringside.trace.events import DeadlineMet, DeadlineMissed, Denied, Event


def phone(settings: Settings) -> tuple[Phone, list[Event]]:
    radio, rich = guests.program("phone_radio"), guests.program("phone_rich")

    def load_radio(machine: Machine) -> object:
        return load_program(machine, radio)

    def load_rich(machine: Machine) -> object:
        return load_program(machine, rich)

    made = Phone(load_radio, load_rich, settings)
    events: list[Event] = []

    def hear(event: Event) -> None:
        if event.kind in ("deadline", "missed", "denied", "schedule"):
            events.append(event)

    hear.every_instruction = False  # type: ignore[attr-defined]
    made.listener = hear
    return made, events


def test_fixed_priority_meets_every_deadline() -> None:
    made, events = phone(Settings(policy="fixed-priority"))
    made.run(150_000)
    assert made.radio.missed == 0
    assert made.radio.met >= 25
    met = [event for event in events if isinstance(event, DeadlineMet)]
    assert [event.number for event in met] == list(range(1, len(met) + 1))
    assert max(event.latency for event in met) < made.settings.frame_ticks / 10


def test_round_robin_with_a_slice_longer_than_a_frame_misses_deadlines() -> None:
    made, events = phone(Settings(policy="round-robin"))
    made.run(150_000)
    assert made.radio.missed > made.radio.met > 0
    assert any(isinstance(event, DeadlineMissed) for event in events)


def test_round_robin_with_a_short_slice_meets_them_at_the_price_of_switches() -> None:
    slow, _ = phone(Settings(policy="round-robin"))
    quick, _ = phone(Settings(policy="round-robin", slice_ticks=1000))
    slow.run(150_000)
    quick.run(150_000)
    assert quick.radio.missed == 0
    assert quick.vmm.switches > slow.vmm.switches


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_the_rich_world_cannot_read_the_radios_memory(policy: str) -> None:
    made, events = phone(Settings(policy=policy))
    made.run(200_000)
    denied = [event for event in events if isinstance(event, Denied)]
    assert [event.vm for event in denied] == ["rich"]
    assert denied[0].gpa == 4 << 20
    assert "looking beyond" in made.vms[RICH].console
    frames = {hfn for vm in made.vms for hfn in vm.allotment.hfns}
    assert len(frames) == sum(len(vm.allotment.hfns) for vm in made.vms)
    assert made.vms[RADIO].denials == 0


def test_going_back_in_time_brings_the_frames_back() -> None:
    made, _ = phone(Settings(policy="fixed-priority"))
    made.run(20_000)
    picture, frames, met = made.freeze(), list(made.radio.frames), made.radio.met
    made.run(20_000)
    assert made.radio.met > met
    made.thaw(picture)
    assert (made.radio.frames, made.radio.met) == (frames, met)


def test_an_unknown_policy_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="round-robin, fixed-priority"):
        phone(Settings(policy="fair"))


def test_frames_are_numbered_and_judged_by_their_answers() -> None:
    clock = ManualClock()
    levels: list[bool] = []
    radio = Radio(clock, levels.append, period=100, budget=60)
    bus = Bus(clock, ())
    bus.connect(radio, timed=True)
    clock.time = 100
    radio.advance(100)
    assert levels == [False, True]
    clock.time = 130
    assert bus.port_in(0x500, D) == 1
    clock.time = 150
    bus.port_out(0x500, 1, D)  # in time
    clock.time = 480
    assert bus.port_in(0x500, D) == 4
    bus.port_out(0x500, 4, D)  # too late, and 2 and 3 were never answered
    assert [(f.number, f.state, f.latency) for f in radio.frames] == [
        (1, MET, 50), (2, MISSED, -1), (3, MISSED, -1), (4, MISSED, 80),
    ]  # fmt: skip
    assert radio.frames[0].seen == 130
