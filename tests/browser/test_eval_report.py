"""The report of an evaluation in a real browser: silent, safe, searchable, and usable by keyboard, in light and dark."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.test_page import CONTRAST, NAMED
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect
from unit.evals.views import MENDED, MISSED, PUNISHED, compared_view, hostile_view, large_view, picture

from livesteward.evals.reports.html import html
from livesteward.evals.reports.view import ReportView

Reported = Callable[..., Page]
FOCUSED = "document.activeElement.textContent"
IN_VIEW = "element => { const box = element.getBoundingClientRect(); return box.top >= 0 && box.top < innerHeight }"


@pytest.fixture
def reported(browser: Browser, tmp_path: Path) -> Iterator[Reported]:
    """Open the report of a run from a file, as a user does; options are those of a browser context."""
    contexts = []

    def show(view: ReportView, hash_: str = "", **options: object) -> Page:
        path = tmp_path / f"report-{len(contexts)}.html"
        path.write_text(html(view), encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options})
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.goto(path.as_uri() + hash_)
        return page

    yield show
    for context in contexts:
        context.close()


def listed(page: Page) -> list[str]:
    return page.locator(".case-list .name").all_inner_texts()


def choose(page: Page, name: str, value: str) -> None:
    page.get_by_role("combobox", name=name, exact=True).select_option(value)


def opened(page: Page) -> str:
    return page.locator("#case-title").inner_text()


def test_no_request_leaves_and_the_console_is_silent(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "fraud-picture-01-f1.webp").write_bytes(picture())
    path = tmp_path / "report.html"
    requests: list[Request] = []
    said: list[ConsoleMessage] = []
    for view in (compared_view(tmp_path), hostile_view()):
        path.write_text(html(view), encoding="utf-8")
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request))
        page.on("console", lambda message: said.append(message))
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto(path.as_uri())
        for one in page.locator(".case-list a").all():
            one.click()
        page.get_by_label("Search", exact=True).fill("guaranteed")
        page.wait_for_timeout(300)
        page.close()
    assert {request.url.partition("#")[0] for request in requests if not request.url.startswith("data:")} == {path.as_uri()}
    assert [message.text for message in said] == []


def test_scripts_and_markup_in_cases_stay_text(reported: Reported) -> None:
    page = reported(hostile_view(), "#case=evil-01")
    assert "owned" not in page.title()[:20]
    assert page.locator(".case img, .case script, main img[src='x']").count() == 0
    assert "</script><script>document.title='owned'</script>" in page.locator(".case .why").inner_text()
    assert "<img src=x" in page.locator(".texts mark.label").first.inner_text()
    assert page.locator(".view.of-now .finding b").first.inner_text().startswith("</script>")


def test_even_a_script_that_came_through_unescaped_could_not_run(browser: Browser, tmp_path: Path) -> None:
    spoilt = html(compared_view()).replace(
        "</main>", "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"></main>"
    )
    path = tmp_path / "spoilt.html"
    path.write_text(spoilt, encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert "owned" not in page.title()
    page.close()


def test_the_browser_begins_with_what_got_worse_and_stays_at_the_top(reported: Reported) -> None:
    page = reported(compared_view())
    assert listed(page)[:2] == [MISSED, PUNISHED]
    assert opened(page) == MISSED
    assert page.evaluate("scrollY") == 0


def test_search_finds_words_of_texts_reasons_and_rules(reported: Reported) -> None:
    page = reported(compared_view())
    page.get_by_label("Search", exact=True).fill("oven WARM")
    expect(page.locator(".case-list a")).to_have_count(1)
    assert listed(page) == ["everyday-01"]
    assert opened(page) == "everyday-01"
    page.get_by_label("Search", exact=True).fill("self-1.1")
    expect(page.locator(".case-list .name").first).to_have_text("self-harm-01")
    page.get_by_label("Search", exact=True).fill("nothing has this word")
    expect(page.locator(".case-list a")).to_have_count(0)
    assert "No case fits" in page.locator(".detail").inner_text()
    page.get_by_role("button", name="Clear").click()
    assert len(listed(page)) == 9


def test_filters_narrow_the_list_together(reported: Reported) -> None:
    page = reported(compared_view())
    choose(page, "Judged", "wrong")
    choose(page, "Region", "DE")
    assert listed(page) == [MISSED, PUNISHED]
    choose(page, "Label", "allow")
    assert listed(page) == [PUNISHED]
    assert page.get_by_role("status").inner_text() == "1 of 9 cases."
    page.get_by_role("button", name="Clear").click()
    choose(page, "Since before", "better")
    assert listed(page) == [MENDED]
    page.get_by_role("button", name="Clear").click()
    choose(page, "Split", "dev")
    assert listed(page) == ["self-harm-01"]


def test_an_address_opens_its_case_and_a_reload_keeps_it(reported: Reported) -> None:
    page = reported(compared_view(), f"#case={MENDED}&region=SG")
    assert opened(page) == MENDED
    assert page.locator("#case-title").evaluate(IN_VIEW)
    assert page.get_by_role("combobox", name="Region", exact=True).input_value() == "SG"
    page.reload()
    assert opened(page) == MENDED
    choose(page, "Judged", "wrong")
    assert "judged=wrong" in page.evaluate("location.hash")


def test_an_address_opens_the_segment_of_a_stream(reported: Reported) -> None:
    page = reported(compared_view(), "#case=slow-trap&step=4")
    assert "What was seen and heard in segment 4" in page.locator(".case").inner_text()
    page.get_by_role("link", name="Segment 3, review, not as labelled").click()
    expect(page.locator(".strip [aria-current]")).to_have_text("? 3")


def test_a_stream_opens_where_it_went_wrong(reported: Reported) -> None:
    page = reported(compared_view(), "#case=slow-trap")
    assert page.locator(".strip [aria-current]").inner_text() == "? 3"
    assert "0:45 breaks a rule" in page.locator(".strip").inner_text()


def test_a_spot_of_the_map_shows_its_mistakes(reported: Reported) -> None:
    page = reported(compared_view())
    page.get_by_role("link", name=re.compile("^fraud scam in DE: 2 of 4")).click()
    expect(page.locator(".case-list a")).to_have_count(2)
    assert listed(page) == [MISSED, PUNISHED]
    assert page.locator("#case-title").evaluate(IN_VIEW)


def test_a_cell_of_the_confusion_matrix_shows_its_cases(reported: Reported) -> None:
    page = reported(compared_view())
    page.get_by_role("link", name="Label allow, decided violation: 2").click()
    expect(page.locator(".case-list a")).to_have_count(1)
    assert listed(page) == [PUNISHED]


def test_before_and_now_stand_side_by_side_with_label_and_quotes(reported: Reported) -> None:
    page = reported(compared_view(), f"#case={MISSED}")
    label, before, now = page.locator(".views .view").all()
    assert [view.locator("h4").inner_text() for view in (label, before, now)] == ["Label", "Before", "Now"]
    assert "FRAUD-1.1" in label.inner_text()
    assert "It does." in before.inner_text()
    assert "Nothing found" in now.inner_text()
    tops = {round(view.bounding_box()["y"]) for view in (label, before, now)}  # type: ignore[index]
    assert len(tops) == 1
    assert page.locator(".texts mark.label.before").inner_text() == "guaranteed"


def test_a_picture_is_shown_with_its_case(reported: Reported, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "fraud-picture-01-f1.webp").write_bytes(picture())
    page = reported(compared_view(tmp_path), "#case=fraud-picture-01")
    image = page.locator(".texts img")
    assert image.get_attribute("alt") == "Picture f1 of the stream"
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("naturalWidth", 320)


def test_everything_is_reached_with_the_keyboard(reported: Reported) -> None:
    page = reported(compared_view())
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the figures"
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the cases"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "search"
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.case-list') !== null"):
            break
    assert page.evaluate("document.activeElement.dataset.case") == MISSED
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.case") == PUNISHED
    page.keyboard.press("Enter")
    expect(page.locator("#case-title")).to_have_text(PUNISHED)
    assert page.evaluate("document.activeElement.dataset.case") == PUNISHED
    page.keyboard.press("End")
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.dataset.case") == MISSED
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.detail') !== null")


def test_focus_can_be_seen(reported: Reported) -> None:
    page = reported(compared_view())
    page.keyboard.press("Tab")
    for _ in range(60):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "() => { const one = document.activeElement, near = one.matches('input[type=radio]') ? one.nextElementSibling : one;"
            " return one === document.body || getComputedStyle(near).outlineStyle !== 'none' }"
        )
        assert seen, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")


def test_next_and_previous_walk_through_what_was_found(reported: Reported) -> None:
    page = reported(compared_view())
    assert page.get_by_role("button", name="Previous").is_disabled()
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#case-title")).to_have_text(PUNISHED)
    page.go_back()
    expect(page.locator("#case-title")).to_have_text(MISSED)


def test_tables_are_sorted_by_their_headings(reported: Reported) -> None:
    page = reported(compared_view())
    table = page.locator(".slices").first
    heading = table.get_by_role("button", name="Rows")
    heading.click()
    numbers = [int(text) for text in table.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True)
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    heading.press("Enter")
    assert [int(text) for text in table.locator("tbody td:nth-child(2)").all_inner_texts()] == sorted(numbers)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_in_light_and_dark(reported: Reported, scheme: str) -> None:
    page = reported(compared_view(), "#case=slow-trap&step=4", color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(re.findall(r"\d+", ground)[0])
    assert red < 60 if scheme == "dark" else red > 200
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize(("scheme", "switch"), [("light", "Dark"), ("dark", "Light")])
def test_the_switch_overrules_the_system_and_auto_goes_back(reported: Reported, scheme: str, switch: str) -> None:
    page = reported(compared_view(), color_scheme=scheme)
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.get_by_role("radio", name=switch).check()
    assert page.evaluate(ground) != before
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("radio", name="Auto").check()
    assert page.evaluate(ground) == before


@pytest.mark.parametrize("width", [320, 375, 768])
def test_the_page_needs_no_sideways_scrolling_on_small_screens(reported: Reported, width: int) -> None:
    for view, hash_ in ((compared_view(), f"#case={MISSED}"), (hostile_view(), "#case=evil-01")):
        page = reported(view, hash_, viewport={"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_telephone_a_case_that_is_chosen_comes_into_view(reported: Reported) -> None:
    page = reported(compared_view(), viewport={"width": 375, "height": 700})
    page.locator(f".case-list a[data-case={PUNISHED}]").click()
    expect(page.locator("#case-title")).to_have_text(PUNISHED)
    assert page.locator("#case-title").evaluate(IN_VIEW)


def test_a_thousand_cases_are_filtered_without_delay_and_drawn_only_as_far_as_seen(reported: Reported) -> None:
    page = reported(large_view())
    assert page.locator(".case-list a").count() < 200
    start = time.perf_counter()
    page.get_by_label("Search", exact=True).fill("CASE-0998")
    expect(page.locator(".case-list a")).to_have_count(1)
    assert time.perf_counter() - start < 1.5
    assert listed(page) == ["case-0998"]
    page.get_by_role("button", name="Clear").click()
    page.locator(".case-list").evaluate("list => { list.scrollTop = list.scrollHeight }")
    expect(page.locator(".case-list a").nth(100)).to_be_attached()


def test_without_scripts_the_figures_are_there_and_the_cases_say_what_is_missing(reported: Reported) -> None:
    page = reported(compared_view(), java_script_enabled=False)
    assert page.locator(".tile").first.is_visible()
    assert page.locator(".map").is_visible()
    assert page.locator(".theme").is_hidden()
    assert "need JavaScript" in page.locator("#cases").inner_text()


def test_paper_shows_what_is_folded_and_leaves_out_what_is_pressed(reported: Reported) -> None:
    page = reported(compared_view())
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator(".jump").is_hidden()
    assert page.locator(".filters").is_hidden()
    assert page.locator(".case").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0


def test_headings_regions_and_plots_have_names(reported: Reported) -> None:
    page = reported(compared_view(), f"#case={MISSED}")
    assert page.locator("h1").count() == 1
    assert page.locator("img:not([alt])").count() == 0
    assert page.evaluate(NAMED) == []
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("img", name="Reliability of the highest score").is_visible()
    assert page.locator("select").evaluate_all("all => all.every((one) => one.labels.length === 1)")
