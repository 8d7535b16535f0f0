"""What VM entry demands of the controls (SDM vol. 3C, 27.2.1) and of host state (27.2.2-27.2.4).

Each check is a function that says what is wrong, or gives "". The processor reports only that one
of a group failed (error 7 or 8); the words are for people.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringside.isa.faults import ERROR_CODE_VECTORS
from ringside.machine.vmx import controls as bits
from ringside.machine.vmx import fields as f
from ringside.machine.vmx.ept import pointer_problem
from ringside.machine.vmx.vmcs import Vmcs

PAGE_OFFSET = 0xFFF
ADDRESS_LIMIT = 1 << 32


def control_problem(vmcs: Vmcs) -> str:
    """The first thing wrong with the control fields, or ""."""
    return next(control_problems(vmcs), "")


def host_problem(vmcs: Vmcs) -> str:
    """The first thing wrong with the host-state area, or ""."""
    return next(host_problems(vmcs), "")


def misplaced(address: int, alignment: int = PAGE_OFFSET) -> bool:
    """Whether a structure cannot lie there: misaligned or beyond the physical addresses."""
    return bool(address & alignment) or address >= ADDRESS_LIMIT


def secondary_controls(vmcs: Vmcs) -> int:
    """The secondary controls in force: all 0 unless activated."""
    active = vmcs[f.PRIMARY_CONTROLS] & bits.ACTIVATE_SECONDARY
    return vmcs[f.SECONDARY_CONTROLS] if active else 0


def control_problems(vmcs: Vmcs) -> Iterator[str]:
    pin, primary = vmcs[f.PIN_CONTROLS], vmcs[f.PRIMARY_CONTROLS]
    secondary = secondary_controls(vmcs)
    leaving, entering = vmcs[f.EXIT_CONTROLS], vmcs[f.ENTRY_CONTROLS]
    sets = {"pin": pin, "primary": primary, "secondary": secondary, "exit": leaving,
            "entry": entering}  # fmt: skip
    for name, value in sets.items():
        problem = bits.unsupported(name, value)
        if problem:
            yield problem
    if vmcs[f.CR3_TARGET_COUNT] > bits.CR3_TARGETS:
        yield f"more than {bits.CR3_TARGETS} CR3-target values"
    if primary & bits.USE_IO_BITMAPS:
        for name, field in (("A", f.IO_BITMAP_A), ("B", f.IO_BITMAP_B)):
            if misplaced(vmcs[field]):
                yield f"I/O bitmap {name} is not at a page"
    if primary & bits.USE_MSR_BITMAPS and misplaced(vmcs[f.MSR_BITMAP]):
        yield "the MSR bitmap is not at a page"
    if pin & bits.VIRTUAL_NMIS and not pin & bits.NMI_EXITING:
        yield "virtual NMIs without NMI exiting"
    if primary & bits.NMI_WINDOW and not pin & bits.VIRTUAL_NMIS:
        yield "NMI-window exiting without virtual NMIs"
    if secondary & bits.ENABLE_VPID and not vmcs[f.VPID]:
        yield "VPID 0 is the host's"
    if secondary & bits.ENABLE_EPT:
        problem = pointer_problem(vmcs[f.EPT_POINTER])
        if problem:
            yield problem
    elif secondary & bits.UNRESTRICTED_GUEST:
        yield "an unrestricted guest needs EPT"
    if leaving & bits.SAVE_TIMER and not pin & bits.PREEMPTION_TIMER:
        yield "the preemption timer is to be saved but not activated"
    for name, address, count in (
        ("exit MSR-store", f.EXIT_MSR_STORE, f.EXIT_MSR_STORE_COUNT),
        ("exit MSR-load", f.EXIT_MSR_LOAD, f.EXIT_MSR_LOAD_COUNT),
        ("entry MSR-load", f.ENTRY_MSR_LOAD, f.ENTRY_MSR_LOAD_COUNT),
    ):
        if vmcs[count] and (
            misplaced(vmcs[address], 15) or misplaced(vmcs[address] + 16 * vmcs[count] - 1, 0)
        ):
            yield f"the {name} list is not at a multiple of 16 below 4 GiB"
    yield from injection_problems(vmcs, secondary)


def injection_problems(vmcs: Vmcs, secondary: int) -> Iterator[str]:
    """Problems of the event to inject (27.2.1.3)."""
    event = vmcs[f.ENTRY_INTERRUPTION]
    if not event & bits.VALID:
        return
    vector, kind = event & 0xFF, event >> 8 & 7
    if kind == bits.RESERVED_EVENT:
        yield "the type of the injected event is reserved"
    if (
        (kind == bits.NMI and vector != 2)
        or (kind == bits.HARDWARE and vector > 31)
        or (kind == bits.OTHER and vector != 0)
    ):
        yield f"vector {vector} does not go with {bits.EVENT_TYPES[kind]}"
    protected = not secondary & bits.UNRESTRICTED_GUEST or vmcs[f.GUEST_CR0] & 1
    wants = bool(protected) and kind == bits.HARDWARE and vector in ERROR_CODE_VECTORS
    if bool(event & bits.ERROR_VALID) != wants:
        yield "this event has no error code" if not wants else "this event needs an error code"
    if event & 0x7FFF_F000:
        yield "reserved bits of the injected event are set"
    if event & bits.ERROR_VALID and vmcs[f.ENTRY_ERROR] >> 16:
        yield "the injected error code has more than 16 bits"
    if kind in (bits.SOFTWARE, bits.PRIVILEGED_SOFTWARE, bits.SOFTWARE_EXCEPTION) and not (
        1 <= vmcs[f.ENTRY_LENGTH] <= 15
    ):
        yield "an injected software interrupt needs an instruction length of 1 to 15"


def host_problems(vmcs: Vmcs) -> Iterator[str]:
    problem = fixed_problem(vmcs[f.HOST_CR0], vmcs[f.HOST_CR4])
    if problem:
        yield "host " + problem
    for number, name in enumerate(("ES", "CS", "SS", "DS", "FS", "GS", "TR")):
        selector = vmcs[f.HOST_SELECTOR + 2 * number]
        if selector & 7:
            yield f"host {name} has an RPL or names the LDT"
        if not selector and name in ("CS", "SS", "TR"):
            yield f"host {name} is null"


def fixed_problem(cr0: int, cr4: int, unrestricted: bool = False) -> str:
    """What keeps CR0 and CR4 from being allowed in VMX operation (24.8), or ""."""
    must = bits.CR0_FIXED0 & (~0x8000_0001 if unrestricted else ~0)
    if must & ~cr0:
        return f"CR0: bit {(must & ~cr0).bit_length() - 1} must be 1 in VMX operation"
    if bits.CR4_FIXED0 & ~cr4:
        return "CR4: VMXE must be 1 in VMX operation"
    if cr4 & ~bits.CR4_FIXED1:
        return f"CR4: bit {(cr4 & ~bits.CR4_FIXED1).bit_length() - 1} must be 0"
    return ""
