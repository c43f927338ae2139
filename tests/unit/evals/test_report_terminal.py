"""The short report on a terminal: it fits 80 columns and says everything that decides."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from unit.evals.views import HOSTILE, MENDED, MISSED, compared_view, flips, hostile_view, view_of, with_flips

from livesteward.evals.reports.terminal import MOST_FLIPS, summary
from livesteward.evals.reports.view import ReportView


def printed(view: ReportView, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, force_terminal=False).print(summary(view))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(width: int) -> None:
    text = printed(compared_view(), width)
    assert max(map(len, text.splitlines())) <= width
    figures = text.partition("Against")[0]
    assert "…" not in figures


def test_figures_have_intervals_and_what_they_rest_on() -> None:
    lines = {line.split("  ")[0]: line for line in printed(compared_view()).partition("Against")[0].splitlines()}
    assert "3 of 9" in lines["Missed severe harm"]
    assert "–" in lines["Wrongful action"]
    assert "1 of 1" in lines["Streams detected"]


def test_categories_and_regions_are_there_the_worst_region_first() -> None:
    text = printed(compared_view())
    assert "fraud scam" in text
    assert text.index("\nDE ") < text.index("\nSG ")


def test_flips_are_shown_worse_first_with_before_after_label_and_reason() -> None:
    text = printed(compared_view())
    assert text.index(f"worse  {MISSED} DE, SG severe") < text.index(f"better {MENDED}")
    assert "✖ violation → ✔ allow, label ✖ violation" in text
    assert "Because." in text


def test_only_ten_flips_are_shown_and_the_rest_is_counted() -> None:
    text = printed(with_flips(compared_view(), flips(25)))
    assert text.count("worse  case-") == MOST_FLIPS
    assert "and 15 more" in text


def test_gates_have_marks() -> None:
    text = printed(compared_view())
    assert "✖ severe harm missed" in text
    assert "✔ wrongful action" in text


def test_a_set_too_small_for_a_difference_says_what_would_show() -> None:
    assert "no difference is shown; differences from" in printed(compared_view())


def test_what_could_not_be_judged_is_said() -> None:
    assert "1 segment could not be judged and was sent to review: 1 model timeout" in printed(compared_view())


def test_an_incomplete_run_says_so() -> None:
    view = compared_view()
    assert "not complete" in printed(replace(view, scorecard=view.scorecard.model_copy(update={"complete": False})))


def test_a_run_of_nothing_can_be_shown() -> None:
    view = compared_view()
    empty = view_of(view.dataset.select(only=["everyday-01"]), [])
    assert "0 cases" in printed(empty)


def test_hostile_text_neither_styles_nor_steers_the_terminal() -> None:
    text = printed(hostile_view())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold red]markup[/]" in text
    assert HOSTILE.split()[0] in text
