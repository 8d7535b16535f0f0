"""The array types of ``bulk``, and how addresses get into it.

Addresses are int64: the only integers ``take`` follows without a conversion. Bit 63 is then the
sign, which shifts and masks do not mind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Small: TypeAlias = NDArray[np.int8]
Bytes: TypeAlias = NDArray[np.uint8]
Bools: TypeAlias = NDArray[np.bool_]
Flag: TypeAlias = bool | Bools
Addresses: TypeAlias = NDArray[Any] | Sequence[int]

# Measured: from 8 to 32 thousand accesses the temporaries of a chunk stay in a second-level
# cache of 512 KiB or more; less pays for numpy's calls, more for memory.
CHUNK = 32_768


def addresses(values: Addresses) -> Ints:
    """Make a flat int64 array of any integers below 2^64."""
    array = np.asarray(values)
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError("addresses must be a flat array of integers")
    if array.dtype == np.uint64:
        array = array.view(np.int64)
    return np.ascontiguousarray(array, dtype=np.int64)


def flags(values: Flag, size: int) -> Flag:
    """Check a flag that holds for all accesses, or an array with one for each."""
    if isinstance(values, bool):
        return values
    array = np.ascontiguousarray(values, dtype=np.bool_)
    if array.shape != (size,):
        raise ValueError(f"{size} accesses need {size} flags, not {array.shape}")
    return array


def part(values: Flag, chosen: slice | Ints) -> Flag:
    """The flags of some of the accesses."""
    return values if isinstance(values, bool) else values[chosen]


def slices(size: int, chunk: int) -> Iterator[slice]:
    """Cut ``size`` accesses into chunks."""
    for first in range(0, size, chunk):
        yield slice(first, min(first + chunk, size))


def signed(mask: int) -> int:
    """A mask of 64 bits as the int64 with the same bits."""
    return mask - (1 << 64) if mask >> 63 else mask
