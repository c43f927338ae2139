"""The comment on a pull request: the verdict first, what flipped and why, and no text of a case that is more than text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from unit.evals.views import HOSTILE, MENDED, MISSED, PUNISHED, compared_view, flips, gate, hostile_view, with_flips

from livesteward.evals.gates import conclude
from livesteward.evals.reports.markdown import LONGEST, MARKER, OPEN_FLIPS, escaped, markdown
from livesteward.evals.scorecard import Result

OWN_TAGS = {"table", "thead", "tbody", "tr", "th", "td", "h3", "h4", "p", "ul", "li", "strong", "code", "details", "summary", "sub", "span"}
OWN_TAGS |= {"blockquote"}


class Rendered(HTMLParser):
    """Markdown as GitHub's renderer sees it before its own filters: elements, and text outside code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not attrs, f"{tag} with {attrs}"

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_verdict_is_the_first_line() -> None:
    assert markdown(compared_view()).splitlines()[0] == "### ✖ REGRESSION: 1 of 2 gates failed: severe harm missed: 0.0% before, 50.0% now"


def test_an_incomplete_run_without_gates_does_not_look_fine() -> None:
    view = compared_view()
    card = view.scorecard.model_copy(update={"complete": False})
    assert "INCOMPLETE" in markdown(replace(view, outcome=None, scorecard=card)).splitlines()[0]


def test_flips_are_told_with_case_before_after_label_and_reason() -> None:
    text = Rendered(markdown(compared_view())).text
    for told in (MISSED, PUNISHED, MENDED, "✖ violation → ✔ allow", "✖ violation, severe", "Because.", "DE, SG", "2 worse", "1 better"):
        assert told in text


def test_flips_are_grouped_by_category() -> None:
    assert "**Fraud scam** (3)" in markdown(compared_view())


def test_flips_beyond_twenty_are_folded_away() -> None:
    text = markdown(with_flips(compared_view(), flips(30)))
    shown, _, folded = text.partition("<details><summary>10 more</summary>")
    assert shown.count("<code>case-") == OPEN_FLIPS
    assert folded.count("<code>case-") == 10


def test_a_comment_keeps_within_githubs_limit_and_counts_what_it_leaves_out() -> None:
    text = markdown(with_flips(compared_view(), flips(5_000)))
    assert len(text) <= LONGEST
    left = re.search(r"And ([\d,]+) segments for which there is no room", text)
    assert left is not None
    assert int(left[1].replace(",", "")) + text.count("<code>case-") == 5_000
    assert text.count("<details>") == text.count("</details>")
    assert text.rstrip().endswith(MARKER)


def test_hundreds_of_failed_gates_keep_within_the_limit_too() -> None:
    outcome = conclude([gate(Result.REGRESSION, HOSTILE * 3, f"gate {number}") for number in range(500)])
    assert len(markdown(replace(with_flips(compared_view(), flips(100, reason=HOSTILE)), outcome=outcome))) <= LONGEST


def test_slices_that_moved_have_both_figures_an_interval_and_the_corrected_probability() -> None:
    view = compared_view()
    assert view.comparison is not None
    test = next(test for test in view.comparison.tests if (test.metric, test.slice) == ("accuracy", "DE"))
    line = next(line for line in markdown(view).splitlines() if line.startswith("| region **DE** | Accuracy"))
    before, now, change, p = (cell.strip() for cell in line.split("|")[3:7])
    assert (before, now) == (f"{test.before:.1%}", f"{test.after:.1%}")
    assert re.fullmatch(r"-\d+\.\d \([-+\d.]+ to [-+\d.]+\)", change)
    assert test.p_holm is not None
    assert p == f"{test.p_holm:.2f}"


def test_no_difference_comes_with_the_smallest_one_that_would_show() -> None:
    view = compared_view()
    assert view.comparison is not None
    same = replace(view, comparison=view.comparison.model_copy(update={"flips": ()}))
    text = markdown(same)
    assert "Nothing, in 18 rows that both runs have." in text
    for line in text.splitlines():
        if "no difference" in line or "nothing flipped" in line:
            assert "would show" in line


def test_it_says_in_what_the_runs_differ() -> None:
    assert "Against <code>before</code>: different code or weights." in markdown(compared_view())


def test_hostile_cases_make_no_element_link_picture_or_heading() -> None:
    rendered = Rendered(markdown(hostile_view()))
    assert rendered.tags <= OWN_TAGS
    assert "<script>" in rendered.text
    assert rendered.text.count("What flipped") == 1


def test_hostile_cases_mention_nobody_and_refer_to_nothing() -> None:
    text = Rendered(markdown(hostile_view())).text
    # As GitHub looks for them once Markdown is text: @name, #1, GH-1, addresses and emoji.
    assert not re.search(r"@\w|#\d|\bGH-\d|https?:/|www\.\w|:tada:", text)
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("text", ["a|b", "`x`", "[a](b)", "![a](b)", "<b>", "**b**", "\\|", "&lt;b&gt;", "$x$", "| --- |", "~~x~~", "# h"])
def test_marks_of_markdown_stay_letters(text: str) -> None:
    rendered = Rendered(f"| a | b |\n| --- | --- |\n| {escaped(text)} | end |\n")
    assert rendered.tags <= {"table", "thead", "tbody", "tr", "th", "td", "span"}
    cells = [cell.strip() for cell in rendered.text.split("\n") if cell.strip()]
    assert cells == ["a", "b", text.replace("#", "#\u200b").replace(":", ":\u200b"), "end"]


@given(st.text(max_size=60))
def test_any_text_stays_in_its_cell(text: str) -> None:
    rendered = Rendered(f"| a | b |\n| --- | --- |\n| x{escaped(text)} | end |\n")
    assert rendered.tags <= {"table", "thead", "tbody", "tr", "th", "td", "span"}
    assert rendered.text.split()[-1] == "end"
