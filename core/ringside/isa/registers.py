"""Register numbers and EFLAGS bits, as IA-32 encodes them (SDM vol. 1, 3.4)."""

from __future__ import annotations

EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI = range(8)
ES, CS, SS, DS, FS, GS = range(6)

NAMES8 = ("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh")
NAMES16 = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
NAMES32 = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
SEGMENT_NAMES = ("es", "cs", "ss", "ds", "fs", "gs")

# EFLAGS (SDM vol. 1, figure 3-8)
FLAG_CF = 1 << 0
FLAG_ONE = 1 << 1  # always set
FLAG_PF = 1 << 2
FLAG_AF = 1 << 4
FLAG_ZF = 1 << 6
FLAG_SF = 1 << 7
FLAG_TF = 1 << 8
FLAG_IF = 1 << 9
FLAG_DF = 1 << 10
FLAG_OF = 1 << 11
FLAG_IOPL = 3 << 12
FLAG_NT = 1 << 14
FLAG_RF = 1 << 16
FLAG_VM = 1 << 17
FLAG_AC = 1 << 18
FLAG_VIF = 1 << 19
FLAG_VIP = 1 << 20
FLAG_ID = 1 << 21

IOPL_SHIFT = 12
STATUS_FLAGS = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF
STATUS_FLAG_BITS = {
    "cf": FLAG_CF,
    "pf": FLAG_PF,
    "af": FLAG_AF,
    "zf": FLAG_ZF,
    "sf": FLAG_SF,
    "of": FLAG_OF,
}
