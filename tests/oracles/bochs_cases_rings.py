"""What each ring may do: ports, flags, gates, looking at descriptors, system registers."""

from __future__ import annotations

from bochs_case import IF, IOPL1, IOPL2, IOPL3, Case

# fmt: off


def _io() -> list[Case]:
    section = "Vol. 1, 19.5"
    allow = "and byte [TSS_PLACE + 0x68 + 0x10], {}"
    return [
        Case("in at ring 3 with IOPL 0 and no bitmap bit", 3, "in al, 0x80", section=section),
        Case("in at ring 3 with IOPL 2", 3, "in al, 0x80", flags=IOPL2, section=section),
        Case("out at ring 3 with IOPL 3", 3, "out 0x80, al", flags=IOPL3, section=section),
        Case("out at ring 1 with IOPL 0", 1, "out 0x80, al", section=section),
        Case("out at ring 1 with IOPL 1", 1, "out 0x80, al", flags=IOPL1, section=section),
        Case("out at ring 2 with IOPL 1", 2, "out 0x80, al", flags=IOPL1, section=section),
        Case("out at ring 0 needs no bitmap", 0, "out 0x80, al", section=section),
        Case("bitmap lets byte out through", 3, "out 0x80, al", allow.format("0xFE"), 2, section),
        Case("bitmap stops half a word", 3, "out 0x80, ax", allow.format("0xFE"), 2, section),
        Case("bitmap lets a word through", 3, "out 0x80, ax", allow.format("0xFC"), 2, section),
        Case("bitmap stops a dword", 3, "out 0x80, eax", allow.format("0xF8"), 2, section),
        Case("bitmap lets a dword through", 3, "out 0x80, eax", allow.format("0xF0"), 2, section),
        Case(
            "bitmap word that crosses its byte",
            3,
            "mov dx, 0x87\nout dx, ax",
            "and byte [TSS_PLACE + 0x68 + 0x10], 0x7F\nand byte [TSS_PLACE + 0x68 + 0x11], 0xFE",
            2,
            section,
        ),
        Case("port beyond the bitmap", 3, "mov dx, 0x4000\nout dx, al", "", 2, section),
        Case(
            "last bitmap byte without its follower in the limit",
            3,
            "out 0x80, al",
            allow.format("0xFE") + "\nmov word [gdt + TSS], 0x68 + 0x10"
            "\nmov byte [gdt + TSS + 5], 0x89\nmov eax, TSS\nltr ax",
            2,
            section,
        ),
        Case("bitmap base beyond the limit", 3, "out 0x80, al",
             "mov dword [TSS_PLACE + 100], 0x7FFF0000", 2, section),
        Case("outsb checks the port", 3, "mov esi, SCRATCH\nmov edx, 0x80\noutsb", "", 2, section),
        Case("insb checks the port", 3, "mov edi, SCRATCH\nmov edx, 0x80\ninsb", "", 2, section),
        Case("rep outsb of nothing at ring 3", 3, "xor ecx, ecx\nmov edx, 0x80\nrep outsb", "", 2,
             section),
        Case("outsb at ring 3 with IOPL 3", 3, "mov esi, SCRATCH\nmov edx, 0x80\noutsb", "", IOPL3,
             section),
    ]


def _flags() -> list[Case]:
    cli, popf, iret = "Vol. 2, CLI", "Vol. 2, POPF", "Vol. 2, IRET"
    pop = "push dword {}\npopf"
    same = "pushf\npush cs\npush dword .there\nmov dword [esp + 8], {}\niret\n.there:"
    ring = {1: "CODE1", 3: "CODE3"}
    cases = [
        Case("cli at ring 3 with IOPL 0", 3, "cli", flags=IF, section=cli),
        Case("cli at ring 3 with IOPL 3", 3, "cli", flags=IF | IOPL3, section=cli),
        Case("sti at ring 3 with IOPL 2", 3, "sti", flags=IOPL2, section=cli),
        Case("sti at ring 3 with IOPL 3", 3, "sti", flags=IOPL3, section=cli),
        Case("cli at ring 1 with IOPL 0", 1, "cli", flags=IF, section=cli),
        Case("cli at ring 1 with IOPL 1", 1, "cli", flags=IF | IOPL1, section=cli),
        Case("sti at ring 0", 0, "sti", section=cli),
        Case("popf at ring 3 keeps IF and IOPL", 3, pop.format("0x3AD7"), section=popf),
        Case("popf at ring 3 keeps IF set", 3, pop.format("2"), flags=IF, section=popf),
        Case("popf at ring 3 with IOPL 3 clears IF", 3, pop.format("2"), flags=IF | IOPL3,
             section=popf),
        Case("popf at ring 1 keeps IF silently", 1, pop.format("0x202"), section=popf),
        Case("popf at ring 1 with IOPL 1", 1, pop.format("0x3202"), flags=IOPL1, section=popf),
        Case("popf at ring 0 changes IF and IOPL", 0, pop.format("0x3202"), section=popf),
        Case("popf at ring 0 ignores VM, VIF, VIP", 0, pop.format("0x1A0002"), section=popf),
        Case("popf at ring 3 sets AC, ID and NT", 3, pop.format("0x244002"), section=popf),
        Case("popf clears RF", 0, pop.format("0x10002"), section=popf),
        Case("popf 16 bits", 3, "push word 0x3AD7\npopfw", section=popf),
        Case("pushf at ring 3 shows IF and IOPL", 3, "pushf\npop eax", flags=IF | IOPL1,
             section="Vol. 2, PUSHF"),
        Case("pushf at ring 1 shows the true IF", 1, "pushf\npop eax", flags=IF,
             section="Vol. 2, PUSHF"),
        Case("popf sets TF: one step later #DB", 0, pop.format("0x102") + "\nnop\nnop",
             section="Vol. 3, 18.3.1.4"),
        Case("popf sets TF at ring 3", 3, pop.format("0x102") + "\nnop\nnop",
             section="Vol. 3, 18.3.1.4"),
        Case("mov ss puts a single step off", 0,
             "mov ecx, KDATA\npush dword 0x102\npopf\nmov ss, cx\nnop\nnop",
             section="Vol. 3, 7.8.3"),
        Case("iret at ring 0 to ring 0 sets IF and IOPL", 0, same.format("0x3202"), section=iret),
        Case("iret at ring 3 to ring 3 keeps IF and IOPL", 3, same.format("0x3202"), section=iret),
        Case("iret at ring 3 with IOPL 3 sets IF", 3, same.format("0x202"), flags=IOPL3,
             section=iret),
    ]
    for number, code in ring.items():
        cases.append(Case(f"iret at ring {number} with a wrong RPL", number,
                          "push dword 2\npush dword KCODE\npush dword 0\niret", "", 2, iret))
        cases.append(Case(f"push cs at ring {number} shows the ring", number, "push cs\npop eax",
                          "", 2, f"Vol. 3, 6.5 ({code})"))
    return cases


def _gates() -> list[Case]:
    section = "Vol. 3, 7.12"
    return [
        Case("int through a gate of ring 0", 3, "int 0x31", section=section),
        Case("int through a gate of ring 0 at ring 1", 1, "int 0x31", section=section),
        Case("int through a gate of ring 0 at ring 0", 0, "int 0x31", section=section),
        Case("int through a gate of ring 1 at ring 3", 3, "int 0x31", "gate_access 0x31, 0xAE", 2,
             section),
        Case("int through a gate of ring 1 at ring 1", 1, "int 0x31", "gate_access 0x31, 0xAE", 2,
             section),
        Case("int through a trap gate leaves IF", 3, "int 0x31", "gate_access 0x31, 0xEF", IF,
             section),
        Case("int through an interrupt gate clears IF", 3, "int 0x31", "gate_access 0x31, 0xEE",
             IF, section),
        Case("int clears NT in the handler", 3, "int 0x31", "gate_access 0x31, 0xEE", 0x4002,
             section),
        Case("int beyond the IDT", 3, "int 0x80", section="Vol. 3, 7.10"),
        Case("int beyond the IDT at ring 0", 0, "int 0x80", section="Vol. 3, 7.10"),
        Case("int through a gate not present", 3, "int 0x31", "gate_access 0x31, 0x6E", 2,
             section),
        Case("int through a gate not present and not allowed", 3, "int 0x31",
             "gate_access 0x31, 0x0E", 2, section),
        Case("int through something that is no gate", 3, "int 0x31", "gate_access 0x31, 0xE2", 2,
             section),
        Case("int through a call gate in the IDT", 3, "int 0x31", "gate_access 0x31, 0xEC", 2,
             section),
        Case("int3 through a gate of ring 0", 3, "int3", section=section),
        Case("int3 through a gate of ring 3", 3, "int3", "gate_access 3, 0xEE", 2, section),
        Case("into without overflow", 3, "xor eax, eax\ninto", section=section),
        Case("into with overflow, gate of ring 0", 3, "mov al, 0x7F\nadd al, 1\ninto",
             section=section),
        Case("into with overflow, gate of ring 3", 3, "mov al, 0x7F\nadd al, 1\ninto",
             "gate_access 4, 0xEE", 2, section),
        Case("an exception does not look at the gate's ring", 3, "ud2", section=section),
        Case("bound outside", 3, "mov dword [SCRATCH], 1\nmov dword [SCRATCH + 4], 5\nmov eax, 6\n"
             "bound eax, [SCRATCH]", "", 2, "Vol. 2, BOUND"),
        Case("bound inside", 3, "mov dword [SCRATCH], 1\nmov dword [SCRATCH + 4], 5\nmov eax, 5\n"
             "bound eax, [SCRATCH]", "", 2, "Vol. 2, BOUND"),
        Case("division by zero", 3, "xor ecx, ecx\nxor edx, edx\nmov eax, 5\ndiv ecx", "", 2,
             "Vol. 2, DIV"),
        Case("aam 0", 3, "aam 0", "", 2, "Vol. 2, AAM"),
        Case("gate to the null selector", 3, "int 0x31", "int_gate 0x31, 0, report, 0xEE", 2,
             section),
        Case("gate to a data segment", 3, "int 0x31", "int_gate 0x31, KDATA, report, 0xEE", 2,
             section),
        Case("gate to an outer ring", 0, "int 0x31", "int_gate 0x31, CODE3, report, 0xEE", 2,
             section),
        Case("gate to code not present", 3, "int 0x31",
             "descriptor A, 0, 0xFFFFF, 0x1A, 0xC\nint_gate 0x31, A, report, 0xEE", 2, section),
        Case("gate beyond the GDT", 3, "int 0x31", "int_gate 0x31, 0x1000, report, 0xEE", 2,
             section),
        Case("gate to ring 1 takes that ring's stack", 3, "nop\nint 0x31\n.back:\nnop",
             "int_gate 0x31, CODE1, .inner, 0xEE\nret\n.inner:\nmov eax, [esp]\nmov ebx, [esp + 4]"
             "\nmov ecx, [esp + 8]\nmov edx, [esp + 12]\nmov esi, [esp + 16]\nmov edi, ss"
             "\nint 0x30", 2, section),
        Case("gate to ring 1 with a null stack", 3, "int 0x31",
             "int_gate 0x31, CODE1, report, 0xEE\nmov dword [TSS_PLACE + 16], 0", 2, section),
        Case("gate to ring 1 with a stack of ring 3", 3, "int 0x31",
             "int_gate 0x31, CODE1, report, 0xEE\nmov dword [TSS_PLACE + 16], DATA3", 2, section),
        Case("gate to ring 1 with a stack not present", 3, "int 0x31",
             "int_gate 0x31, CODE1, report, 0xEE\ndescriptor A, 0, 0xFFFFF, 0x32, 0xC\n"
             "mov dword [TSS_PLACE + 16], A + 1", 2, section),
        Case("gate to ring 1 with a stack without room", 3, "int 0x31",
             "int_gate 0x31, CODE1, report, 0xEE\ndescriptor A, 0, 7, 0xB2, 4\n"
             "mov dword [TSS_PLACE + 16], A + 1\nmov dword [TSS_PLACE + 12], 8", 2, section),
        Case("conforming handler stays in ring 3", 3, "nop\nint 0x31",
             "descriptor A, 0, 0xFFFFF, 0x9E, 0xC\nint_gate 0x31, A, .inner, 0xEE\nret\n.inner:"
             "\nmov eax, [esp]\nmov ebx, [esp + 4]\nmov edi, cs\nint 0x30", 2, section),
        Case("16-bit interrupt gate", 3, "nop\nint 0x31",
             "descriptor A, 0x100000, 0xFFFF, 0xBA, 4\n"
             "int_gate 0x31, A + 1, .inner - 0x100000, 0xE6\nret\n.inner:"
             "\nmovzx eax, word [esp]\nadd eax, 0x100000\nmov ebx, [esp + 4]\n"
             "movzx ecx, word [esp + 8]\nmov edi, esp\nint 0x30", 2, section),
    ]


def _looks() -> list[Case]:
    s = "Vol. 2, LAR"
    cases = []
    for name, selector in [
        ("its own code", "CODE3"), ("its own data", "DATA3"), ("data of ring 0", "KDATA"),
        ("code of ring 0", "KCODE"), ("the TSS", "TSS"), ("the LDT", "LDT"), ("null", "0"),
        ("a selector beyond the GDT", "0x1000"), ("its data with RPL 0", "DATA3 - 3"),
    ]:
        for op in ("lar", "lsl"):
            cases.append(Case(f"{op} of {name} at ring 3", 3,
                              f"mov ecx, {selector}\n{op} eax, cx", "", 2, s))
        for op in ("verr", "verw"):
            cases.append(Case(f"{op} of {name} at ring 3", 3, f"mov ecx, {selector}\n{op} cx", "",
                              2, s))
    for op in ("lar eax, cx", "lsl eax, cx", "verr cx", "verw cx"):
        cases.append(Case(f"{op[:4].strip()} of data of ring 0 at ring 1", 1,
                          f"mov ecx, KDATA\n{op}", "", 2, s))
    gates = [
        ("a call gate", "call_gate A, KCODE, report, 0, 0xEC"),
        ("an interrupt gate", "call_gate A, KCODE, report, 0, 0xEE"),
        ("a task gate", "call_gate A, KCODE, report, 0, 0xE5"),
        ("conforming code of ring 0", "descriptor A, 0, 0xFFFFF, 0x9E, 0xC"),
        ("execute-only code", "descriptor A, 0, 0xFFFFF, 0xF8, 0xC"),
        ("a small segment", "descriptor A, 0, 0x1234, 0xF2, 4"),
        ("a segment not present", "descriptor A, 0, 0x1234, 0x72, 4"),
        ("a reserved type", "descriptor A, 0, 0x1234, 0xE8, 0"),
    ]
    for name, setup in gates:
        for op in ("lar eax, cx", "lsl eax, cx", "verr cx", "verw cx"):
            cases.append(Case(f"{op[:4].strip()} of {name}", 3, f"mov ecx, A + 3\n{op}", setup, 2,
                              s))
    cases += [
        Case("lar of 16 bits", 3, "mov ecx, DATA3\nlar ax, cx", "", 2, s),
        Case("lsl counts pages into bytes", 3, "mov ecx, A + 3\nlsl eax, cx",
             "descriptor A, 0, 1, 0xF2, 0xC", 2, "Vol. 2, LSL"),
        Case("arpl raises", 3, "mov eax, 0x08\nmov ecx, 3\narpl ax, cx", "", 2, "Vol. 2, ARPL"),
        Case("arpl leaves", 3, "mov eax, 0x0B\nmov ecx, 1\narpl ax, cx", "", 2, "Vol. 2, ARPL"),
    ]
    return cases


def _system() -> list[Case]:
    s = "Vol. 3, 6.9"
    cases = []
    for text in (
        "hlt", "clts", "lgdt [SCRATCH]", "lidt [SCRATCH]", "lldt ax", "ltr ax", "lmsw ax",
        "mov eax, cr0", "mov cr0, eax", "mov cr2, eax", "mov eax, cr3", "mov cr4, eax",
        "mov eax, dr7", "mov dr0, eax", "invlpg [SCRATCH]", "wbinvd", "invd", "rdmsr", "wrmsr",
    ):
        for ring in (1, 3):
            cases.append(Case(f"{text} at ring {ring}", ring, text, "", 2, s))
    for text in ("str ax", "sldt ax", "smsw ax"):
        cases.append(Case(f"{text} at ring 3 reveals", 3, f"xor eax, eax\n{text}", "", 2, s))
    for text in ("sgdt", "sidt"):
        cases.append(Case(f"{text} at ring 3 reveals", 3,
                          f"{text} [SCRATCH]\nmovzx eax, word [SCRATCH]", "", 2, s))
    cases += [
        Case("smsw eax", 3, "smsw eax", "", 2, "Vol. 2, SMSW"),
        Case("rdtsc at ring 3 when forbidden", 3, "rdtsc", "mov eax, 4\nmov cr4, eax", 2,
             "Vol. 2, RDTSC"),
        Case("lmsw cannot leave protected mode", 0, "xor eax, eax\nlmsw ax\nmov eax, cr0", "", 2,
             "Vol. 2, LMSW"),
        Case("lmsw sets TS", 0, "mov eax, 0x9\nlmsw ax\nmov eax, cr0", "", 2, "Vol. 2, LMSW"),
        Case("clts", 0, "mov eax, 9\nlmsw ax\nclts\nmov eax, cr0", "", 2, "Vol. 2, CLTS"),
        Case("cr0: paging without protection", 0, "mov eax, 0x80000010\nmov cr0, eax", "", 2,
             "Vol. 2, MOV CR"),
        Case("cr0: NW without CD", 0, "mov eax, 0xA0000011\nmov cr0, eax", "", 2, "Vol. 2, MOV CR"),
        Case("cr1", 0, "db 0x0F, 0x20, 0xC8", "", 2, "Vol. 2, MOV CR"),
        Case("cr4: a reserved bit", 0, "mov eax, 0x80000000\nmov cr4, eax", "", 2,
             "Vol. 2, MOV CR"),
        Case("ltr of null", 0, "xor eax, eax\nltr ax", "", 2, "Vol. 2, LTR"),
        Case("ltr of a busy task", 0, "mov eax, TSS\nltr ax", "", 2, "Vol. 2, LTR"),
        Case("ltr of data", 0, "mov eax, KDATA\nltr ax", "", 2, "Vol. 2, LTR"),
        Case("ltr not present", 0, "mov eax, A\nltr ax", "descriptor A, 0, 0x67, 0x09, 0", 2,
             "Vol. 2, LTR"),
        Case("ltr of an LDT selector", 0, "mov eax, L0\nltr ax", "", 2, "Vol. 2, LTR"),
        Case("ltr marks the task busy", 0, "mov eax, A\nltr ax\nmov eax, [gdt + A + 4]",
             "descriptor A, 0x50200, 0x67, 0x89, 0", 2, "Vol. 2, LTR"),
        Case("lldt of data", 0, "mov eax, KDATA\nlldt ax", "", 2, "Vol. 2, LLDT"),
        Case("lldt not present", 0, "mov eax, A\nlldt ax", "descriptor A, 0, 0x67, 0x02, 0", 2,
             "Vol. 2, LLDT"),
        Case("lldt beyond the GDT", 0, "mov eax, 0x1000\nlldt ax", "", 2, "Vol. 2, LLDT"),
        Case("ud2", 3, "ud2", "", 2, "Vol. 2, UD"),
        Case("lock on an instruction without it", 3, "db 0xF0\nnop", "", 2, "Vol. 2, LOCK"),
        Case("lock on a register destination", 3, "db 0xF0, 0x01, 0xC0", "", 2, "Vol. 2, LOCK"),
        Case("an instruction of 16 bytes", 3, "times 15 db 0x66\nnop", "", 2, "Vol. 3, 7.15 #GP"),
        Case("lgdt of a register", 0, "db 0x0F, 0x01, 0xD0", "", 2, "Vol. 2, LGDT"),
        Case("bound of a register", 3, "db 0x62, 0xC0", "", 2, "Vol. 2, BOUND"),
        Case("lea of a register", 3, "db 0x8D, 0xC0", "", 2, "Vol. 2, LEA"),
        Case("mov to segment 6", 3, "db 0x8E, 0xF0", "", 2, "Vol. 2, MOV"),
    ]
    return cases


RINGS: tuple[Case, ...] = (
    *_io(),
    *_flags(),
    *_gates(),
    *_looks(),
    *_system(),
)
