"""What the case browser of the HTML report knows of each case: what was seen, the label, and the verdicts before and now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from livesteward.contracts import Finding, Modality, ReviewReason, SubjectKind, TextItem, Verdict
from livesteward.evals.cases import Case, Entry, ExpectedFinding, Step, StreamCase
from livesteward.evals.comparing import usual
from livesteward.evals.dataset import Located
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.decisions import is_right, is_severe
from livesteward.evals.metrics.spans import SOUND
from livesteward.evals.outcomes import Record
from livesteward.evals.reports.highlights import Layer, pieces
from livesteward.evals.reports.pictures import Pictures
from livesteward.evals.reports.places import relative
from livesteward.evals.reports.view import ReportView
from livesteward.evals.reports.words import FLIPS
from livesteward.evals.scorecard import Flip
from livesteward.prompts.fence import visible

MOST_BYTES: Final = 3_600_000
"""Of the data of all cases; with more, those that matter least are left out."""

_SCORES: Final = 3
_KINDS: Final = {
    Modality.TITLE: "title",
    Modality.SPEECH: "said",
    Modality.CHAT: "chat",
    Modality.OVERLAY: "on screen",
    Modality.GIFT: "gift",
    Modality.FRAME: "picture",
}
_PERCEIVED: Final = {Modality.OVERLAY: "read", Modality.SPEECH: "heard"}

Json = dict[str, Any]


@dataclass(frozen=True)
class _Judged:
    """A case with its rows, and what became of them."""

    located: Located
    rows: Sequence[Judgement]
    before: Mapping[int, Record]
    flips: Mapping[str, Flip]

    @property
    def rank(self) -> int:
        """The place in the browser: what got worse first, then mistakes, then what else flipped."""
        flips = [flip for row in self.rows if (flip := self.flips.get(row.unit)) is not None]
        worse = [flip for flip in flips if flip.better is False]
        if worse:
            return 0 if any(flip.severe for flip in worse) else 1
        wrong = [row for row in self.rows if not is_right(row)]
        if any((row.broken and not row.caught) or (row.innocent and row.acted) for row in wrong):
            return 2 if any(is_severe(row) or row.innocent for row in wrong) else 3
        return 4 if wrong else 5 if flips else 6


def browser_data(view: ReportView, *, most_bytes: int = MOST_BYTES) -> Json:
    """Return everything that the case browser shows, ready for JSON: cases in order, and how many had no room."""
    flips = {flip.unit: flip for flip in view.comparison.flips} if view.comparison else {}
    rows: dict[str, list[Judgement]] = {}
    for row in view.rows:
        rows.setdefault(row.entry.case_id, []).append(row)
    before: dict[str, dict[int, Record]] = {}
    for row in view.before:
        before.setdefault(row.entry.case_id, {}).setdefault(row.record.step, row.record)
    judged = [
        _Judged(one, rows[one.entry.case_id], before.get(one.entry.case_id, {}), flips)
        for one in view.dataset.located
        if one.entry.case_id in rows
    ]
    judged.sort(key=lambda one: one.rank)
    pictures = Pictures(view.dataset.media)
    cases: list[Json] = []
    left = most_bytes
    for one in judged:
        case = _case(one)
        left -= len(json.dumps(case, ensure_ascii=False, separators=(",", ":")).encode())
        if left < 0:
            break
        _add_pictures(case, one.located.entry, pictures)
        cases.append(case)
    return {
        "compared": view.comparison is not None,
        "detailed": bool(view.before),
        "trials": view.scorecard.run.trials,
        "left_out": len(judged) - len(cases),
        "cases": cases,
    }


def _case(one: _Judged) -> Json:
    entry = one.located.entry
    case: Json = {
        "id": entry.case_id,
        "split": entry.split.value,
        "at": f"{relative(one.located.file)}:{one.located.line}",
        "reason": visible(entry.reason),
        "note": visible(entry.note),
        "looks": [category.value for category in entry.looks_like],
        "source": visible(entry.source),
    }
    if isinstance(entry, StreamCase):
        case |= {"stream": True, "starts": entry.violation_starts_s}
    else:
        case |= _relations(entry)
    case["steps"] = [_step(one, entry, place) for place in sorted({row.record.step for row in one.rows})]
    return case


def _relations(entry: Case) -> Json:
    """The other case of a minimal pair, and the injection with its base."""
    found: Json = {}
    if entry.twin_of:
        found |= {"twin": entry.twin_of, "differs": visible(entry.differs)}
    if entry.injection:
        found["injection"] = {"base": entry.injection.base, "via": entry.injection.via, "aim": entry.injection.aim}
    return found


def _step(one: _Judged, entry: Entry, place: int) -> Json:
    step = entry.steps[place]
    rows = [row for row in one.rows if row.record.step == place]
    record, before = rows[0].record, one.before.get(place)
    segment = step.segment
    same = before is not None and _verdict(before.verdict) == _verdict(record.verdict)
    return {
        "n": place,
        "language": segment.language or "",
        "about": visible(segment.stream_category),
        "viewers": segment.viewers,
        "from": segment.region,
        "offset": segment.offset_s,
        "length": segment.duration_s,
        "kinds": list(rows[0].kinds),
        "texts": _texts(step, record, before),
        "rows": _rows(rows, one.flips),
        "label": [
            {"in": list(expected.regions), "d": expected.decision.value, "findings": [_expected(finding) for finding in expected.findings]}
            for expected in step.expect
        ],
        "now": _verdict(record.verdict),
        "before": "same" if same else _verdict(before.verdict) if before else None,
    }


def _rows(rows: Iterable[Judgement], flips: Mapping[str, Flip]) -> list[Json]:
    """One for each region; of several trials, what most say."""
    by_region: dict[str, list[Judgement]] = {}
    for row in rows:
        by_region.setdefault(row.region, []).append(row)
    return [_row(region, trials, flips.get(trials[0].unit)) for region, trials in by_region.items()]


def _row(region: str, trials: Sequence[Judgement], flip: Flip | None) -> Json:
    first = trials[0]
    decisions = [row.decision for row in trials]
    now = usual(decisions)
    told: Json = {"r": region, "g": first.gold.decision.value, "d": now.value, "c": list(first.categories)}
    told["right"] = now is first.gold.decision
    if first.severity:
        told["s"] = first.severity.value
    if flip is not None:
        told |= {"b": flip.before.value, "flip": FLIPS[flip.better]}
    if len(set(decisions)) > 1:
        told["trials"] = [decision.value for decision in decisions]
    if first.record.failure:
        told["failure"] = first.record.failure.value
    return told


def _texts(step: Step, record: Record, before: Record | None) -> list[Json]:
    """Every text of a segment, with what stands in its pictures and is heard in its recording, and what perception made of that."""
    quotes = _quotes(step, record, before)
    segment = step.segment
    names = {message.message_id: message.display_name or message.viewer_id for message in segment.chat}
    names |= {gift.gift_id: gift.viewer_id for gift in segment.gifts}
    found = []
    for item in segment.items():
        who = item.speaker.value if item.modality is Modality.SPEECH else "host" if item.modality is Modality.CHAT else ""
        who = names.get(item.item_id, who) if item.viewer_id else who
        found.append(_text(_KINDS[item.modality], item.item_id, item.text, quotes, at=segment.offset_s + item.at_s, who=who))
    for frame in segment.frames:
        drawing = step.staging.drawings.get(frame.frame_id)
        lines = "\n".join(drawing.text) if drawing else ""
        found.append(_text("picture", frame.frame_id, lines, quotes, at=segment.offset_s + frame.at_s))
    if segment.media is not None:
        sound = "\n".join(step.staging.sound.text) if step.staging.sound else ""
        found.append(_text("sound", SOUND, sound, quotes, at=segment.offset_s))
    known = {item.item_id for item in segment.items()}
    for item in record.perceived:
        if item.item_id not in known:
            kind = _PERCEIVED.get(item.modality, "read")
            found.append(_text(kind, item.item_id, item.text, _as_perceived(quotes, item), at=segment.offset_s + item.at_s))
    return sorted(found, key=lambda text: (text["kind"] != "title", text["at"]))


def _text(kind: str, item_id: str, text: str, quotes: Mapping[Layer, Mapping[str, list[str]]], *, at: float, who: str = "") -> Json:
    cut = pieces(text, {layer: of.get(item_id, ()) for layer, of in quotes.items()})
    found: Json = {"kind": kind, "id": visible(item_id), "at": round(at, 1), "t": cut}
    if who:
        found["who"] = visible(who)
    if kind == "picture" and (layers := sum(layer for layer, of in quotes.items() if item_id in of)):
        found["cited"] = layers
    return found


def _as_perceived(quotes: Mapping[Layer, Mapping[str, list[str]]], item: TextItem) -> dict[Layer, Mapping[str, list[str]]]:
    """Let a label that points at a picture or at the sound point also at what perception read or heard there."""
    heard = item.modality is Modality.SPEECH
    meant = [quote for name, found in quotes[Layer.LABEL].items() if (name == SOUND) is heard for quote in found]
    return {**quotes, Layer.LABEL: {item.item_id: meant}}


def _quotes(step: Step, record: Record, before: Record | None) -> dict[Layer, dict[str, list[str]]]:
    found: dict[Layer, dict[str, list[str]]] = {layer: {} for layer in Layer}
    for expected in step.expect:
        for finding in expected.findings:
            for span in finding.evidence:
                found[Layer.LABEL].setdefault(span.item, []).append(span.quote)
    for layer, of in ((Layer.NOW, record), (Layer.BEFORE, before)):
        for cited in of.verdict.findings if of else ():
            for evidence in cited.evidence:
                found[layer].setdefault(evidence.item_id, []).append(evidence.quote)
    return found


def _expected(finding: ExpectedFinding) -> Json:
    return {
        "rules": list(finding.rules),
        "category": finding.category.value,
        "severity": finding.severity.value,
        "who": ", ".join(map(visible, finding.subject_ids)) or finding.subject.value,
        "quotes": [[visible(span.item), visible(span.quote)] for span in finding.evidence],
    }


def _verdict(verdict: Verdict) -> Json:
    top = sorted(verdict.scores.items(), key=lambda score: -score[1])[:_SCORES]
    return {
        "findings": [_finding(finding) for finding in verdict.findings],
        "review": [_review(reason) for reason in verdict.review_reasons],
        "scores": [[category.value, round(score, 3)] for category, score in top],
        "judge": visible(verdict.provenance.judge),
    }


def _finding(finding: Finding) -> Json:
    viewer = finding.subject.kind is SubjectKind.VIEWER
    return {
        "rule": finding.rule_id,
        "title": visible(finding.rule_title),
        "category": finding.category.value,
        "severity": finding.severity.value,
        "who": visible(finding.subject.subject_id or "") if viewer else finding.subject.kind.value,
        "in": list(finding.jurisdictions),
        "d": finding.decision.value,
        "sure": round(finding.confidence, 3),
        "why": visible(finding.rationale),
        "quotes": [[visible(evidence.item_id), visible(evidence.quote)] for evidence in finding.evidence],
    }


def _review(reason: ReviewReason) -> list[str]:
    return [reason.code.value, visible(reason.detail)]


def _add_pictures(case: Json, entry: Entry, pictures: Pictures) -> None:
    for step in case["steps"]:
        urls = {visible(name): url for name, url in pictures.urls(entry.steps[step["n"]].segment.frames).items()}
        for text in step["texts"]:
            if text["kind"] == "picture" and (url := urls.get(text["id"])):
                text["url"] = url
