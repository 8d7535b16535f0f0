"""Extended page tables, VPID and the unrestricted guest.

The harness's ``identity_ept`` maps 0 to 8 MiB onto itself: 4 KiB pages in the first 2 MiB, whose
entry for page n is at EPT + 3000h + 8 * n, and 2 MiB pages behind.
"""

from __future__ import annotations

from bochs_vmx_case import VmxCase
from bochs_vmx_cases_events import inject

EPT = "call identity_ept\n"
UNRESTRICTED = "set 0x401E, 0x80\n"


def page(address: str, rights: str) -> str:
    """Set the low half of the entry of a page in the first 2 MiB."""
    return f"mov dword [EPT + 0x3000 + ({address}) / 4096 * 8], ({address}) + {rights}\n"


def _violations() -> list[VmxCase]:
    section, table = "29.3.3.2", "28.2.1, table 28-7"
    at = "0x180000"
    read, write = f"mov eax, [{at} + 0x10]", f"mov [{at} + 0x10], ebx"
    jump = f"mov eax, {at} + 0x20\njmp eax"
    change = f"inc dword [{at} + 0x30]"
    cases = []
    for name, rights in (
        ("nothing", "0"), ("read", "0x31"), ("read and write", "0x33"),
        ("read and execute", "0x35"),
    ):  # fmt: skip
        for what, code in (("read", read), ("write", write), ("fetch", jump), ("change", change)):
            allowed = what in name or what == "fetch" and "execute" in name
            if not allowed and not (what == "change" and name == "read and write"):
                cases.append(
                    VmxCase(f"{what} of a page that allows {name}", code, EPT + page(at, rights),
                            section=table)
                )
    return [
        *cases,
        VmxCase("ept lets through what it allows",
                f"mov dword [{at}], 7\nmov eax, [{at}]\nmov byte [{at}], 0xC3\n"
                f"mov ecx, {at}\ncall ecx", EPT, section=section),
        VmxCase("ept maps one page onto another", f"mov eax, [{at} + 4]",
                EPT + f"mov dword [EPT + 0x3000 + {at} / 4096 * 8], 0x181037\n"
                "mov dword [0x181004], 0x1234567", section=section),
        VmxCase("large page without the right to write", "mov [0x300123], eax",
                EPT + "mov dword [EPT + 0x2008], 0x200000 + 0xB5", section=table),
        VmxCase("rights are those of all levels", write,
                EPT + "mov dword [EPT + 0x2000], EPT + 0x3000 + 5\n"
                # A and D set already: Bochs does not ask EPT before it sets them.
                "or dword [GUEST_DIRECTORY], 0x20\nor dword [TABLE + 0x180 * 4], 0x60",
                section=table),
        VmxCase("nothing at the third level", "mov eax, [0x600000]",
                EPT + "mov dword [EPT + 0x2018], 0", section=table),
        VmxCase("beyond what is mapped", "mov eax, [WINDOW + 0x44]",
                EPT + "mov dword [GUEST_TABLE], 0x40000007\nmov dword [EPT + 0x1008], 0",
                section=table),
        VmxCase("the guest's page directory", read, EPT + page("GUEST_DIRECTORY", "0x30"),
                section=table),
        VmxCase("the guest's page table on a read", "mov eax, [WINDOW + 0x88]",
                EPT + page("GUEST_TABLE", "0x30"), section=table),
        VmxCase("the guest's page table on a write", "mov [WINDOW + 0x88], eax",
                EPT + page("GUEST_TABLE", "0x30"), section=table),
        VmxCase("accessed cannot be set in the guest's page table", "mov eax, [WINDOW + 0x88]",
                EPT + page("GUEST_TABLE", "0x31"), section=table),
        VmxCase("a guest's page fault comes before the violation", "mov eax, [WINDOW + 0x88]",
                EPT + "mov dword [GUEST_TABLE], 0x180000\n" + page(at, "0"), section=section),
        VmxCase("a guest's missing right comes before the violation", "mov [WINDOW + 0x88], eax",
                EPT + "call ring_3\nmov dword [GUEST_TABLE], 0x180005\n" + page(at, "0"),
                section=section),
        VmxCase("insb into a page that cannot be written",
                f"mov edx, 0x80\nmov edi, {at}\ninsb", EPT + page(at, "0x31"), section=table),
        VmxCase("a violation while an exception is delivered", "ud2",
                EPT + page("GUEST_IDT", "0x30"), section="28.2.4"),
        VmxCase("a violation on the handler's stack", "int 0x21",
                EPT + "put 0x681C, 0x180100\n" + page(at, "0x31"), section="28.2.4"),
        VmxCase("a violation on the handler's stack after a fault", "mov eax, 0x1230\nmov ds, ax",
                EPT + "put 0x681C, 0x180100\n" + page(at, "0x31"), section="28.2.4"),
        VmxCase("a violation while an event is injected", "nop",
                EPT + inject(0x21, 0) + "put 0x6820, 0x202\n" + page("GUEST_IDT", "0x30"),
                section="28.2.4"),
        VmxCase("a violation of the first fetch", "nop",
                EPT + "mov dword [entered_at], 0x180000\n" + page(at, "0x33"), section=table),
        VmxCase("resumed when the page is there", f"mov eax, [{at}]\nnop",
                EPT + page(at, "0") + f"mov dword [{at}], 0x5A5A",
                "cmp eax, 1\njne .stop\n" + page(at, "0x37") + "mov dword [POINTER], EPT + 0x1E\n"
                "mov dword [POINTER + 4], 0\nmov dword [POINTER + 8], 0\n"
                "mov dword [POINTER + 12], 0\nmov eax, 1\ninvept eax, [POINTER]\nclc\nret",
                section="29.3.3.2"),
    ]


def _misconfigurations() -> list[VmxCase]:
    section = "29.3.3.1"
    at = "0x180000"
    entries = {
        "writable but not readable": "0x32", "writable and executable only": "0x36",
        "memory type 2": "0x17", "memory type 7": "0x3F",
    }  # fmt: skip
    read = f"mov eax, [{at} + 0x10]"
    return [
        *(VmxCase(f"misconfigured page: {name}", read, EPT + page(at, rights), section=section)
          for name, rights in entries.items()),
        VmxCase("misconfigured page: address too high", read,
                EPT + f"mov dword [EPT + 0x3000 + {at} / 4096 * 8 + 4], 0x80000",
                section=section),
        VmxCase("misconfigured: large page out of place", "mov eax, [0x300000]",
                EPT + "mov dword [EPT + 0x2008], 0x201000 + 0xB7", section=section),
        VmxCase("misconfigured: large fourth level", read,
                EPT + "or dword [EPT], 0x80", section=section),
        VmxCase("misconfigured: memory type above the last level", read,
                EPT + "or dword [EPT + 0x2000], 0x30", section=section),
        VmxCase("software's bits are free", read,
                EPT + f"or dword [EPT + 0x3000 + {at} / 4096 * 8], 0xC40\n"
                f"or dword [EPT + 0x3000 + {at} / 4096 * 8 + 4], 0x7FF00000", section=section),
    ]  # fmt: skip


def _flushing() -> list[VmxCase]:
    invept, invvpid = "31.3 INVEPT", "31.3 INVVPID"
    zero = "".join(f"mov dword [POINTER + {n}], 0\n" for n in (0, 4, 8, 12))
    some = zero + "mov dword [POINTER], EPT + 0x1E\n"
    ours = zero + "mov dword [POINTER], 5\n"
    vpid = "set 0x4002, 0x80000000\nset 0x401E, 0x20\nput 0x0000, 5\n"
    return [
        VmxCase("invept of one", root=some + "mov eax, 1\ninvept eax, [POINTER]", section=invept),
        VmxCase("invept of all", root=zero + "mov eax, 2\ninvept eax, [POINTER]", section=invept),
        VmxCase("invept of kind 0", root=some + "mov eax, 0\ninvept eax, [POINTER]",
                section=invept),
        VmxCase("invept of kind 3", root=some + "mov eax, 3\ninvept eax, [POINTER]",
                section=invept),
        VmxCase("invept of a bad pointer",
                root=zero + "mov dword [POINTER], 5\nmov eax, 1\ninvept eax, [POINTER]",
                section=invept),
        *(VmxCase(f"invvpid of kind {kind}", root=ours + f"mov eax, {kind}\n"
                  "invvpid eax, [POINTER]", section=invvpid) for kind in range(5)),
        *(VmxCase(f"invvpid of the host, kind {kind}", root=zero + f"mov eax, {kind}\n"
                  "invvpid eax, [POINTER]", section=invvpid) for kind in range(4)),
        VmxCase("invvpid with reserved bits",
                root=ours + "mov dword [POINTER], 0x10005\nmov eax, 1\ninvvpid eax, [POINTER]",
                section=invvpid),
        VmxCase("a virtual machine with a vpid", "mov eax, [WINDOW]\nmov ebx, cr3\nmov cr3, ebx",
                vpid, section="29.1"),
        VmxCase("a virtual machine with a vpid and ept", "mov ebx, [WINDOW]",
                EPT + "set 0x401E, 0x20\nput 0x0000, 6", section="29.1"),
    ]


def _unrestricted() -> list[VmxCase]:
    section = "26.6, 27.3.1"
    free = EPT + UNRESTRICTED
    unpaged = free + "put 0x6800, 0x31\n"
    real = (
        free + "put 0x6800, 0x30\nput 0x4816, 0x9B\nput 0x4818, 0x93\nput 0x4814, 0x93\n"
        "put 0x481A, 0x93\nput 0x481C, 0x93\nput 0x481E, 0x93\n"
        + "".join(f"put {0x4800 + 2 * n:#x}, 0xFFFF\n" for n in range(6))
        + "put 0x0800, 0x5000\nput 0x6806, 0x50000\nput 0x0806, 0x5000\nput 0x680C, 0x50000\n"
        "put 0x0804, 0x7000\nput 0x680A, 0x70000\nput 0x681C, 0x1000\n"
        "put 0x0802, 0x5000\nput 0x6808, 0x50000\n"
    )
    # Real-mode code has to be below 1 MiB: each case copies its own there, to 5000:0000.
    copy = "mov esi, .real\nmov edi, 0x50000\nmov ecx, 64\nrep movsb\nmov dword [entered_at], 0\n"
    def real_code(text: str) -> str:
        return f"jmp .over\n.real:\nbits 16\n{text}\nvmcall\nbits 32\n.over:\n" + real + copy
    vectors = "put 0x4812, 0x3FF\nput 0x6818, 0\n"
    gp = (
        real_code("nop") + vectors
        + "mov dword [13 * 4], 0x50000020\nmov dword [0x50020], 0x90C1010F\n"
    )
    return [
        VmxCase("guest without paging", "mov eax, cr0\nmov ebx, [SCRATCH]",
                unpaged + "mov dword [SCRATCH], 0x777", section=section),
        VmxCase("guest without paging meets a violation", "mov eax, [0x180000]",
                unpaged + page("0x180000", "0"), section="28.2.1"),
        VmxCase("guest that switches paging on", "mov eax, cr0\nor eax, 0x80000000\nmov cr0, eax\n"
                "mov ebx, [WINDOW]", unpaged, section=section),
        VmxCase("guest that switches paging off",
                "mov eax, cr0\nand eax, 0x7FFFFFFF\nmov cr0, eax\nmov ebx, [0x300000]", free,
                section=section),
        VmxCase("guest in real mode", "nop", real_code("mov ax, ds\nmov bx, cs\nmov ds, ax"),
                section=section),
        VmxCase("guest in real mode, far jump", "nop",
                real_code("jmp 0x5001:0\ntimes 16 - ($ - .real) nop\nmov ax, cs"), section=section),
        VmxCase("guest in real mode, interrupt", "nop",
                real_code("mov ax, 0x5555\nint 0x30") + vectors
                + "mov dword [0x30 * 4], 0x50000020\nmov dword [0x50020], 0x90C1010F",
                section=section),
        VmxCase("guest that enters protected mode", "nop",
                real_code("mov eax, cr0\nor al, 1\nmov cr0, eax\nmov bx, cs"), section=section),
        VmxCase("guest in real mode with ss dpl 3", "nop", real + "put 0x4818, 0xF3",
                section="27.3.1.2"),
        VmxCase("guest with paging but not protected", "nop", free + "put 0x6800, 0x80000030",
                section="27.3.1.1"),
        VmxCase("unrestricted guest must have ne", "nop", free + "put 0x6800, 0x11",
                section="27.3.1.1"),
        VmxCase("exception without error code in real mode", "nop", gp + inject(13, 3),
                section="27.2.1.3"),
        VmxCase("exception with error code in real mode", "nop", gp + inject(13, 3, 0),
                section="27.2.1.3"),
    ]  # fmt: skip


def _pae() -> list[VmxCase]:
    section = "27.3.1.6"
    pae = EPT + "put 0x6804, 0x2020\n"
    # PDPTEs come from the VMCS; the directory maps 2 MiB pages onto themselves.
    tables = (
        pae + "put 0x280A, 0x180001\nput 0x280B, 0\n"
        + "".join(f"put {0x280C + n:#x}, 0\n" for n in range(6))
        + "mov dword [0x180000], 0x83\nmov dword [0x180008], 0x200083\n"
        "mov dword [0x180004], 0\nmov dword [0x18000C], 0\n"
    )
    return [
        VmxCase("pae under ept takes its pdptes from the vmcs", "mov ebx, [0x200010]", tables,
                section=section),
        VmxCase("a bad pdpte in the vmcs", "nop", tables + "put 0x280C, 0x180021",
                section=section),
        VmxCase("loading pdptes meets a violation", "mov eax, 0x181000\nmov cr3, eax",
                tables + page("0x181000", "0"), section="28.2.1"),
    ]


CASES = [*_violations(), *_misconfigurations(), *_flushing(), *_unrestricted(), *_pae()]
