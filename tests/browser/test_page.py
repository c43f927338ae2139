from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser.conftest import Shown
from playwright.sync_api import Browser, ConsoleMessage, Request
from unit.cli.made_up import HOSTILE, examined, fraud, segment, verdict, violating, watched

from livesteward.cli.page import render_page
from livesteward.cli.watched import WatchedStream
from livesteward.contracts import Decision

FOCUSED = "document.activeElement.getAttribute('aria-label')"
NAMED = """
() => [...document.querySelectorAll('[tabindex="0"], a, [role=region]')]
  .filter((one) => !one.getAttribute('aria-label') && !one.textContent.trim())
  .map((one) => one.outerHTML)
"""
CONTRAST = """
() => {
  const shade = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => v / 255)
      .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/^rgba\\(.*, 0\\)$/.test(colour)) return colour;
    }
    return getComputedStyle(document.documentElement).backgroundColor;
  };
  const worst = [];
  for (const element of document.querySelectorAll('main *, header *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const [a, b] = [shade(getComputedStyle(element).color), shade(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) worst.push(`${element.className || element.tagName} ${ratio.toFixed(2)}: ${element.textContent.slice(0, 40)}`);
  }
  return worst;
}
"""


def three_segments() -> WatchedStream:
    return watched(
        violating(segment(1)), examined(segment(2), verdict(segment(2))), examined(segment(3), verdict(segment(3), Decision.REVIEW))
    )


def hostile() -> WatchedStream:
    of = segment(chat=HOSTILE, title=HOSTILE)
    finding = fraud(of).model_copy(update={"rationale": HOSTILE, "rule_title": HOSTILE[:119]})
    return watched(examined(of, verdict(of, Decision.VIOLATION, finding=finding)), error=HOSTILE)


def test_a_script_in_the_chat_does_not_run_and_stays_text(shown: Shown) -> None:
    page = shown(hostile())
    assert "owned" not in page.title()
    assert page.evaluate("window.owned") is None
    assert page.locator("main img[src='x'], main script, main b:has-text('bold')").count() == 0
    assert "</script><script>document.title='owned'</script>" in page.locator(".line").nth(2).inner_text() + page.locator("h2").inner_text()


def test_even_a_script_that_came_through_unescaped_could_not_run(browser: Browser, tmp_path: Path) -> None:
    spoilt = render_page([three_segments()]).replace(
        "</main>", "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"></main>"
    )
    path = tmp_path / "spoilt.html"
    path.write_text(spoilt, encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert "owned" not in page.title()
    page.close()


def test_no_request_leaves_and_the_console_is_silent(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render_page([hostile(), three_segments()]), encoding="utf-8")
    requests: list[Request] = []
    said: list[ConsoleMessage] = []
    page = browser.new_page()
    page.on("request", lambda request: requests.append(request))
    page.on("console", lambda message: said.append(message))
    page.goto(path.as_uri())
    page.locator("details").first.click()
    page.wait_for_timeout(300)
    assert {request.url for request in requests if not request.url.startswith("data:")} == {path.as_uri()}
    assert [message.text for message in said] == []
    page.close()


def test_the_timeline_is_reached_by_tab_and_read_with_arrows(shown: Shown) -> None:
    page = shown(three_segments())
    page.locator(".film").focus()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "0:03 finding: FRAUD-2.1 Promises of sure profit, the host"
    assert page.locator(".readout").inner_text() == page.evaluate(FOCUSED)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED).startswith("0:03 said by host: Send me one hundred dollars")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(FOCUSED).startswith("0:00 said by host: Hello everyone")
    page.keyboard.press("End")
    assert page.evaluate(FOCUSED).startswith("0:43 said")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.timeline')") is None


def test_enter_on_a_mark_goes_to_what_it_marks(shown: Shown) -> None:
    page = shown(three_segments())
    page.locator(".mark.found").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    target = page.locator(".line:target")
    assert "Send me one hundred dollars" in target.inner_text()
    assert target.evaluate("element => { const box = element.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight }")


def test_a_link_to_a_segment_opens_the_table_that_it_is_in(shown: Shown) -> None:
    page = shown(three_segments())
    page.locator(".block").nth(1).click()
    assert page.locator("tr:target").is_visible()


def test_a_filter_hides_the_chat_and_a_link_brings_it_back(shown: Shown) -> None:
    page = shown(three_segments())
    chat = page.locator(".line[data-kind=chat]").first
    page.get_by_label("chat and gifts").uncheck()
    assert chat.is_hidden()
    page.locator(".mark.chat").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash !== ''")
    chat.wait_for(state="visible")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_in_light_and_dark(shown: Shown, scheme: str) -> None:
    page = shown(three_segments(), hostile(), color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(re.findall(r"\d+", ground)[0])
    assert red < 60 if scheme == "dark" else red > 200
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.evaluate(CONTRAST) == []


def test_the_page_needs_no_sideways_scrolling_on_a_telephone(shown: Shown) -> None:
    page = shown(three_segments(), hostile(), viewport={"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_without_scripts_everything_is_still_there(shown: Shown) -> None:
    page = shown(three_segments(), java_script_enabled=False)
    assert page.locator(".mark").first.is_visible()
    assert page.locator(".line").first.is_visible()
    assert page.locator(".filters").first.is_hidden()


def test_headings_images_and_regions_have_names(shown: Shown) -> None:
    page = shown(three_segments())
    assert page.locator("h1").count() == 1
    assert page.locator("img:not([alt])").count() == 0
    assert page.evaluate(NAMED) == []
    assert page.locator("html").get_attribute("lang") == "en"
