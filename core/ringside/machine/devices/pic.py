"""The two 8259A interrupt controllers of a PC/AT and their cascade (Intel 8259A data sheet).

The chip keeps three registers: IRR (requests waiting), ISR (being served) and IMR (masked).
Between interrupts the order of the eight inputs is a ring; ``lowest`` is its last member.
"""

from __future__ import annotations

from ringside.machine.devices.port import Line, Register, unconnected

# ICW1 (written to the even port with D4 set: starts initialisation)
ICW1_IC4 = 1 << 0  # an ICW4 will follow
ICW1_SNGL = 1 << 1  # single chip: no ICW3
ICW1_LTIM = 1 << 3  # level triggered instead of edge triggered
ICW1 = 1 << 4
# ICW4
ICW4_AEOI = 1 << 1  # automatic end of interrupt
ICW4_SFNM = 1 << 4  # special fully nested mode
# OCW2: D7-D5 are R, SL and EOI; D2-D0 the level
# OCW3 (even port with D3 set)
OCW3 = 1 << 3
OCW3_RIS = 1 << 0
OCW3_RR = 1 << 1
OCW3_POLL = 1 << 2
OCW3_SMM = 1 << 5
OCW3_ESMM = 1 << 6

CASCADE = 2  # the master's input the slave hangs on


class Pic8259:
    """One chip. ``requests()`` is its INT pin, ``acknowledge()`` an INTA cycle."""

    __slots__ = (
        "aeoi", "base", "imr", "irr", "isr", "lines", "lowest", "ltim", "needs", "poll",
        "read_isr", "rotate_aeoi", "sfnm", "smm",
    )  # fmt: skip

    def __init__(self, base: int) -> None:
        self.base = base  # vector of input 0
        self.irr = self.isr = self.lines = 0
        self.imr = 0xFF
        self.lowest = 7
        self.ltim = self.aeoi = self.rotate_aeoi = self.sfnm = self.smm = False
        self.read_isr = self.poll = False
        self.needs: list[str] = []  # initialisation words still to come

    def set_line(self, n: int, level: bool) -> None:
        """Drive input ``n``. Dropped before it is acknowledged, a request is forgotten."""
        bit = 1 << n
        if level:
            if not self.lines & bit or self.ltim:
                self.irr |= bit
            self.lines |= bit
        else:
            self.lines &= ~bit
            self.irr &= ~bit

    def _rank(self, n: int) -> int:
        return (n - self.lowest - 1) & 7  # 0 is the most urgent

    def _first(self, bits: int) -> int | None:
        for k in range(8):
            n = (self.lowest + 1 + k) & 7
            if bits >> n & 1:
                return n
        return None

    def winner(self, also: int = 0) -> int | None:
        """The input that would be served now, were those in ``also`` requesting too."""
        n = self._first((self.irr | also) & ~self.imr)
        if n is None:
            return None
        serving = self.isr
        if self.smm:  # special mask mode: a masked level no longer holds others back
            serving &= ~self.imr
        if self.sfnm:  # the slave may interrupt its own service in the master
            serving &= ~(1 << CASCADE)
        held = self._first(serving)
        return n if held is None or self._rank(n) < self._rank(held) else None

    def acknowledge(self) -> int | None:
        """Serve the winner and return its input; None when the request has gone (spurious)."""
        n = self.winner()
        if n is None:
            return None
        if not self.ltim:
            self.irr &= ~(1 << n)
        if not self.aeoi:
            self.isr |= 1 << n
        elif self.rotate_aeoi:
            self.lowest = n
        return n

    def read_command(self) -> int:
        if self.poll:
            self.poll = False
            n = self.acknowledge()
            return 0 if n is None else 0x80 | n
        return self.isr if self.read_isr else self.irr

    def write_command(self, value: int) -> None:
        if value & ICW1:
            self._initialise(value)
        elif value & OCW3:
            self._ocw3(value)
        else:
            self._ocw2(value >> 5, value & 7)

    def write_data(self, value: int) -> None:
        """ICW2 to ICW4 while initialising, else OCW1: the mask."""
        word = self.needs.pop(0) if self.needs else "OCW1"
        if word == "ICW2":
            self.base = value & 0xF8
        elif word == "ICW4":
            self.aeoi = bool(value & ICW4_AEOI)
            self.sfnm = bool(value & ICW4_SFNM)
        elif word == "OCW1":
            self.imr = value
        # ICW3 tells the chip where the cascade is: soldered on a PC, nothing to remember

    def _initialise(self, icw1: int) -> None:
        self.needs = ["ICW2"]
        if not icw1 & ICW1_SNGL:
            self.needs.append("ICW3")
        if icw1 & ICW1_IC4:
            self.needs.append("ICW4")
        self.ltim = bool(icw1 & ICW1_LTIM)
        self.irr = self.isr = self.imr = 0
        self.lowest = 7
        self.aeoi = self.rotate_aeoi = self.sfnm = self.smm = self.read_isr = False
        if self.ltim:
            self.irr = self.lines

    def _ocw2(self, command: int, level: int) -> None:
        rotate, specific, eoi = command >> 2 & 1, command >> 1 & 1, command & 1
        if eoi:
            n = level if specific else self._first(self.isr)
            if n is not None:
                self.isr &= ~(1 << n)
                if rotate:
                    self.lowest = n
        elif specific:
            if rotate:  # set priority; 010 is "no operation"
                self.lowest = level
        else:
            self.rotate_aeoi = bool(rotate)

    def _ocw3(self, value: int) -> None:
        if value & OCW3_ESMM:
            self.smm = bool(value & OCW3_SMM)
        if value & OCW3_POLL:
            self.poll = True
        elif value & OCW3_RR:
            self.read_isr = bool(value & OCW3_RIS)


class Pic:
    """Master and slave as a PC/AT wires them: sixteen inputs, one INT pin to the processor.

    Power-on leaves the vectors where a PC's firmware puts them (08h and 70h) and masks every
    input, so a guest that enables interrupts without programming the chips hears nothing.
    """

    name = "pic"
    registers = (
        Register(0x20, "IRR/ISR", "ICW1/OCW2/OCW3"),
        Register(0x21, "IMR", "ICW2-4/OCW1"),
        Register(0xA0, "IRR/ISR (slave)", "ICW1/OCW2/OCW3 (slave)"),
        Register(0xA1, "IMR (slave)", "ICW2-4/OCW1 (slave)"),
    )
    __slots__ = ("_output", "master", "slave")
    transient = frozenset({"_output"})

    def __init__(self, output: Line = unconnected) -> None:
        self.master = Pic8259(0x08)
        self.slave = Pic8259(0x70)
        self._output = output

    @property
    def requests(self) -> bool:
        """The level of the master's INT pin."""
        return self.master.winner() is not None

    def raise_line(self, irq: int) -> None:
        """Input ``irq`` (0 to 15) goes high."""
        self._set(irq, True)

    def lower_line(self, irq: int) -> None:
        """Input ``irq`` (0 to 15) goes low."""
        self._set(irq, False)

    def line(self, irq: int) -> Line:
        """The wire to input ``irq``, for a device to hold."""
        return lambda level: self._set(irq, level)

    def wakes(self, irq: int) -> bool:
        """Whether a request on ``irq`` would reach the processor as things stand."""
        if irq < 8:
            return self.master.winner(1 << irq) == irq
        return (
            self.slave.winner(1 << irq - 8) == irq - 8
            and self.master.winner(1 << CASCADE) == CASCADE
        )

    def acknowledge(self) -> int:
        """The processor's INTA: the vector of what is served, IRQ 7's if the request has gone."""
        n = self.master.acknowledge()
        if n is None:
            vector = self.master.base + 7  # spurious: ISR stays clear
        elif n == CASCADE:
            m = self.slave.acknowledge()
            vector = self.slave.base + (7 if m is None else m)
            self.master.set_line(CASCADE, False)  # the slave's pin falls during INTA
        else:
            vector = self.master.base + n
        self._settle()
        return vector

    def read(self, port: int, size: int) -> int:
        chip = self.slave if port & 0x80 else self.master
        if port & 1:
            return chip.imr
        value = chip.read_command()
        self._settle()
        return value

    def write(self, port: int, value: int, size: int) -> None:
        chip = self.slave if port & 0x80 else self.master
        if port & 1:
            chip.write_data(value)
        else:
            chip.write_command(value)
        self._settle()

    def _set(self, irq: int, level: bool) -> None:
        if irq < 8:
            self.master.set_line(irq, level)
        else:
            self.slave.set_line(irq - 8, level)
        self._settle()

    def _settle(self) -> None:
        """Carry the slave's pin to the master and the master's to the processor."""
        self.master.set_line(CASCADE, self.slave.winner() is not None)
        self._output(self.master.winner() is not None)
