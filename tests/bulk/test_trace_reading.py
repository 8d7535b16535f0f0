"""Traces of real programs: every line counted, every access found, whatever the file is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringside.bulk import csv_lines, reading
from ringside.bulk import lines as lines_module
from ringside.bulk.commands import main
from ringside.bulk.packed import load, open_trace, save
from ringside.bulk.reading import TraceError, TraceReader
from ringside.bulk.trace_format import IS_WRITE
from ringside.bulk.traces import STREAMS, Accesses, Shape, stream

LACKEY = b"""==42== Lackey, an example Valgrind tool
==42==
I  04016d80,3
 L 1ffeffe7e0,8
 S 1ffeffe7d8,4
 M 0421c7cc,4
==42== Exit code: 0
"""


def rows(pieces):
    return [
        (address, write, space)
        for piece in pieces
        for address, write, space in zip(
            piece.address.tolist(), piece.write.tolist(), piece.space.tolist(), strict=True
        )
    ]


def read(text, **options):
    reader = TraceReader(io.BytesIO(text), **options)
    return rows(reader), reader.report


EXPECTED = [
    (0x4016D80, False, 0),
    (0x1FFEFFE7E0, False, 0),
    (0x1FFEFFE7D8, True, 0),
    (0x421C7CC, True, 0),
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress],
                         ids=["plain", "gz", "bz2", "xz"])
def test_a_lackey_trace_is_read_plain_or_compressed(pack):
    found, report = read(pack(LACKEY))
    assert found == EXPECTED
    assert (report.accesses, report.lines, report.garbage, report.complete) == (4, 7, 0, True)


def test_windows_line_ends_and_a_missing_last_one_do_not_matter():
    assert read(LACKEY.replace(b"\n", b"\r\n"))[0] == EXPECTED
    assert read(b" L 10,1")[0] == [(0x10, False, 0)]


def test_an_access_across_a_page_border_counts_for_both_pages():
    assert read(b" S 1ffc,8\n L 1ff8,8\n")[0] == [
        (0x1FFC, True, 0), (0x2000, True, 0), (0x1FF8, False, 0)
    ]  # fmt: skip


def test_csv_columns_are_found_by_name_in_any_order():
    text = b"kind,space,address\nw,3,0x1000\nr,0,8192\n\nx,1,0xffff_0000\n"
    assert read(text)[0] == [(0x1000, True, 3), (8192, False, 0), (0xFFFF0000, False, 1)]
    assert read(b"address\n0xffff800000000000\n")[0] == [(0xFFFF800000000000 - (1 << 64), False, 0)]


def test_kinds_are_letters_or_words_in_any_case():
    words = ["r", "READ", "load", "", "x", "Fetch", "execute", "W", "write", "STORE"]
    text = "address,kind\n" + "".join(f"0x1000,{word}\n" for word in words)
    assert [write for _, write, _ in read(text.encode())[0]] == [False] * 7 + [True] * 3


def test_an_unknown_kind_is_refused_with_its_line_and_what_is_allowed():
    _, report = read(b"address,kind\n0x1000,r\n0x2000,modify\n")
    assert "line 3: 0x2000,modify" in str(report)
    assert all(f" {kind}" in str(report) for kind in ("r", "read", "w", "store", "x", "fetch"))
    with pytest.raises(TraceError, match=r"no line of this CSV is an access(?s:.*)allowed: r, read"):
        read(b"address,kind\n0x1000,modify\n")


@pytest.mark.parametrize("text", [b"address,kind\n0x10,w\n", b" S 10,4\n"])
def test_a_byte_order_mark_is_passed_over(text):
    assert read(b"\xef\xbb\xbf" + text)[0] == [(0x10, True, 0)]


def test_semicolons_and_tabs_part_columns_too():
    for separator in (b";", b"\t"):
        assert read(b"Address,Kind\n0x10,w\n".replace(b",", separator))[0] == [(0x10, True, 0)]


def test_the_help_tells_columns_and_kinds_as_they_are_read(capsys):
    with pytest.raises(SystemExit):
        main(["trace", "import", "--help"])
    told = capsys.readouterr().out
    assert all(name in told for name in (*csv_lines.Csv.COLUMNS, *IS_WRITE, "bzip2", "lackey"))
    example = told[told.rindex("address,kind") :].replace("\n  ", "\n")
    assert read(example.encode())[0] == [(0x7FFE1000, True, 0), (0x401A2C, False, 1)]


@pytest.mark.parametrize(("start", "says"), [
    (b"\x28\xb5\x2f\xfd", "zstd -d"), (b"\x04\x22\x4d\x18", "lz4 -d"), (b"PK\3\4", "zip"),
    (b"\xff\xfea\0", "UTF-8"), (b"rubbish", "gzip, bzip2 or xz")])
def test_another_packing_is_named_with_what_to_do(start, says):
    with pytest.raises(TraceError, match=says):
        read(start + b"\n" * 9)


def test_nothing_beyond_the_limit_is_read_or_counted():
    text = b" L 10,1\nbad\n S 1ffc,8\n" + b"garbage\n" * 50 + b" L 20,1\n"
    for limit, lines, complete in ((1, 1, False), (2, 3, False), (3, 3, False), (4, 54, True)):
        found, report = read(text, limit=limit)
        assert (len(found), report.accesses, report.lines) == (limit, limit, lines)
        assert report.garbage == {1: 0, 3: 1, 54: 51}[lines]
        assert report.complete == complete
    found, report = read(b"address,kind\n0x10,r\n\n0x20,r\n0x30,?\n0x40,r\n", limit=2)
    assert (report.accesses, report.lines, report.garbage) == (2, 4, 0)


def test_garbage_lines_are_numbered_the_first_ten_shown_and_the_rest_counted():
    text = b" L 10,1\n" + b"".join(b"garbage %d\n" % n for n in range(25)) + b" L 20,1\n"
    found, report = read(text)
    assert [row[0] for row in found] == [0x10, 0x20]
    assert report.garbage == 25
    assert report.shown == [(n + 2, f"garbage {n}") for n in range(10)]
    assert "and 15 more" in str(report)


@pytest.mark.parametrize(
    "line",
    [b" L 12g4,4", b" L 1234", b" L 1234,0", b" L 1234,65", b" L ,4", b" X 1234,4", b"L 1234,4",
     b" L 12345678123456781,4", b" L 1234,4 ", b" L 12 4,4", b"I 1234,4", b"\0\0\0"],
)  # fmt: skip
def test_a_line_that_is_nearly_an_access_is_garbage(line):
    found, report = read(b" L 10,1\n" + line + b"\n L 20,1\n")
    assert [row[0] for row in found] == [0x10, 0x20]
    assert report.garbage == 1
    assert report.shown[0][0] == 2


@pytest.mark.parametrize("cells", [b"zz,1", b"1,y", b"1", b"1,r,3", b"-5,r", b"1e5,r", b"\xff,r"])
def test_a_csv_line_that_says_nothing_is_garbage(cells):
    found, report = read(b"address,kind\n0x10,r\n" + cells + b"\n0x20,w\n")
    assert [row[0] for row in found] == [0x10, 0x20]
    assert [number for number, _ in report.shown] == [3]


lines = st.one_of(
    st.builds(
        lambda kind, address, size: f"{kind}{address:08x},{size}".encode(),
        st.sampled_from(["I  ", " L ", " S ", " M "]),
        st.integers(0, (1 << 64) - 1),
        st.integers(0, 70),
    ),
    st.binary(max_size=30).filter(lambda line: b"\n" not in line and b"\r" not in line),
    st.sampled_from([b"==1== text", b"--1-- text", b"", b" L 1,", b" L ,1", b"I  1,1,1"]),
)


def plain(text):
    """The lackey format as one regular expression, line by line."""
    found, garbage = [], 0
    for line in text.split(b"\n")[:-1]:
        match = re.fullmatch(rb"(I | L| S| M) ([0-9a-fA-F]{1,16}),([0-9]{1,2})", line)
        if match and 1 <= int(match[3]) <= lines_module.MOST_BYTES:
            address, last = int(match[2], 16), int(match[2], 16) + int(match[3]) - 1
            write = match[1] in (b" S", b" M")
            found.append((address, write))
            if address >> 12 != last >> 12:
                found.append((last & -4096 & (1 << 64) - 1, write))
        elif line and not line.startswith((b"==", b"--")):
            garbage += 1
    return found, garbage


@given(text=st.lists(lines, max_size=40), block=st.sampled_from([16, 100, 1 << 20]))
@settings(max_examples=300, deadline=None)
def test_reading_side_by_side_finds_what_a_regular_expression_finds(text, block):
    whole = b" L 10,1\n" + b"".join(line + b"\n" for line in text)
    found, report = read(whole, block=block)
    expected, garbage = plain(whole)
    assert [(address % (1 << 64), write) for address, write, _ in found] == expected
    assert report.garbage == garbage
    assert report.lines == whole.count(b"\n")


class Endless(io.RawIOBase):
    def __init__(self, text):
        self.text = text
        self.given = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        size = len(buffer)
        start = self.given % len(self.text)
        repeated = self.text * (size // len(self.text) + 2)
        buffer[:] = repeated[start : start + size]
        self.given += size
        return size


def test_an_endless_trace_stops_at_the_limit():
    reader = TraceReader(io.BufferedReader(Endless(b" L 1234,4\n")), limit=100_000)
    assert sum(len(piece) for piece in reader) == 100_000
    assert not reader.report.complete
    assert "stopped at the limit" in str(reader.report)


def test_a_trace_of_exactly_the_limit_is_complete():
    for pack in (bytes, gzip.compress):
        assert read(pack(LACKEY), limit=4)[1].complete
        assert not read(pack(LACKEY), limit=3)[1].complete
        assert not read(pack(LACKEY * 9), limit=4, block=64)[1].complete


@pytest.mark.parametrize("text", [b"\0", b"rubbish\n", b" L 10,1\nrubbish\n" + b"rubbish\n" * 9])
def test_endless_rubbish_is_given_up(text, monkeypatch):
    monkeypatch.setattr(reading, "MOST_GARBAGE", 20_000)
    monkeypatch.setattr(reading, "FIRST_MUST_BE_WITHIN", 4 << 20)
    with pytest.raises(TraceError):
        list(TraceReader(io.BufferedReader(Endless(text))))


def test_a_line_without_end_is_one_line_of_garbage():
    text = b" L 10,1\n" + b"x" * 50_000 + b"\n L 20,1\n"
    found, report = read(text, block=1000)
    assert [row[0] for row in found] == [0x10, 0x20]
    assert (report.garbage, report.lines) == (1, 3)


@pytest.mark.parametrize(
    "text", [b"", b"hello\n", b"\x89PNG\r\n\x1a\n\0\0\n", b"==1== only notes\n"]
)
def test_what_is_no_trace_is_refused_saying_what_is_expected(text):
    with pytest.raises(TraceError, match=r"empty|lackey"):
        read(text)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress],
                         ids=["gz", "bz2", "xz"])
def test_a_cut_compressed_trace_says_how_far_it_could_be_read(pack):
    whole = pack(LACKEY * 5000)
    with pytest.raises(TraceError, match="damaged after"):
        read(whole[: len(whole) // 2])


def test_progress_tells_bytes_and_accesses(tmp_path):
    path = tmp_path / "trace"
    path.write_bytes(LACKEY)
    told = []
    list(TraceReader(path, progress=lambda *what: told.append(what)))
    assert told == [(len(LACKEY), len(LACKEY), 4)]


def test_a_packed_trace_holds_the_same_accesses(tmp_path):
    path = tmp_path / "packed"
    assert save(path, iter(TraceReader(io.BytesIO(LACKEY * 9)))) == 36
    assert rows(load(path)) == rows(open_trace(path)) == EXPECTED * 9
    assert rows(open_trace(path, limit=5)) == (EXPECTED * 9)[:5]
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(TraceError, match="damaged"):
        list(load(path))


@pytest.mark.skipif(not shutil.which("valgrind"), reason="Valgrind is not installed")
def test_a_trace_just_made_by_valgrind_is_read_without_garbage(tmp_path):
    path = tmp_path / "true.trace"
    subprocess.run(
        ["valgrind", "--tool=lackey", "--trace-mem=yes", f"--log-file={path}", "/bin/true"],
        check=True,
        capture_output=True,
    )
    reader = TraceReader(path)
    assert sum(len(piece) for piece in reader) > 10_000
    assert reader.report.garbage == 0


# -- streams that are made up --------------------------------------------------------------------


@pytest.mark.parametrize("kind", STREAMS)
def test_the_same_seed_gives_the_same_stream(kind):
    shape = Shape(pages=300, spaces=2, turn=1000)
    first, again, other = (rows(stream(kind, 3000, shape, seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 3000
    assert {row[2] for row in first} == {0, 1}


def test_streams_have_the_shape_their_names_promise():
    def pages(kind, **shape):
        return np.concatenate([p.address for p in stream(kind, 20_000, Shape(**shape))]) >> 12

    assert len(np.unique(pages("uniform", pages=50))) == 50
    assert (np.diff(pages("loop", pages=7))[:6] == 1).all()
    assert np.bincount(pages("zipf", pages=1000) - 0x10000).max() > 20_000 / 12
    assert (np.diff(pages("strided", pages=1000, stride=4096))[:999] == 1).all()
    assert len(np.unique(pages("churn", pages=50, life=5000))) > 150


@pytest.mark.parametrize("wrong", [{"pages": 0}, {"writes": 2}, {"spaces": 2000}, {"life": 0}])
def test_a_shape_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Shape(**wrong)
    with pytest.raises(ValueError, match="choose one of"):
        next(stream("nonsense", 1))


def test_a_piece_can_be_cut():
    piece = Accesses(np.arange(5), np.zeros(5, np.bool_), np.zeros(5, np.int64))
    assert len(piece[1:3]) == 2
