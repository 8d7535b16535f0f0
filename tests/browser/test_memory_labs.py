"""The labs of memory virtualization in the page: walks, shadow, TLB, where nested wins."""

from __future__ import annotations

import re

from pages import expect_hash, expect_step, panels, picture, press, sentence
from playwright.sync_api import Page, expect

LIVE = 60_000  # ms

# What a file manager does when it drops a file: the page gets it in the event.
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  for (const type of ['dragover', 'drop'])
    document.getElementById('stage').dispatchEvent(
      new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
LACKEY = "==1== Lackey\n" + "".join(
    f"I  {0x04000000 + 4096 * (n * 7 % 23):08x},3\n L {0x1FFE000000 + 4096 * (n % 9):x},8\n"
    for n in range(200))


def test_the_whole_grid_is_walked_with_24_numbered_references(visit):
    page = visit("lab=walks&lang=en&step=24")
    expect_step(page, 24)
    expect(page.locator("#stage text[data-key^='ref:'][data-key$=':number']")).to_have_count(24)
    expect(page.locator("#sentence")).to_contain_text("Done after 24 references")
    before = picture(page), sentence(page), panels(page)
    press(page, "ArrowLeft")
    expect_step(page, 23)
    press(page, "ArrowRight")
    expect_step(page, 24)
    page.wait_for_timeout(900)
    assert (picture(page), sentence(page), panels(page)) == before


def test_an_address_that_is_typed_is_walked(visit):
    page = visit("lab=walks&lang=en&caches=tlb")
    page.get_by_label("Caches").select_option("tlb")
    field = page.locator("#panel-console input")
    field.fill("400000203008")
    field.press("Enter")
    expect(page.locator("#sentence")).to_contain_text("is in the TLB")
    field.fill("nonsense")
    field.press("Enter")
    expect(page.locator("#notices")).to_contain_text("hexadecimal")


def test_a_reference_an_access_or_a_page_is_clicked_and_shown(visit):
    page = visit("lab=walks&lang=en&o.program=array&step=5")
    expect_step(page, 5)
    page.locator("#stage text[data-key='ref:2.1:number']").click()
    expect_step(page, 12)
    expect(page.locator("#sentence")).to_contain_text("Reference 12")
    page.locator("#stage rect[data-key='access:3']").focus()
    press(page, "Enter")
    expect_step(page, 49)
    expect(page.locator("#stage [data-key='total']")).to_contain_text("1 / 24")
    press(page, "ArrowRight")
    expect_step(page, 50)
    page.locator("#panel-reads button.go").nth(1).click()
    expect_step(page, 49)
    pick = page.locator("#panel-console .picks button").first
    address = pick.inner_text()
    pick.click()
    expect(page.locator("#stage [data-key='address:title']")).to_contain_text(address)
    expect(page.locator("#panel-console .screen")).to_contain_text(f"> {address}")


def test_page_sizes_change_the_count_of_references(visit):
    page = visit("lab=walks&lang=en")
    page.get_by_label("Page", exact=True).select_option("2M")
    expect_hash(page, "page=2M")
    page.get_by_label("Host's page").select_option("2M")
    expect_hash(page, "host=2M")
    expect(page.locator("#where")).to_contain_text("of 15")
    press(page, "End")
    expect(page.locator("#stage [data-key='total']")).to_have_text("15 / 15")


def test_the_unsynchronised_shadow_shows_its_stale_entry(visit):
    page = visit("lab=shadow&tech=shadow&lang=en&step=127")
    expect_step(page, 127)
    expect(page.locator("#stage [data-key='shadow:768:stale']")).to_have_text("stale")
    expect(page.locator("#sentence")).to_contain_text("stale translation")
    page.get_by_role("radio", name="Traced").click()
    expect(page.locator("#stage [data-key='shadow:768:stale']")).to_have_count(0)


def test_a_trace_dropped_onto_the_tlb_lab_is_played_and_its_garbage_told(visit):
    page = visit("lab=tlb&lang=en")
    page.evaluate(DROP, ["ls.trace", LACKEY + "this is no access\n"])
    expect(page.locator("#notices")).to_contain_text("ls.trace: 400 accesses", timeout=LIVE)
    expect(page.locator("#notices")).to_contain_text("402: this is no access")
    expect(page.locator("#panel-trace")).to_contain_text("the first 400 of 400")
    press(page, "ArrowRight")
    expect_step(page, 1)
    expect(page.locator("#sentence")).to_contain_text("uses page")


def test_a_trace_that_is_chosen_is_measured_on_the_map(visit, tmp_path):
    file = tmp_path / "walk.csv"
    file.write_text("address,kind\n" + "".join(f"{4096 * (n * 37 % 500)},r\n" for n in range(900)))
    page = visit("lab=where-nested-wins&lang=en")
    page.get_by_label("Trace file").set_input_files(file)
    expect(page.locator("#notices")).to_contain_text("walk.csv: 900 accesses", timeout=LIVE)
    press(page, "End")
    expect(page.locator("#stage [data-key='progress']")).to_contain_text(
        "6 of 6", timeout=LIVE)


def test_what_is_no_trace_is_refused_and_the_lab_goes_on(visit):
    page = visit("lab=tlb&lang=en")
    page.evaluate(DROP, ["letter.txt", "Dear Sir or Madam,\n" * 30])
    expect(page.locator("#notices")).to_contain_text("letter.txt", timeout=LIVE)
    press(page, "ArrowRight")
    expect_step(page, 1)


def test_a_file_dropped_where_no_lab_wants_one_says_where_it_belongs(visit):
    page = visit("lab=rings&lang=en")
    page.evaluate(DROP, ["ls.trace", LACKEY])
    expect(page.locator("#notices")).to_contain_text("TLB lab")


def test_the_map_is_there_complete_before_any_machine_is_up(
    page: Page, static_host: str, complaints: list[str]
) -> None:
    page.goto(f"{static_host}#lab=where-nested-wins&lang=hu&step=24")
    expect(page.locator("#stage [data-key='progress']")).to_contain_text("24/24", timeout=LIVE)
    expect(page.locator("#stage [data-key^='cell:'][data-key*=':mark']").first).to_be_visible()


def test_the_labs_fit_a_narrow_screen(visit):
    page = visit("lab=shadow&tech=shadow&lang=hu&step=127")
    page.set_viewport_size({"width": 390, "height": 800})
    for lab in ("shadow", "walks", "tlb", "where-nested-wins"):
        page.goto(page.url.split("#")[0] + f"#lab={lab}&lang=hu&step=1")
        expect(page.locator("#stage svg:visible")).to_have_attribute(
            "viewBox", re.compile(r"^0 0 400 "))
        expect_step(page, 1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_settings_of_the_richest_labs_fit_a_projector(visit):
    page = visit("lab=tlb&lang=hu")
    page.set_viewport_size({"width": 1024, "height": 768})
    for lab in ("tlb", "walks"):
        page.goto(page.url.split("#")[0] + f"#lab={lab}&lang=hu&step=1")
        expect_step(page, 1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 1024


def test_a_trace_dropped_onto_the_walk_lab_is_walked_access_by_access(visit):
    page = visit("lab=walks&lang=en")
    page.evaluate(DROP, ["ls.trace", LACKEY])
    expect(page.locator("#notices")).to_contain_text("ls.trace: 400 accesses", timeout=LIVE)
    expect(page.get_by_label("Program")).to_have_value("trace")
    expect(page.locator("#panel-trace")).to_contain_text("the first 160 of 400")
    press(page, "ArrowRight")
    expect_step(page, 1)
    expect(page.locator("#sentence")).to_contain_text("reads or fetches 04000000")


def test_a_guests_accesses_tell_their_instruction(visit):
    page = visit("lab=walks&lang=en&o.program=matrix&o.caches=tlb&step=1")
    expect_step(page, 1)
    expect(page.locator("#sentence")).to_contain_text("matrix.asm, line 34")
    expect(page.locator("#panel-access")).to_contain_text("mov edi, 0x200900")
