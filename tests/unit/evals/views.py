"""Runs to report on: a calm one that was compared with another, one that is hostile throughout, one of a thousand cases."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image
from unit.evals.making import (
    ALLOW,
    REVIEW,
    VIOLATION,
    case,
    dataset,
    expected,
    finding,
    judged,
    read_from_picture,
    record,
    run_info,
    stream,
    timing,
)

from livesteward.contracts import Decision, ReviewCode
from livesteward.evals.cases import Entry
from livesteward.evals.comparing import compare, decided
from livesteward.evals.dataset import Dataset
from livesteward.evals.gates import conclude
from livesteward.evals.outcomes import Record
from livesteward.evals.reports.view import ReportView
from livesteward.evals.scorecard import Flip, GateLine, Result
from livesteward.evals.scoring import score

MISSED, PUNISHED, MENDED = "fraud-missed-01", "cooking-punished-01", "fraud-mended-01"
"""Cases of :func:`compared_view`: a severe one that is let go now, an innocent one that is acted on now, one that is right now."""

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> [bold red]markup[/] "
    "@octocat #1 GH-2 o/r#3 https://evil.example/x www.evil.example [link](https://evil.example) ![p](https://evil.example/p.png) "
    "`code` | cell | **bold** _it_ ~~no~~ $x^2$ :tada: <!-- gone --> ]]> &lt; "
    "\x1b[31mred\x1b[0m \x00\x07 \u202ereversed\u2066 ::error::forged"
)
"""Everything that some report could take for more than text."""


def picture(colour: str = "#2f6f73") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(out, "WEBP")
    return out.getvalue()


def view_of(
    cases: Dataset,
    now: Sequence[Record],
    before: Sequence[Record] = (),
    *,
    gates: Sequence[GateLine] | None = None,
    finished: bool = True,
    trials: int = 1,
    name: str = "now",
) -> ReportView:
    """A report on records, with figures as they are computed for users."""
    info = run_info(cases, records=len(now), name=name, trials=trials, finished=finished)
    rows = judged(*((entry, one) for entry in cases.entries for one in now if one.case_id == entry.case_id))
    old = judged(*((entry, one) for entry in cases.entries for one in before if one.case_id == entry.case_id))
    times = [timing(one, 100.0 + place, judge=60.0) for place, one in enumerate(now)]
    return ReportView(
        dataset=cases,
        scorecard=score(cases, info, now, times),
        rows=rows,
        timings=times,
        comparison=compare(run_info(cases, records=len(before), name="before"), decided(old), info, rows) if before else None,
        before=old,
        outcome=conclude(gates) if gates is not None else None,
    )


def gate(
    result: Result, message: str = "severe harm missed: 0.0% before, 50.0% now", name: str = "missed_severe at most 3% worse"
) -> GateLine:
    return GateLine(name=name, result=result, message=message, metric="missed_severe")


@cache
def compared_view(folder: Path = Path("golden")) -> ReportView:
    """Eight cases and a stream in two regions, with a picture (if it is in ``folder``), that another run judged otherwise in three."""
    frame = {"frames": [{"draw": {"scene": "poster", "text": ["DOUBLE YOUR MONEY"]}}]}
    of_picture = expected(regions=("SG", "DE"), evidence=(("f1", "DOUBLE YOUR MONEY"),))
    cases = dataset(
        case(MISSED, expected(regions=("SG", "DE")), segment={"title": "Friday market"}),
        case(PUNISHED, expected(ALLOW, regions=("SG", "DE")), looks_like=["fraud_scam"], tags=["quote"]),
        case(MENDED, expected(regions=("SG",)), expected(ALLOW, regions=("DE",)), twin_of=MISSED),
        case("fraud-picture-01", of_picture, segment=frame),
        case("self-harm-01", expected(category="self_harm", rules=("SELF-1.1",), severity="critical"), split="dev"),
        case("unsure-01", expected(REVIEW), segment={"language": "de", "utterances": ["Das entscheidet ein Mensch."]}),
        case("everyday-01", segment={"utterances": ["Good morning, the oven is warm."]}),
        case("broken-down-01", expected()),
        stream("slow-trap", ALLOW, ALLOW, VIOLATION, VIOLATION, ALLOW, ALLOW, starts_s=45),
        root=folder,
    )
    (missed, punished, mended, shown, self_harm, unsure, everyday, down, slow) = cases.entries
    scores = {"fraud_scam": 0.7, "self_harm": 0.2, "spam_inauthentic": 0.05}
    seen = [read_from_picture("ocr-1", "DOUBLE YOURMONEY")]
    alike = [
        record(
            shown,
            VIOLATION,
            findings=[finding(shown.steps[0].segment, regions=("SG", "DE"), quotes=(("ocr-1", "DOUBLE YOURMONEY"),))],
            perceived=seen,
            scores=scores,
        ),
        record(self_harm, ALLOW, scores={"self_harm": 0.3}),
        record(unsure, REVIEW, scores={"self_harm": 0.4}),
        record(everyday, ALLOW, scores={"self_harm": 0.01}),
        record(down, REVIEW, findings=[], failure=ReviewCode.MODEL_TIMEOUT),
        *(record(slow, what, step=step, scores=scores) for step, what in enumerate((ALLOW, ALLOW, REVIEW, VIOLATION, ALLOW, ALLOW))),
    ]
    now = [
        record(missed, ALLOW, scores=scores),
        record(punished, VIOLATION, scores=scores),
        record(mended, {"SG": VIOLATION, "DE": ALLOW}, scores=scores),
    ]
    before = [record(missed, VIOLATION, scores=scores), record(punished, ALLOW, scores=scores), record(mended, ALLOW, scores=scores)]
    gates = [
        gate(Result.REGRESSION),
        gate(Result.PASS, "wrongful action: none of 2 slices is worse", "wrongful_action by category no worse"),
    ]
    return view_of(cases, [*now, *alike], [*before, *alike], gates=gates)


@cache
def hostile_view() -> ReportView:
    """Hostile text wherever a case, a verdict or a run can hold text."""
    said = {
        "utterances": [HOSTILE],
        "chat": [{"viewer_id": HOSTILE[:100], "text": HOSTILE}],
        "title": HOSTILE[:400],
        "overlays": [HOSTILE],
    }
    evil = case("evil-01", expected(evidence=(("u1", "<img src=x"),)), segment=said, reason=HOSTILE, note=HOSTILE, source=HOSTILE[:200])
    cases = dataset(evil, case("calm-01"))
    found = finding(evil.steps[0].segment, quotes=(("u1", "</script>"),))
    found = found.model_copy(update={"rationale": HOSTILE, "rule_title": HOSTILE[:110]})
    verdict = record(evil, VIOLATION, findings=[found])
    reason = verdict.verdict.review_reasons
    doubtful = record(evil, REVIEW, findings=[found.model_copy(update={"decision": Decision.REVIEW})])
    reasons = tuple(one.model_copy(update={"detail": HOSTILE}) for one in doubtful.verdict.review_reasons)
    doubtful = doubtful.model_copy(update={"verdict": doubtful.verdict.model_copy(update={"review_reasons": (*reason, *reasons)})})
    calm = record(cases.entries[1], ALLOW)
    view = view_of(cases, [doubtful, calm], [verdict, calm], gates=[gate(Result.REGRESSION, HOSTILE, HOSTILE)], name="run")
    run = view.scorecard.run.model_copy(update={"name": HOSTILE, "dataset": HOSTILE})
    return replace(view, scorecard=view.scorecard.model_copy(update={"run": run}))


@cache
def large_view(size: int = 1_000) -> ReportView:
    """As many cases as a large golden set has rows; every third is judged wrong. The figures are of a few of them."""
    few = compared_view()
    cases = dataset(*(_numbered(number) for number in range(size)))
    now = [record(entry, VIOLATION if number % 3 == 0 else ALLOW) for number, entry in enumerate(cases.entries)]
    rows = judged(*zip(cases.entries, now, strict=True))
    return replace(few, dataset=cases, rows=rows, before=(), comparison=None, outcome=None)


def _numbered(number: int) -> Entry:
    return case(f"case-{number:04d}", segment={"title": f"Stream number {number}", "utterances": [f"This is sentence {number}."] * 6})


def flips(number: int, **changes: Any) -> list[Flip]:
    """Worse flips of as many cases."""
    given: Mapping[str, Any] = {
        "region": "SG",
        "categories": ("fraud_scam",),
        "gold": Decision.VIOLATION,
        "before": Decision.VIOLATION,
        "after": Decision.ALLOW,
        "better": False,
        "reason": "A long reason that says why the label is what it is. " * 5,
        **changes,
    }
    return [Flip(unit=f"case-{place:05d}/0@SG", case_id=f"case-{place:05d}", **given) for place in range(number)]


def with_flips(view: ReportView, found: Sequence[Flip]) -> ReportView:
    """The same with other flips."""
    assert view.comparison is not None
    return replace(view, comparison=view.comparison.model_copy(update={"flips": tuple(found)}))
