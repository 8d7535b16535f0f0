"""The fast way to run a CPU: translated regions where it is hot, the interpreter everywhere else.

``Engine(cpu).run(limit)`` takes exactly the steps ``cpu.run(limit)`` would take, in the same
states. A translated region never does anything the interpreter would do differently: whatever is
not plain (a page that is not in the fast maps, a system instruction, a fault) makes it step aside
before that instruction, and the interpreter carries it out.

Nothing has to be dropped when mappings change: a region is entered only after looking its page up
in the CPU's own map for reading, which is a subset of the TLB, and is keyed by what it finds
there. Only writes to its code end a region; ``Memory.code_frames`` has them told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ringside.isa.decode import Truncated, decode
from ringside.isa.faults import Fault
from ringside.isa.instruction import Insn
from ringside.isa.registers import CS, FLAG_DF, FLAG_TF
from ringside.machine.access import permits
from ringside.machine.control import CR0_PG
from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.machine.segmentation import Segment
from ringside.machine.translator.body import Retry
from ringside.machine.translator.mode import Mode, mode_of
from ringside.machine.translator.region import Enter, Region, translate

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu
    from ringside.machine.interpreter import Prepared

MASK = 0xFFFF_FFFF
LONGEST = 15

# Translating costs about a thousand times what interpreting the same code once costs. With 48 in
# the place of 200 nanos translates three times as much until its shell is there and takes a third
# longer; with 800 the computing guests begin to wait.
HOT = 200  # times a block began before it is translated with what hangs from it
TOUCHY = 12  # times an instruction made its region step aside before it is translated carefully
MOST_REGIONS = 2000  # then all are dropped: the bound on memory

Entry = tuple[Enter, int, Region]  # function, chunk number, region
Table = dict[int, Entry]  # by EIP


class Engine:
    """Runs one CPU."""

    __slots__ = (
        "before", "careful", "careful_bytes", "counts", "cpu", "df", "followers", "hot", "mode",
        "modes", "ports", "regions", "segs", "tables",
    )  # fmt: skip

    def __init__(self, cpu: Cpu, hot: int = HOT) -> None:
        self.cpu = cpu
        self.hot = hot
        # mode -> (physical minus linear address of the page -> table)
        self.modes: dict[Mode, dict[int, Table]] = {}
        self.segs: list[Segment] = cpu.segs[:]  # those ``mode`` and ``tables`` were chosen for
        self.df = cpu._eflags & FLAG_DF
        self.mode: Mode = mode_of(self.segs, int(self.df != 0))
        self.tables: dict[int, Table] = self.modes.setdefault(self.mode, {})
        # Instructions are known by (delta, eip).
        self.before: tuple[int, int] | None = None  # the one the interpreter ran last
        self.counts: dict[tuple[int, int], int] = {}  # times a block began with it
        self.followers: dict[tuple[int, int], int] = {}  # what comes next, -1 after a branch
        self.careful: dict[tuple[int, int], set[int]] = {}  # (delta, page) -> offsets
        # By frame: region, the table it is filed in, physical address minus EIP.
        self.regions: dict[int, list[tuple[Region, Table, int]]] = {}
        # By frame: decoded instructions when it was made, and which bytes are code.
        self.careful_bytes: dict[int, tuple[int, bytes]] = {}
        self.ports: dict[str, object] = {"read": self.read, "write": self.write}
        cpu.code_written = self.code_written

    # -- running ---------------------------------------------------------------------------------

    def run(self, limit: int) -> str:
        """Take up to ``limit`` steps; return the reason to stop, as ``interpreter.run`` does."""
        cpu = self.cpu
        start = cpu.steps
        end = start + limit
        left = limit
        while left > 0:
            if self.may_hurry():
                room = left if cpu.intercepts is None else cpu.intercepts.room(cpu, left)
                left += self.hurry(room) - room
                if left <= 0:
                    break
            if cpu.breakpoints and cpu.at_breakpoint and cpu.steps != start:
                return "breakpoint"
            reason = cpu.step() or cpu.stop
            if reason:
                return reason
            left = end - cpu.steps
        return "limit"

    def may_hurry(self) -> bool:
        """Whether nothing but plain instructions can happen now."""
        cpu = self.cpu
        return not (
            cpu.halted
            or cpu.inhibit
            or cpu.shutdown
            or cpu.tracer is not None
            or (cpu.monitor is not None and not cpu.cpl and cpu.intercepts is None)
            or (cpu.intercepts is not None and cpu.intercepts.due(cpu) is not None)
            or not cpu.cr0 & 1
            or cpu._eflags & FLAG_TF
            or (cpu.interrupt_line and cpu.ready)
        )

    def hurry(self, left: int) -> int:
        """Run translated code as long as there is any; return the steps left."""
        cpu = self.cpu
        one, two, three, four, five, six = self.segs
        segs = cpu.segs
        if not (
            segs[1] is two and segs[2] is three and segs[3] is four
            and segs[0] is one and segs[4] is five and segs[5] is six
            and cpu._eflags & FLAG_DF == self.df
        ):  # fmt: skip
            self.choose_mode()
        rd, tables = cpu.rd, self.tables
        base = self.mode.shapes[CS].base
        while True:
            eip = cpu.eip
            delta = rd.get((base + eip & MASK) >> FRAME_SHIFT)
            if delta is None:
                self.before = None
                return left
            table = tables.get(delta)
            entry = None if table is None else table.get(eip)
            if entry is None:
                entry = self.meet(delta, eip)
                if entry is None:
                    self.before = delta, eip
                    return left
            budget = left
            try:
                left = entry[0](cpu, budget, entry[1])
            except (KeyError, Retry) as stop:
                left = entry[2].unwind(cpu, stop.__traceback__)
                cpu.time += budget - left
                self.before = delta, cpu.eip
                self.stepped_aside(entry[2], delta, stop)
                return left
            cpu.time += budget - left
            if left == budget or left <= 0:
                self.before = delta, cpu.eip
                return left

    def choose_mode(self) -> None:
        """Use the translations that belong to the segments as they are now."""
        df = self.cpu._eflags & FLAG_DF
        same = self.segs == self.cpu.segs and df == self.df
        self.segs, self.df = self.cpu.segs[:], df
        if not same:
            self.mode = mode_of(self.segs, int(df != 0))
            self.tables = self.modes.setdefault(self.mode, {})

    # -- translating -----------------------------------------------------------------------------

    def meet(self, delta: int, eip: int) -> Entry | None:
        """A block without a translation is about to run: translate it if that is often."""
        if self.before is not None and self.follower(self.before) == eip:
            return None  # the middle of a block
        key = delta, eip
        count = self.counts[key] = self.counts.get(key, 0) + 1
        if count < self.hot or (count > self.hot and count & (count - 1)):
            return None
        return self.translate(delta, eip)

    def follower(self, key: tuple[int, int]) -> int:
        """The offset after the instruction at ``key`` if it can only go there, else -1."""
        found = self.followers.get(key)
        if found is None:
            delta, eip = key
            at = (self.mode.shapes[CS].base + eip & MASK) + delta
            prepared = self.cpu.decoded.get(at >> FRAME_SHIFT, {}).get(at & OFFSET_MASK)
            if prepared is None:
                return -1
            plain = prepared.insn.row.kind in ("data", "string") and not prepared.insn.rep
            found = self.followers[key] = eip + prepared.length if plain else -1
        return found

    def translate(self, delta: int, eip: int) -> Entry | None:
        """Make a region around ``eip`` and file it; None if the instruction there cannot be."""
        mode, counts = self.mode, self.counts
        made = sum(map(len, self.regions.values()))
        if made > MOST_REGIONS or len(self.counts) > 100 * MOST_REGIONS:
            self.drop_all()
        linear = mode.shapes[CS].base + eip & MASK
        page, frame = linear >> FRAME_SHIFT, linear + delta >> FRAME_SHIFT
        table = self.tables.setdefault(delta, {})

        def wanted(target: int) -> bool:
            return (delta, target) in counts or target in table

        careful = frozenset(self.careful.get((delta, page), ()))
        base, known = mode.shapes[CS].base, self.cpu.marks

        def marks(at: int) -> tuple[int, ...]:
            return known.get(base + at & MASK, ())

        find = self.finder(delta, page)
        region = translate(eip, mode, find, wanted, careful, self.ports, marks)
        if region is None:
            return None
        self.cpu.watch_frame(frame)
        self.regions.setdefault(frame, []).append((region, table, linear - eip + delta))
        self.careful_bytes.pop(frame, None)
        for offset, chunk in region.entries.items():
            table[offset] = (region.enter, chunk, region)
        return table[eip]

    def finder(self, delta: int, page: int) -> Callable[[int], Insn | None]:
        """Make the function that decodes what can be translated of one page."""
        cs = self.cpu.segs[CS]
        ram = self.cpu.memory.m8
        bits = self.mode.code_bits
        limit = min(cs.limit, MASK)

        def find(eip: int) -> Insn | None:
            linear = cs.base + eip & MASK
            room = min(FRAME - (linear & OFFSET_MASK), limit - eip + 1, LONGEST)
            if linear >> FRAME_SHIFT != page or room <= 0 or linear in self.cpu.breakpoints:
                return None
            at = linear + delta
            try:
                insn = decode(bytes(ram[at : at + room]), bits)
            except (Truncated, Fault):
                return None
            if insn.row.kind == "system" or (insn.row.sensitive and self.cpu.trap_sensitive):
                return None
            if insn.rep and linear in self.cpu.marks:
                return None  # whoever counts iterations has them one by one
            return insn

        return find

    def stepped_aside(self, region: Region, delta: int, stop: Exception) -> None:
        """A region left in the middle. If that was no mere TLB miss, remember the instruction."""
        cpu = self.cpu
        eip = cpu.eip
        if isinstance(stop, KeyError):
            page = int(stop.args[0])
            known = cpu.rd.get(page)
            if 0 <= page <= MASK >> FRAME_SHIFT and (
                known is None or page + (known >> FRAME_SHIFT) not in cpu.memory.code_frames
            ):
                return
        count = region.retries[eip] = region.retries.get(eip, 0) + 1
        if count == TOUCHY:
            linear = self.mode.shapes[CS].base + eip & MASK
            page, frame = linear >> FRAME_SHIFT, linear + delta >> FRAME_SHIFT
            known_careful = self.careful.setdefault((delta, page), set())
            if eip in known_careful:
                return  # no translation would do better: say, a page that is not writable yet
            known_careful.add(eip)
            self.drop(frame, region)
            self.translate(delta, region.entry)

    # -- code that changes -----------------------------------------------------------------------

    def code_written(self, frame: int, low: int, high: int) -> None:
        """Bytes ``low`` to ``high`` (hpa, end excluded) changed: drop what was made from them."""
        count, taken = self.careful_bytes.get(frame, (-1, b""))
        here = len(self.cpu.decoded.get(frame, ()))
        if count == here and not any(taken[low & OFFSET_MASK : (low & OFFSET_MASK) + high - low]):
            return  # data that lies beside code
        self.followers.clear()
        self.careful_bytes.pop(frame, None)
        for region, _, shift in self.regions.get(frame, [])[:]:
            if any(start + shift < high and low < end + shift for start, end in region.spans):
                self.drop(frame, region)
        self.mark(frame, self.cpu.decoded.get(frame, {}))

    def drop(self, frame: int, region: Region) -> None:
        """Forget one region."""
        kept = []
        for filed in self.regions.get(frame, ()):
            if filed[0] is not region:
                kept.append(filed)
                continue
            table = filed[1]
            for offset in region.entries:
                if offset in table and table[offset][2] is region:
                    del table[offset]
        self.careful_bytes.pop(frame, None)
        if kept:
            self.regions[frame] = kept
        else:
            self.regions.pop(frame, None)
            self.cpu.release_frame(frame)

    def drop_all(self) -> None:
        """Forget every translation (also after a thaw: memory is not what it was)."""
        frames = list(self.regions)
        self.regions.clear()
        self.tables.clear()
        self.modes = {self.mode: self.tables}
        self.counts.clear()
        self.followers.clear()
        self.careful.clear()
        self.careful_bytes.clear()
        for frame in frames:
            self.cpu.release_frame(frame)

    # -- careful accesses ------------------------------------------------------------------------

    def read(self, linear: int, size: int) -> int:
        """Read across alignment and page boundaries; Retry if a page is not in the fast map."""
        cpu = self.cpu
        delta = cpu.rd.get(linear >> FRAME_SHIFT)
        if delta is None:
            raise Retry
        at = linear + delta
        if (linear & OFFSET_MASK) + size <= FRAME:
            return int.from_bytes(cpu.memory.ram[at : at + size], "little")
        room = FRAME - (linear & OFFSET_MASK)
        beyond = cpu.rd.get((linear + room & MASK) >> FRAME_SHIFT)
        if beyond is None:
            raise Retry
        there = (linear + room & MASK) + beyond
        ram = cpu.memory.ram
        both = bytes(ram[at : at + room]) + bytes(ram[there : there + size - room])
        return int.from_bytes(both, "little")

    def write(self, linear: int, value: int, size: int) -> None:
        """Write within a page, also beside code in its frame; else Retry."""
        cpu = self.cpu
        if (linear & OFFSET_MASK) + size > FRAME:
            raise Retry
        page = linear >> FRAME_SHIFT
        delta = cpu.wr.get(page)
        if delta is None:
            delta = self.beside_code(page, linear & OFFSET_MASK, size)
        at = linear + delta
        cpu.memory.ram[at : at + size] = value.to_bytes(size, "little")

    def beside_code(self, page: int, offset: int, size: int) -> int:
        """The delta of a page in ``rd`` that only its code keeps out of ``wr``."""
        cpu = self.cpu
        delta = cpu.rd.get(page)
        if delta is None:
            raise Retry
        frame = page + (delta >> FRAME_SHIFT)
        if frame not in cpu.memory.code_frames:
            raise Retry
        if cpu.cr0 & CR0_PG:
            entry = cpu.tlb.entries.get(page | cpu.tag)
            if entry is None or not permits(cpu, entry[2], True, cpu.cpl == 3):
                raise Retry
        decoded = cpu.decoded.get(frame, {})
        count, taken = self.careful_bytes.get(frame, (-1, b""))
        if count != len(decoded):
            taken = self.mark(frame, decoded)
        if any(taken[offset : offset + size]):
            raise Retry
        cpu.memory.note_writable(frame)
        return delta

    def mark(self, frame: int, decoded: dict[int, Prepared]) -> bytes:
        """Which bytes of a frame somebody has cached as code."""
        taken = bytearray(FRAME)
        for offset, prepared in decoded.items():
            taken[offset : offset + prepared.length] = b"\1" * prepared.length
        for region, _, shift in self.regions.get(frame, ()):
            for start, end in region.spans:
                low = start + shift & OFFSET_MASK
                taken[low : low + end - start] = b"\1" * (end - start)
        self.careful_bytes[frame] = len(decoded), bytes(taken)
        return self.careful_bytes[frame][1]
