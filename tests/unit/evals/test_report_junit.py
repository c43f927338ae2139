"""JUnit for build servers: red only where something got worse, never green where nothing can be said, and always well-formed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from unit.evals.views import HOSTILE, MENDED, MISSED, PUNISHED, compared_view, gate, hostile_view

from livesteward.evals.gates import conclude
from livesteward.evals.reports.junit import junit
from livesteward.evals.reports.view import ReportView
from livesteward.evals.scorecard import Result


def read(view: ReportView) -> ET.Element:
    return ET.fromstring(junit(view))


def case_of(view: ReportView, name: str) -> ET.Element:
    found = read(view).find(f".//testcase[@name='{name}']")
    assert found is not None
    return found


def suite(view: ReportView, name: str) -> ET.Element:
    found = read(view).find(f"testsuite[@name='{name}']")
    assert found is not None
    return found


def test_only_what_got_worse_fails() -> None:
    failed = {case.get("name") for case in suite(compared_view(), "cases") if case.find("failure") is not None}
    assert failed == {MISSED, PUNISHED}


def test_a_failure_says_what_flipped_and_why() -> None:
    failure = case_of(compared_view(), MISSED).find("failure")
    assert failure is not None
    assert failure.get("type") == "worse"
    assert "2 rows worse than before" in str(failure.get("message"))
    assert "segment 1 in SG: violation → allow (label: violation)" in str(failure.text)
    assert "Because." in str(failure.text)


def test_without_a_baseline_a_wrong_case_is_told_and_not_failed() -> None:
    view = replace(compared_view(), comparison=None, before=())
    case = case_of(view, MISSED)
    assert case.find("failure") is None
    judged = case.find("properties/property[@name='judged']")
    assert judged is not None
    assert judged.get("value") == "wrong"
    assert "segment 1 in SG: allow (label: violation)" in case.findtext("system-out", "")


def test_a_case_that_could_not_be_judged_is_an_error() -> None:
    error = case_of(compared_view(), "broken-down-01").find("error")
    assert error is not None
    assert error.get("type") == "model_timeout"


def test_a_case_has_file_line_and_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    case = case_of(compared_view(), MENDED)
    assert (case.get("file"), case.get("line")) == ("golden/cases.yaml", "3")
    assert float(case.get("time", "0")) > 0


def test_a_file_elsewhere_is_named_in_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (located, *_) = compared_view().dataset.located
    far = replace(located, file=Path("/elsewhere/cases.yaml"))
    view = replace(compared_view(), dataset=replace(compared_view().dataset, located=(far,)))
    assert case_of(view, MISSED).get("file") == "/elsewhere/cases.yaml"


def test_a_failed_gate_is_a_failure_and_one_that_cannot_be_told_an_error() -> None:
    outcome = conclude([gate(Result.REGRESSION, name="one"), gate(Result.INCONCLUSIVE, name="two"), gate(Result.PASS, name="three")])
    gates = suite(replace(compared_view(), outcome=outcome), "gates")
    assert (gates.get("tests"), gates.get("failures"), gates.get("errors")) == ("3", "1", "1")


@pytest.mark.parametrize("outcome", [conclude([]), None])
def test_where_nothing_can_be_said_nothing_is_green(outcome: object) -> None:
    view = compared_view()
    card = view.scorecard.model_copy(update={"complete": False})
    gates = suite(replace(view, outcome=outcome, scorecard=card), "gates")
    assert gates.get("errors") == "1"


def test_counts_add_up() -> None:
    root = read(compared_view())
    assert root.get("tests") == str(len(root.findall(".//testcase")))
    assert root.get("failures") == str(len(root.findall(".//failure"))) == "3"
    assert root.get("errors") == str(len(root.findall(".//error"))) == "1"


def test_hostile_text_leaves_the_document_well_formed() -> None:
    text = junit(hostile_view())
    root = ET.fromstring(text)
    assert root.find(".//script") is None
    assert HOSTILE.split()[0] in str(root.get("name"))
    assert not {letter for letter in text if ord(letter) < 32} - {"\n"}


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    outcome = conclude([gate(Result.REGRESSION, "a\ufffe\uffff\x00\x0bb")])
    found = suite(replace(compared_view(), outcome=outcome), "gates").find(".//failure")
    assert found is not None
    assert str(found.get("message")).startswith("a\ufffd")
