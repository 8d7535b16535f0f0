"""Loads and stores: segment checks, the TLB, the page walk, and the maps of the fast path.

The four maps (``cpu.rd_super wr_super rd_user wr_user``) take a linear page number to the
difference between physical and linear address. They hold only pages of plain RAM whose access
needs no further thought: translated (always a subset of the TLB while paging is on), permitted,
for writes already dirty, and not in a frame that holds cached code. Whatever is not in them goes
through :func:`translate`. ``cpu.rd`` and ``cpu.wr`` are the pair that goes with the current ring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringside.isa.faults import AC, GP, PF
from ringside.isa.faults import SS as STACK_FAULT
from ringside.isa.registers import FLAG_AC, SS
from ringside.isa.width import Width
from ringside.machine.control import (
    CR0_AM,
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_PGE,
    CR4_PSE,
)
from ringside.machine.memory import FRAME, FRAME_SHIFT, OFFSET_MASK
from ringside.machine.paging import (
    ERROR_USER,
    ERROR_WRITE,
    PAE,
    THIRTY_TWO_BIT,
)
from ringside.machine.tlb import (
    DIRTY,
    GLOBAL,
    NO_EXECUTE,
    TAG_SHIFT,
    USER,
    VPID_MASK,
    WRITABLE,
)
from ringside.machine.walker import PhysicalMemory, lean_steps, lean_walk
from ringside.trace.events import PageWalked, TlbFlushed

if TYPE_CHECKING:
    from ringside.machine.cpu import Cpu
    from ringside.machine.vmx.ept import Nested

MASK = 0xFFFF_FFFF
LONGEST = 15  # bytes in an instruction

# Nothing is ever put in here: with it as ``rd`` and ``wr`` every access takes the slow path.
NOTHING: dict[int, int] = {}

PAE_STEPS = lean_steps(PAE, True)
STEPS = lean_steps(THIRTY_TWO_BIT, False)
STEPS_WITH_LARGE = lean_steps(THIRTY_TWO_BIT, True)  # while CR4.PSE is set


# -- translation --------------------------------------------------------------------------------


def translate(cpu: Cpu, linear: int, write: bool, user: bool, fetch: bool = False) -> int:
    """Translate for one access; raises #PF. ``user`` is False for the processor's own accesses.

    ``fetch`` matters to extended page tables only. What they do not allow raises VmExit.
    """
    page = linear >> FRAME_SHIFT
    if not cpu.cr0 & CR0_PG and cpu.nested is None:
        publish(cpu, page, page, WRITABLE | USER | DIRTY)
        return linear
    entry = cpu.tlb.entries.get(page | cpu.tag)
    if (
        entry is not None
        and permits(cpu, entry[2], write, user)
        and not (fetch and entry[2] & NO_EXECUTE)
    ):
        _, frame, flags = entry
    elif cpu.nested is None:
        # A miss, a first write, or a denial by cached rights: the tables have the last word.
        frame, flags = walk_and_fill(cpu, linear, write, user)
    else:
        frame, flags = nested_fill(cpu, cpu.nested, linear, write, user, fetch)
    publish(cpu, page, frame, flags)
    return frame << FRAME_SHIFT | linear & OFFSET_MASK


def permits(cpu: Cpu, flags: int, write: bool, user: bool) -> bool:
    """Tell whether cached TLB ``flags`` allow the access without a walk."""
    if user and not flags & USER:
        return False
    if not write:
        return True
    return bool(
        flags & DIRTY and (flags & WRITABLE or not user and not cpu.cr0 & CR0_WP)
    )


def walk_and_fill(cpu: Cpu, linear: int, write: bool, user: bool) -> tuple[int, int]:
    """Walk the tables, fill the TLB, give frame and flags; raises #PF."""
    frame, flags, refs = walk_tables(cpu, cpu.memory, linear, write, user)
    if cpu.listener is not None:
        event = PageWalked(cpu.time, cpu.context, linear, frame, refs, int(write), int(user))
        cpu.listener(event)
    page = linear >> FRAME_SHIFT
    if frame < 0:
        # A page fault drops what the TLB holds for its page (SDM vol. 3A, 4.10.4.1).
        drop_page(cpu, page)
        raise PF(flags, linear)
    return fill(cpu, page, frame, flags)


def nested_fill(
    cpu: Cpu, nested: Nested, linear: int, write: bool, user: bool, fetch: bool
) -> tuple[int, int]:
    """Walk in two dimensions, fill the TLB, give frame and flags; raises #PF or VmExit."""
    page = linear >> FRAME_SHIFT
    nested.linear, nested.refs = linear, 0
    if cpu.cr0 & CR0_PG:
        gfn, flags, _ = walk_tables(cpu, nested, linear, write, user)
        if gfn < 0:
            drop_page(cpu, page)
            raise PF(flags, linear)
    else:
        gfn, flags = page, WRITABLE | USER | DIRTY
    gpa = gfn << FRAME_SHIFT | linear & OFFSET_MASK
    frame, allowed = nested.final(gpa, write, fetch)
    if cpu.listener is not None:
        event = PageWalked(
            cpu.time, cpu.context, linear, frame, nested.refs, int(write), int(user)
        )
        cpu.listener(event)
    # Without DIRTY the next write walks again, and meets the extended page tables.
    return fill(cpu, page, frame, flags & (allowed | ~DIRTY) | allowed & NO_EXECUTE)


def walk_tables(
    cpu: Cpu, memory: PhysicalMemory, linear: int, write: bool, user: bool
) -> tuple[int, int, int]:
    """Walk the page tables in ``memory``; frame (or -1), flags (or error code), references."""
    access = (ERROR_WRITE if write else 0) | (ERROR_USER if user else 0)
    wp = bool(cpu.cr0 & CR0_WP)
    if cpu.cr4 & CR4_PAE:
        pdpte = cpu.pdptes[linear >> 30]
        if not pdpte & 1:
            return -1, access, 0
        format, steps, root = PAE, PAE_STEPS, pdpte & PAE.address_mask
    else:
        format, root = THIRTY_TWO_BIT, cpu.cr3 & THIRTY_TWO_BIT.root_mask
        steps = STEPS_WITH_LARGE if cpu.cr4 & CR4_PSE else STEPS
    width, mask = format.entry_bytes, format.address_mask
    caches = cpu.tlb.structures
    if caches is None or not caches.most_walks:
        return lean_walk(memory, steps, width, mask, root, linear, access, wp)
    region = (linear >> FRAME_SHIFT | cpu.tag) // (FRAME // width)
    known = caches.way(region)
    if known is not None:
        caches.saved += 1
        return lean_walk(
            memory, steps[-1:], width, mask, known[0], linear, access, wp, known[1]
        )
    way: list[tuple[int, int]] = []
    found = lean_walk(memory, steps, width, mask, root, linear, access, wp, way=way)
    if way:
        caches.note_way(region, way[0])
    return found


def fill(cpu: Cpu, page: int, frame: int, flags: int) -> tuple[int, int]:
    """Put a translation in the TLB; give frame and flags."""
    if not cpu.cr4 & CR4_PGE:
        flags &= ~GLOBAL
    evicted = cpu.tlb.fill(page | cpu.tag, frame, flags)
    if evicted >= 0:
        unpublish(cpu, evicted ^ cpu.tag)  # one with another tag is in no map anyway
    return frame, flags


# -- the fast maps ------------------------------------------------------------------------------


def publish(cpu: Cpu, page: int, frame: int, flags: int) -> None:
    """Put a translation in every fast map it qualifies for."""
    memory = cpu.memory
    if not memory.is_plain(frame):
        return
    delta = frame - page << FRAME_SHIFT
    if not flags & NO_EXECUTE:  # instructions are fetched through these maps too
        cpu.rd_super[page] = delta
        if flags & USER:
            cpu.rd_user[page] = delta
    if flags & DIRTY and frame not in memory.code_frames:
        if flags & WRITABLE:
            cpu.wr_super[page] = delta
            if flags & USER:
                cpu.wr_user[page] = delta
        elif not cpu.cr0 & CR0_WP:
            cpu.wr_super[page] = delta
        else:
            return
        memory.note_writable(frame)


def writable_frames(cpu: Cpu) -> set[int]:
    """The frames that can be written without asking."""
    return {
        page + (delta >> FRAME_SHIFT)
        for writes in (cpu.wr_super, cpu.wr_user)
        for page, delta in writes.items()
    }


def unpublish(cpu: Cpu, page: int) -> None:
    """Take a page out of every fast map."""
    cpu.rd_super.pop(page, None)
    cpu.wr_super.pop(page, None)
    cpu.rd_user.pop(page, None)
    cpu.wr_user.pop(page, None)


def clear_maps(cpu: Cpu) -> None:
    """Empty the fast maps; they fill again from the TLB."""
    cpu.rd_super.clear()
    cpu.wr_super.clear()
    cpu.rd_user.clear()
    cpu.wr_user.clear()


def select_maps(cpu: Cpu) -> None:
    """Choose ``rd`` and ``wr`` by ring; none at all while accesses are checked for alignment."""
    if cpu.cpl != 3:
        cpu.rd, cpu.wr = cpu.rd_super, cpu.wr_super
    elif checks_alignment(cpu):
        cpu.rd = cpu.wr = NOTHING
    else:
        cpu.rd, cpu.wr = cpu.rd_user, cpu.wr_user


def checks_alignment(cpu: Cpu) -> bool:
    """Tell whether a misaligned access now raises #AC (SDM vol. 3A, 6.15)."""
    return bool(cpu.cpl == 3 and cpu.cr0 & CR0_AM and cpu._eflags & FLAG_AC)


def watch_frame(cpu: Cpu, frame: int) -> None:
    """Code of ``frame`` is about to be cached: have every write to it told from now on."""
    if frame in cpu.memory.code_frames:
        return
    cpu.memory.code_frames.add(frame)
    for writes in (cpu.wr_super, cpu.wr_user):
        for page in [p for p, delta in writes.items() if p + (delta >> FRAME_SHIFT) == frame]:
            del writes[page]


def release_frame(cpu: Cpu, frame: int) -> None:
    """The engine caches no code of ``frame`` any more; the interpreter may go on watching."""
    if frame not in cpu.decoded:
        cpu.memory.code_frames.discard(frame)


def code_changed(cpu: Cpu, frame: int, low: int, high: int) -> None:
    """Bytes ``low`` to ``high`` (hpa, end excluded) of a watched frame were written."""
    cached = cpu.decoded.get(frame)
    if cached:
        base = frame << FRAME_SHIFT
        if high - low > LONGEST:
            cached.clear()
        else:
            for offset in range(max(low - base - LONGEST + 1, 0), high - base):
                found = cached.get(offset)
                if found is not None and base + offset + found.length > low:
                    del cached[offset]
        if not cached:
            del cpu.decoded[frame]
    cpu.code_written(frame, low, high)


# -- flushing -----------------------------------------------------------------------------------


def drop_page(cpu: Cpu, page: int) -> None:
    """Forget the translation of a page; of a large page all of it (SDM vol. 3A, 4.10.4.1)."""
    tlb, tag = cpu.tlb, cpu.tag
    if tlb.large:
        format = PAE if cpu.cr4 & CR4_PAE else THIRTY_TWO_BIT
        for piece in tlb.pieces(page | tag, FRAME // format.entry_bytes):
            tlb.invalidate(piece)
            unpublish(cpu, piece ^ tag)
    else:
        tlb.invalidate(page | tag)
        unpublish(cpu, page)


def invalidate_page(cpu: Cpu, linear: int) -> None:
    """INVLPG: forget the translation of one page, global or not."""
    linear &= MASK
    drop_page(cpu, linear >> FRAME_SHIFT)
    if cpu.listener is not None:
        cpu.listener(TlbFlushed(cpu.time, cpu.context, "page", linear))


def flush_tlb(cpu: Cpu, keep_global: bool = False) -> None:
    """Forget all translations, or all but the global ones; in VMX operation of one VPID."""
    vpid = None if cpu.vmx is None else cpu.tag >> TAG_SHIFT & VPID_MASK
    if keep_global:
        for page in cpu.tlb.flush(keep_global=True, vpid=vpid):
            unpublish(cpu, page ^ cpu.tag)
    else:
        cpu.tlb.flush(vpid=vpid)
        clear_maps(cpu)
    if cpu.listener is not None:
        what = "non-global" if keep_global else "all"
        cpu.listener(TlbFlushed(cpu.time, cpu.context, what, -1))


# -- segmented accesses -------------------------------------------------------------------------


def linear(cpu: Cpu, seg: int, offset: int) -> int:
    """Segment base plus offset, with no access check (INVLPG)."""
    return (cpu.segs[seg].base + offset) & MASK


def refuse(cpu: Cpu, seg: int) -> Exception:
    """Make the fault for an access the segment does not allow."""
    return STACK_FAULT(0) if seg == SS else GP(0)


def load(cpu: Cpu, seg: int, offset: int, w: Width) -> int:
    """Read through a segment: #GP or #SS outside it, #PF without a page."""
    s = cpu.segs[seg]
    if not s.flat and not (s.readable and s.low <= offset <= s.high - w.bytes + 1):
        raise refuse(cpu, seg)
    address = (s.base + offset) & MASK
    delta = cpu.rd.get(address >> FRAME_SHIFT)
    if delta is None or (address & OFFSET_MASK) + w.bytes > FRAME:
        return read_slow(cpu, address, w)
    at = address + delta
    return int.from_bytes(cpu.memory.ram[at : at + w.bytes], "little")


def store(cpu: Cpu, seg: int, offset: int, value: int, w: Width) -> None:
    """Write through a segment: #GP or #SS outside it, #PF without a page or a right."""
    s = cpu.segs[seg]
    if not s.flat and not (s.writable and s.low <= offset <= s.high - w.bytes + 1):
        raise refuse(cpu, seg)
    address = (s.base + offset) & MASK
    delta = cpu.wr.get(address >> FRAME_SHIFT)
    if delta is None or (address & OFFSET_MASK) + w.bytes > FRAME:
        write_slow(cpu, address, value, w)
    else:
        at = address + delta
        cpu.memory.ram[at : at + w.bytes] = (value & w.mask).to_bytes(w.bytes, "little")


def check_store(cpu: Cpu, seg: int, offset: int, w: Width) -> None:
    """Raise what :func:`store` would raise, and store nothing.

    An instruction that reads and then writes a memory operand makes its faults as a write.
    """
    s = cpu.segs[seg]
    if not s.flat and not (s.writable and s.low <= offset <= s.high - w.bytes + 1):
        raise refuse(cpu, seg)
    address = (s.base + offset) & MASK
    if cpu.wr.get(address >> FRAME_SHIFT) is None or (address & OFFSET_MASK) + w.bytes > FRAME:
        check_alignment(cpu, address, w)
        probe(cpu, address, w.bytes, True, cpu.cpl == 3)


# -- linear accesses ----------------------------------------------------------------------------


def check_alignment(cpu: Cpu, address: int, w: Width) -> None:
    """#AC for a misaligned access from ring 3 while CR0.AM and EFLAGS.AC are set."""
    if address & (w.bytes - 1) and checks_alignment(cpu):
        raise AC()


def read_slow(cpu: Cpu, linear: int, w: Width) -> int:
    """Read with the rights of the current ring, whatever page, device or boundary it meets."""
    check_alignment(cpu, linear, w)
    return linear_read(cpu, linear, w.bytes, cpu.cpl == 3)


def write_slow(cpu: Cpu, linear: int, value: int, w: Width) -> None:
    """Write with the rights of the current ring, whatever page, device or boundary it meets."""
    check_alignment(cpu, linear, w)
    linear_write(cpu, linear, value, w.bytes, cpu.cpl == 3)


def linear_read(cpu: Cpu, linear: int, size: int, user: bool) -> int:
    """Read ``size`` bytes at a linear address."""
    room = FRAME - (linear & OFFSET_MASK)
    if size <= room:
        delta = (cpu.rd_user if user else cpu.rd_super).get(linear >> FRAME_SHIFT)
        if delta is not None:
            at = linear + delta
            return int.from_bytes(cpu.memory.ram[at : at + size], "little")
        return cpu.memory.read(translate(cpu, linear, False, user), size)
    first = translate(cpu, linear, False, user)
    second = translate(cpu, (linear + room) & MASK, False, user)
    low = cpu.memory.read(first, room)
    return low | cpu.memory.read(second, size - room) << 8 * room


def linear_write(cpu: Cpu, linear: int, value: int, size: int, user: bool) -> None:
    """Write ``size`` bytes at a linear address; both pages are checked before either changes."""
    room = FRAME - (linear & OFFSET_MASK)
    if size <= room:
        delta = (cpu.wr_user if user else cpu.wr_super).get(linear >> FRAME_SHIFT)
        if delta is not None:
            at = linear + delta
            cpu.memory.ram[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            return
    first = translate(cpu, linear, True, user)
    if size <= room:
        cpu.memory.write(first, value, size)
        return
    second = translate(cpu, (linear + room) & MASK, True, user)
    cpu.memory.write(first, value, room)
    cpu.memory.write(second, value >> 8 * room, size - room)


def probe(cpu: Cpu, linear: int, size: int, write: bool, user: bool) -> None:
    """Raise the page fault an access of ``size`` bytes (at most a page) would raise."""
    linear &= MASK
    if write and (linear & OFFSET_MASK) + size <= FRAME:
        if linear >> FRAME_SHIFT not in (cpu.wr_user if user else cpu.wr_super):
            translate(cpu, linear, True, user)
        return
    translate(cpu, linear, write, user)
    last = (linear + size - 1) & MASK
    if last >> FRAME_SHIFT != linear >> FRAME_SHIFT:
        translate(cpu, last & ~OFFSET_MASK, write, user)


def system_read(cpu: Cpu, linear: int, size: int) -> int:
    """Read a descriptor table or TSS: the processor's own access, with supervisor rights."""
    return linear_read(cpu, linear & MASK, size, False)


def system_write(cpu: Cpu, linear: int, value: int, size: int) -> None:
    """Write a descriptor table, TSS or inner stack, with supervisor rights."""
    linear_write(cpu, linear & MASK, value, size, False)
