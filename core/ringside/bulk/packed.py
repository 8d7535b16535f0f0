"""Packed traces: what ``ringside trace import`` writes and a sweep reads many times.

A zip file of numpy arrays: the address, write and space of every piece of a stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ringside.bulk.reading import LIMIT, ZIP, Progress, TraceError, TraceReader
from ringside.bulk.traces import Accesses


def save(path: str | Path, pieces: Iterator[Accesses]) -> int:
    """Write a stream as a packed trace; return how many accesses it has."""
    import zipfile

    count = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, piece in enumerate(pieces):
            count += len(piece)
            for name in ("address", "write", "space"):
                with archive.open(f"{number:08}.{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, getattr(piece, name), allow_pickle=False)
    return count


def load(path: str | Path) -> Iterator[Accesses]:
    """Read a packed trace; raises :class:`TraceError` if it is damaged or something else."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name[:8] for name in archive.namelist() if name.endswith(".address.npy"))
            if not names:
                raise ValueError("it has no pieces of a trace")
            for number in names:
                arrays = []
                for name in ("address", "write", "space"):
                    with archive.open(f"{number}.{name}.npy") as member:
                        arrays.append(np.lib.format.read_array(member, allow_pickle=False))
                address, write, space = arrays
                if not len(address) == len(write) == len(space):
                    raise ValueError("pieces of different length")
                yield Accesses(
                    address.astype(np.int64), write.astype(np.bool_), space.astype(np.int64)
                )
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise TraceError(f"{path} is no packed trace or is damaged: {error}") from error


def open_trace(
    path: str | Path, *, limit: int = LIMIT, progress: Progress | None = None
) -> Iterator[Accesses]:
    """Read a trace in whichever format it is."""
    with Path(path).open("rb") as file:
        is_zip = file.read(2) == ZIP
    if not is_zip:
        return iter(TraceReader(path, limit=limit, progress=progress))
    return _first(load(path), limit)


def _first(pieces: Iterator[Accesses], limit: int) -> Iterator[Accesses]:
    for piece in pieces:
        yield piece[:limit]
        limit -= len(piece)
        if limit <= 0:
            return
