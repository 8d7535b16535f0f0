"""Segments, transfers between them, pages, and faults while delivering faults."""

from __future__ import annotations

from bochs_case import Case

# fmt: off


def _segments() -> list[Case]:
    s = "Vol. 3, 6.3"
    load = "Vol. 2, MOV"
    small = "descriptor A, SCRATCH, 15, 0xF2, 4"
    use = "mov eax, A + 3\nmov ds, ax\n"
    down = "descriptor A, SCRATCH, 15, 0xF6, {}"
    def into(register: str, selector: str) -> str:
        return f"mov eax, {selector}\nmov {register}, ax"
    return [
        Case("read of the last bytes inside the limit", 3, use + "mov ebx, [12]", small, 2, s),
        Case("read one byte over the limit", 3, use + "mov ebx, [13]", small, 2, s),
        Case("byte read at the limit", 3, use + "mov bl, [15]", small, 2, s),
        Case("byte read behind the limit", 3, use + "mov bl, [16]", small, 2, s),
        Case("write over the limit", 3, use + "mov [14], ebx", small, 2, s),
        Case("expand-down: below", 3, use + "mov bl, [15]", down.format(4), 2, s),
        Case("expand-down: above", 3, use + "mov bl, [16]", down.format(4), 2, s),
        Case("expand-down, 16 bits: top", 3, use + "mov bl, [0xFFFF]", down.format(0), 2, s),
        Case("expand-down, 16 bits: over the top", 3, use + "mov bl, [0x10000]", down.format(0), 2,
             s),
        Case("granularity counts pages", 3, use + "mov bl, [0xFFF]\nmov bl, [0x1000]",
             "descriptor A, SCRATCH, 0, 0xF2, 0xC", 2, s),
        Case("stack limit", 3, "mov eax, A + 3\nmov ss, ax\nmov esp, 15\npush ebx",
             small, 2, s),
        Case("push over the stack limit", 3, "mov eax, A + 3\nmov ss, ax\nmov esp, 18\npush ebx",
             small, 2, s),
        Case("pop over the stack limit", 3, "mov eax, A + 3\nmov ss, ax\nmov esp, 14\npop ebx",
             small, 2, s),
        Case("ebp addresses the stack segment", 3,
             "mov eax, A + 3\nmov ss, ax\nmov ebp, 16\nmov bl, [ebp]", small, 2, s),
        Case("write to read-only data", 3, use + "mov [0], ebx",
             "descriptor A, SCRATCH, 15, 0xF0, 4", 2, s),
        Case("write to code", 3, "mov [cs:SCRATCH], ebx", "", 2, s),
        Case("read of code", 3, "mov ebx, [cs:SCRATCH]", "", 2, s),
        Case("read of execute-only code", 1, "jmp A + 1:.x\n.x:\nmov ebx, [cs:SCRATCH]",
             "descriptor A, 0, 0xFFFFF, 0xB8, 0xC", 2, s),
        Case("use of a null segment", 3, "mov ebx, [fs:0]", "", 2, s),
        Case("loading null is allowed", 3, into("ds", "3"), "", 2, load),
        Case("null selector into DS, then use", 3, into("ds", "0") + "\nmov ebx, [SCRATCH]", "", 2,
             load),
        Case("data of ring 0 from ring 3", 3, into("ds", "KDATA"), "", 2, load),
        Case("data of ring 0 from ring 1", 1, into("ds", "KDATA"), "", 2, load),
        Case("data of ring 1 with RPL 3 from ring 1", 1, into("ds", "DATA1 + 2"), "", 2, load),
        Case("data of ring 3 from ring 1", 1, into("es", "DATA3"), "", 2, load),
        Case("data not present", 3, into("es", "A + 3"), "descriptor A, 0, 15, 0x72, 4", 2, load),
        Case("data not present and not allowed", 3, into("es", "A + 3"),
             "descriptor A, 0, 15, 0x12, 4", 2, load),
        Case("system descriptor into DS", 3, into("ds", "TSS"), "", 2, load),
        Case("readable code into DS", 3, into("ds", "CODE3"), "", 2, load),
        Case("execute-only code into DS", 3, into("ds", "A + 3"),
             "descriptor A, 0, 0xFFFFF, 0xF8, 0xC", 2, load),
        Case("conforming code of ring 0 into DS from ring 3", 3, into("ds", "A + 3"),
             "descriptor A, 0, 0xFFFFF, 0x9E, 0xC", 2, load),
        Case("conforming execute-only code into DS", 3, into("ds", "A + 3"),
             "descriptor A, 0, 0xFFFFF, 0xFC, 0xC", 2, load),
        Case("code of ring 0 into DS from ring 3", 3, into("ds", "KCODE"), "", 2, load),
        Case("selector beyond the GDT", 3, into("ds", "0x1003"), "", 2, load),
        Case("selector half beyond the GDT", 3, into("ds", "0x73"),
             "mov word [SCRATCH], 14 * 8 + 6\nmov dword [SCRATCH + 2], gdt\nlgdt [SCRATCH]", 2,
             load),
        Case("selector of the LDT", 3, into("gs", "L0 + 3"), "", 2, load),
        Case("selector beyond the LDT", 3, into("gs", "0x17"), "", 2, load),
        Case("selector of an LDT that is null", 3, into("gs", "L0 + 3"),
             "xor eax, eax\nlldt ax", 2, load),
        Case("loading sets the accessed bit", 3, into("ds", "A + 3")
             + "\nmov eax, DATA3\nmov ds, ax\nmov eax, [gdt + A + 4]", small, 2, load),
        Case("mov to cs", 3, "db 0x8E, 0xC8", "", 2, load),
        Case("null into SS", 3, into("ss", "0"), "", 2, load),
        Case("null with RPL 1 into SS at ring 1", 1, into("ss", "1"), "", 2, load),
        Case("SS with a wrong RPL", 1, into("ss", "DATA1 - 1"), "", 2, load),
        Case("SS with a wrong DPL", 1, into("ss", "KDATA + 1"), "", 2, load),
        Case("SS of ring 3 at ring 1", 1, into("ss", "DATA3"), "", 2, load),
        Case("read-only data into SS", 3, into("ss", "A + 3"), "descriptor A, 0, 15, 0xF0, 4", 2,
             load),
        Case("code into SS", 3, into("ss", "CODE3"), "", 2, load),
        Case("SS not present", 3, into("ss", "A + 3"), "descriptor A, 0, 15, 0x72, 4", 2, load),
        Case("SS beyond the GDT", 3, into("ss", "0x1003"), "", 2, load),
        Case("pop ss with a wrong RPL", 1, "push dword KDATA\npop ss", "", 2, "Vol. 2, POP"),
        Case("pop ds of ring 0 at ring 3 leaves ESP", 3, "push dword KDATA\npop ds", "", 2,
             "Vol. 2, POP"),
        Case("lds", 3, "mov dword [SCRATCH], 0x1234\nmov word [SCRATCH + 4], A + 3\n"
             "lds ebx, [SCRATCH]", small, 2, "Vol. 2, LDS"),
        Case("lds not allowed changes nothing", 3,
             "mov dword [SCRATCH], 0x1234\nmov word [SCRATCH + 4], KDATA\nlds ebx, [SCRATCH]",
             "", 2, "Vol. 2, LDS"),
        Case("jump behind the code limit", 3, "jmp A + 3:.x - 0x100000\n.x:\njmp near $ + 0x20000",
             "descriptor A, 0x100000, 0xFFFF, 0xFA, 4", 2, "Vol. 2, JMP"),
        Case("call behind the code limit pushes nothing", 3,
             "jmp A + 3:.x - 0x100000\n.x:\ncall near $ + 0x20000",
             "descriptor A, 0x100000, 0xFFFF, 0xFA, 4", 2, "Vol. 2, CALL"),
        Case("alignment is checked at ring 3 only when asked", 3, "mov eax, [SCRATCH + 1]",
             "mov eax, cr0\nor eax, 0x40000\nmov cr0, eax", 0x40002, "Vol. 3, 7.15 #AC"),
        Case("alignment is not checked at ring 1", 1, "mov eax, [SCRATCH + 1]",
             "mov eax, cr0\nor eax, 0x40000\nmov cr0, eax", 0x40002, "Vol. 3, 7.15 #AC"),
    ]


def _transfers() -> list[Case]:
    jmp, call, ret, iret = "Vol. 2, JMP", "Vol. 2, CALL", "Vol. 2, RET", "Vol. 2, IRET"
    inner = (
        "\nret\n.inner:\nmov eax, [esp]\nmov ebx, [esp + 4]\nmov ecx, [esp + 8]\n"
        "mov edx, [esp + 12]\nmov esi, [esp + 16]\nmov edi, [esp + 20]\nint 0x30"
    )
    return [
        Case("jmp to code of ring 0 at ring 3", 3, "jmp KCODE:0x100000", "", 2, jmp),
        Case("jmp to code of ring 3 at ring 1", 1, "jmp CODE3:0x100000", "", 2, jmp),
        Case("jmp to data", 3, "jmp DATA3:0x100000", "", 2, jmp),
        Case("jmp to null", 3, "jmp 3:0x100000", "", 2, jmp),
        Case("jmp beyond the GDT", 3, "jmp 0x1003:0x100000", "", 2, jmp),
        Case("jmp with RPL above CPL", 1, "jmp CODE1 + 2:0x100000", "", 2, jmp),
        Case("jmp with RPL below CPL", 1, "jmp CODE1 - 1:.x\n.x:\nmov eax, cs", "", 2, jmp),
        Case("jmp to code not present", 3, "jmp A + 3:0x100000",
             "descriptor A, 0, 0xFFFFF, 0x7A, 0xC", 2, jmp),
        Case("jmp to conforming code keeps the ring", 3, "jmp A:.x\n.x:\nmov eax, cs",
             "descriptor A, 0, 0xFFFFF, 0x9E, 0xC", 2, jmp),
        Case("jmp to conforming code of an outer ring", 1, "jmp A:0x100000",
             "descriptor A, 0, 0xFFFFF, 0xFE, 0xC", 2, jmp),
        Case("jmp behind the limit of the target", 3, "jmp A + 3:0x10000",
             "descriptor A, 0x100000, 0xFFFF, 0xFA, 4", 2, jmp),
        Case("jmp through a call gate to the same ring", 3, "jmp A + 3:0\nnop\n.x:\nmov eax, cs",
             "call_gate A, CODE3, .target, 0, 0xEC\nret\n.target:\nmov eax, cs\nint 0x30", 2, jmp),
        Case("jmp through a call gate to an inner ring", 3, "jmp A + 3:0",
             "call_gate A, KCODE, report, 0, 0xEC", 2, jmp),
        Case("call through a gate: stack switch and parameters", 3,
             "push dword 0xAAAA\npush dword 0xBBBB\ncall A + 3:0x12345\n.back:",
             "call_gate A, KCODE, .inner, 2, 0xEC" + inner, 2, call),
        Case("call through a gate to ring 1", 3, "push dword 0xAAAA\ncall A + 3:0",
             "call_gate A, CODE1, .inner, 1, 0xEC" + inner, 2, call),
        Case("call through a gate at the same ring", 1, "push dword 0xAAAA\ncall A + 1:0",
             "call_gate A, CODE1, .inner, 1, 0xEC" + inner, 2, call),
        Case("call through a gate of ring 0 at ring 3", 3, "call A + 3:0",
             "call_gate A, KCODE, report, 0, 0x8C", 2, call),
        Case("call through a gate with RPL above its DPL", 1, "call A + 3:0",
             "call_gate A, KCODE, report, 0, 0xAC", 2, call),
        Case("call through a gate not present", 3, "call A + 3:0",
             "call_gate A, KCODE, report, 0, 0x6C", 2, call),
        Case("call through a gate to null", 3, "call A + 3:0",
             "call_gate A, 0, report, 0, 0xEC", 2, call),
        Case("call through a gate to data", 3, "call A + 3:0",
             "call_gate A, KDATA, report, 0, 0xEC", 2, call),
        Case("call through a gate to code not present", 3, "call A + 3:0",
             "descriptor B, 0, 0xFFFFF, 0x1A, 0xC\ncall_gate A, B, report, 0, 0xEC", 2, call),
        Case("call through a gate with a null inner stack", 3, "call A + 3:0",
             "call_gate A, CODE1, report, 0, 0xEC\nmov dword [TSS_PLACE + 16], 0", 2, call),
        Case("call through a gate with an inner stack of a wrong ring", 3, "call A + 3:0",
             "call_gate A, CODE1, report, 0, 0xEC\nmov dword [TSS_PLACE + 16], DATA2", 2, call),
        Case("call through a gate with an inner stack not present", 3, "call A + 3:0",
             "descriptor B, 0, 0xFFFFF, 0x32, 0xC\ncall_gate A, CODE1, report, 0, 0xEC\n"
             "mov dword [TSS_PLACE + 16], B + 1", 2, call),
        Case("call through a gate with a TSS too short", 3, "call A + 3:0",
             "call_gate A, CODE1, report, 0, 0xEC\nmov word [gdt + TSS], 15\n"
             "mov byte [gdt + TSS + 5], 0x89\nmov eax, TSS\nltr ax", 2, call),
        Case("call through a gate to conforming code", 3, "call A + 3:0",
             "descriptor B, 0, 0xFFFFF, 0x9E, 0xC\ncall_gate A, B, .inner, 0, 0xEC\nret\n.inner:\n"
             "mov eax, cs\nmov ebx, [esp]\nmov ecx, [esp + 4]\nint 0x30", 2, call),
        Case("call far to a TSS that is busy", 0, "call TSS:0", "", 2, call),
        Case("call far and back", 3, "call CODE3:.sub\nmov ebx, 1\nint 0x30\n.sub:\n"
             "mov eax, [esp + 4]\nretf", "", 2, call),
        Case("retf to an outer ring takes its stack", 1,
             "push dword DATA3\npush dword STACK3\npush dword 0xAAAA\npush dword CODE3\n"
             "push dword .out\nretf 4\n.out:\nmov eax, ss", "", 2, ret),
        Case("retf to an inner ring", 3, "push dword KCODE\npush dword 0x100000\nretf", "", 2, ret),
        Case("retf to null", 3, "push dword 0\npush dword 0x100000\nretf", "", 2, ret),
        Case("retf to an outer ring with a null stack", 1,
             "push dword 0\npush dword STACK3\npush dword CODE3\npush dword .out\nretf\n.out:", "",
             2, ret),
        Case("retf to an outer ring with a stack of the inner", 1,
             "push dword DATA1\npush dword STACK3\npush dword CODE3\npush dword .out\nretf\n.out:",
             "", 2, ret),
        Case("retf to an outer ring empties inner data segments", 1,
             "mov eax, DATA1\nmov ds, ax\nmov fs, ax\nmov eax, DATA3\nmov es, ax\n"
             "push dword DATA3\npush dword STACK3\npush dword CODE3\npush dword .out\nretf\n.out:",
             "", 2, ret),
        Case("retf with RPL of another ring", 1, "push dword CODE1 + 1\npush dword 0x100000\nretf",
             "", 2, ret),
        Case("iret to ring 3", 1,
             "push dword DATA3\npush dword STACK3\npush dword 0x2\npush dword CODE3\n"
             "push dword .out\niret\n.out:\nmov eax, cs\nmov ebx, ss", "", 2, iret),
        Case("iret from ring 1 to 3 keeps IF and IOPL", 1,
             "push dword DATA3\npush dword STACK3\npush dword 0x3202\npush dword CODE3\n"
             "push dword .out\niret\n.out:", "", 2, iret),
        Case("iret from ring 0 to 3 changes IF and IOPL", 0,
             "push dword DATA3\npush dword STACK3\npush dword 0x3202\npush dword CODE3\n"
             "push dword .out\niret\n.out:", "", 2, iret),
        Case("iret empties inner data segments", 0,
             "push dword DATA3\npush dword STACK3\npush dword 0x2\npush dword CODE3\n"
             "push dword .out\niret\n.out:", "", 2, iret),
        Case("iret to null", 1, "push dword 2\npush dword 0\npush dword 0x100000\niret", "", 2,
             iret),
        Case("iret to data", 1, "push dword 2\npush dword DATA1\npush dword 0x100000\niret", "", 2,
             iret),
        Case("iret to code not present", 1, "push dword 2\npush dword A + 1\npush dword 0x100000\n"
             "iret", "descriptor A, 0, 0xFFFFF, 0x3A, 0xC", 2, iret),
        Case("iret to outer code not present", 1, "push dword DATA3\npush dword STACK3\n"
             "push dword 2\npush dword A + 3\npush dword 0x100000\niret",
             "descriptor A, 0, 0xFFFFF, 0x7A, 0xC", 2, iret),
        Case("iret to an outer ring with a wrong stack", 1, "push dword DATA2\npush dword STACK3\n"
             "push dword 2\npush dword CODE3\npush dword 0x100000\niret", "", 2, iret),
        Case("iret to an outer ring with a stack not present", 1,
             "push dword A + 3\npush dword STACK3\npush dword 2\npush dword CODE3\n"
             "push dword 0x100000\niret", "descriptor A, 0, 0xFFFFF, 0x72, 0xC", 2, iret),
        Case("iret behind the code limit", 1, "push dword 2\npush dword A + 1\n"
             "push dword 0x10000\niret", "descriptor A, 0x100000, 0xFFFF, 0xBA, 4", 2, iret),
        Case("iret of 16 bits", 1, "push word 2\npush word A + 1\npush word .x - 0x100000\niretw\n"
             ".x:\nmov eax, cs", "descriptor A, 0x100000, 0xFFFF, 0xBA, 4", 2, iret),
    ]


def _paging() -> list[Case]:
    s, wp = "Vol. 3, 5.7", "Vol. 3, 5.6"
    read, write = "mov eax, [WINDOW + 0x1234]", "mov [WINDOW + 0x1234], eax"
    protect = "mov eax, cr0\nor eax, 0x10000\nmov cr0, eax"
    entry = "\nmov eax, [WINDOW_TABLE + 4]"
    def flush(setup: str) -> str:
        return setup + "\nmov eax, cr3\nmov cr3, eax"
    absent, supervisor, fixed = flush("page 1, 6"), flush("page 1, 3"), flush("page 1, 5")
    pae = (
        "mov dword [PAE_TABLES], PAE_TABLES + 0x1001\nmov dword [PAE_TABLES + 4], {0}\n"
        "mov dword [PAE_TABLES + 8], 0\nmov dword [PAE_TABLES + 16], 0\n"
        "mov dword [PAE_TABLES + 24], 0\n"
        "mov dword [PAE_TABLES + 12], 0\nmov dword [PAE_TABLES + 20], 0\n"
        "mov dword [PAE_TABLES + 28], 0\n"
        "mov dword [PAE_TABLES + 0x1000], 0x87\nmov dword [PAE_TABLES + 0x1004], 0\n"
        "mov dword [PAE_TABLES + 0x1008], 0x200087\nmov dword [PAE_TABLES + 0x100C], 0\n"
        "mov dword [PAE_TABLES + 0x1010], PAE_TABLES + 0x2007\nmov dword [PAE_TABLES + 0x1014], 0\n"
        "mov dword [PAE_TABLES + 0x2008], 0x301000 + {1}\nmov dword [PAE_TABLES + 0x200C], {2}\n"
        "mov eax, cr0\nand eax, 0x7FFFFFFF\nmov cr0, eax\nmov eax, 0x20\nmov cr4, eax\n"
        "mov eax, PAE_TABLES\nmov cr3, eax\nmov eax, cr0\nor eax, 0x80000000\nmov cr0, eax"
    )
    big = flush("mov eax, 0x10\nmov cr4, eax\nmov dword [DIRECTORY + 8], 0x{:x}")
    return [
        Case("user read of a page not present", 3, read, absent, 2, s),
        Case("user write of a page not present", 3, write, absent, 2, s),
        Case("user read of a kernel page", 3, read, supervisor, 2, s),
        Case("user write of a kernel page", 3, write, supervisor, 2, s),
        Case("user write of a read-only page", 3, write, fixed, 2, s),
        Case("user read of a read-only page", 3, read, fixed, 2, s),
        Case("kernel read of a page not present", 0, read, absent, 2, s),
        Case("kernel write of a page not present", 0, write, absent, 2, s),
        Case("ring 1 is the kernel for pages", 1, read, supervisor, 2, wp),
        Case("ring 1 write of a page not present", 1, write, absent, 2, s),
        Case("kernel write of a read-only page without WP", 0, write, fixed, 2, wp),
        Case("kernel write of a read-only page with WP", 0, write, fixed + "\n" + protect, 2, wp),
        Case("ring 1 write of a read-only page with WP", 1, write, fixed + "\n" + protect, 2, wp),
        Case("directory entry not present", 3, "mov eax, [0x800000]", "", 2, s),
        Case("directory entry read-only", 3, write,
             flush("mov dword [DIRECTORY + 4], WINDOW_TABLE + 5"), 2, s),
        Case("directory entry for the kernel", 3, read,
             flush("mov dword [DIRECTORY + 4], WINDOW_TABLE + 3"), 2, s),
        Case("kernel write with a read-only directory entry and WP", 0, write,
             flush("mov dword [DIRECTORY + 4], WINDOW_TABLE + 5") + "\n" + protect, 2, wp),
        Case("fetch from a page not present", 3, "mov eax, WINDOW + 0x1000\njmp eax", absent, 2, s),
        Case("fetch from a kernel page", 3, "mov eax, WINDOW + 0x1000\njmp eax", supervisor, 2, s),
        Case("a write that crosses into a missing page", 3, "mov [WINDOW + 0xFFE], eax", absent, 2,
             s),
        Case("a crossing write leaves the first page alone", 0,
             "mov dword [WINDOW + 0xFFC], 0\nmov edi, .after\nmov [WINDOW + 0xFFE], eax\n.after:",
             absent + "\nint_gate 14, KCODE, .look, 0x8E\nret\n.look:\nmov eax, [WINDOW + 0xFFC]\n"
             "int 0x30", 2, s),
        Case("an instruction that crosses into a missing page", 3,
             "mov eax, WINDOW + 0xFFE\njmp eax",
             absent + "\nmov word [0x300FFE], 0x05C7", 2, s),
        Case("reading sets A", 3, read + entry, flush("page 1, 7"), 2, "Vol. 3, 5.8"),
        Case("writing sets A and D", 3, write + entry, flush("page 1, 7"), 2, "Vol. 3, 5.8"),
        Case("a refused write sets neither", 0,
             "mov eax, [WINDOW_TABLE + 4]", fixed, 2, "Vol. 3, 5.8"),
        Case("use sets A in the directory", 3, read + "\nmov eax, [DIRECTORY + 4]",
             flush("mov dword [DIRECTORY + 4], WINDOW_TABLE + 7"), 2, "Vol. 3, 5.8"),
        Case("push onto a missing stack page", 3, "mov esp, WINDOW + 0x2000\npush eax", absent, 2,
             s),
        Case("pusha that crosses into a missing page leaves ESP", 3,
             "mov esp, WINDOW + 0x2010\npusha", absent, 2, s),
        Case("pop from a missing page leaves ESP", 3, "mov esp, WINDOW + 0x1000\npop eax", absent,
             2, s),
        Case("rep movsb stops at the missing page", 3,
             "mov esi, SCRATCH\nmov edi, WINDOW + 0xFFD\nmov ecx, 8\nrep movsb", absent, 2, s),
        Case("xchg with a read-only page", 3, "xchg [WINDOW + 0x1000], eax", fixed, 2, s),
        Case("cmpxchg that fails writes all the same", 3,
             "mov eax, 1\nmov ebx, 2\ncmpxchg [WINDOW + 0x1000], ebx", fixed, 2, "Vol. 2, CMPXCHG"),
        Case("4 MiB page: read", 3, "mov eax, [0x850004]", big.format(0x87), 2, "Vol. 3, 5.3"),
        Case("4 MiB page: write of a read-only one", 3, "mov [0x850004], eax", big.format(0x85), 2,
             "Vol. 3, 5.3"),
        Case("4 MiB page: for the kernel", 3, "mov eax, [0x850004]", big.format(0x83), 2,
             "Vol. 3, 5.3"),
        Case("4 MiB page: reserved bit", 3, "mov eax, [0x850004]", big.format(0x200087), 2,
             "Vol. 3, 5.3"),
        Case("4 MiB page: sets A and D", 3, "mov [0x850004], eax\nmov eax, [DIRECTORY + 8]",
             big.format(0x87), 2, "Vol. 3, 5.8"),
        Case("a changed entry stays in use", 0,
             "mov eax, [WINDOW + 0x1000]\nmov dword [WINDOW_TABLE + 4], 0\n"
             "mov ebx, [WINDOW + 0x1000]", "", 2, "Vol. 3, 5.10.2.3"),
        Case("invlpg ends the use of a changed entry", 0,
             "mov eax, [WINDOW + 0x1000]\nmov dword [WINDOW_TABLE + 4], 0\n"
             "invlpg [WINDOW + 0x1000]\nmov ebx, [WINDOW + 0x1000]", "", 2, "Vol. 3, 5.10.4"),
        Case("invlpg of another page does not", 0,
             "mov eax, [WINDOW + 0x1000]\nmov dword [WINDOW_TABLE + 4], 0\n"
             "invlpg [WINDOW + 0x2000]\nmov ebx, [WINDOW + 0x1000]", "", 2, "Vol. 3, 5.10.4"),
        Case("mov cr3 ends the use of a changed entry", 0,
             "mov eax, [WINDOW + 0x1000]\nmov dword [WINDOW_TABLE + 4], 0\n"
             "mov ecx, cr3\nmov cr3, ecx\nmov ebx, [WINDOW + 0x1000]", "", 2,
             "Vol. 3, 5.10.4"),
        Case("a global entry outlives mov cr3", 0,
             "mov eax, [WINDOW + 0x1000]\nmov dword [WINDOW_TABLE + 4], 0\n"
             "mov ecx, cr3\nmov cr3, ecx\nmov ebx, [WINDOW + 0x1000]",
             "mov eax, 0x80\nmov cr4, eax\npage 1, 0x107\nmov eax, cr3\nmov cr3, eax", 2,
             "Vol. 3, 5.10.2.4"),
        Case("a global entry is an ordinary one without CR4.PGE", 0,
             "mov eax, [WINDOW + 0x1000]\nmov dword [WINDOW_TABLE + 4], 0\n"
             "mov ecx, cr3\nmov cr3, ecx\nmov ebx, [WINDOW + 0x1000]",
             "page 1, 0x107\nmov eax, cr3\nmov cr3, eax", 2, "Vol. 3, 5.10.2.4"),
        Case("changing CR4.PGE drops global entries too", 0,
             "mov eax, [WINDOW + 0x1000]\nmov dword [WINDOW_TABLE + 4], 0\n"
             "xor ecx, ecx\nmov cr4, ecx\nmov ebx, [WINDOW + 0x1000]",
             "mov eax, 0x80\nmov cr4, eax\npage 1, 0x107\nmov eax, cr3\nmov cr3, eax", 2,
             "Vol. 3, 5.10.4"),
        Case("PAE: read", 3, read, pae.format(0, 7, 0), 2, "Vol. 3, 5.4"),
        Case("PAE: write of a read-only page", 3, write, pae.format(0, 5, 0), 2, "Vol. 3, 5.4"),
        Case("PAE: reserved bit, user read", 3, read, pae.format(0, 7, "0x100000"), 2,
             "Vol. 3, 5.4"),
        Case("PAE: reserved bit, kernel write", 0, write, pae.format(0, 7, "0x100000"), 2,
             "Vol. 3, 5.4"),
        Case("PAE: missing page beyond the tables", 3, "mov eax, [0x40000000]",
             pae.format(0, 7, 0), 2, "Vol. 3, 5.4"),
    ]


def _double() -> list[Case]:
    s = "Vol. 3, 7.15 #DF"
    short = "mov word [SCRATCH], {} * 8 - 1\nmov dword [SCRATCH + 2], IDT_PLACE\nlidt [SCRATCH]"
    return [
        Case("#GP that cannot be delivered", 3, "cli", short.format(13), 2, s),
        Case("#PF that cannot be delivered", 3, "mov eax, [0x800000]", short.format(14), 2, s),
        Case("#DE with a gate not present", 3, "xor ecx, ecx\ndiv ecx", "gate_access 0, 0x0E", 2,
             s),
        Case("#UD with a gate not present gives #NP", 3, "ud2", "gate_access 6, 0x0E", 2, s),
        Case("#GP with a gate to null", 3, "cli", "int_gate 13, 0, report, 0x8E", 2, s),
        Case("#UD with a gate to null gives #GP", 3, "ud2", "int_gate 6, 0, report, 0x8E", 2, s),
        Case("#PF while delivering #PF", 3, "mov eax, [0x800000]",
             "mov esi, IDT_PLACE\nmov edi, 0x301000 - 9 * 8\nmov ecx, 128\nrep movsd\n"
             "mov word [SCRATCH], 64 * 8 - 1\nmov dword [SCRATCH + 2], WINDOW + 0x1000 - 9 * 8\n"
             "lidt [SCRATCH]\npage 1, 6\nmov eax, cr3\nmov cr3, eax", 2, s),
        Case("#PF while delivering #GP is #PF", 3, "cli",
             "mov esi, IDT_PLACE + 14 * 8\nmov edi, 0x301000\nmov ecx, 100\nrep movsd\n"
             "mov word [SCRATCH], 64 * 8 - 1\nmov dword [SCRATCH + 2], WINDOW + 0x1000 - 14 * 8\n"
             "lidt [SCRATCH]\npage 0, 6\nmov eax, cr3\nmov cr3, eax", 2, s),
    ]


MEMORY: tuple[Case, ...] = (
    *_segments(),
    *_transfers(),
    *_paging(),
    *_double(),
)
