"""The 8254 interval timer (Intel 8254 data sheet): three counters at 1.193182 MHz.

Counter 0 drives IRQ 0, counter 2 the speaker and delay loops through port 61h. Nothing here
counts: a counter remembers the clock at which its count was loaded, and everything else (the
count, the OUT pin, the next edge) is arithmetic on the time now.
"""

from __future__ import annotations

from collections.abc import Callable

from ringside.machine.devices.port import Clock, Line, Register, unconnected

FREQUENCY = 1_193_182  # Hz: a third of the colour burst frequency, as in every PC

LATCH, LOW, HIGH, BOTH = range(4)  # RW1 RW0 of the control word

# Control word: SC1 SC0 RW1 RW0 M2 M1 M0 BCD; SC = 3 is the read-back command
READ_BACK = 3
NO_COUNT, NO_STATUS = 1 << 5, 1 << 4  # read-back: low bits, so set means "do not latch"
STATUS_OUT, STATUS_NULL_COUNT = 1 << 7, 1 << 6

MODE_NAMES = (
    "interrupt on terminal count", "hardware retriggerable one-shot", "rate generator",
    "square wave", "software triggered strobe", "hardware triggered strobe",
)  # fmt: skip
PERIODIC = frozenset({2, 3})
GATE_TRIGGERED = frozenset({1, 5})

# OUT at ``c`` clocks after loading ``n``, by mode
OUT: tuple[Callable[[int, int], bool], ...] = (
    lambda c, n: c >= n,
    lambda c, n: c >= n,
    lambda c, n: c % n != n - 1,
    lambda c, n: c % n < (n + 1) // 2,
    lambda c, n: c != n,
    lambda c, n: c != n,
)


def _next_rise_once(c: int, n: int) -> int | None:
    return n if c < n else None


def _next_strobe(c: int, n: int) -> int | None:
    return n + 1 if c <= n else None


# The clock after ``c`` at which OUT next rises, by mode
NEXT_RISE: tuple[Callable[[int, int], int | None], ...] = (
    _next_rise_once,
    _next_rise_once,
    lambda c, n: (c // n + 1) * n,
    lambda c, n: (c // n + 1) * n,
    _next_strobe,
    _next_strobe,
)


def _square_count(c: int, n: int) -> int:
    half = (n + 1) // 2
    phase = c % n
    return (n & ~1) - 2 * (phase if phase < half else phase - half)


# The count read at ``c`` clocks, by mode
COUNT: tuple[Callable[[int, int], int], ...] = (
    lambda c, n: n - c,
    lambda c, n: n - c,
    lambda c, n: n - c % n,
    _square_count,
    lambda c, n: n - c,
    lambda c, n: n - c,
)


class Counter:
    """One of the three counters. All times are in timer clocks since power-on."""

    __slots__ = (
        "access", "bcd", "gate", "held", "latched", "mode", "next_reload", "read_high", "reload",
        "start", "status", "write_low",
    )  # fmt: skip

    def __init__(self) -> None:
        self.mode = 0
        self.access = BOTH
        self.bcd = False
        self.gate = True
        self.reload = 0  # the divisor in force; 0 while none was written
        self.next_reload = 0  # takes over at the end of the period; 0 for none
        self.start: int | None = None  # the clock of loading; None while stopped
        self.held = 0  # the count when the gate stopped it
        self.write_low: int | None = None  # the low byte, waiting for the high one
        self.read_high = False
        self.latched: int | None = None
        self.status: int | None = None

    def program(self, access: int, mode: int, bcd: bool) -> None:
        """A control word: stop, and wait for a count."""
        self.access, self.mode, self.bcd = access, mode, bcd
        self.reload = self.next_reload = 0
        self.start = None
        self.write_low = self.latched = self.status = None
        self.read_high = False

    def settle(self, clock: int) -> None:
        """Take over a new count whose turn has come (modes 2 and 3 finish their period first)."""
        if self.next_reload and self.start is not None:
            end = self.start + self.reload
            if clock >= end:
                self.start += (clock - self.start) // self.reload * self.reload
                self.reload, self.next_reload = self.next_reload, 0

    def write(self, value: int, clock: int) -> None:
        if self.access == BOTH:
            if self.write_low is None:
                self.write_low = value
                return
            count = value << 8 | self.write_low
            self.write_low = None
        else:
            count = value << 8 if self.access == HIGH else value
        self._load(_from_bcd(count) or 10_000 if self.bcd else count or 0x10000, clock)

    def _load(self, count: int, clock: int) -> None:
        self.settle(clock)
        if self.start is not None and self.mode in PERIODIC:
            self.next_reload = count
        else:
            self.reload = count
            self.held = count
            if self.mode not in GATE_TRIGGERED and self.gate:
                self.start = clock

    def set_gate(self, level: bool, clock: int) -> None:
        """Drive GATE: low stops counting; a rising edge (re)starts modes 1, 2, 3 and 5."""
        self.settle(clock)
        if level and not self.gate and self.reload:
            restart = self.mode in PERIODIC or self.mode in GATE_TRIGGERED
            self.start = clock if restart else clock - (self.reload - self.held)
        elif not level and self.gate and self.mode not in GATE_TRIGGERED:
            self.held = self.count(clock)
            self.start = None
        self.gate = level

    def count(self, clock: int) -> int:
        """The count at ``clock``, 16 bits."""
        if self.start is None or not self.reload:
            return self.held & 0xFFFF
        return COUNT[self.mode](clock - self.start, self.reload) & 0xFFFF

    def out(self, clock: int) -> bool:
        """The OUT pin at ``clock``."""
        if self.start is None or not self.reload:
            return self.mode != 0
        return OUT[self.mode](clock - self.start, self.reload)

    def next_rise(self, clock: int) -> int | None:
        """The clock after ``clock`` at which OUT rises by itself, if it ever does."""
        if self.start is None or not self.reload:
            return None
        rise = NEXT_RISE[self.mode](clock - self.start, self.reload)
        return None if rise is None else self.start + rise

    def latch_count(self, clock: int) -> None:
        if self.latched is None:  # a second latch before reading changes nothing
            self.latched = self._encoded(clock)

    def latch_status(self, clock: int) -> None:
        if self.status is None:
            null = STATUS_NULL_COUNT if self.next_reload or not self.reload else 0
            out = STATUS_OUT if self.out(clock) else 0
            self.status = out | null | self.access << 4 | self.mode << 1 | int(self.bcd)

    def _encoded(self, clock: int) -> int:
        count = self.count(clock)
        return _to_bcd(count) if self.bcd else count

    def read(self, clock: int) -> int:
        if self.status is not None:
            value, self.status = self.status, None
            return value
        count = self._encoded(clock) if self.latched is None else self.latched
        high = self.access == HIGH or self.read_high
        if self.access == BOTH:
            self.read_high = not self.read_high
        if not self.read_high:
            self.latched = None
        return count >> 8 & 0xFF if high else count & 0xFF


def _from_bcd(value: int) -> int:
    return sum((value >> 4 * k & 0xF) * 10**k for k in range(4))


def _to_bcd(value: int) -> int:
    return sum(value // 10**k % 10 << 4 * k for k in range(4))


class Pit:
    """The chip. Time in ticks becomes timer clocks by integer arithmetic, so nothing drifts."""

    name = "pit"
    registers = (
        Register(0x40, "counter 0", "counter 0"),
        Register(0x41, "counter 1", "counter 1"),
        Register(0x42, "counter 2", "counter 2"),
        Register(0x43, "", "control word"),
    )
    __slots__ = ("_clock", "_irq", "counters", "level", "seen")
    transient = frozenset({"_clock", "_irq"})

    def __init__(self, clock: Clock, irq: Line = unconnected) -> None:
        self._clock = clock
        self._irq = irq
        self.counters = [Counter(), Counter(), Counter()]
        self.counters[0].mode = 3  # as firmware leaves it: OUT high
        self.counters[2].gate = False  # port 61h opens it
        self.level = True  # OUT of counter 0 as IRQ 0 last saw it
        self.seen = 0  # the timer clock up to which IRQ 0 has been driven

    def clock(self, now: int) -> int:
        """Timer clocks at tick ``now``."""
        return now * FREQUENCY // self._clock.ticks_per_second

    def ticks(self, clock: int) -> int:
        """The first tick at which timer clock ``clock`` has been reached."""
        return -(-clock * self._clock.ticks_per_second // FREQUENCY)

    def deadline(self, now: int) -> int | None:
        """When OUT of counter 0 next rises."""
        rise = self.counters[0].next_rise(self.seen)
        return None if rise is None else self.ticks(rise)

    next_request = deadline  # each rise of OUT is a request

    def advance(self, now: int) -> None:
        counter, clock = self.counters[0], self.clock(now)
        rise = counter.next_rise(self.seen)
        if rise is not None and rise <= clock:
            self._irq(False)  # OUT was low for at least a clock before
            self._irq(True)
            self.level = True
        counter.settle(clock)
        self.seen = clock

    def read(self, port: int, size: int) -> int:
        if port == 0x43:
            return 0xFF
        clock = self._now()
        counter = self.counters[port & 3]
        counter.settle(clock)
        return counter.read(clock)

    def write(self, port: int, value: int, size: int) -> None:
        clock = self._now()
        if port == 0x43:
            self._control(value, clock)
        else:
            self.counters[port & 3].write(value, clock)
        out = self.counters[0].out(clock)
        if out != self.level:
            self.level = out
            self._irq(out)

    def set_gate2(self, level: bool) -> None:
        """GATE of counter 2, which port 61h controls."""
        self.counters[2].set_gate(level, self._now())

    def out2(self) -> bool:
        """OUT of counter 2, which port 61h shows."""
        clock = self._now()
        self.counters[2].settle(clock)
        return self.counters[2].out(clock)

    def _now(self) -> int:
        now = self._clock.now()
        self.advance(now)
        return self.seen

    def _control(self, value: int, clock: int) -> None:
        select, access, mode = value >> 6, value >> 4 & 3, value >> 1 & 7
        if select == READ_BACK:
            for n, counter in enumerate(self.counters):
                if value >> n + 1 & 1:
                    counter.settle(clock)
                    if not value & NO_COUNT:
                        counter.latch_count(clock)
                    if not value & NO_STATUS:
                        counter.latch_status(clock)
        elif access == LATCH:
            self.counters[select].settle(clock)
            self.counters[select].latch_count(clock)
        else:
            # modes 6 and 7 are 2 and 3 again: the top bit is not decoded for them
            self.counters[select].program(access, mode & 3 if mode > 5 else mode, bool(value & 1))
