"""Keyboard, screen, clock, system control, debug and exit ports, and the bus they share."""

from __future__ import annotations

import pytest
from ringside.isa.width import B, D, W
from ringside.machine.bus import Bus
from ringside.machine.chipset import Chipset
from ringside.machine.devices.keyboard import Keyboard, scan_codes
from ringside.machine.devices.port import ManualClock
from ringside.machine.devices.vga import Vga
from ringside.trace.events import ConsoleWritten, Event, PortRead, PortWritten


def chipset(clock: ManualClock | None = None) -> Chipset:
    return Chipset(clock or ManualClock())


def test_typing_makes_and_breaks_keys_with_shift_around_capitals() -> None:
    assert scan_codes("aB") == bytes((0x1E, 0x9E, 0x2A, 0x30, 0xB0, 0xAA))
    assert scan_codes("\r\n") == bytes((0x1C, 0x9C))
    assert scan_codes("é") == b""


def test_every_printable_ascii_character_can_be_typed() -> None:
    for code in range(32, 127):
        assert scan_codes(chr(code)), chr(code)


def test_each_scan_code_is_one_interrupt() -> None:
    edges = []
    keyboard = Keyboard(lambda level: edges.append(level) if level else None)
    keyboard.receive("a")
    assert keyboard.read(0x64, 1) & 1
    assert [keyboard.read(0x60, 1), keyboard.read(0x60, 1)] == [0x1E, 0x9E]
    assert len(edges) == 2 and not keyboard.read(0x64, 1) & 1


def test_the_controller_passes_its_self_test_and_keeps_its_configuration() -> None:
    keyboard = Keyboard()
    keyboard.write(0x64, 0xAA, 1)
    assert keyboard.read(0x60, 1) == 0x55
    keyboard.write(0x64, 0x60, 1)
    keyboard.write(0x60, 0x44, 1)
    keyboard.write(0x64, 0x20, 1)
    assert keyboard.read(0x60, 1) == 0x44


def test_the_keyboard_answers_reset_and_led_commands() -> None:
    keyboard = Keyboard()
    keyboard.write(0x60, 0xFF, 1)
    assert [keyboard.read(0x60, 1), keyboard.read(0x60, 1)] == [0xFA, 0xAA]
    keyboard.write(0x60, 0xED, 1)
    keyboard.write(0x60, 0x07, 1)
    assert [keyboard.read(0x60, 1), keyboard.read(0x60, 1)] == [0xFA, 0xFA]


def test_the_controller_can_pull_reset() -> None:
    asked: list[tuple[str, int | None]] = []
    parts = Chipset(ManualClock(), end=lambda kind, status: asked.append((kind, status)))
    parts.port_out(0x64, 0xFE, B)
    parts.port_out(0x92, 0x01, B)
    assert asked == [("reset", None), ("reset", None)]


def test_the_screen_is_read_out_of_text_memory() -> None:
    vga = Vga(ManualClock())
    memory = bytearray(b" \x07" * 0x4000)
    memory[0:4] = b"H\x07i\x07"
    memory[160:162] = b"\x01\x07"
    lines = vga.text(bytes(memory))
    assert len(lines) == 25 and lines[:3] == ["Hi", "☺", ""]
    vga.write(0x3D4, 0x0D, 1)
    vga.write(0x3D5, 80, 1)
    assert vga.text(bytes(memory))[0] == "☺", "the start address scrolls"


def test_the_cursor_registers_give_row_and_column() -> None:
    vga = Vga(ManualClock())
    for index, value in ((0x0E, 0), (0x0F, 2 * 80 + 5)):
        vga.write(0x3D4, index, 1)
        vga.write(0x3D5, value, 1)
    assert vga.cursor == (2, 5)


def test_the_clock_runs_with_the_machine_and_starts_at_a_fixed_moment() -> None:
    clock = ManualClock(1000)
    parts = chipset(clock)

    def cmos(index: int) -> int:
        parts.port_out(0x70, index, B)
        return parts.port_in(0x71, B)

    assert [cmos(n) for n in (9, 8, 7, 4, 2, 0)] == [0x05, 0x11, 0x14, 0x09, 0x00, 0x00]
    clock.time = 61_000
    assert [cmos(n) for n in (2, 0)] == [0x01, 0x01]


def test_port_61_opens_the_gate_of_counter_2_and_shows_its_output() -> None:
    clock = ManualClock(1_193_182)
    parts = chipset(clock)
    parts.port_out(0x43, 0xB0, B)
    parts.port_out(0x42, 100, B)
    parts.port_out(0x42, 0, B)
    parts.port_out(0x61, 1, B)
    assert not parts.port_in(0x61, B) & 0x20
    clock.time += 100
    assert parts.port_in(0x61, B) & 0x20


def test_both_console_ports_write_to_the_one_console() -> None:
    parts = chipset()
    parts.port_out(0xE9, ord("a"), B)
    parts.port_out(0x3F8, ord("b"), B)
    assert parts.console == "ab"
    assert parts.port_in(0xE9, B) == 0xE9


def test_the_exit_port_gives_an_odd_status() -> None:
    asked: list[tuple[str, int | None]] = []
    parts = Chipset(ManualClock(), end=lambda kind, status: asked.append((kind, status)))
    parts.port_out(0xF4, 0x10, B)
    parts.port_out(0xF4, 0x1234, D)
    assert asked == [("exit", 0x21), ("exit", 0x2469)]


def test_a_port_nobody_answers_reads_all_ones() -> None:
    bus = chipset().bus
    assert bus.port_in(0x1234, B) == 0xFF
    assert bus.port_in(0x1234, D) == 0xFFFF_FFFF
    bus.port_out(0x1234, 0, D)


def test_wide_accesses_split_into_byte_ports() -> None:
    parts = chipset()
    parts.port_out(0x3D4, 0x120E, W)  # index and data in one word, the classic trick
    assert parts.vga.crtc[0x0E] == 0x12
    assert parts.port_in(0x3D4, W) == 0x120E


def test_accesses_are_told_with_the_device_s_name() -> None:
    heard: list[Event] = []
    parts = chipset(ManualClock(time=7))
    parts.bus.listener = heard.append
    parts.port_out(0xE9, ord("x"), B)
    parts.port_in(0x21, B)
    assert heard == [
        PortWritten(7, "device", 0xE9, 8, ord("x"), "debug"),
        ConsoleWritten(7, "device", "x"),
        PortRead(7, "device", 0x21, 8, 0xFF, "pic"),
    ]


def test_two_devices_cannot_share_a_port() -> None:
    parts = chipset()
    with pytest.raises(ValueError, match="0x3d4 is both vga and vga"):
        Bus(ManualClock(), (parts.vga, Vga(ManualClock())))


def test_typing_at_a_device_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ValueError, match="serial, keyboard"):
        chipset().type_text("x", "mouse")
