"""Files that are plainly something else than machine code, told by how they begin."""

from __future__ import annotations

from ..machine.multiboot import find_header

KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"MZ", "a program for DOS or Windows"),
    (b"<?xml", "an XML text"),
    (b"<svg", "an SVG picture"),
    (b"<!DOCTYPE", "a page of the web"),
    (b"<html", "a page of the web"),
)
SIGNATURE = b"\x55\xaa"  # ends a boot sector, whatever it begins with
SECTOR = 512
LOOKED_AT = 4096  # bytes of a file
ENOUGH = 16  # characters that are no accident
WHITE = b"\t\n\r "


def mistaken(content: bytes) -> str:
    """What a file is that is not for running; empty if it may be machine code."""
    if content[SECTOR - 2 : SECTOR] == SIGNATURE or find_header(content) is not None:
        return ""
    start = content.removeprefix(b"\xef\xbb\xbf")
    if kind := next((kind for begin, kind in KINDS if start.lstrip(WHITE).startswith(begin)), ""):
        return "an SVG picture" if kind == "an XML text" and b"<svg" in start[:LOOKED_AT] else kind
    looked = start[:LOOKED_AT]
    printable = all(32 <= byte < 127 or byte in WHITE for byte in looked)
    return "a text" if printable and len(looked) >= ENOUGH else ""
