"""The sixteen conditions and everything that tests them: Jcc, SETcc, CMOVcc (SDM vol. 1, B)."""

from __future__ import annotations

from collections.abc import Callable

from ringside.isa.row import Row


def jump_o(of: int, target: int, eip_next: int) -> int:
    return target if of else eip_next


def jump_no(of: int, target: int, eip_next: int) -> int:
    return eip_next if of else target


def jump_b(cf: int, target: int, eip_next: int) -> int:
    return target if cf else eip_next


def jump_ae(cf: int, target: int, eip_next: int) -> int:
    return eip_next if cf else target


def jump_e(zf: int, target: int, eip_next: int) -> int:
    return target if zf else eip_next


def jump_ne(zf: int, target: int, eip_next: int) -> int:
    return eip_next if zf else target


def jump_be(be: int, target: int, eip_next: int) -> int:
    return target if be else eip_next


def jump_a(be: int, target: int, eip_next: int) -> int:
    return eip_next if be else target


def jump_s(sf: int, target: int, eip_next: int) -> int:
    return target if sf else eip_next


def jump_ns(sf: int, target: int, eip_next: int) -> int:
    return eip_next if sf else target


def jump_p(pf: int, target: int, eip_next: int) -> int:
    return target if pf else eip_next


def jump_np(pf: int, target: int, eip_next: int) -> int:
    return eip_next if pf else target


def jump_l(lt: int, target: int, eip_next: int) -> int:
    return target if lt else eip_next


def jump_ge(lt: int, target: int, eip_next: int) -> int:
    return eip_next if lt else target


def jump_le(le: int, target: int, eip_next: int) -> int:
    return target if le else eip_next


def jump_g(le: int, target: int, eip_next: int) -> int:
    return eip_next if le else target


def set_o(of: int) -> int:
    return of


def set_no(of: int) -> int:
    return of ^ 1


def set_b(cf: int) -> int:
    return cf


def set_ae(cf: int) -> int:
    return cf ^ 1


def set_e(zf: int) -> int:
    return zf


def set_ne(zf: int) -> int:
    return zf ^ 1


def set_be(be: int) -> int:
    return be


def set_a(be: int) -> int:
    return be ^ 1


def set_s(sf: int) -> int:
    return sf


def set_ns(sf: int) -> int:
    return sf ^ 1


def set_p(pf: int) -> int:
    return pf


def set_np(pf: int) -> int:
    return pf ^ 1


def set_l(lt: int) -> int:
    return lt


def set_ge(lt: int) -> int:
    return lt ^ 1


def set_le(le: int) -> int:
    return le


def set_g(le: int) -> int:
    return le ^ 1


def move_o(a: int, b: int, of: int) -> int:
    return b if of else a


def move_no(a: int, b: int, of: int) -> int:
    return a if of else b


def move_b(a: int, b: int, cf: int) -> int:
    return b if cf else a


def move_ae(a: int, b: int, cf: int) -> int:
    return a if cf else b


def move_e(a: int, b: int, zf: int) -> int:
    return b if zf else a


def move_ne(a: int, b: int, zf: int) -> int:
    return a if zf else b


def move_be(a: int, b: int, be: int) -> int:
    return b if be else a


def move_a(a: int, b: int, be: int) -> int:
    return a if be else b


def move_s(a: int, b: int, sf: int) -> int:
    return b if sf else a


def move_ns(a: int, b: int, sf: int) -> int:
    return a if sf else b


def move_p(a: int, b: int, pf: int) -> int:
    return b if pf else a


def move_np(a: int, b: int, pf: int) -> int:
    return a if pf else b


def move_l(a: int, b: int, lt: int) -> int:
    return b if lt else a


def move_ge(a: int, b: int, lt: int) -> int:
    return a if lt else b


def move_le(a: int, b: int, le: int) -> int:
    return b if le else a


def move_g(a: int, b: int, le: int) -> int:
    return a if le else b


# Suffix, flags read, words, and the three functions, in the order of the opcode's low four bits.
CONDITIONS: tuple[
    tuple[str, tuple[str, ...], str, Callable[..., int], Callable[..., int], Callable[..., int]],
    ...,
] = (
    ("o", ("of",), "overflow", jump_o, set_o, move_o),
    ("no", ("of",), "no overflow", jump_no, set_no, move_no),
    ("b", ("cf",), "below (unsigned)", jump_b, set_b, move_b),
    ("ae", ("cf",), "above or equal (unsigned)", jump_ae, set_ae, move_ae),
    ("e", ("zf",), "equal", jump_e, set_e, move_e),
    ("ne", ("zf",), "not equal", jump_ne, set_ne, move_ne),
    ("be", ("cf", "zf"), "below or equal (unsigned)", jump_be, set_be, move_be),
    ("a", ("cf", "zf"), "above (unsigned)", jump_a, set_a, move_a),
    ("s", ("sf",), "negative", jump_s, set_s, move_s),
    ("ns", ("sf",), "not negative", jump_ns, set_ns, move_ns),
    ("p", ("pf",), "parity even", jump_p, set_p, move_p),
    ("np", ("pf",), "parity odd", jump_np, set_np, move_np),
    ("l", ("sf", "of"), "less (signed)", jump_l, set_l, move_l),
    ("ge", ("sf", "of"), "greater or equal (signed)", jump_ge, set_ge, move_ge),
    ("le", ("zf", "sf", "of"), "less or equal (signed)", jump_le, set_le, move_le),
    ("g", ("zf", "sf", "of"), "greater (signed)", jump_g, set_g, move_g),
)

# Other spellings the assembler accepts; the table and the disassembler use the names above.
ALIASES = {
    "c": "b", "nae": "b", "nb": "ae", "nc": "ae", "z": "e", "nz": "ne", "na": "be", "nbe": "a",
    "pe": "p", "po": "np", "nge": "l", "nl": "ge", "ng": "le", "nle": "g",
}  # fmt: skip


JUMPS: tuple[Row, ...] = tuple(
    Row(
        "j" + suffix, (f"{0x70 + code:02X} cb | Jb", f"0F {0x80 + code:02X} cz | Jz"), jump,
        f"Jumps if {words}.", gives=("eip",), reads_flags=reads, kind="branch",
    )
    for code, (suffix, reads, words, jump, _, _) in enumerate(CONDITIONS)
)  # fmt: skip

SETS: tuple[Row, ...] = tuple(
    Row(
        "set" + suffix, (f"0F {0x90 + code:02X} /r | Eb",), put,
        f"Stores 1 if {words}, else 0.", gives=("1",), reads_flags=reads,
    )
    for code, (suffix, reads, words, _, put, _) in enumerate(CONDITIONS)
)  # fmt: skip

MOVES: tuple[Row, ...] = tuple(
    Row(
        "cmov" + suffix, (f"0F {0x40 + code:02X} /r | Gv Ev",), move,
        f"Copies the source if {words}; the source is read either way.",
        gives=("1",), reads_flags=reads,
    )
    for code, (suffix, reads, words, _, _, move) in enumerate(CONDITIONS)
)  # fmt: skip

ROWS = JUMPS + SETS + MOVES
