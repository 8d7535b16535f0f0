"""The disk, by the ATA protocol of programmed I/O."""

from __future__ import annotations

from ringside.machine.devices.ide import Ide
from ringside.machine.devices.port import ManualClock

DATA, ERROR, COUNT, LOW, MID, HIGH, DEVICE, STATUS = range(0x1F0, 0x1F8)
CONTROL = 0x3F6
BSY, DRQ, ERR = 0x80, 0x08, 0x01
IMAGE = bytes(n // 512 + n % 251 & 0xFF for n in range(512 * 2000))


class Line:
    def __init__(self) -> None:
        self.level = False
        self.edges = 0

    def __call__(self, level: bool) -> None:
        self.edges += level and not self.level
        self.level = level


def disk(image: bytes | None = IMAGE) -> tuple[Ide, ManualClock, Line]:
    clock, line = ManualClock(), Line()
    return Ide(clock, line, image), clock, line


def command(ide: Ide, code: int, lba: int, count: int = 1) -> None:
    ide.write(COUNT, count & 0xFF, 1)
    for port, shift in ((LOW, 0), (MID, 8), (HIGH, 16)):
        ide.write(port, lba >> shift & 0xFF, 1)
    ide.write(DEVICE, 0xE0 | lba >> 24, 1)
    ide.write(STATUS, code, 1)


def wait(ide: Ide, clock: ManualClock) -> int:
    due = ide.deadline(clock.time)
    if due is not None:
        clock.time = due
        ide.advance(due)
    return ide.read(STATUS, 1)


def take(ide: Ide, size: int = 2) -> bytes:
    return b"".join(ide.read(DATA, size).to_bytes(size, "little") for _ in range(512 // size))


def test_a_read_is_busy_then_interrupts_with_the_sector() -> None:
    ide, clock, line = disk()
    command(ide, 0x20, 7)
    assert ide.read(STATUS, 1) & BSY and line.edges == 0
    assert wait(ide, clock) & (BSY | DRQ | ERR) == DRQ
    assert line.edges == 1 and not line.level, "reading the status ends the request"
    assert take(ide) == IMAGE[7 * 512 : 8 * 512]
    assert not ide.read(STATUS, 1) & DRQ


def test_several_sectors_come_one_interrupt_each() -> None:
    ide, clock, line = disk()
    command(ide, 0x20, 10, 3)
    for n in range(3):
        wait(ide, clock)
        assert take(ide, 4) == IMAGE[(10 + n) * 512 : (11 + n) * 512]
    assert line.edges == 3 and ide.deadline(clock.time) is None


def test_a_write_lands_beside_the_image_and_reads_back() -> None:
    ide, clock, line = disk()
    command(ide, 0x30, 5)
    assert ide.read(STATUS, 1) & DRQ and line.edges == 0
    data = bytes(range(256)) * 2
    for n in range(0, 512, 2):
        ide.write(DATA, int.from_bytes(data[n : n + 2], "little"), 2)
    assert ide.read(STATUS, 1) & BSY
    assert not wait(ide, clock) & (DRQ | ERR) and line.edges == 1
    command(ide, 0x20, 5)
    wait(ide, clock)
    assert take(ide) == data
    assert ide.sector(4) == IMAGE[4 * 512 : 5 * 512]


def test_a_sector_beyond_the_end_is_not_found() -> None:
    ide, clock, _ = disk()
    command(ide, 0x20, 2000)
    assert wait(ide, clock) & (ERR | DRQ) == ERR
    assert ide.read(ERROR, 1) == 0x10


def test_identify_tells_the_size_and_the_name() -> None:
    ide, clock, _ = disk()
    command(ide, 0xEC, 0)
    wait(ide, clock)
    words = [int.from_bytes(pair, "little") for pair in zip(*[iter(take(ide))] * 2, strict=True)]
    assert words[60] | words[61] << 16 == 2000
    name = b"".join(word.to_bytes(2, "big") for word in words[27:47])
    assert name.decode().rstrip() == "Ringside disk"


def test_an_unknown_command_is_aborted() -> None:
    ide, _, _ = disk()
    command(ide, 0x99, 0)
    assert ide.read(STATUS, 1) & ERR and ide.read(ERROR, 1) == 0x04


def test_cylinder_head_sector_addresses_reach_the_same_sectors() -> None:
    ide, clock, _ = disk()
    lba = (1 * 16 + 2) * 63 + 5 - 1
    for port, value in ((COUNT, 1), (LOW, 5), (MID, 1), (HIGH, 0), (DEVICE, 0xA2), (STATUS, 0x20)):
        ide.write(port, value, 1)
    wait(ide, clock)
    assert take(ide) == IMAGE[lba * 512 : (lba + 1) * 512]


def test_with_nien_set_the_disk_is_silent() -> None:
    ide, clock, line = disk()
    ide.write(CONTROL, 2, 1)
    command(ide, 0x20, 0)
    assert ide.next_request(clock.time) is None
    wait(ide, clock)
    assert line.edges == 0


def test_an_absent_disk_shows_no_status() -> None:
    ide, _, _ = disk(None)
    assert ide.read(STATUS, 1) == 0
    present, _, _ = disk()
    present.write(DEVICE, 0xF0, 1)
    assert present.read(STATUS, 1) == 0, "device 1 is never there"


def test_the_alternate_status_does_not_end_the_interrupt() -> None:
    ide, clock, line = disk()
    command(ide, 0x20, 0)
    due = ide.deadline(clock.time)
    assert due is not None
    clock.time = due
    ide.advance(due)
    assert ide.read(CONTROL, 1) & DRQ and line.level
