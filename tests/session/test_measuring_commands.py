"""``ringside compare`` and ``ringside predict``: what they print, and what they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ringside.cli import main
from ringside.host.systems import BARE_METAL, BUILDERS, UNMODIFIED
from ringside.measure.predict import predictions
from ringside.trace.presets import preset
from ringside.vmm.lockstep import CLOSELY

ASM = "org 0x100000\nstart: mov esp, 0x90000\nsmsw eax\nmov al, 2\nout 0xF4, al\n"


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    status = main(["compare", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_compare_prints_a_line_for_every_technique(capsys) -> None:
    assert main(["compare", "cli_sti"]) == 0
    out = capsys.readouterr().out
    for technique in (BARE_METAL, *UNMODIFIED, "paravirtualization"):
        assert technique in out
    assert "equal to the first" in out and "its state is not compared" in out


def test_compare_names_the_first_divergence_and_says_so_with_its_status(capsys) -> None:
    status, report = compared(capsys, "popf", "--cpu", "bare-metal,trap-and-emulate")
    assert status == 1
    bare, trapped = report["lanes"]
    assert bare["difference"] is None
    assert trapped["difference"] == {
        "guest_step": 53, "address": trapped["difference"]["address"],
        "instruction": "popf", "what": "eflags.if", "expected": 1, "found": 0}
    assert main(["compare", "popf", "--cpu", "bare-metal,trap-and-emulate"]) == 1
    assert "parts at guest step 53, at 001024f7, popf: IF is 0, not 1" in capsys.readouterr().out


def test_compare_names_a_difference_that_is_gone_a_step_later(tmp_path, capsys) -> None:
    path = tmp_path / "brief.asm"
    path.write_text(
        "org 0x100000\nmov esp, 0x90000\nsmsw eax\nmov eax, 0\nmov ecx, 25000\nl: loop l\n"
        "smsw eax\nmov al, 2\nout 0xF4, al\n")
    lanes = ("--cpu", "bare-metal,binary-translation,trap-and-emulate")
    status, report = compared(capsys, str(path), *lanes)
    _, equal, parted = report["lanes"]
    assert status == 1 and equal["difference"] is None
    assert parted["difference"]["guest_step"] == 2
    assert parted["difference"]["instruction"] == "smsw eax"
    assert report["compared_each"] == report["guest_steps"] > 25_000
    main(["compare", str(path), "--cpu", "bare-metal,binary-translation"])
    assert "equal to the first after every guest step" in capsys.readouterr().out
    main(["compare", str(path), "--cpu", "bare-metal,binary-translation", "--quick"])
    quick = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    assert f"first {CLOSELY:,} guest steps" in " ".join(capsys.readouterr().out.split())
    assert "whenever they were compared" in quick
    assert "the first 20,000 guest steps, then after every 2,048" in quick


def test_compare_speaks_hungarian_with_the_same_figures(capsys) -> None:
    shown = {}
    for lang in ("en", "hu"):
        assert main(["compare", "popf", "--lang", lang]) == 1
        shown[lang] = capsys.readouterr().out
    assert "IF = 0, nem 1" in shown["hu"]
    rows = {lang: [line.split()[:5] for line in re.sub("(?<=\\d)[,\u202f]", "", out).splitlines()
                   if " exit " in line]
            for lang, out in shown.items()}
    assert rows["en"] == rows["hu"] and len(rows["en"]) == 6


def test_a_hostile_guest_is_compared_under_every_technique(capsys) -> None:
    _, report = compared(capsys, "hostile_spy")
    assert [lane["technique"] for lane in report["lanes"]] == [
        BARE_METAL, *(id for id in BUILDERS if id != BARE_METAL)]
    (ported,) = (lane for lane in report["lanes"] if not lane["compared"])
    assert ported["technique"] == "paravirtualization" and ported["outcome"] == "exit 9"
    main(["compare", "nobody"])
    assert "hostile_spy" in capsys.readouterr().err


def test_what_a_parted_guest_cost_is_told_as_other_work(capsys) -> None:
    main(["compare", "popf"])
    assert "may be for other work than the first did: trap-and-emulate\n" in capsys.readouterr().out
    main(["compare", "popf", "--max-instructions", "53"])  # parted, and not gone on
    main(["compare", "hlt"])
    assert "other work" not in capsys.readouterr().out


def test_nothing_is_called_equal_before_anything_has_run(capsys) -> None:
    main(["compare", "hlt", "--max-instructions", "0"])
    assert "equal to the first" not in capsys.readouterr().out


def test_compare_stops_all_lanes_at_the_limit(capsys) -> None:
    status, report = compared(capsys, "sieve", "--max-instructions", "1_000")
    assert status == 0 and report["guest_steps"] == 1000
    assert {lane["guest_steps"] for lane in report["lanes"]} == {1000}
    same = [lane for lane in report["lanes"] if lane["compared"]]
    assert len({(lane["address"], lane["instruction"]) for lane in same}) == 1


def test_a_lane_s_bill_adds_up(capsys) -> None:
    _, report = compared(capsys, "nano_divzero")
    for lane in report["lanes"]:
        assert lane["cycles"] == pytest.approx(
            sum(line["total"] for line in lane["bill"].values()), abs=1)
        assert lane["own_cycles"] <= lane["cycles"]


def test_interpreting_is_not_cheaper_than_hardware_as_device_time_is_left_out(capsys) -> None:
    _, report = compared(capsys, "popf")
    bare, *others = report["lanes"]
    assert report["devices"] == "without"
    assert all(lane["cycles"] > bare["cycles"] for lane in others)
    _, report = compared(capsys, "popf", "--devices", "with")
    assert report["lanes"][0]["cycles"] > 10 * bare["cycles"]
    assert "port access" in report["lanes"][0]["bill"]


def test_compare_marks_what_of_the_cycles_is_assumed_and_says_what_the_mark_means(capsys) -> None:
    _, prescott = compared(capsys, "cli_sti")
    _, haswell = compared(capsys, "cli_sti", "--preset", "haswell")
    for before, after in zip(prescott["lanes"], haswell["lanes"], strict=True):
        if before["technique"] in ("trap-and-emulate", "binary-translation"):
            assert before["cycles"] == after["cycles"]  # the Pentium 4's prices
            assert before["assumed_cycles"] < 0.2 * before["cycles"]
            assert after["assumed_cycles"] > 0.8 * after["cycles"]
    main(["compare", "cli_sti", "--preset", "haswell"])
    out = capsys.readouterr().out
    assert "no figure of the Core (Haswell) is known, those of the Pentium 4" in out
    rows = [line for line in out.splitlines() if line.startswith(("trap-and", "binary-", "emul"))]
    assert len(rows) == 3 and all("%*" in row for row in rows)
    main(["compare", "cli_sti"])
    assert "stand in" not in capsys.readouterr().out


def test_compare_tells_each_lane_s_own_steps_and_the_ring_its_guest_is_in(capsys) -> None:
    assert main(["compare", "popf"]) == 1
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if " exit " in line}
    assert {name: row[1] for name, row in rows.items()} == {
        "bare-metal": "0", "emulation": "-", "trap-and-emulate": "1", "binary-translation": "1",
        "paravirtualization": "1", "hardware-assist": "0"}
    assert rows["bare-metal"][3] == "1,234" and int(rows["trap-and-emulate"][3].replace(",", "")) > 9000
    assert "or at its end" in out.splitlines()[0]


def test_compare_and_properties_print_the_same_share_and_cycles(capsys) -> None:
    main(["compare", "popf", "--cpu", "bare-metal,trap-and-emulate"])
    row = next(line.split() for line in capsys.readouterr().out.splitlines()
               if line.startswith("trap-and-emulate "))
    main(["properties", "--technique", "trap-and-emulate"])
    said = capsys.readouterr().out
    share = next(cell for cell in row if cell.endswith("%") and "." in cell)
    assert f"{share[:-1]} % direct, {row[6]} exits, {row[4]} cycles" in said


def test_nested_paging_billed_on_a_processor_without_it_says_so(capsys) -> None:
    nested = ["run", "popf", "--cpu", "hardware-assist", "--option", "memory=nested"]
    main(nested)
    assert "has no EPT: an EPT violation is counted like" in capsys.readouterr().out
    main([*nested, "--price", "exit ept violation=700"])
    main([*nested, "--preset", "haswell"])
    main([*nested[:-1], "memory=shadow"])
    assert "has no EPT" not in capsys.readouterr().out


@pytest.mark.parametrize(("devices", "said"), [("without", "not what devices"), ("with", "real port")])
def test_compare_says_in_one_line_what_its_cycles_count(devices: str, said: str, capsys) -> None:
    main(["compare", "hlt", "--devices", devices])
    assert [said in line for line in capsys.readouterr().out.splitlines()].count(True) == 1


def test_compare_takes_a_file(tmp_path: Path, capsys) -> None:
    path = tmp_path / "smsw.asm"
    path.write_text(ASM)
    status, report = compared(capsys, str(path), "--cpu", "bare-metal,trap-and-emulate")
    assert status == 1 and report["lanes"][1]["difference"]["what"] == "eax"


def test_who_cannot_run_the_guest_is_left_out_and_says_why(capsys) -> None:
    status, report = compared(capsys, "boot_sector")
    assert status == 0
    assert "trap-and-emulate" in report["refused"]
    assert "real mode" in report["refused"]["trap-and-emulate"]
    assert {lane["outcome"] for lane in report["lanes"]} >= {"exit 1"}
    assert main(["compare", "boot_sector"]) == 0
    assert "trap-and-emulate cannot run it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "neither a file nor"),
        (["popf", "--cpu", "bare-metal,magic"], "choose among"),
        (["popf", "--cpu", "bare-metal,bare-metal"], "named twice"),
        (["popf", "--cpu", "bare-metal/fast"], "say bare-metal alone"),
        (["popf", "--cpu", "bare-metal,hardware-assist/tlb"],
         "choose among: hardware-assist/nested, hardware-assist/untagged, hardware-assist/shadow, "
         "hardware-assist/traced, hardware-assist/cached"),
        (["popf", "--cpu", "bare-metal,hardware-assist/nested"],
         "has no EPT, so hardware-assist/nested cannot run on it; give another --preset: westmere"),
        (["popf", "--cpu", "bare-metal,hardware-assist/untagged"], "has no EPT"),
        (["popf", "--cpu", "bare-metal,emulation/virtualizable"], "has no variant"),
        (["popf", "--price", "lunch=5"], "choose one of: instruction"),
        (["popf", "--price", "callout"], "not of the form NAME=CYCLES"),
        (["popf", "--price", "callout=-5"], "from 0 to 1000000"),
        (["nano_in", "--cpu", "bare-metal,paravirtualization"], "does not run under"),
        (["pv_hostile"], "nothing to compare"),
        (["popf", "--preset", "z80"], "choose one of"),
    ],
)
def test_compare_refuses_plainly(arguments: list[str], said: str, capsys) -> None:
    assert main(["compare", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_predict_holds_every_figure_against_the_published_one(capsys) -> None:
    assert main(["predict", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["predictions"]) == 21
    for one in report["predictions"]:
        assert one["published"] > 0 and one["cycles"] > 0
        assert one["within_factor_two"] or one["reason"]
        assert all(line["source"] and line["confidence"] for line in one["bill"])
    assert (report["pairs"], len(report["misplaced"])) == (201, 0)


@pytest.mark.parametrize("lang", ["en", "hu"])
def test_predict_prints_figures_reasons_and_the_verdict(lang: str, capsys) -> None:
    assert main(["predict", "--lang", lang]) == 0
    out = capsys.readouterr().out
    for one in predictions():
        said = f"{one.cycles:,.0f}"
        assert (said if lang == "en" else said.replace(",", "\u00a0")) in out
    assert out.count("201") >= 2
    assert ("interpreter" if lang == "en" else "értelmezőjével") in out


def test_predict_explains_each_figure_with_its_sources(capsys) -> None:
    main(["predict", "--explain"])
    out = capsys.readouterr().out
    assert "AA06 4: RDTSC by a callout" in out and "assumed" in out


def test_predict_prices_another_processor(capsys) -> None:
    assert main(["predict", "--preset", "haswell", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    found = {(one["benchmark"], one["system"]): one["cycles"] for one in report["predictions"]}
    for one in predictions(preset("haswell")):
        assert found[one.key] == round(one.cycles, 1)
    assert main(["predict", "--preset", "z80"]) == 2
    assert "choose one of" in capsys.readouterr().err


def test_variants_of_one_technique_run_side_by_side(capsys) -> None:
    status, report = compared(
        capsys, "page_fault", "--preset", "westmere", "--cpu",
        "bare-metal,hardware-assist/nested,hardware-assist/shadow,trap-and-emulate/virtualizable")
    assert status == 0
    _, nested, shadow, trapping = report["lanes"]
    assert "EPT violation" in nested["exits"] and "#PF" not in nested["exits"]
    assert "#PF" in shadow["exits"] and "EPT violation" not in shadow["exits"]
    assert [lane["memory"] for lane in (nested, shadow, trapping)] == ["nested", "shadow", "shadow"]


def test_on_the_virtualizable_processor_the_same_kernel_stays_equal(capsys) -> None:
    status, report = compared(
        capsys, "popf", "--cpu", "bare-metal,trap-and-emulate/virtualizable")
    assert status == 0
    assert report["lanes"][1]["difference"] is None and report["lanes"][1]["exits"]["#GP"] > 40


def test_a_price_of_one_s_own_is_paid_and_named(capsys) -> None:
    arguments = ["popf", "--cpu", "bare-metal,binary-translation"]
    _, published = compared(capsys, *arguments)
    _, mine = compared(capsys, *arguments, "--price", "callout=0", "--price", "shadow fill=1.5")
    before, after = (report["lanes"][1]["bill"] for report in (published, mine))
    assert after["callout"]["count"] == before["callout"]["count"] > 0
    assert (after["callout"]["total"], after["shadow fill"]["cycles"]) == (0, 1.5)
    assert mine["own_prices"] == {"callout": 0, "shadow fill": 1.5}
    assert main(["compare", *arguments, "--price", "callout=0"]) == 0
    assert "your price: callout 0" in capsys.readouterr().out


def test_predict_marks_the_figures_that_hang_on_a_price_of_one_s_own(capsys) -> None:
    assert main(["predict", "--price", "system-call=500", "--explain"]) == 0
    out = capsys.readouterr().out
    assert "[yours: instead of 242 (AA06 6.3, syscall, native)]" in out
    assert "your price: system call 500, instead of 242" in out
    native = out.splitlines()[1]  # the first figure, one that is given as a rule
    assert "505" in native and "given" not in native
    assert any("given" in line for line in out.splitlines())


def test_run_prices_any_processor_and_pages_as_it_can(capsys) -> None:
    reports = {}
    for name in ("prescott", "westmere"):
        main(["run", "page_fault", "--cpu", "hardware-assist", "--preset", name, "--json"])
        reports[name] = json.loads(capsys.readouterr().out)
    assert "#PF" in reports["prescott"]["exits"]
    assert "EPT violation" in reports["westmere"]["exits"]
    assert reports["westmere"]["cycles"] < reports["prescott"]["cycles"]
    assert reports["westmere"]["console"] == reports["prescott"]["console"]
    main(["run", "popf", "--cpu", "hardware-assist", "--price", "exit-io=0"])
    assert "exit io                  0 (yours)" in capsys.readouterr().out
    assert main(["run", "popf", "--preset", "z80"]) == 2
    assert main(["run", "vtx", "--preset", "haswell"]) == 2
    assert "no use for --preset" in capsys.readouterr().err


def test_run_takes_a_variant_as_compare_names_it(capsys) -> None:
    reports = []
    for said in (["--cpu", "trap-and-emulate/virtualizable"],
                 ["--cpu", "trap-and-emulate", "--option", "isa=virtualizable"],
                 ["--cpu", "trap-and-emulate"]):
        main(["run", "popf", *said, "--json"])
        reports.append(json.loads(capsys.readouterr().out))
    assert reports[0] == reports[1] != reports[2]
    main(["run", "page_fault", "--cpu", "hardware-assist/shadow", "--json"])
    assert "#PF" in json.loads(capsys.readouterr().out)["exits"]


@pytest.mark.parametrize(("said", "why"), [
    (["--cpu", "trap-and-emulate/fast"], "has no variant 'fast'"),
    (["--cpu", "magic/nested"], "there is no technique 'magic'"),
    (["--cpu", "hardware-assist/nested", "--option", "memory=shadow"], "--option says memory=shadow"),
    (["--cpu", "hardware-assist/nested", "--option", "bogus=1"], "no option 'bogus'. Its options: isa"),
])
def test_run_refuses_a_variant_there_is_not(said: list[str], why: str, capsys) -> None:
    assert main(["run", "popf", *said]) == 2
    assert why in capsys.readouterr().err


def test_a_lab_with_techniques_of_its_own_names_those_instead_of_a_variant(capsys) -> None:
    assert main(["run", "vtx", "--cpu", "hardware-assist/nested"]) == 2
    assert "Choose one of: nested, shadow." in capsys.readouterr().err
