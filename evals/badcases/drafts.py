"""Cases that somebody should write next, begun from mistakes by safe changes: nothing new is said in them, and no model is asked.

A draft is no case. It says what to look at; the words, and often the label, are for a person to write. The lint refuses one that is still
marked as a draft.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from livesteward.contracts import GLOBAL, GROUPS, Decision, OverlayText, Rule, Segment, Utterance
from livesteward.evals.badcases.ground import Ground, blamed, category_of, rule_id_of
from livesteward.evals.badcases.mistakes import HARM, Mistake
from livesteward.evals.badcases.report import Draft
from livesteward.evals.badcases.short_form import Short, finding, short, to_yaml
from livesteward.evals.badcases.twins import half_swapped
from livesteward.evals.cases import Case, Expectation, Span, Split, Staging, StreamCase
from livesteward.evals.linting.consistency import text_of
from livesteward.evals.writing import read_entry

DRAFT: Final = "draft: write the words yourself"
"""How the note of every draft begins."""

_MOST: Final = 3
_LONGEST_ID: Final = 80
_QUOTED: Final = "[who said this, and where] “{text}” [what the host thinks of it]"
_MOVED: Final = "moved"

_Begun: TypeAlias = tuple[str, dict[str, Any]]
"""What was changed, and the case without its id."""


def drafts(group: Sequence[Mistake], ground: Ground, taken: Counter[str]) -> tuple[Draft, ...]:
    """Return at most three cases to write against a group of mistakes.

    Args:
        group: The most typical first.
        ground: Rules, and the other cases of the run.
        taken: Counts drafts by the case that they are made from, so that ids are unique.
    """
    found: list[Draft] = []
    seen: set[str] = set()
    # What is in a canary case stays there: a draft of it would be seen by everybody.
    for mistake in [one for one in group if one.row.entry.split is not Split.CANARY][:_MOST]:
        for change in _CHANGES:
            begun = change(mistake, ground) if len(found) < _MOST and change.__name__ not in seen else None
            draft = _draft(mistake, begun, taken) if begun else None
            if draft is not None:
                found.append(draft)
                seen.add(change.__name__)
    return tuple(found)


def _draft(mistake: Mistake, begun: _Begun, taken: Counter[str]) -> Draft | None:
    row = mistake.row
    step = f"-{row.record.step + 1:02d}" if isinstance(row.entry, StreamCase) else ""
    stem = f"{row.entry.case_id[:_LONGEST_ID].rstrip('-')}{step}"
    change, fields = begun
    case_id = f"{stem}-draft-{taken[stem] + 1}"
    note = f"{DRAFT}. {change} Made from {row.unit}, which was decided as {row.decision.value} and should be {row.gold.decision.value}."
    written = {"case_id": case_id, "split": "dev", **fields, "note": note}
    if not _holds(written):
        return None
    taken[stem] += 1
    return Draft(case_id=case_id, change=change, yaml=f"# {DRAFT}, check the label, and take this line out.\n{to_yaml(written)}")


def _holds(written: dict[str, Any]) -> bool:
    """Whether the draft can be read, and its quotes stand where it says."""
    try:
        entry = read_entry(written)
    except ValueError:
        return False
    step = entry.steps[0]
    spans = [span for one in step.expect for finding in one.findings for span in finding.evidence]
    return all(span.quote in (text_of(span, step.segment, step.staging) or "") for span in spans)


def _elsewhere(mistake: Mistake, ground: Ground) -> _Begun | None:
    """The same content under the rules of a country where the rule reads otherwise."""
    row, name = mistake.row, rule_id_of(mistake)
    here = ground.rule(name, row) if name else None
    begun = short(row.segment, row.entry.steps[row.record.step].staging)
    if here is None or begun is None:
        return None
    for region in _others(mistake, ground):
        there = next((rule for rule in ground.rules(region, row) if rule.rule_id == name), None)
        # Only where the country's own documents make the difference.
        if there is None or (_differs(here, there) and there.layers[-1].jurisdiction == region):
            expected = _expected_there(mistake, ground, region, there, begun)
            how = "does not hold" if there is None else f"reads otherwise ({there.layers[-1].document}:{there.layers[-1].line})"
            change = f"The same in {region}, where {name} {how}."
            return change, _fields(mistake, begun, expected, f"Decide by {name} as it holds in {region}.")
    return None


def _others(mistake: Mistake, ground: Ground) -> list[str]:
    """Return countries with rules of their own that the case does not ask about, those first whose streams are in its language."""
    own = mistake.row.slices["language"]
    near = {row.region for row in ground.rows if row.slices["language"] == own}
    others = [region for region in ground.library.jurisdictions if region not in {GLOBAL, *GROUPS, *mistake.row.entry.regions}]
    return sorted(others, key=lambda region: (region not in near, region))


def _expected_there(mistake: Mistake, ground: Ground, region: str, there: Rule | None, begun: Short) -> list[dict[str, Any]]:
    row = mistake.row
    if there is None:
        return [{"regions": [region], "decision": Decision.ALLOW.value}]
    if mistake.kind not in HARM or not row.gold.findings:
        return [{"regions": [region], "decision": Decision.REVIEW.value}]
    in_force = {rule.rule_id: rule for rule in ground.rules(region, row)}
    found = []
    for expected in row.gold.findings:
        rules = [rule for rule in expected.rules if rule in in_force]
        if rules:
            changed = expected.model_copy(update={"rules": tuple(rules), "severity": in_force[rules[0]].severity})
            found.append(finding(changed, [begun.span(span.item, span.quote) for span in expected.evidence]))
    decision = row.gold.decision if found else Decision.ALLOW
    return [{"regions": [region], "decision": decision.value, **({"findings": found} if found else {})}]


def _differs(one: Rule, other: Rule) -> bool:
    return (one.severity, one.text, one.exceptions) != (other.severity, other.text, other.exceptions)


def _half_twin(mistake: Mistake, ground: Ground) -> _Begun | None:
    """The decisive detail of the known twin in this case, with all else as it is here."""
    entry = mistake.row.entry
    if not isinstance(entry, Case):
        return None
    entries = {row.entry.case_id: row.entry for row in ground.rows}
    names = [entry.twin_of, *(one.case_id for one in entries.values() if isinstance(one, Case) and one.twin_of == entry.case_id)]
    for name in names:
        twin = entries.get(name) if name else None
        segment = half_swapped(entry, twin) if isinstance(twin, Case) else None
        begun = short(segment, entry.staging) if segment is not None else None
        if begun is not None and isinstance(twin, Case):
            expected = [_written(one, begun, {}) for one in twin.expect]
            change = f"Only the decisive words of {twin.case_id}, with all else as in {entry.case_id}: which of the differences matters?"
            return change, _fields(mistake, begun, expected, twin.reason)
    return None


def _in_quotes(mistake: Mistake, ground: Ground) -> _Begun | None:
    """The host quotes the words to reject them."""
    row, category = mistake.row, category_of(mistake)
    spans = _gold_spans(mistake)
    if mistake.kind not in HARM or not spans or category is None:
        return None
    step = row.entry.steps[row.record.step]
    text = text_of(spans[0], step.segment, step.staging)
    if text is None or spans[0].item == "title":
        return None
    segment, staging = _without(step.segment, step.staging, {span.item for span in spans})
    said = Utterance(utterance_id=_MOVED, at_s=0, text=_QUOTED.format(text=" ".join(text.split())))
    begun = short(segment.model_copy(update={"utterances": (*segment.utterances, said)}), staging)
    if begun is None:
        return None
    expected = [{"regions": list(row.entry.regions), "decision": Decision.ALLOW.value}]
    reason = f"The words are quoted to reject them; say which exception of {rule_id_of(mistake)} that is."
    fields = _fields(mistake, begun, expected, reason) | {"looks_like": [category.value], "tags": ["quote"]}
    return "The words in a quote that the host rejects.", fields


def _moved(mistake: Mistake, ground: Ground) -> _Begun | None:
    """What decides is written instead of said, or said instead of written, or given as text instead of in picture or sound."""
    row = mistake.row
    step = row.entry.steps[row.record.step]
    evidence = blamed(mistake)
    spans = _gold_spans(mistake)
    item = spans[0].item if spans else evidence.evidence[0].item_id if evidence else None
    text = text_of(Span(item=item, quote="-"), step.segment, step.staging) if item else None
    if item is None or not text:
        return None
    flat = " ".join(text.split())
    segment, staging = _without(step.segment, step.staging, {item})
    if item == "sound" or any(one.overlay_id == item for one in step.segment.overlays):
        added: dict[str, Any] = {"utterances": (*segment.utterances, Utterance(utterance_id=_MOVED, at_s=0, text=flat))}
        change = "What decides is said by the host, given as text." if item == "sound" else "What decides is said instead of written."
    elif item in step.staging.drawings or any(one.utterance_id == item for one in step.segment.utterances):
        added = {"overlays": (*segment.overlays, OverlayText(overlay_id=_MOVED, at_s=0, text=flat))}
        change = f"What decides is on the picture{', given as text.' if item in step.staging.drawings else ' instead of said.'}"
    else:
        return None
    begun = short(segment.model_copy(update=added), staging)
    if begun is None:
        return None
    expected = [_written(one, begun, {item: _MOVED}) for one in step.expect]
    return change, _fields(mistake, begun, expected, row.entry.reason)


_CHANGES: Final[tuple[Callable[[Mistake, Ground], _Begun | None], ...]] = (_elsewhere, _half_twin, _in_quotes, _moved)


def _gold_spans(mistake: Mistake) -> list[Span]:
    return [span for one in mistake.row.gold.findings for span in one.evidence]


def _written(expectation: Expectation, begun: Short, renamed: dict[str, str]) -> dict[str, Any]:
    """Write an expectation with the ids that the items have now; what was moved stands on one line."""
    found = [
        finding(
            one,
            [
                begun.span(renamed.get(span.item, span.item), " ".join(span.quote.split()) if span.item in renamed else span.quote)
                for span in one.evidence
            ],
        )
        for one in expectation.findings
    ]
    written: dict[str, Any] = {"regions": list(expectation.regions), "decision": expectation.decision.value}
    return written | ({"findings": found} if found else {})


def _fields(mistake: Mistake, begun: Short, expected: list[dict[str, Any]], reason: str) -> dict[str, Any]:
    entry = mistake.row.entry
    like = [category.value for category in entry.looks_like]
    if not like and not any(one.get("findings") for one in expected) and (category := category_of(mistake)):
        like = [category.value]
    tags = {"tags": [tag.value for tag in entry.tags]} if entry.tags else {}
    return {**({"looks_like": like} if like else {}), **tags, "segment": begun.segment, "expect": expected, "reason": reason}


def _without(segment: Segment, staging: Staging, items: set[str]) -> tuple[Segment, Staging]:
    """Return a segment without some of its items."""
    kept = {
        "utterances": tuple(one for one in segment.utterances if one.utterance_id not in items),
        "chat": tuple(one for one in segment.chat if one.message_id not in items),
        "overlays": tuple(one for one in segment.overlays if one.overlay_id not in items),
        "gifts": tuple(one for one in segment.gifts if one.gift_id not in items),
        "frames": tuple(one for one in segment.frames if one.frame_id not in items),
    }
    silent = "sound" in items
    drawings = {name: drawing for name, drawing in staging.drawings.items() if name not in items}
    changed = segment.model_copy(update={**kept, "media": None if silent else segment.media})
    return changed, Staging(drawings=drawings, sound=None if silent else staging.sound)
