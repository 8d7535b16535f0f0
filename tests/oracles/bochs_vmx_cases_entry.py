"""VMX instructions that fail, and VM entries that are refused."""

from __future__ import annotations

from bochs_vmx_case import VmxCase
from bochs_vmx_cases_events import inject


def _instructions() -> list[VmxCase]:
    pointed = "pointer {}\n"
    restore = "\npushf\npointer VMCS\nvmptrld [POINTER]\npopf"
    return [
        VmxCase("vmread of a field that is not there",
                root="mov ecx, 0x6C18\nvmread eax, ecx", section="31.3 VMREAD"),
        VmxCase("vmread of the upper half of a narrow field",
                root="mov ecx, 0x4001\nvmread eax, ecx", section="31.3 VMREAD"),
        VmxCase("vmread", root="mov ecx, 0x6816\nvmread eax, ecx\nsub eax, gdt\nvmread ebx, ecx",
                section="31.3 VMREAD"),
        VmxCase("vmwrite of a read-only field", root="mov ecx, 0x4402\nvmwrite ecx, eax",
                section="31.3 VMWRITE"),
        VmxCase("vmwrite of a field that is not there", root="mov ecx, 0x9999\nvmwrite ecx, eax",
                section="31.3 VMWRITE"),
        VmxCase("vmwrite keeps the field's width",
                root="mov ecx, 0x0800\nmov eax, 0x12345678\nvmwrite ecx, eax\nxor eax, eax\n"
                "vmread eax, ecx", section="31.3 VMWRITE"),
        VmxCase("vmwrite of the lower half clears the upper",
                root="mov ecx, 0x2801\nmov edx, 0x2800\nmov eax, 5\nvmwrite edx, eax\n"
                "vmread eax, ecx", section="31.3 VMWRITE"),
        VmxCase("vmwrite of the upper half",
                root="mov ecx, 0x2011\nmov edx, 0x2010\nmov eax, 5\nvmwrite edx, eax\n"
                "mov eax, 6\nvmwrite ecx, eax\nvmread ebx, edx\nvmread eax, ecx\nadd eax, ebx",
                section="25.11.2"),
        VmxCase("vmread to memory",
                root="mov ecx, 0x0802\nmov dword [SCRATCH], -1\nvmread [SCRATCH], ecx\n"
                "mov eax, [SCRATCH]\nvmread [SCRATCH], ecx", section="31.3 VMREAD"),
        VmxCase("vmclear misaligned", root=pointed.format("VMCS + 8") + "vmclear [POINTER]",
                section="31.3 VMCLEAR"),
        VmxCase("vmclear beyond the physical addresses",
                root="pointer 0\nmov dword [POINTER + 4], 0x10000000\nvmclear [POINTER]",
                section="31.3 VMCLEAR"),
        VmxCase("vmclear of the vmxon region",
                root=pointed.format("VMXON_REGION") + "vmclear [POINTER]",
                section="31.3 VMCLEAR"),
        VmxCase("vmclear of another", root=pointed.format("OTHER_VMCS") + "vmclear [POINTER]",
                section="31.3 VMCLEAR"),
        VmxCase("vmclear of the current one leaves none",
                root=pointed.format("VMCS") + "vmclear [POINTER]\nvmptrst [SCRATCH]\n"
                "mov eax, [SCRATCH + 4]\nvmread ebx, ecx" + restore, section="31.3 VMCLEAR"),
        VmxCase("vmlaunch without a current one",
                root=pointed.format("VMCS") + "vmclear [POINTER]\nvmlaunch" + restore,
                section="31.3 VMLAUNCH"),
        VmxCase("vmptrld misaligned", root=pointed.format("VMCS + 0x80") + "vmptrld [POINTER]",
                section="31.3 VMPTRLD"),
        VmxCase("vmptrld of the vmxon region",
                root=pointed.format("VMXON_REGION") + "vmptrld [POINTER]",
                section="31.3 VMPTRLD"),
        VmxCase("vmptrld of another revision",
                root="inc dword [OTHER_VMCS]\n" + pointed.format("OTHER_VMCS")
                + "vmptrld [POINTER]", section="31.3 VMPTRLD"),
        VmxCase("vmptrld and vmptrst",
                root=pointed.format("OTHER_VMCS") + "vmptrld [POINTER]\nvmptrst [SCRATCH]\n"
                "mov eax, [SCRATCH]" + restore, section="31.3 VMPTRST"),
        VmxCase("vmresume of one not launched", root="vmresume", section="31.3 VMRESUME"),
        VmxCase("vmlaunch of one launched", "nop", "", "mov eax, [esp + 36]\nvmlaunch\njmp failed",
                section="31.3 VMLAUNCH"),
        VmxCase("vmlaunch behind mov ss", root="mov eax, KDATA\nmov ss, ax\nvmlaunch",
                section="27.1"),
        VmxCase("vmxon in root operation", root=pointed.format("VMXON_REGION")
                + "vmxon [POINTER]", section="31.3 VMXON"),
        VmxCase("vmxoff and vmxon", root="vmxoff\npushf\n" + pointed.format("VMXON_REGION")
                + "vmxon [POINTER]\nvmptrst [SCRATCH]\nmov eax, [SCRATCH]\npopf",
                section="31.3 VMXOFF"),
        VmxCase("vmxon of a bad region", root="vmxoff\n" + pointed.format("VMXON_REGION + 4")
                + "vmxon [POINTER]\npushf\n" + pointed.format("VMXON_REGION")
                + "vmxon [POINTER]\npopf", section="31.3 VMXON"),
        VmxCase("vmxon of another revision", root="vmxoff\n" + pointed.format("DIRECTORY")
                + "vmxon [POINTER]\npushf\n" + pointed.format("VMXON_REGION")
                + "vmxon [POINTER]\npopf", section="31.3 VMXON"),
        VmxCase("vmread outside VMX operation is undefined",
                root="vmxoff\nmov dword [IDT_PLACE + 6 * 8], 0x80000 + (.ud & 0xFFFF)\n"
                "vmread eax, ecx\nmov eax, 1\nret\n.ud:\nadd esp, 12\n"
                "mov eax, doors + 6 * DOOR\nmov [IDT_PLACE + 6 * 8], ax\n"
                + pointed.format("VMXON_REGION") + "vmxon [POINTER]\nmov eax, 2",
                section="31.3 VMREAD"),
        VmxCase("cr4.vmxe cannot be cleared", root="xor eax, eax\nmov cr4, eax", section="24.8"),
        VmxCase("cr0.ne cannot be cleared", root="mov eax, cr0\nand al, ~0x20\nmov cr0, eax",
                section="24.8"),
        VmxCase("the capability msrs are read-only", root="mov ecx, 0x480\nrdmsr\nwrmsr",
                section="A.1"),
    ]


def _controls() -> list[VmxCase]:
    """Control fields that make the entry fail with error 7."""
    section = "27.2.1"
    setups = {
        "a pin control that must be 1": "unset 0x4000, 2",
        "a pin control that must be 0": "set 0x4000, 0x80000000",
        "a primary control that must be 1": "unset 0x4002, 2",
        "a primary control that must be 0": "set 0x4002, 1",
        "a secondary control that must be 0": "set 0x4002, 0x80000000\nput 0x401E, 0x80000000",
        "an exit control that must be 1": "unset 0x400C, 1",
        "an exit control that must be 0": "set 0x400C, 0x80000000",
        "an entry control that must be 1": "unset 0x4012, 1",
        "an entry control that must be 0": "set 0x4012, 0x80000000",
        "five cr3 targets": "put 0x400A, 5",
        "a misplaced i/o bitmap a": "set 0x4002, 0x2000000\nput 0x2000, 0x23001",
        "a misplaced i/o bitmap b": "set 0x4002, 0x2000000\nput 0x2002, 0x23800",
        "a misplaced msr bitmap": "set 0x4002, 0x10000000\nput 0x2004, 0x23010",
        "virtual nmis without nmi exiting": "set 0x4000, 0x20",
        "an nmi window without virtual nmis": "set 0x4002, 0x400000",
        "an unrestricted guest without ept": "set 0x4002, 0x80000000\nset 0x401E, 0x80",
        "vpid 0": "set 0x4002, 0x80000000\nset 0x401E, 0x20",
        "ept with a bad memory type": "call identity_ept\nput 0x201A, EPT + 0x1D",
        "ept with a bad walk length": "call identity_ept\nput 0x201A, EPT + 0x16",
        "ept with reserved bits": "call identity_ept\nput 0x201A, EPT + 0x81E",
        "a timer to be saved that is off": "set 0x400C, 0x400000",
        "a misplaced exit msr-store list": "put 0x400E, 1\nput 0x2006, 0x26008",
        "a misplaced exit msr-load list": "put 0x4010, 1\nput 0x2008, 0x26001",
        "a misplaced entry msr-load list": "put 0x4014, 1\nput 0x200A, 0x26004",
        "an msr list beyond the end": "put 0x4014, 1\nput 0x200B, 0x10000000",
        "event type 1": inject(0x20, 1),
        "nmi with another vector": inject(3, 2),
        "exception 32": inject(32, 3),
        "an error code where there is none": inject(6, 3, 0),
        "an error code of an interrupt": inject(0x20, 0, 0),
        "no error code where there is one": inject(13, 3),
        "reserved bits of the event": "put 0x4016, 0x80001320",
        "an error code of 17 bits": inject(13, 3, 0x10000),
        "a software interrupt of length 0": inject(0x20, 4, None, 0),
        "a software interrupt of length 16": inject(0x20, 4, None, 16),
    }  # fmt: skip
    return [VmxCase(f"entry with {name}", "nop", text, section=section)
            for name, text in setups.items()]  # fmt: skip


def _host() -> list[VmxCase]:
    """Host state that makes the entry fail with error 8."""
    setups = {
        "cr0 without ne": "put 0x6C00, 0x80000011",
        "cr0 without pg": "put 0x6C00, 0x31",
        "cr4 without vmxe": "put 0x6C04, 0",
        "an unknown bit of cr4": "put 0x6C04, 0x80002000",
        "cs null": "put 0x0C02, 0",
        "ss null": "put 0x0C04, 0",
        "tr null": "put 0x0C0C, 0",
        "an rpl in cs": "put 0x0C02, KCODE + 3",
        "an rpl in fs": "put 0x0C08, KDATA + 1",
        "tr in the ldt": "put 0x0C0C, TSS + 4",
    }
    return [VmxCase(f"host with {name}", "nop", text, section="27.2.2, 27.2.3")
            for name, text in setups.items()]  # fmt: skip


def _guest() -> list[VmxCase]:
    """Guest state that makes the entry fail with exit reason 33."""
    sti, interrupts = "put 0x4824, 1\n", "put 0x6820, 0x202\n"
    setups = {
        "cr0 without ne": "put 0x6800, 0x80000011",
        "cr0 without pg": "put 0x6800, 0x31",
        "cr0 without pe": "put 0x6800, 0x80000030",
        "cr4 without vmxe": "put 0x6804, 0",
        "an unknown bit of cr4": "put 0x6804, 0x80002000",
        "tr in the ldt": "put 0x080E, GUEST_TSS + 4",
        "tr unusable": "put 0x4822, 0x1008B",
        "tr not busy": "put 0x4822, 0x89",
        "tr of a 16-bit tss": "put 0x4822, 0x83",
        "tr with s": "put 0x4822, 0x9B",
        "tr not present": "put 0x4822, 0x0B",
        "ldtr in the ldt": "put 0x080C, LDT + 4\nput 0x4820, 0x82",
        "ldtr of another type": "put 0x080C, LDT\nput 0x4820, 0x83",
        "ldtr": "put 0x080C, LDT\nput 0x4820, 0x82\nput 0x480C, 7",
        "ss with another rpl than cs": "put 0x0804, KDATA + 3",
        "ss with dpl but no rpl": "put 0x4818, 0xC0F3",
        "cs that is data": "put 0x4816, 0xC093",
        "cs not accessed": "put 0x4816, 0xC09A",
        "cs with another dpl than ss": "put 0x4816, 0xC0FB",
        "cs conforming, dpl 0, from ring 3": "call ring_3\nput 0x4816, 0xC09F",
        "cs conforming, dpl 3, in ring 0": "put 0x4816, 0xC0FF",
        "ss that cannot be written": "put 0x4818, 0xC091",
        "ss that is code": "put 0x4818, 0xC09B",
        "ss that expands down": "put 0x4818, 0xC097\nput 0x4804, 0xFFF\nput 0x681C, 0x80000",
        "ds not accessed": "put 0x481A, 0xC092",
        "ds that is unreadable code": "put 0x481A, 0xC099",
        "ds that is readable code": "put 0x481A, 0xC09B",
        "ds with an rpl above its dpl": "put 0x0806, KDATA + 3",
        "ds conforming code with any rpl": "put 0x0806, KCODE + 3\nput 0x481A, 0xC09F",
        "es unusable": "put 0x0800, 0\nput 0x4814, 0x10000",
        "es unusable with anything else wrong": "put 0x4814, 0x1FFFF",
        "fs not present": "put 0x481C, 0xC013",
        "gs with s clear": "put 0x481E, 0xC083",
        "gs with reserved rights": "put 0x481E, 0xC193",
        "cs with reserved rights": "put 0x4816, 0x2C09B",
        "a limit that needs g": "put 0x481A, 0x4093",
        "a limit that forbids g": "put 0x4806, 0xFFFFF000",
        "a byte limit": "put 0x481A, 0x4093\nput 0x4806, 0xFFFFF",
        "gdtr with a limit of 17 bits": "put 0x4810, 0x10000",
        "idtr with a limit of 17 bits": "put 0x4812, 0x10000",
        "eflags without bit 1": "put 0x6820, 0",
        "eflags with a reserved bit": "put 0x6820, 0x8002",
        "eflags with high bits": "put 0x6820, 0x400002",
        "an interrupt injected without IF": inject(0x21, 0),
        "activity 4": "put 0x4826, 4",
        "a halt in ring 3": "call ring_3\nput 0x4826, 1",
        "a halt behind sti": interrupts + sti + "put 0x4826, 1",
        "a halt and an exception": inject(6, 3) + "put 0x4826, 1",
        "a halt and a software interrupt": inject(0x21, 4, None, 2) + "put 0x4826, 1",
        "a halt and a debug exception": inject(1, 3) + "put 0x4826, 1",
        "reserved interruptibility": "put 0x4824, 0x20",
        "sti and mov ss at once": interrupts + "put 0x4824, 3",
        "sti without IF": sti,
        "an interrupt injected behind sti": interrupts + sti + inject(0x21, 0),
        "an interrupt injected behind mov ss": interrupts + "put 0x4824, 2\n" + inject(0x21, 0),
        "an nmi injected behind mov ss": "put 0x4824, 2\n" + inject(2, 2),
        "a virtual nmi injected while blocked":
            "put 0x4824, 8\nset 0x4000, 0x28\n" + inject(2, 2),
        "blocking by smi": "put 0x4824, 4",
        "reserved pending debug exceptions": "put 0x6822, 0x20",
        "tf behind mov ss without a pending step": "put 0x6820, 0x102\nput 0x4824, 2",
        "a pending step behind mov ss without tf": "put 0x6822, 0x4000\nput 0x4824, 2",
        "a link pointer misaligned": "put 0x2801, 0\nput 0x2800, 0x21010",
        "a link pointer to no vmcs": "put 0x2801, 0\nput 0x2800, 0x50000",
        "a bad pdpte": "put 0x6804, 0x2020\nmov dword [GUEST_DIRECTORY], 0x21",
        "a bad entry of the msr-load list": "put 0x4014, 1\nmov dword [MSR_LIST], 0xC0000100",
        "a reserved part of the msr-load list":
            "put 0x4014, 2\nmov dword [MSR_LIST], 0x10\nmov dword [MSR_LIST + 20], 1\n"
            "mov dword [MSR_LIST + 16], 0x10",
    }  # fmt: skip
    return [VmxCase(f"guest with {name}", "nop", text, section="27.3.1")
            for name, text in setups.items()]  # fmt: skip


CASES = [*_instructions(), *_controls(), *_host(), *_guest()]
