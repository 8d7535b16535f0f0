"""Exceptions, interrupts, windows, the timer and event injection.

Bochs 2.7 cannot be asked about the monitor trap flag and about a halted guest that leaves without
an interrupt; tests/machine/test_vmx_events.py holds those to the manual.
"""

from __future__ import annotations

from bochs_vmx_case import VmxCase

SKIP = "cmp eax, 1\nja .stop\ncall skip\nret"  # behind the first exit
INTERRUPTS, NMIS, VIRTUAL_NMIS, TIMER = 1 << 0, 1 << 3, 1 << 5, 1 << 6
INTERRUPT_WINDOW, HLT, NMI_WINDOW = 1 << 2, 1 << 7, 1 << 22
ACKNOWLEDGE, SAVE_TIMER = 1 << 15, 1 << 22
VALID, ERROR = 1 << 31, 1 << 11


def catch(*vectors: int) -> str:
    """Set bits of the exception bitmap."""
    return f"set 0x4004, {sum(1 << vector for vector in vectors):#x}\n"


def inject(vector: int, kind: int, error: int | None = None, length: int = 0) -> str:
    """Ask for an event."""
    event = vector | kind << 8 | VALID | (0 if error is None else ERROR)
    return f"put 0x4016, {event:#x}\nput 0x4018, {error or 0:#x}\nput 0x401A, {length}\n"


def _exceptions() -> list[VmxCase]:
    section, during = "26.2", "28.2.4"
    no_gate = "mov dword [GUEST_IDT + 13 * 8 + 4], 0\n"
    touch = "mov eax, [WINDOW + 0x123]"
    gone = "mov dword [GUEST_TABLE], 0\n"
    return [
        VmxCase("ud2 caught", "nop\nud2", catch(6), section=section),
        VmxCase("ud2 not caught", "ud2", section=section),
        VmxCase("divide error caught", "xor ecx, ecx\nnop\ndiv ecx", catch(0), section=section),
        VmxCase("general protection with its error code", "mov eax, 0x1230\nmov ds, ax",
                catch(13), section=section),
        VmxCase("hlt in ring 3 with #GP caught", "hlt", "call ring_3\n" + catch(13),
                section=section),
        VmxCase("page fault caught", touch, catch(14) + gone, section=section),
        VmxCase("page fault not caught", touch, gone, section=section),
        VmxCase("page fault on a write from ring 3", "mov [WINDOW + 0x456], eax",
                "call ring_3\nmov dword [GUEST_TABLE], 0x300005\n" + catch(14), section=section),
        VmxCase("page fault that matches", touch, catch(14) + gone + "put 0x4006, 1\nput 0x4008, 0",
                section=section),
        VmxCase("page fault that does not match", touch,
                catch(14) + gone + "put 0x4006, 1\nput 0x4008, 1", section=section),
        VmxCase("page fault that does not match, bit clear", touch,
                gone + "put 0x4006, 1\nput 0x4008, 1", section=section),
        VmxCase("page fault that matches, bit clear", touch,
                gone + "put 0x4006, 1\nput 0x4008, 0", section=section),
        VmxCase("cr2 stays when a page fault is caught",
                "mov eax, 0x5555\nmov cr2, eax\n" + touch, catch(14) + gone,
                "cmp eax, 1\njne .stop\nmov eax, cr2\nmov [esp + 32], eax\ncall skip\n"
                "put 0x681E, guest_door\nclc\nret",
                section=section),
        VmxCase("int3 caught", "int3", catch(3), section=section),
        VmxCase("int3 not caught", "int3", section=section),
        VmxCase("int 3 in two bytes is no exception", "db 0xCD, 3", catch(3), section=section),
        VmxCase("into caught", "mov al, 0x7F\ninc al\ninto", catch(4), section=section),
        VmxCase("into without overflow", "xor eax, eax\ninto", catch(4), section=section),
        VmxCase("single step caught", "push dword 0x102\npopf\nnop\nnop", catch(1),
                section=section),
        VmxCase("single step not caught", "push dword 0x102\npopf\nnop\nnop", section=section),
        VmxCase("a fault sets RF in the saved flags", "ud2", catch(6) + "put 0x6820, 0x10002",
                section="28.3.3"),
        VmxCase("an instruction clears RF in the saved flags", "cpuid", "put 0x6820, 0x10002",
                section="28.3.3"),
        VmxCase("int n goes through the guest's own gate", "int 0x21", section=section),
        VmxCase("int n that may not", "int 0x21", "call ring_3\n" + catch(13), section=during),
        VmxCase("int3 that may not", "int3", "call ring_3\n" + catch(13), section=during),
        VmxCase("general protection without a gate", "mov eax, 0x1230\nmov ds, ax",
                no_gate + catch(8), section=during),
        VmxCase("its delivery caught first", "ud2",
                "mov dword [GUEST_IDT + 6 * 8 + 4], 0\n" + catch(13), section=during),
        VmxCase("a second page fault caught while delivering", touch,
                gone + "put 0x6818, WINDOW + 0x1000\nmov dword [GUEST_TABLE + 4], 0\n"
                + catch(14) + "put 0x4006, 2\nput 0x4008, 2", section=during),
        VmxCase("a double fault not caught", touch,
                gone + "mov dword [GUEST_IDT + 14 * 8 + 4], 0", section=during),
        VmxCase("a double fault caught", touch,
                gone + "mov dword [GUEST_IDT + 14 * 8 + 4], 0\n" + catch(8), section=during),
        VmxCase("triple fault", "ud2", "put 0x4812, 0", section="26.2"),
        VmxCase("triple fault with a pending error code", "mov eax, 0x1230\nmov ds, ax",
                "put 0x4812, 0", section="26.2"),
    ]


def _task_switches() -> list[VmxCase]:
    section = "26.4.2"
    return [
        VmxCase("jmp to a TSS", "jmp TASK:0", section=section),
        VmxCase("call of a TSS", "call TASK:0", section=section),
        VmxCase("jmp through a task gate", "jmp TASK_GATE:0", section=section),
        VmxCase("int through a task gate", "int 0x21",
                "mov dword [GUEST_IDT + 0x21 * 8], TASK << 16\n"
                "mov dword [GUEST_IDT + 0x21 * 8 + 4], 0xE500", section=section),
        VmxCase("exception through a task gate", "mov eax, 0x1230\nmov ds, ax",
                "mov dword [GUEST_IDT + 13 * 8], TASK << 16\n"
                "mov dword [GUEST_IDT + 13 * 8 + 4], 0xE500", section=section),
        VmxCase("iret of a nested task", "push dword 0x4002\npopf\niret",
                "mov dword [GUEST_TSS_PLACE], TASK\nmov byte [gdt + TASK + 5], 0x8B",
                section=section),
        VmxCase("jmp to the busy TSS faults first", "jmp GUEST_TSS:0", catch(13),
                section=section),
    ]


def _interrupts() -> list[VmxCase]:
    section = "26.2"
    pin, soon = f"set 0x4000, {INTERRUPTS}\n", "call timer_soon\n"
    wait = ".here: jmp .here"
    return [
        # (Bochs looks at the pin control only when the guest itself changes IF, hence the CLI.)
        VmxCase("interrupt", "cli\n" + wait, pin + soon + "put 0x6820, 0x202", section=section),
        VmxCase("interrupt with IF set", "sti\n" + wait, pin + soon, section=section),
        VmxCase("interrupt, acknowledged", "sti\n" + wait,
                pin + soon + f"set 0x400C, {ACKNOWLEDGE:#x}", section=section),
        VmxCase("interrupt of a halted guest", "sti\nhlt", pin + soon, section="28.3.4"),
        VmxCase("interrupt through the guest's IDT", "sti\n" + wait, soon, section=section),
        VmxCase("a halted guest is woken by its interrupt", "sti\nhlt\nmov eax, 7", soon, SKIP,
                section=section),
        VmxCase("window at once", "nop", f"set 0x4002, {INTERRUPT_WINDOW}\nput 0x6820, 0x202",
                section=section),
        VmxCase("window once sti has passed", "nop\nsti\nnop\nnop",
                f"set 0x4002, {INTERRUPT_WINDOW}", section=section),
        VmxCase("window opened by popf", "push dword 0x202\npopf\nnop\nnop",
                f"set 0x4002, {INTERRUPT_WINDOW}", section=section),
        VmxCase("no window behind mov ss", "mov eax, KDATA\nmov ss, ax\nnop\nnop",
                f"set 0x4002, {INTERRUPT_WINDOW}\nput 0x6820, 0x202\nput 0x4824, 1",
                section=section),
        VmxCase("no window without IF", "nop", f"set 0x4002, {INTERRUPT_WINDOW}", section=section),
        VmxCase("hlt behind sti saves the blocking", "sti\nhlt", f"set 0x4002, {HLT}",
                section="28.3.4"),
        VmxCase("cpuid behind mov ss saves the blocking", "mov eax, KDATA\nmov ss, ax\ncpuid",
                section="28.3.4"),
        VmxCase("a caught fault behind sti saves the blocking", "sti\nud2", catch(6),
                section="28.3.4"),
    ]


def _timer() -> list[VmxCase]:
    section = "26.5.1"
    pin = f"set 0x4000, {TIMER}\n"
    save = f"set 0x400C, {SAVE_TIMER:#x}\n"
    wait = ".here: jmp .here"
    return [
        VmxCase("timer of nothing", "nop", pin, section="27.7.4"),
        VmxCase("timer", wait, pin + "put 0x482E, 50", section=section),
        VmxCase("timer, saved", wait, pin + save + "put 0x482E, 50", section=section),
        VmxCase("timer that is not saved", wait, pin + "put 0x482E, 9", section=section),
        VmxCase("timer of a halted guest", "hlt", pin + save + "put 0x482E, 50", section=section),
        VmxCase("timer that does not run out", "nop", pin + "put 0x482E, 100000",
                section=section),
        VmxCase("timer of nothing, behind an injected event", "nop", pin + inject(0x21, 0)
                + "put 0x6820, 0x202", section="27.7.4"),
    ]


def _injection() -> list[VmxCase]:
    section = "27.6"
    return [
        VmxCase("interrupt injected", "nop", inject(0x21, 0) + "put 0x6820, 0x202",
                section=section),
        VmxCase("interrupt injected, and what the guest returns to", "nop\nmov eax, 9",
                inject(0x21, 0) + "put 0x6820, 0x202", SKIP, section=section),
        VmxCase("exception injected", "nop", inject(6, 3), section=section),
        VmxCase("exception injected with error code", "nop", inject(13, 3, 0x1234),
                section=section),
        VmxCase("page fault injected leaves cr2", "nop", inject(14, 3, 7), section=section),
        VmxCase("exception injected is not caught itself", "nop", inject(13, 3, 0) + catch(13),
                section=section),
        VmxCase("exception injected without a gate", "nop",
                inject(6, 3) + "mov dword [GUEST_IDT + 6 * 8 + 4], 0\n" + catch(13),
                section=section),
        VmxCase("general protection injected without a gate", "nop",
                inject(13, 3, 0x50) + "mov dword [GUEST_IDT + 13 * 8 + 4], 0\n" + catch(8),
                section=section),
        VmxCase("software interrupt injected", "int 0x21", inject(0x21, 4, None, 2),
                section=section),
        VmxCase("software interrupt injected into ring 3", "int 0x21",
                "call ring_3\n" + inject(0x21, 4, None, 2) + catch(13), section=section),
        VmxCase("int3 injected", "int3", inject(3, 6, None, 1), section=section),
        VmxCase("int3 injected into ring 3", "int3",
                "call ring_3\n" + inject(3, 6, None, 1), section=section),
        VmxCase("privileged software exception injected", "nop", inject(1, 5, None, 1),
                section=section),
        VmxCase("interrupt injected into ring 3 switches stacks", "nop",
                "call ring_3\nput 0x6820, 0x202\n" + inject(0x21, 0), section=section),
        VmxCase("interrupt injected into a halted guest", "nop",
                inject(0x21, 0) + "put 0x6820, 0x202\nput 0x4826, 1", section=section),
        VmxCase("nmi injected blocks nmis", "nop", inject(2, 2), section="27.6.1.2"),
        VmxCase("nmi window", "nop",
                f"set 0x4000, {NMIS | VIRTUAL_NMIS:#x}\nset 0x4002, {NMI_WINDOW:#x}",
                section="26.2"),
        VmxCase("nmi window behind iret", "push dword 2\npush cs\npush dword .there\niret\n"
                ".there: nop\nnop",
                f"set 0x4000, {NMIS | VIRTUAL_NMIS:#x}\nset 0x4002, {NMI_WINDOW:#x}\n"
                "put 0x4824, 8", section="26.2"),
        VmxCase("iret keeps nmi blocking when nmis exit", "push dword 2\npush cs\n"
                "push dword .there\niret\n.there: nop\nnop",
                f"set 0x4000, {NMIS:#x}\nput 0x4824, 8", section="26.3"),
        VmxCase("iret that faults has unblocked nmis", "push dword 2\npush dword 0x1230\n"
                "push dword 0\niret", catch(13) + f"set 0x4000, {NMIS | VIRTUAL_NMIS:#x}\n"
                "put 0x4824, 8", section="28.2.3"),
        VmxCase("the request is gone after the exit", "nop",
                inject(0x21, 0) + "put 0x6820, 0x202",
                "cmp eax, 1\njne .stop\nmov edx, 0x4016\nvmread eax, edx\nmov [esp + 32], eax\n"
                "clc\nret", section="28.2"),
        VmxCase("a pending single step", "nop\nnop", "put 0x6822, 0x4000\nput 0x6820, 0x102\n"
                + catch(1), section="27.7.3"),
        VmxCase("a pending single step held back by mov ss", "nop\nnop",
                "put 0x6822, 0x4000\nput 0x6820, 0x102\nput 0x4824, 2\n" + catch(1),
                section="27.7.3"),
    ]


CASES = [*_exceptions(), *_task_switches(), *_interrupts(), *_timer(), *_injection()]
