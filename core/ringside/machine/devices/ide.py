"""An ATA disk on the primary IDE channel, by programmed I/O (ATA-5, chapters 7 to 9).

A command that touches the medium takes a fixed time, BSY meanwhile, and then asks for the data
with DRQ and IRQ 14, one sector at a time. The image given is never changed: sectors written are
kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable

from ringside.machine.devices.port import Clock, Line, Register, unconnected

SECTOR = 512
HEADS, SECTORS_PER_TRACK = 16, 63
SEEK_PER_SECOND = 10_000  # a sector takes 1/10000 s: 100 microseconds, a brisk disk

STATUS_ERR, STATUS_DRQ, STATUS_DSC, STATUS_DRDY, STATUS_BSY = 0x01, 0x08, 0x10, 0x40, 0x80
ERROR_ABRT, ERROR_IDNF = 0x04, 0x10
DEVICE_LBA, DEVICE_DEV = 0x40, 0x10
CONTROL_NIEN, CONTROL_SRST = 0x02, 0x04

DATA, ERROR_FEATURES, COUNT, LBA_LOW, LBA_MID, LBA_HIGH, DEVICE, STATUS_COMMAND = range(8)


class Ide:
    """Ports 1F0h to 1F7h and 3F6h with one disk, device 0."""

    name = "ide"
    registers = (
        Register(0x1F0, "data", "data", 4),
        Register(0x1F1, "error", "features"),
        Register(0x1F2, "sector count", "sector count"),
        Register(0x1F3, "LBA low", "LBA low"),
        Register(0x1F4, "LBA mid", "LBA mid"),
        Register(0x1F5, "LBA high", "LBA high"),
        Register(0x1F6, "device", "device"),
        Register(0x1F7, "status", "command"),
        Register(0x3F6, "alternate status", "device control"),
    )
    __slots__ = (
        "_clock", "_image", "_irq", "buffer", "busy_until", "control", "error", "intrq", "left",
        "next", "offset", "sectors", "status", "task", "written",
    )  # fmt: skip
    transient = frozenset({"_clock", "_image", "_irq"})

    def __init__(self, clock: Clock, irq: Line = unconnected, image: bytes | None = None) -> None:
        self._clock = clock
        self._irq = irq
        self._image = image
        self.sectors = 0 if image is None else -(-len(image) // SECTOR)
        self.written: dict[int, bytes] = {}  # sectors that differ from the image
        self.control = 0
        self.intrq = False  # the interrupt request, until the status is read
        self._reset()

    def _reset(self) -> None:
        self.task = bytearray((0, 1, 1, 1, 0, 0, 0, 0))  # the signature of an ATA disk
        self.status = STATUS_DRDY | STATUS_DSC
        self.error = 1  # diagnostics passed
        self.buffer = bytearray()
        self.offset = 0
        self.next = ""  # what happens when BSY ends
        self.left = 0  # sectors still to transfer
        self.busy_until = 0

    def attach(self, image: bytes) -> None:
        """Put a disk in; what was written to another is forgotten."""
        self._image = image
        self.sectors = -(-len(image) // SECTOR)
        self.written = {}
        self._reset()

    def sector(self, lba: int) -> bytes:
        """The 512 bytes at ``lba``, zero-filled beyond the end of the image."""
        image = self._image or b""
        kept = self.written.get(lba)
        if kept is not None:
            return kept
        return image[lba * SECTOR : (lba + 1) * SECTOR].ljust(SECTOR, b"\0")

    @property
    def present(self) -> bool:
        """Whether the selected device is there: only device 0 can be."""
        return self._image is not None and not self.task[DEVICE] & DEVICE_DEV

    def deadline(self, now: int) -> int | None:
        return self.busy_until if self.status & STATUS_BSY else None

    def next_request(self, now: int) -> int | None:
        silent = self.control & CONTROL_NIEN or self.intrq
        return None if silent else self.deadline(now)

    def advance(self, now: int) -> None:
        if self.status & STATUS_BSY and now >= self.busy_until:
            self.status &= ~STATUS_BSY
            _FINISH[self.next](self)

    def read(self, port: int, size: int) -> int:
        self.advance(self._clock.now())
        if port == 0x1F0:
            return self._data_in(size)
        if port == 0x3F6:
            return self.status if self.present else 0
        offset = port & 7
        if not self.present:
            return 0
        if offset == STATUS_COMMAND:
            self._quiet()
            return self.status
        return self.error if offset == ERROR_FEATURES else self.task[offset]

    def write(self, port: int, value: int, size: int) -> None:
        self.advance(self._clock.now())
        offset = port & 7
        if port == 0x1F0:
            self._data_out(value, size)
        elif port == 0x3F6:
            if value & CONTROL_SRST:
                self._reset()
            self.control = value
        elif self.status & STATUS_BSY:
            pass  # a busy device does not listen
        elif offset == STATUS_COMMAND:
            if self.present:
                self._quiet()
                self._start(value)
        else:
            self.task[offset] = value

    def _start(self, command: int) -> None:
        self.status = STATUS_DRDY | STATUS_DSC
        self.error = 0
        self.left = self.task[COUNT] or 256
        then = _COMMANDS.get(command)
        if then is None:
            self._fail(ERROR_ABRT)
        else:
            then(self)

    def _wait(self, then: str) -> None:
        self.status = self.status & ~STATUS_DRQ | STATUS_BSY
        self.next = then
        delay = max(1, self._clock.ticks_per_second // SEEK_PER_SECOND)
        self.busy_until = self._clock.now() + delay

    def _interrupt(self) -> None:
        if not self.control & CONTROL_NIEN:
            self.intrq = True
            self._irq(True)

    def _quiet(self) -> None:
        self.intrq = False
        self._irq(False)

    def _fail(self, error: int) -> None:
        self.error = error
        self.status = STATUS_DRDY | STATUS_DSC | STATUS_ERR
        self._interrupt()

    def _done(self) -> None:
        self.status = STATUS_DRDY | STATUS_DSC
        self._interrupt()

    @property
    def lba(self) -> int:
        """The sector the task file addresses, by LBA28 or by cylinder, head and sector."""
        low, mid, high, device = self.task[LBA_LOW : DEVICE + 1]
        if device & DEVICE_LBA:
            return low | mid << 8 | high << 16 | (device & 0xF) << 24
        return ((mid | high << 8) * HEADS + (device & 0xF)) * SECTORS_PER_TRACK + low - 1

    def _next_lba(self) -> None:
        if self.task[DEVICE] & DEVICE_LBA:
            n = self.lba + 1
            self.task[LBA_LOW : LBA_HIGH + 1] = (n & 0xFFFFFF).to_bytes(3, "little")
            self.task[DEVICE] = self.task[DEVICE] & 0xF0 | n >> 24 & 0xF
        else:
            n = self.lba + 1
            track, sector = divmod(n, SECTORS_PER_TRACK)
            cylinder, head = divmod(track, HEADS)
            self.task[LBA_LOW] = sector + 1
            self.task[LBA_MID : LBA_HIGH + 1] = (cylinder & 0xFFFF).to_bytes(2, "little")
            self.task[DEVICE] = self.task[DEVICE] & 0xF0 | head

    def _offer(self, data: bytes) -> None:
        self.buffer = bytearray(data)
        self.offset = 0
        self.status |= STATUS_DRQ

    def _read_sector(self) -> None:
        if not 0 <= self.lba < self.sectors:
            self._fail(ERROR_IDNF)
            return
        self._offer(self.sector(self.lba))
        self.left -= 1
        self.next = "read on" if self.left else ""
        self._interrupt()

    def _accept_sector(self) -> None:
        if not 0 <= self.lba < self.sectors:
            self._fail(ERROR_IDNF)
            return
        self._offer(bytes(SECTOR))
        self.next = "write"

    def _write_sector(self) -> None:
        self.written[self.lba] = bytes(self.buffer)
        self.left -= 1
        if self.left:
            self._next_lba()
            self._accept_sector()
            if not self.status & STATUS_ERR:
                self._interrupt()
        else:
            self._done()

    def _identify(self) -> None:
        self._offer(_identity(self.sectors))
        self.next = ""
        self._interrupt()

    def _data_in(self, size: int) -> int:
        if not self.status & STATUS_DRQ:
            return (1 << 8 * size) - 1
        value = int.from_bytes(self.buffer[self.offset : self.offset + size], "little")
        self._moved(size)
        return value

    def _data_out(self, value: int, size: int) -> None:
        if self.status & STATUS_DRQ:
            room = min(size, SECTOR - self.offset)
            data = value.to_bytes(size, "little")[:room]
            self.buffer[self.offset : self.offset + room] = data
            self._moved(size)

    def _moved(self, size: int) -> None:
        self.offset += size
        if self.offset >= len(self.buffer):
            self.status &= ~STATUS_DRQ
            if self.next == "read on":
                self._next_lba()
                self._wait("read")
            elif self.next:
                self._wait(self.next)


def _identity(sectors: int) -> bytes:
    """The 256 words IDENTIFY DEVICE returns (ATA-5, 8.12)."""
    cylinders = min(16383, sectors // (HEADS * SECTORS_PER_TRACK))
    words = [0] * 256
    words[0] = 0x0040  # fixed disk
    words[1], words[3], words[6] = cylinders, HEADS, SECTORS_PER_TRACK
    _ascii(words, 10, 10, "RS0001")
    _ascii(words, 23, 4, "1.0")
    _ascii(words, 27, 20, "Ringside disk")
    words[49] = 0x0200  # LBA
    words[53] = 1
    words[54], words[55], words[56] = cylinders, HEADS, SECTORS_PER_TRACK
    capacity = cylinders * HEADS * SECTORS_PER_TRACK
    words[57], words[58] = capacity & 0xFFFF, capacity >> 16
    words[60], words[61] = sectors & 0xFFFF, sectors >> 16
    words[80] = 0x003E  # up to ATA-5
    return b"".join(word.to_bytes(2, "little") for word in words)


def _ascii(words: list[int], first: int, count: int, text: str) -> None:
    data = text.ljust(2 * count).encode("ascii")
    for n in range(count):
        words[first + n] = data[2 * n] << 8 | data[2 * n + 1]  # the first character is high


_FINISH: dict[str, Callable[[Ide], None]] = {
    "read": Ide._read_sector,
    "write": Ide._write_sector,
    "identify": Ide._identify,
    "done": Ide._done,
}
_COMMANDS: dict[int, Callable[[Ide], None]] = {
    0x20: lambda ide: ide._wait("read"),  # READ SECTORS
    0x21: lambda ide: ide._wait("read"),
    0x30: Ide._accept_sector,  # WRITE SECTORS: DRQ at once, no interrupt before the first sector
    0x31: Ide._accept_sector,
    0x40: lambda ide: ide._wait("done"),  # READ VERIFY
    0x91: Ide._done,  # INITIALIZE DEVICE PARAMETERS
    0xE7: lambda ide: ide._wait("done"),  # FLUSH CACHE
    0xEC: lambda ide: ide._wait("identify"),  # IDENTIFY DEVICE
    0xEF: Ide._done,  # SET FEATURES
}
