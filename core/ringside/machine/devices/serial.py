"""The 16550 serial port (National Semiconductor PC16550D data sheet), COM1 by default.

A character written to THR has left at once: line speed is not modelled, so THRE is always set
and an enabled transmit interrupt follows every write. Characters coming in wait on the line until
the receiver has room, so typing faster than the guest reads loses nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ringside.machine.devices.port import Line, Register, unconnected

# Register offsets; with DLAB set 0 and 1 are the divisor latch
RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR = range(8)

IER_RX, IER_THRE, IER_LINE, IER_MODEM = 1, 2, 4, 8
IIR_NONE, IIR_THRE, IIR_RX = 0x01, 0x02, 0x04
IIR_FIFOS = 0xC0
FCR_ENABLE, FCR_CLEAR_RX = 1, 2
LCR_DLAB = 0x80
MCR_DTR, MCR_RTS, MCR_OUT1, MCR_OUT2, MCR_LOOP = 1, 2, 4, 8, 16
LSR_DR, LSR_THRE, LSR_TEMT = 0x01, 0x20, 0x40
MSR_CTS, MSR_DSR, MSR_RI, MSR_DCD = 0x10, 0x20, 0x40, 0x80

_NAMES = (
    ("RBR/DLL", "THR/DLL"), ("IER/DLM", "IER/DLM"), ("IIR", "FCR"), ("LCR", "LCR"),
    ("MCR", "MCR"), ("LSR", ""), ("MSR", ""), ("SCR", "SCR"),
)  # fmt: skip


class Serial:
    """One port. ``transmit`` receives every byte that goes out; ``receive`` is the typing side."""

    __slots__ = (
        "_base", "_irq", "_transmit", "divisor", "fifos", "ier", "lcr", "lost", "mcr", "name",
        "registers", "rx", "scr", "thre",
    )  # fmt: skip
    transient = frozenset({"_base", "_irq", "_transmit", "name", "registers"})

    def __init__(
        self, transmit: Callable[[int], None], irq: Line = unconnected, base: int = 0x3F8
    ) -> None:
        self.name = "serial"
        self.registers = tuple(Register(base + n, *names) for n, names in enumerate(_NAMES))
        self._base = base
        self._irq = irq
        self._transmit = transmit
        self.ier = self.lcr = self.mcr = self.scr = 0
        self.divisor = 12  # 9600 baud, what firmware leaves
        self.fifos = False
        self.thre = False  # a transmit interrupt waits to be seen
        self.rx: deque[int] = deque()
        self.lost = 0  # characters that were cleared away unread

    def receive(self, data: bytes) -> None:
        """Characters arrive on the line."""
        self.rx.extend(data)
        self._update()

    @property
    def cause(self) -> int:
        """IIR without the FIFO bits: the most urgent enabled cause, or none."""
        if self.ier & IER_RX and self.rx:
            return IIR_RX
        if self.ier & IER_THRE and self.thre:
            return IIR_THRE
        return IIR_NONE

    def read(self, port: int, size: int) -> int:
        offset = port - self._base
        if self.lcr & LCR_DLAB and offset <= IER:
            return self.divisor >> 8 * offset & 0xFF
        return _READ[offset](self)

    def write(self, port: int, value: int, size: int) -> None:
        offset = port - self._base
        if self.lcr & LCR_DLAB and offset <= IER:
            shift = 8 * offset
            self.divisor = self.divisor & ~(0xFF << shift) | value << shift
        else:
            _WRITE[offset](self, value)
            self._update()

    def _update(self) -> None:
        # On a PC the OUT2 pin gates the interrupt request onto the bus (IBM AT tech. ref.)
        self._irq(self.cause != IIR_NONE and bool(self.mcr & MCR_OUT2))

    def _read_rbr(self) -> int:
        value = self.rx.popleft() if self.rx else 0
        # The request falls while the next character moves up, so each one is an edge
        self._irq(False)
        self._update()
        return value

    def _read_iir(self) -> int:
        cause = self.cause
        if cause == IIR_THRE:  # reading it is what ends this request
            self.thre = False
            self._update()
        return cause | (IIR_FIFOS if self.fifos else 0)

    def _read_msr(self) -> int:
        if not self.mcr & MCR_LOOP:
            return MSR_CTS | MSR_DSR | MSR_DCD  # a terminal is always there
        turns = ((MCR_RTS, MSR_CTS), (MCR_DTR, MSR_DSR), (MCR_OUT1, MSR_RI), (MCR_OUT2, MSR_DCD))
        return sum(to for wire, to in turns if self.mcr & wire)

    def _write_thr(self, value: int) -> None:
        if self.mcr & MCR_LOOP:
            self.rx.append(value)
        else:
            self._transmit(value)
        self._irq(False)
        self.thre = True

    def _write_ier(self, value: int) -> None:
        if value & IER_THRE and not self.ier & IER_THRE:
            self.thre = True  # enabling it while THR is empty requests at once
        self.ier = value & 0xF

    def _write_fcr(self, value: int) -> None:
        self.fifos = bool(value & FCR_ENABLE)
        if value & FCR_CLEAR_RX:
            self.lost += len(self.rx)
            self.rx.clear()

    def _write_lcr(self, value: int) -> None:
        self.lcr = value

    def _write_mcr(self, value: int) -> None:
        self.mcr = value & 0x1F

    def _write_scr(self, value: int) -> None:
        self.scr = value


def _ignore(serial: Serial, value: int) -> None:
    """LSR and MSR are read only."""


_READ: tuple[Callable[[Serial], int], ...] = (
    Serial._read_rbr,
    lambda s: s.ier,
    Serial._read_iir,
    lambda s: s.lcr,
    lambda s: s.mcr,
    lambda s: LSR_THRE | LSR_TEMT | (LSR_DR if s.rx else 0),
    Serial._read_msr,
    lambda s: s.scr,
)
_WRITE: tuple[Callable[[Serial, int], None], ...] = (
    Serial._write_thr,
    Serial._write_ier,
    Serial._write_fcr,
    Serial._write_lcr,
    Serial._write_mcr,
    _ignore,
    _ignore,
    Serial._write_scr,
)
