"""Sweeps give the same results whoever runs them, and say what cannot be run."""

from __future__ import annotations

import csv
import io
import os
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest
from ringside import cli
from ringside.bulk import commands
from ringside.bulk import sweep as sweeps
from ringside.bulk.chart import svg
from ringside.bulk.commands import main
from ringside.bulk.sweep import (
    PAYS,
    TECHNIQUES,
    Inline,
    Point,
    executor,
    measure,
    points,
    sweep,
    write_csv,
)
from ringside.trace.presets import PRESETS

SMALL = Point(accesses=20_000, pages=500)


@pytest.mark.parametrize(
    ("guest", "host", "references"),
    [("4K", "4K", 24), ("4K", "2M", 19), ("2M", "4K", 19), ("2M", "2M", 15), ("1G", "1G", 8)],
)
def test_page_sizes_shorten_the_nested_walk_to_24_19_15_and_8(guest, host, references):
    found = measure(Point("nested", accesses=2000, pages=500, page=guest, host_page=host))
    assert found.references_per_walk == references
    assert found.references == references * found.walks


@pytest.mark.parametrize(
    ("format", "nested", "references"),
    [("5-level", "ept-5", 35), ("5-level", "ept-4", 29), ("4-level", "ept-5", 29),
     ("32-bit", "ept-4", 14), ("pae", "ept-4", 19)],
)  # fmt: skip
def test_formats_give_the_known_counts(format, nested, references):
    found = measure(Point("nested", accesses=2000, format=format, nested_format=nested))
    assert found.references_per_walk == references


def test_techniques_see_the_same_misses_and_differ_in_what_they_pay():
    native, shadow, nested = (
        measure(Point(name, accesses=20_000, pages=500, tlb="16x4", second_tlb=""))
        for name in ("native", "shadow", "nested")
    )
    assert native.walks == shadow.walks == nested.walks
    assert native.references == shadow.references == nested.references // 6
    assert native.cycles < nested.cycles
    assert native.cycles < shadow.cycles


def test_nested_paging_loses_where_tables_are_quiet_and_wins_where_they_churn():
    quiet = {"stream": "uniform", "accesses": 400_000, "pages": 2000, "walk_cache": 0}
    busy = {"stream": "churn", "accesses": 100_000, "pages": 500, "life": 5000}
    for shape, wins in ((quiet, False), (busy, True)):
        shadow, nested = (measure(Point(name, **shape)) for name in ("shadow", "nested"))
        assert (nested.cycles < shadow.cycles) == wins


def test_tags_save_what_flushes_on_a_switch_would_lose():
    shape = {"accesses": 30_000, "pages": 300, "spaces": 3, "turn": 500}
    tagged, flushed = (measure(Point(tagged=tagged, **shape)) for tagged in (True, False))
    assert tagged.hit_rate > flushed.hit_rate
    assert tagged.switches == flushed.switches == 59


def test_every_executor_gives_the_same_results_in_the_order_of_the_points():
    asked = points(SMALL, {"technique": list(TECHNIQUES), "page": ["4K", "2M"]})
    told = []
    inline = sweep(asked, Inline(), lambda *what: told.append(what))
    with ThreadPoolExecutor(2) as threads:
        assert sweep(asked, threads) == inline
    assert [result.point for result in inline] == asked
    assert told[-1] == (len(asked), len(asked))


def test_a_sweep_that_is_stopped_measures_no_further_points():
    class Queue(Executor):
        """Runs one call and lets the others wait."""

        def __init__(self):
            self.made = []

        def submit(self, fn, /, *args, **kwargs):
            self.made.append(future := Future())
            if len(self.made) == 1:
                future.set_result(fn(*args, **kwargs))
            return future

    def stop(done, total):
        raise KeyboardInterrupt

    queue = Queue()
    with pytest.raises(KeyboardInterrupt):
        sweep(points(SMALL, {"page": ["4K", "2M", "1G"]}), queue, stop)
    assert [future.cancelled() for future in queue.made] == [False, True, True]


def test_a_pool_of_processes_gives_the_same_results():
    asked = points(SMALL, {"technique": ["native", "nested"]})
    with executor(jobs=2) as pool:
        assert sweep(asked, pool) == sweep(asked, Inline())


def test_a_dask_cluster_gives_the_same_results():
    asked = points(SMALL, {"technique": ["native", "nested"]})
    with executor("dask://", jobs=1) as pool:
        assert sweep(asked, pool) == sweep(asked, Inline())


def test_a_dask_scheduler_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(sweeps, "DASK_PATIENCE", "1s")
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ValueError, match=f"no Dask scheduler answers at {where}"):
            executor(f"dask://{where}")


def test_without_dask_its_executor_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(ValueError, match=r"install 'dask\[distributed\]'"):
        executor("dask://")


def test_neither_dask_nor_the_processes_are_imported_with_the_core():
    code = ("import sys, ringside.bulk.sweep, ringside.bulk.bench, ringside.bulk.commands; "
            "print([name for name in ('dask', 'multiprocessing', 'ctypes.util', 'cachesim')"
            " if name in sys.modules])")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert "dask" not in done.stdout
    assert "cachesim" not in done.stdout


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"technique": "magic"}, "native, shadow, nested"),
        ({"format": "6-level"}, "4-level"),
        ({"page": "8K"}, "4K, 2M"),
        ({"stream": "noise"}, "uniform"),
        ({"tlb": "16"}, "16x4"),
        ({"tlb": "3x4"}, "power of two"),
        ({"accesses": 0}, "at least one"),
        ({"preset": "z80"}, "haswell"),
        ({"format": "32-bit", "page": "2M"}, "no pages"),
        ({"format": "32-bit", "pages": 1 << 22}, "32 bits"),
        (
            {"stream": "churn", "pages": 1 << 24, "life": 1, "page": "1G", "accesses": 2000},
            "fewer pages",
        ),
    ],
)
def test_a_point_that_cannot_be_run_says_why(wrong, says):
    with pytest.raises(ValueError, match=says):
        measure(Point(**wrong))


def test_a_field_a_point_does_not_have_is_refused():
    with pytest.raises(ValueError, match="it has: accesses"):
        points(SMALL, {"colour": ["red"]})
    with pytest.raises(ValueError, match="dask://"):
        executor("mpi://here")


def test_every_price_a_technique_pays_is_in_every_preset():
    for preset in PRESETS:
        for events in PAYS.values():
            for names in events.values():
                assert set(names) <= set(preset.prices)


def test_results_are_plain_numbers_a_csv_and_a_chart():
    results = sweep(points(SMALL, {"technique": list(TECHNIQUES)}), Inline())
    assert {type(value) for value in results[0].row().values()} <= {int, float, str, bool}
    file = io.StringIO()
    write_csv(results, file)
    lines = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [line["technique"] for line in lines] == list(TECHNIQUES)
    assert float(lines[0]["cycles"]) == results[0].cycles
    picture = ET.fromstring(svg(results))
    texts = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "technique shadow" in texts
    assert f"{results[1].cycles_per_access:.2f}" in texts


# -- the commands --------------------------------------------------------------------------------


def test_import_then_sweep_from_the_command_line(tmp_path, capsys):
    trace, packed, chart = tmp_path / "t.csv", tmp_path / "t.packed", tmp_path / "t.svg"
    trace.write_text("address,kind\n" + "".join(f"{n * 4096:#x},r\n" for n in range(100)) + "oh\n")
    assert main(["trace", "import", str(trace), "-o", str(packed), "--quiet"]) == 0
    assert "100 accesses" in (out := capsys.readouterr().out)
    assert "line 102: oh" in out
    assert main(["sweep", f"file:{packed}", "--technique", "native,nested", "--jobs", "1",
                 "--quiet", "--chart", str(chart)]) == 0  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [int(row["references"]) for row in rows] == [400, 2400]
    assert chart.read_text().startswith("<svg")
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["trace", "import", "no such file"],
        ["trace", "import", "."],
        ["sweep", "file:no such file", "--jobs", "1", "--quiet"],
        ["sweep", "noise"],
        ["sweep", "uniform", "--executor", "cloud://9"],
    ],
)
def test_the_commands_refuse_with_a_message_and_status_2(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err.strip().startswith("ringside: ")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--format", "4-level,pae", "--page", "1G"],
        ["--technique", "native,nested", "--nested-format", "pae", "--host-page", "1G"],
        ["--technique", "native,shadow", "--page", "1G", "--host-page", "4M"],
        ["--technique", "shadow,shadow-dropped", "--format", "pae", "--page", "1G"],
        ["--pages", "100,0"],
        ["-o", "no such folder/x.csv"],
        ["--chart", "."],
    ],
)
def test_nothing_is_measured_when_one_point_or_the_output_is_impossible(wrong, monkeypatch, capsys):
    monkeypatch.setattr(sweeps, "executor", lambda where, jobs: pytest.fail("it began"))
    assert main(["sweep", "uniform", *wrong, "--quiet"]) == 2
    assert capsys.readouterr().err.startswith("ringside: ")


def test_a_trace_is_read_from_standard_input_with_its_progress(monkeypatch, capsys):
    text = "".join(f" L {page * 4096:x},8\n" for page in range(200_000)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["trace", "import", "-"]) == 0
    told = capsys.readouterr()
    assert "200,000 accesses in 200,000 lines" in told.out
    assert told.err.endswith("2 MiB  200,000 accesses\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_trace_is_read_from_a_pipe(tmp_path, capsys):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as writer:
        writer.submit(pipe.write_text, " L 1000,8\n" * 5)
        assert main(["trace", "import", str(pipe), "--quiet"]) == 0
    assert "5 accesses" in capsys.readouterr().out


def test_a_packed_trace_is_not_packed_again(tmp_path, capsys):
    trace, packed = tmp_path / "t", tmp_path / "p"
    trace.write_text(" L 1000,8\n")
    assert main(["trace", "import", str(trace), "-o", str(packed), "--quiet"]) == 0
    assert main(["trace", "import", str(packed), "--quiet"]) == 2
    assert "ringside sweep file:" in capsys.readouterr().err


def test_a_sweep_takes_no_more_processes_than_there_are_processors(monkeypatch, capsys):
    taken = []

    def pool(where, jobs):
        taken.append(jobs)
        return Inline()

    monkeypatch.setattr(sweeps, "executor", pool)
    monkeypatch.setattr(commands.os, "cpu_count", lambda: 3)
    for techniques in ("native", "native,nested,shadow"):
        for pages in ("4K", "4K,2M"):
            assert main(["sweep", "uniform", "--accesses", "100", "--technique", techniques,
                         "--page", pages, "--quiet"]) == 0  # fmt: skip
    assert taken == [1, 2, 3, 3]


def test_progress_ends_before_the_results_begin(capsys):
    assert main(["sweep", "uniform", "--accesses", "100", "--jobs", "1"]) == 0
    assert capsys.readouterr().err == "\r1 of 1\n"


def test_a_chart_says_what_it_shows_and_keeps_inside_its_frame(tmp_path):
    asked = points(SMALL, {"technique": ["native"], "second_tlb": ["", "128x12"],
                           "walk_cache": [0, 4], "nested_tlb": [0, 16]})  # fmt: skip
    picture = ET.fromstring(svg(sweep(asked, Inline())))
    texts = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "Modelled cycles per access, 20,000 accesses of uniform, prices of haswell"
    assert "second tlb none, walk cache 4, nested tlb 0" in texts
    width = float(picture.get("viewBox").split()[2])
    for bar in list(picture.iter("{http://www.w3.org/2000/svg}rect"))[1:]:
        assert float(bar.get("x")) + float(bar.get("width")) < width


def test_an_option_the_import_does_not_have_is_named_with_the_imports_own_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["trace", "import", "x", "--foo"])
    told = capsys.readouterr().err
    assert told.startswith("usage: ringside trace import")
    assert "--foo" in told


def test_a_damaged_trace_leaves_no_packed_one(tmp_path, capsys):
    trace = tmp_path / "t"
    trace.write_text("nothing of use\n")
    assert main(["trace", "import", str(trace), "-o", str(tmp_path / "p"), "--quiet"]) == 2
    assert main(["trace", "import", str(trace), "-o", str(trace), "--quiet"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
    assert "lackey" in capsys.readouterr().err


def test_a_trace_file_is_taken_whole_unless_fewer_accesses_are_asked_for(
    tmp_path, monkeypatch, capsys
):
    trace = tmp_path / "trace"
    trace.write_text("".join(f" L {page:x}000,4\n" for page in range(1, 31)))
    monkeypatch.setattr(commands, "MADE_UP", 10)  # the default is for made-up streams only
    arguments = ["sweep", f"file:{trace}", "--jobs", "1", "--quiet"]
    for asked, taken, whole in (([], 30, "True"), (["--accesses", "30"], 30, "True"),
                                (["--accesses", "7"], 7, "False")):
        assert main([*arguments, *asked]) == 0
        told = capsys.readouterr()
        names, row = (line.split(",") for line in told.out.splitlines())
        result = dict(zip(names, row, strict=True))
        assert (int(result["accesses"]), result["whole"]) == (taken, whole)
        assert ("only the first 7 accesses" in told.err) == (whole == "False")


def test_a_chart_of_a_cut_trace_says_so(tmp_path):
    trace = tmp_path / "trace"
    trace.write_text(" L 1000,4\n L 2000,4\n")
    (result,) = sweep([Point(stream=f"file:{trace}", accesses=1)], Inline())
    assert "the first 1 accesses" in svg([result])
