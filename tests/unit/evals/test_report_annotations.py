"""Marks on lines for GitHub: only what got worse, within its limits, and one command a line whatever a case says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from unit.evals.views import MENDED, MISSED, PUNISHED, compared_view, flips, gate, hostile_view, with_flips

from livesteward.evals.gates import conclude
from livesteward.evals.reports.annotations import MOST, annotations
from livesteward.evals.scorecard import Result

COMMAND = re.compile(r"::(error|warning|notice) (?:file=([^:,]+),line=(\d+),)?title=([^:,]+)::(.+)")


def commands(text: str) -> list[tuple[str, ...]]:
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match is not None, line
        found.append(match.groups())
    return found


def test_severe_flips_are_errors_on_the_line_of_the_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = {message.split()[0]: (level, file, line) for level, file, line, _, message in commands(annotations(compared_view()))}
    assert found[MISSED] == ("error", "golden/cases.yaml", "1")
    assert found[PUNISHED] == ("warning", "golden/cases.yaml", "2")
    assert MENDED not in found


def test_a_failed_gate_is_an_error_and_one_that_holds_is_silent() -> None:
    titles = [title for _, _, _, title, _ in commands(annotations(compared_view()))]
    assert titles.count("Gate failed") == 1


def test_a_gate_that_cannot_be_told_is_a_warning() -> None:
    view = replace(compared_view(), comparison=None, outcome=conclude([gate(Result.INCONCLUSIVE)]))
    assert [(level, title) for level, _, _, title, _ in commands(annotations(view))] == [("warning", "Gate cannot be told")]


def test_no_more_than_githubs_ten_of_a_kind_and_the_rest_is_counted() -> None:
    view = with_flips(
        compared_view(), [*flips(30, severe=True), *(flip.model_copy(update={"case_id": f"mild-{n}"}) for n, flip in enumerate(flips(30)))]
    )
    outcome = conclude([gate(Result.REGRESSION, name=f"gate {number}") for number in range(8)])
    found = commands(annotations(replace(view, outcome=outcome)))
    levels = [level for level, *_ in found]
    assert (levels.count("error"), levels.count("warning"), levels.count("notice")) == (MOST, MOST, 1)
    assert sum(title == "Gate failed" for _, _, _, title, _ in found) == 5
    assert found[-1][-1] == "48 more failed or got worse"


def test_nothing_is_said_where_nothing_got_worse() -> None:
    assert annotations(replace(compared_view(), comparison=None, outcome=conclude([gate(Result.PASS)]))) == ""


def test_hostile_text_begins_no_command_of_its_own() -> None:
    text = annotations(hostile_view())
    assert all(line.startswith(("::error ", "::warning ")) for line in text.splitlines())
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text


def test_line_breaks_percent_and_separators_are_escaped() -> None:
    (located, *rest) = compared_view().dataset.located
    odd = replace(located, file=Path("/a,b:c%/cases.yaml"))
    view = replace(
        compared_view(),
        dataset=replace(compared_view().dataset, located=(odd, *rest)),
        outcome=conclude([gate(Result.REGRESSION, "50% off\r\n::error::x")]),
    )
    text = annotations(view)
    assert "file=/a%2Cb%3Ac%25/cases.yaml,line=1" in text
    assert "::50%25 off ::error::x\n" in text
