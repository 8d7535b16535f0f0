"""The interval timer, against the 8254 data sheet."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from ringside.machine.devices.pit import FREQUENCY, Pit
from ringside.machine.devices.port import ManualClock


class Wire:
    """Counts the rising edges of an interrupt line."""

    def __init__(self) -> None:
        self.level = False
        self.edges = 0

    def __call__(self, level: bool) -> None:
        self.edges += level and not self.level
        self.level = level


def timer(rate: int = FREQUENCY) -> tuple[Pit, ManualClock, Wire]:
    """A timer whose ticks are its own clocks, unless another rate is given."""
    clock, wire = ManualClock(rate), Wire()
    return Pit(clock, wire), clock, wire


def program(pit: Pit, counter: int, mode: int, count: int) -> None:
    pit.write(0x43, counter << 6 | 3 << 4 | mode << 1, 1)
    pit.write(0x40 + counter, count & 0xFF, 1)
    pit.write(0x40 + counter, count >> 8, 1)


def read_latched(pit: Pit, counter: int) -> int:
    pit.write(0x43, counter << 6, 1)
    return pit.read(0x40 + counter, 1) | pit.read(0x40 + counter, 1) << 8


def run(pit: Pit, clock: ManualClock, ticks: int) -> list[int]:
    """Move time on by deadlines, as a machine does; returns the deadlines met."""
    end, met = clock.time + ticks, []
    while (due := pit.deadline(clock.time)) is not None and due <= end:
        clock.time = due
        pit.advance(due)
        met.append(due)
    clock.time = end
    return met


def test_an_unprogrammed_timer_never_interrupts() -> None:
    pit, clock, wire = timer()
    assert pit.deadline(0) is None
    clock.time = 10**9
    pit.advance(clock.time)
    assert wire.edges == 0


def test_mode_0_interrupts_once_at_terminal_count() -> None:
    pit, clock, wire = timer()
    program(pit, 0, 0, 1000)
    assert run(pit, clock, 5000) == [1000]
    assert wire.edges == 1


def test_mode_2_interrupts_every_count_clocks() -> None:
    pit, clock, wire = timer()
    program(pit, 0, 2, 100)
    assert run(pit, clock, 1050) == list(range(100, 1001, 100))
    assert wire.edges == 10


def test_mode_3_has_the_same_period_and_half_of_it_low() -> None:
    pit, clock, wire = timer()
    program(pit, 0, 3, 100)
    assert run(pit, clock, 1050) == list(range(100, 1001, 100))
    assert wire.edges == 10
    program(pit, 2, 3, 100)
    pit.set_gate2(True)
    levels = []
    for _ in range(100):
        levels.append(pit.out2())
        clock.time += 1
    assert levels.count(False) == 50


def test_a_count_of_zero_means_65536() -> None:
    pit, clock, _ = timer()
    program(pit, 0, 2, 0)
    assert run(pit, clock, 140_000) == [65536, 131072]


def test_the_latched_count_stands_still_while_it_is_read() -> None:
    pit, clock, _ = timer()
    program(pit, 0, 2, 1000)
    clock.time = 300
    pit.write(0x43, 0, 1)
    clock.time = 400
    assert pit.read(0x40, 1) | pit.read(0x40, 1) << 8 == 700
    assert read_latched(pit, 0) == 600


def test_a_new_count_takes_over_at_the_end_of_the_period() -> None:
    pit, clock, _ = timer()
    program(pit, 0, 2, 100)
    clock.time = 30
    pit.write(0x40, 50, 1)
    pit.write(0x40, 0, 1)
    assert run(pit, clock, 200) == [100, 150, 200]


def test_one_byte_access_loads_only_that_byte() -> None:
    pit, clock, _ = timer()
    pit.write(0x43, 1 << 4 | 2 << 1, 1)  # low byte only
    pit.write(0x40, 200, 1)
    assert run(pit, clock, 450) == [200, 400]


def test_read_back_gives_status_then_count() -> None:
    pit, clock, _ = timer()
    program(pit, 0, 2, 1000)
    clock.time = 10
    pit.write(0x43, 0xC2, 1)
    assert pit.read(0x40, 1) == 0x80 | 3 << 4 | 2 << 1
    assert pit.read(0x40, 1) | pit.read(0x40, 1) << 8 == 990


def test_counter_2_counts_only_while_its_gate_is_open() -> None:
    pit, clock, _ = timer()
    program(pit, 2, 0, 1000)
    clock.time = 500
    assert read_latched(pit, 2) == 1000 and not pit.out2()
    pit.set_gate2(True)
    clock.time += 400
    assert read_latched(pit, 2) == 600
    pit.set_gate2(False)
    clock.time += 10_000
    assert read_latched(pit, 2) == 600
    pit.set_gate2(True)
    clock.time += 600
    assert pit.out2()


def test_bcd_counts_to_decimal() -> None:
    pit, clock, _ = timer()
    pit.write(0x43, 3 << 4 | 2 << 1 | 1, 1)
    pit.write(0x40, 0x00, 1)
    pit.write(0x40, 0x10, 1)
    assert run(pit, clock, 2500) == [1000, 2000]
    clock.time = 2000 + 766
    assert read_latched(pit, 0) == 0x0234


@given(count=st.integers(2, 0xFFFF), rate=st.integers(10_000, 50_000_000))
def test_ticks_never_drift_whatever_the_machine_s_rate(count: int, rate: int) -> None:
    assume(count * rate >= FREQUENCY)  # a period shorter than a tick cannot be seen
    pit, clock, _ = timer(rate)
    program(pit, 0, 2, count)
    deadlines = []
    for _ in range(20):
        due = pit.deadline(clock.time)
        assert due is not None
        clock.time = due
        pit.advance(due)
        deadlines.append(due)
    assert deadlines == [-(-k * count * rate // FREQUENCY) for k in range(1, 21)]
