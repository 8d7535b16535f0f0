"""The guest as the user's own: editing it, typing at it, and getting it back when it runs away."""

from __future__ import annotations

from pages import expect_hash, expect_step, expect_step_where, press
from playwright.sync_api import Page, expect

GOOD = "start:\n    mov eax, 0x1234\n    cli\n    hlt\n"
BAD = "start:\n    mov eax, 0x1234\n    clii\n    hlt\n"
ENDLESS = "start:\n    inc eax\n    jmp start\n"


def write(page: Page, program: str) -> None:
    """Replace the program in the editor."""
    content = page.locator("ring-editor .cm-content")
    content.wait_for()
    content.click()
    press(page, "Control+a")
    press(page, "Delete")
    page.keyboard.insert_text(program)


def test_a_mistake_is_marked_in_its_line_and_the_mended_program_runs(visit):
    page = visit()
    press(page, "e")
    write(page, BAD)
    expect(page.locator("#editor-head .state.wrong")).to_be_visible()
    marked = page.locator("ring-editor .cm-lintRange-error")
    expect(marked.first).to_have_text("clii")
    write(page, GOOD)
    expect(page.locator("#editor-head .state.good")).to_be_visible()
    expect(marked).to_have_count(0)
    expect_step(page, 0)
    page.locator("[data-do=finish]").click()
    expect(page.locator("#where .outcome")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#editor-head [data-do=edit]").click()
    expect(page.locator("#panel-registers")).to_contain_text("0000 1234")


def test_an_endless_program_can_be_stopped_and_the_page_stays_awake(visit):
    page = visit()
    press(page, "e")
    write(page, ENDLESS)
    expect(page.locator("#editor-head .state.good")).to_be_visible()
    page.locator("[data-do=finish]").click()
    expect_step_where(page, lambda number: number > 2000)
    page.locator("[data-do=play]").click()
    expect(page.locator("[data-do=play] .icon.play")).to_be_attached()
    page.wait_for_timeout(500)
    stopped = page.locator("#timeline").get_attribute("aria-valuenow")
    page.wait_for_timeout(500)
    assert page.locator("#timeline").get_attribute("aria-valuenow") == stopped
    page.locator("[data-do=start]").click()
    expect_step(page, 0)


def test_what_is_typed_reaches_the_guest(visit):
    page = visit("lab=rings&guest=nanos&tech=bare-metal&lang=en")
    page.locator("[data-do=speed]").select_option("max")
    field = page.locator(".console input")
    press(page, " ")
    expect(page.locator(".console .screen")).not_to_have_class("screen empty", timeout=60_000)
    field.fill("help")
    field.press("Enter")
    expect(page.locator(".console .screen")).to_contain_text("help", timeout=60_000)


def test_the_figure_can_be_saved_as_a_file(visit):
    page = visit("lab=rings&lang=en&step=4")
    expect_step(page, 4)
    with page.expect_download() as download:
        page.locator("[data-do=figure]").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert download.value.suggested_filename == "ringside-rings-4.svg"


def test_a_link_carries_the_edited_program_and_another_guest_closes_the_editor(visit):
    page = visit()
    press(page, "e")
    write(page, GOOD)
    expect(page.locator("#editor-head .state.good")).to_be_visible()
    expect_hash(page, "program=")
    page.locator("[data-do=guest]").select_option("popf")
    expect(page.locator("#editing")).to_be_hidden()
    assert "program=" not in page.url
    page.go_back()
    expect_hash(page, "program=")
    expect(page.locator(".code li").filter(has_text="mov eax, 0x1234")).to_be_visible()
    link = page.url.partition("#")[2]
    again = visit(link)
    expect(again.locator(".code li").filter(has_text="mov eax, 0x1234")).to_be_visible()


def test_an_address_with_a_broken_program_says_so_and_runs_the_guest(visit):
    page = visit("lab=rings&lang=en&program=AAAA")
    expect(page.locator(".notice")).to_contain_text("could not be read")
    expect(page.locator(".code li").first).to_be_visible()
