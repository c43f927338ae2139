"""The report as JUnit XML, which build servers know how to show: one suite for the gates, one for the cases.

A case that is judged wrong is a failure only where it is worse than before: a test that was red for a year tells nobody anything. A case
that could not be judged is an error. The format is that of https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from livesteward.evals.dataset import Located
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.decisions import is_right
from livesteward.evals.reports.places import relative
from livesteward.evals.reports.view import ReportView
from livesteward.evals.reports.words import count, one_line, slice_name
from livesteward.evals.scorecard import Flip, GateLine, Result

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0, section 2.2, does not allow even escaped."""


def junit(view: ReportView) -> str:
    """Return the report as JUnit XML."""
    root = ET.Element("testsuites", name=_clean(f"livesteward eval {view.scorecard.run.name}"))
    suites = [_gates(view), _cases(view)]
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _gates(view: ReportView) -> ET.Element:
    found = []
    if view.outcome is not None:
        found = [_gate(line) for line in view.outcome.gates]
        if not found:
            found = [_with(_testcase("gates", "gates"), "error", view.outcome.result.value, view.outcome.line)]
    elif not view.scorecard.complete:
        found = [_with(_testcase("gates", "the run is complete"), "error", "inconclusive", "the run is not complete")]
    return _suite("gates", found)


def _gate(line: GateLine) -> ET.Element:
    where = ".".join(part for part in ("gates", line.dimension, line.slice) if part)
    case = _testcase(where, line.name)
    if line.result is Result.REGRESSION:
        return _with(case, "failure", "regression", line.message)
    if line.result is Result.INCONCLUSIVE:
        return _with(case, "error", "inconclusive", line.message)
    return _with(case, "system-out", "", line.message)


def _cases(view: ReportView) -> ET.Element:
    rows: dict[str, list[Judgement]] = {}
    for row in view.rows:
        rows.setdefault(row.entry.case_id, []).append(row)
    worse: dict[str, list[Flip]] = {}
    for flip in view.comparison.flips if view.comparison else ():
        if flip.better is False:
            worse.setdefault(flip.case_id, []).append(flip)
    seconds: dict[str, float] = {}
    for timing in view.timings:
        seconds[timing.case_id] = seconds.get(timing.case_id, 0.0) + timing.wall_ms / 1_000
    judged = [one for one in view.dataset.located if one.entry.case_id in rows]
    found = [_case(one, rows[one.entry.case_id], worse.get(one.entry.case_id, ()), seconds.get(one.entry.case_id, 0.0)) for one in judged]
    return _suite("cases", found, seconds=sum(seconds.values()))


def _case(located: Located, rows: Sequence[Judgement], worse: Sequence[Flip], seconds: float) -> ET.Element:
    entry = located.entry
    category = rows[0].categories[0]
    case = _testcase(f"{entry.split.value}.{category}", entry.case_id, file=relative(located.file), line=located.line, seconds=seconds)
    wrong = [row for row in rows if not is_right(row)]
    properties = ET.SubElement(case, "properties")
    for name, value in (("judged", "wrong" if wrong else "right"), ("rows", str(len(rows))), ("wrong", str(len(wrong)))):
        ET.SubElement(properties, "property", name=name, value=value)
    failures = sorted({row.record.failure.value for row in rows if row.record.failure})
    if worse:
        said = [f"{_place(flip.step, flip.region)}: {flip.before} → {flip.after} (label: {flip.gold})" for flip in worse]
        message = f"{count(len(worse), 'row')} worse than before: {said[0]}"
        _with(case, "failure", "worse", message, text="\n".join((*said, entry.reason)))
    elif failures:
        _with(case, "error", failures[0], f"could not be judged: {', '.join(map(slice_name, failures))}")
    if wrong:
        lines = (f"{_place(row.record.step, row.region)}: {row.decision} (label: {row.gold.decision})" for row in wrong)
        _with(case, "system-out", "", "\n".join((*lines, entry.reason)))
    return case


def _place(step: int, region: str) -> str:
    return f"segment {step + 1} in {region}"


def _testcase(classname: str, name: str, *, file: str = "", line: int = 0, seconds: float | None = None) -> ET.Element:
    case = ET.Element("testcase", classname=_clean(classname), name=_clean(name))
    if file:
        case.set("file", _clean(file))
        case.set("line", str(line))
    if seconds is not None:
        case.set("time", f"{seconds:.3f}")
    return case


def _with(case: ET.Element, tag: str, kind: str, message: str, *, text: str = "") -> ET.Element:
    part = ET.SubElement(case, tag)
    if tag == "system-out":
        part.text = "\n".join(map(_clean, message.splitlines()))
    else:
        part.set("type", kind)
        part.set("message", _clean(message))
        part.text = "\n".join(map(_clean, text.splitlines())) or None
    return case


def _suite(name: str, cases: Iterable[ET.Element], *, seconds: float = 0.0) -> ET.Element:
    found = list(cases)
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(found)),
        failures=str(sum(case.find("failure") is not None for case in found)),
        errors=str(sum(case.find("error") is not None for case in found)),
        skipped="0",
        time=f"{seconds:.3f}",
    )
    suite.extend(found)
    return suite


def _clean(text: str) -> str:
    return _NOT_XML.sub("�", one_line(text))
