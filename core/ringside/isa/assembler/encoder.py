"""Operands and values into the bytes of one instruction (SDM vol. 2A, chapter 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ringside.isa.assembler.expressions import Expr
from ringside.isa.assembler.forms import Encoding, lookup, mismatch, select
from ringside.isa.assembler.lexer import Token
from ringside.isa.assembler.operands import IMM, MEM, REG, Operand
from ringside.isa.assembler.problems import Mistake, shown, span

SEGMENT_PREFIX = (0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65)
OPERAND_SIZE = 0x66
ADDRESS_SIZE = 0x67
_SCALE = {1: 0x00, 2: 0x40, 4: 0x80, 8: 0xC0}
_FIELD_BITS = {"ib": 8, "iw": 16, "id": 32, "cb": 8}


COMMUTATIVE = frozenset({"test", "xchg"})  # the table has one order; either may be written


def _written_out(token: Token, operands: Sequence[Operand]) -> Sequence[Operand]:
    """The operands with those that may be left out: ``imul eax, 5``, ``aam``."""
    if token.word == "imul" and len(operands) == 2 and operands[1].kind == IMM:
        return (operands[0], *operands)
    if token.word in ("aam", "aad") and not operands:
        base = Operand(IMM, token)
        base.expr = Expr(token, 10)
        return (base,)
    if token.word == "xchg" and [operand.kind for operand in operands] == [REG, REG]:
        accumulator = operands[0].number == 0 and operands[0].bits > 8
        return operands if accumulator else operands[::-1]  # EAX first has a one-byte form
    return operands


class Instruction:
    """An instruction of the source, its possible encodings chosen, its values still open.

    ``prefixes`` are the bytes of lock, rep and segment words; ``operand_size`` and
    ``address_size`` what o16/o32 and a16/a32 ask for (0: nothing). ``wide`` gives up the
    encodings that only some values fit; the layout sets it once and then the length is final.
    """

    __slots__ = (
        "address_size",
        "bits",
        "encodings",
        "is_fixed",
        "mnemonic",
        "operand_size",
        "operands",
        "prefixes",
        "token",
        "wide",
    )

    def __init__(
        self,
        token: Token,
        operands: Sequence[Operand],
        bits: int,
        prefixes: bytes = b"",
        operand_size: int = 0,
        address_size: int = 0,
    ) -> None:
        self.token = token
        self.mnemonic = token.word
        operands = self.operands = _written_out(token, operands)
        self.bits = bits
        self.prefixes = prefixes
        self.operand_size = operand_size or lookup(self.mnemonic)[1]
        self.address_size = address_size
        self.wide = any(operand.strict for operand in operands)
        shapes = tuple(operand.shape for operand in operands)
        chosen = select(self.mnemonic, shapes, bits, operand_size)
        if chosen == () and self.mnemonic in COMMUTATIVE and len(operands) == 2:
            chosen = select(self.mnemonic, shapes[::-1], bits, operand_size)
            self.operands = operands if chosen == () else operands[::-1]
        if isinstance(chosen, int):
            raise self.operands[chosen].token.mistake(
                "the size of this memory operand is not known",
                "`byte`, `word` or `dword` before `[`",
            )
        if not chosen:
            raise mismatch(token, operands)
        self.encodings = chosen
        self.is_fixed = all(operand.is_fixed for operand in operands) and not any(
            spec.letter == "J" for spec in chosen[0].specs
        )

    def bytes_at(self, address: int, symbols: Mapping[str, int]) -> bytes:
        """The shortest encoding at this address. Raises Mistake if a value fits none."""
        operands = self.operands
        values = [o.expr.value(symbols) if o.expr is not None else 0 for o in operands]
        best: bytes | None = None
        encodings: Sequence[Encoding] = self.encodings
        if self.wide and len(encodings) > 1:
            encodings = [e for e in encodings if not e.short] or encodings
        for encoding in encodings:
            code = self._encode(encoding, values, address, symbols)
            if code is not None and (best is None or len(code) < len(best)):
                best = code
        if best is None:
            raise self._why(values, address)
        return best

    def _encode(
        self, encoding: Encoding, values: list[int], address: int, symbols: Mapping[str, int]
    ) -> bytes | None:
        form = encoding.form
        operands = self.operands
        for spec, value in zip(encoding.specs, values, strict=True):
            if spec.constant is not None and spec.constant != value:
                return None
        out = bytearray(self.prefixes)
        memory = next((o for o in operands if o.kind == MEM), None)
        if memory is not None and memory.segment is not None:
            out.append(SEGMENT_PREFIX[memory.segment])
        size = encoding.operand_bits or self.operand_size
        if size and size != self.bits:
            out.append(OPERAND_SIZE)
        wanted = memory.address_bits if memory is not None else 0
        address_bits = form.address_bits or self.address_size or wanted or self.bits
        if address_bits != self.bits:
            out.append(ADDRESS_SIZE)
        if form.prefix is not None:
            out.append(form.prefix)
        out += form.opcode
        if encoding.plus >= 0:
            out[-1] += operands[encoding.plus].number
        if form.modrm is not None:
            reg = operands[encoding.reg].number if form.modrm == "r" else int(form.modrm)
            if encoding.rm < 0:  # a form such as `imul Gv Iz` would say Ev twice
                return None
            rm = operands[encoding.rm]
            if rm.kind == MEM:
                if not self._memory(out, rm, reg << 3, values[encoding.rm], address_bits):
                    return None
            else:
                out.append(0xC0 | reg << 3 | rm.number)
        for field, index in encoding.immediates:
            value = values[index]
            if field[0] == "c":
                if not self._relative(out, encoding, field, value, address):
                    return None
            elif not self._immediate(out, encoding, field, index, value, address_bits, symbols):
                return None
        return bytes(out)

    def _memory(
        self, out: bytearray, operand: Operand, reg: int, value: int, address_bits: int
    ) -> bool:
        """ModRM, SIB and displacement; False if the displacement does not fit."""
        if not _fits(value, address_bits):
            return False
        value &= (1 << address_bits) - 1
        near = value if value < 0x80 else value - (1 << address_bits)
        base, index = operand.base, operand.index
        if base is None and index is None:
            out.append(reg | (6 if address_bits == 16 else 5))
            out += value.to_bytes(address_bits // 8, "little")
            return True
        if address_bits == 16:
            assert base is not None
            low, sib, needs = base, None, base == 6
        elif index is not None or base == 4:
            low, needs = 4, base == 5
            sib = _SCALE[operand.scale] | (4 if index is None else index) << 3
            sib |= 5 if base is None else base
        else:
            assert base is not None
            low, sib, needs = base, None, base == 5
        full = address_bits
        forced = operand.displacement_bits
        if forced == 8 and not -128 <= near < 128:
            return False
        constant = operand.expr is not None and operand.expr.const is not None
        if base is None:
            mode, length = 0x00, full
        elif forced > 8 or (self.wide and not constant):
            mode, length = 0x80, full
        elif not value and not needs and not forced:
            mode, length = 0x00, 0
        elif -128 <= near < 128:
            mode, length = 0x40, 8
        else:
            mode, length = 0x80, full
        out.append(mode | reg | low)
        if sib is not None:
            out.append(sib)
        if length:
            out += (value & ((1 << length) - 1)).to_bytes(length // 8, "little")
        return True

    def _relative(
        self, out: bytearray, encoding: Encoding, field: str, target: int, address: int
    ) -> bool:
        size = encoding.operand_bits or self.operand_size or self.bits
        bits = 8 if field == "cb" else size
        distance = target - (address + len(out) + bits // 8)
        if bits == 8:
            if not -128 <= distance < 128:
                return False
        elif not _fits(target, 32):
            return False
        out += (distance & ((1 << bits) - 1)).to_bytes(bits // 8, "little")
        return True

    def _immediate(
        self,
        out: bytearray,
        encoding: Encoding,
        field: str,
        index: int,
        value: int,
        address_bits: int,
        symbols: Mapping[str, int],
    ) -> bool:
        size = encoding.operand_bits or self.bits
        if field == "ap":
            selector = self.operands[index].selector
            assert selector is not None
            number = selector.value(symbols)
            if not _fits(value, size) or not _fits(number, 16):
                return False
            out += (value & ((1 << size) - 1)).to_bytes(size // 8, "little")
            out += (number & 0xFFFF).to_bytes(2, "little")
            return True
        if encoding.specs[index].size == "bs":
            if not _fits(value, size):
                return False
            value &= (1 << size) - 1
            if 0x80 <= value < (1 << size) - 0x80:
                return False
            out.append(value & 0xFF)
            return True
        bits = address_bits if field == "mo" else _FIELD_BITS.get(field, size)
        if not _fits(value, bits):
            return False
        out += (value & ((1 << bits) - 1)).to_bytes(bits // 8, "little")
        return True

    def _why(self, values: list[int], address: int) -> Mistake:
        """What keeps the widest encoding from taking these values."""
        encoding = self.encodings[-1]
        for index, (spec, operand) in enumerate(zip(encoding.specs, self.operands, strict=True)):
            value = values[index]
            token = operand.token
            if spec.letter == "J" and spec.size == "b":
                return token.mistake(
                    f"the target is {value - address} bytes away; "
                    f"a short `{self.mnemonic}` reaches about 127",
                    "a nearer label" if operand.distance != "short" else "no `short`",
                )
            if spec.constant is not None and spec.constant != value:
                return token.mistake(f"`{self.mnemonic}` takes only the number {spec.constant}")
            if operand.kind == MEM:
                bits = operand.address_bits or self.address_size or self.bits
                if operand.displacement_bits == 8 and _fits(value, bits):
                    return token.mistake("the displacement does not fit in a signed byte")
            elif spec.letter in "IJA":
                bits = spec.bits or encoding.operand_bits or self.bits
            else:
                continue
            if not _fits(value, bits):
                if operand.kind == MEM and bits == 16 and not operand.address_bits:
                    return token.mistake(
                        f"the address {value:#x} does not fit in 16 bits",
                        f"`[dword {value:#x}]` for a 32-bit address",
                    )
                return token.mistake(f"{shown(value)} does not fit in {bits} bits", span(bits))
        return self.token.mistake(f"a value does not fit this `{self.mnemonic}`")


def _fits(value: int, bits: int) -> bool:
    """Can ``value`` be stored in ``bits``, signed or unsigned? ``~0x80`` counts as a byte too."""
    return -(1 << bits) <= value < 1 << bits
