"""The serial port, against the 16550 data sheet."""

from __future__ import annotations

from ringside.machine.devices.serial import Serial

BASE = 0x3F8
THR, IER, IIR, LCR, MCR, LSR, SCR = BASE, BASE + 1, BASE + 2, BASE + 3, BASE + 4, BASE + 5, BASE + 7


class Line:
    def __init__(self) -> None:
        self.level = False
        self.edges = 0

    def __call__(self, level: bool) -> None:
        self.edges += level and not self.level
        self.level = level


def port() -> tuple[Serial, bytearray, Line]:
    sent, line = bytearray(), Line()
    return Serial(sent.append, line), sent, line


def test_what_is_written_goes_out_and_the_transmitter_is_always_ready() -> None:
    serial, sent, _ = port()
    for code in b"Hi":
        assert serial.read(LSR, 1) & 0x60 == 0x60
        serial.write(THR, code, 1)
    assert sent == b"Hi"


def test_dlab_turns_the_first_registers_into_the_divisor() -> None:
    serial, sent, _ = port()
    serial.write(LCR, 0x83, 1)
    serial.write(THR, 1, 1)
    serial.write(IER, 2, 1)
    assert (serial.read(THR, 1), serial.read(IER, 1)) == (1, 2) and sent == b""
    serial.write(LCR, 0x03, 1)
    assert serial.divisor == 0x201 and serial.read(IER, 1) == 0


def test_received_characters_are_read_in_order() -> None:
    serial, _, _ = port()
    assert not serial.read(LSR, 1) & 1
    serial.receive(b"ab")
    assert serial.read(LSR, 1) & 1
    assert [serial.read(THR, 1), serial.read(THR, 1)] == list(b"ab")
    assert not serial.read(LSR, 1) & 1


def test_each_received_character_is_an_interrupt_edge() -> None:
    serial, _, line = port()
    serial.write(IER, 1, 1)
    serial.write(MCR, 0x0B, 1)
    serial.receive(b"abc")
    assert line.level and serial.read(IIR, 1) & 0xF == 4
    for _ in range(3):
        serial.read(THR, 1)
    assert line.edges == 3 and not line.level and serial.read(IIR, 1) & 1


def test_out2_holds_the_interrupt_off_the_bus() -> None:
    serial, _, line = port()
    serial.write(IER, 1, 1)
    serial.receive(b"x")
    assert not line.level
    serial.write(MCR, 8, 1)
    assert line.level


def test_the_transmit_interrupt_ends_when_iir_is_read() -> None:
    serial, _, line = port()
    serial.write(MCR, 8, 1)
    serial.write(IER, 2, 1)
    assert line.level and serial.read(IIR, 1) & 0xF == 2
    assert not line.level
    serial.write(THR, 65, 1)
    assert line.level


def test_the_fifo_control_register_shows_in_iir_and_clears_the_receiver() -> None:
    serial, _, _ = port()
    serial.receive(b"abc")
    serial.write(IIR, 0x07, 1)
    assert serial.read(IIR, 1) & 0xC0 == 0xC0 and not serial.read(LSR, 1) & 1


def test_loopback_returns_what_is_sent() -> None:
    serial, sent, _ = port()
    serial.write(MCR, 0x1E, 1)
    serial.write(THR, 0xAE, 1)
    assert serial.read(THR, 1) == 0xAE and sent == b""


def test_the_scratch_register_remembers() -> None:
    serial, _, _ = port()
    serial.write(SCR, 0x5A, 1)
    assert serial.read(SCR, 1) == 0x5A
