"""Signs of causes: each looks at one mistake, and says what it rests on where it holds, or returns None."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Final

from livesteward.agents.screen.normalise import normalise
from livesteward.contracts import Decision, LayerEffect, Modality, SubjectKind
from livesteward.evals.badcases.exceptions import applied_exception
from livesteward.evals.badcases.ground import Ground, blamed, category_of, decided_in, rule_id_of
from livesteward.evals.badcases.mistakes import HARM, Mistake, MistakeKind, wrongly_accused
from livesteward.evals.cases import Case, ExpectedSubject

NEAR: Final = 0.10
"""A score that misses a threshold by no more than this just misses it."""
LIKE: Final = 0.25
"""A text with no example that is at least so like it (by meaning, see :mod:`livesteward.evals.linting.likeness`) is like none."""

_ROWS_OF_SLICE: Final = 8
_WORSE_BY: Final = 1.2
_READ: Final = 0.5
_SHOWN: Final = 70


def broken(mistake: Mistake, _: Ground) -> str | None:
    """What was broken around the judge."""
    failure = mistake.row.record.failure
    if failure is None:
        return None
    return next(reason.detail for reason in mistake.row.record.verdict.review_reasons if reason.code is failure)[:200]


def injection(mistake: Mistake, ground: Ground) -> str | None:
    """The same case without its injection is decided otherwise."""
    row, entry = mistake.row, mistake.row.entry
    if not isinstance(entry, Case) or entry.injection is None:
        return None
    base = ground.by_place.get((entry.injection.base, 0, row.region, row.record.trial))
    if base is None or base.decision is row.decision:
        return None
    return f"{entry.injection.base}, the same without the injection by {entry.injection.via}, is decided as {base.decision.value}"


def not_perceived(mistake: Mistake, _: Ground) -> str | None:
    """All gold evidence is in pictures or sound, and most of it was not read or heard."""
    row = mistake.row
    texts = {item.item_id for item in row.segment.items()}
    spans = [span for finding in row.gold.findings for span in finding.evidence]
    if not spans or any(span.item in texts for span in spans):
        return None
    read = _letters(" ".join(item.text for item in row.record.perceived))
    missing = [span for span in spans if _share_of_words(span.quote, read) < _READ]
    if 2 * len(missing) <= len(spans):
        return None
    where = "sound" if missing[0].item == "sound" else "picture"
    got = f"perception got {_shown(read)!r}" if read else "perception got nothing"
    return f"{_shown(missing[0].quote)!r} is only in the {where}, and {got}"


def viewer_for_host(mistake: Mistake, _: Ground) -> str | None:
    """Only viewers are to blame, and a finding is against the host or a guest."""
    row = mistake.row
    if any(finding.subject is not ExpectedSubject.VIEWERS for finding in row.gold.findings):
        return None
    finding = next((one for one in wrongly_accused(row) if one.subject.kind is not SubjectKind.VIEWER), None)
    if finding is None:
        return None
    cited = next((place for place in finding.evidence if place.modality is Modality.CHAT), finding.evidence[0])
    return f"{finding.rule_id} is held against the {finding.subject.kind.value}, who is shown by {cited.item_id}: {_shown(cited.quote)!r}"


def wrong_person(mistake: Mistake, _: Ground) -> str | None:
    """Who is accused, and who is to blame."""
    accused = wrongly_accused(mistake.row)
    names = ", ".join(one.subject.subject_id or one.subject.kind.value for one in accused)
    guilty = ", ".join(name for one in mistake.row.gold.findings for name in one.subject_ids or (one.subject.value,))
    return f"{names} accused, {guilty} to blame"


def cleared(mistake: Mistake, ground: Ground) -> str | None:
    """The screen let the segment go."""
    verdict = mistake.row.record.verdict
    if verdict.provenance.judge != "screen":
        return None
    highest = max(verdict.scores.values(), default=0.0)
    return f"the screen's highest score is {highest:.2f}; its floor is {ground.thresholds.screen.floor}"


def not_retrieved(mistake: Mistake, ground: Ground) -> str | None:
    """No right rule was found, and no other of the category could stand in for it."""
    missing = _unfound(mistake)
    # Another rule of the category would have carried the finding, had the score been high enough.
    stands_in = _of_category(mistake, ground) and category_of(mistake) in mistake.row.record.verdict.scores
    return missing if missing and not stands_in else None


def lost(mistake: Mistake, ground: Ground) -> str | None:
    """The category scored high enough, and no finding came of it."""
    row, category = mistake.row, category_of(mistake)
    if category is None or any(finding.category is category for finding in row.findings):
        return None
    score, limit = row.record.verdict.scores.get(category, 0.0), ground.band(category, row.region).review
    if score < limit:
        return None
    others = _of_category(mistake, ground)
    rules = f"the rules on it that were found are {', '.join(others[:4])}" if others else "no rule on it was found"
    return f"{category.value} scores {score:.2f}, above the {limit:.2f} of {row.region}, and no finding came of it; {rules}"


def _unfound(mistake: Mistake) -> str | None:
    retrieved = mistake.row.record.retrieved.get(mistake.row.region, ())
    right = {rule for finding in mistake.row.gold.findings for rule in finding.rules}
    if not retrieved or not right or right & set(retrieved):
        return None
    return f"{', '.join(sorted(right))} is not among the {len(retrieved)} rules that were found; the first is {retrieved[0]}"


def _of_category(mistake: Mistake, ground: Ground) -> list[str]:
    """Return the ids of the rules that were found for a row and are of the mistake's category."""
    row, category = mistake.row, category_of(mistake)
    of = {rule.rule_id for rule in ground.rules(row.region, row) if rule.category is category}
    return [rule for rule in row.record.retrieved.get(row.region, ()) if rule in of]


def overlay(mistake: Mistake, ground: Ground) -> str | None:
    """Another region was decided alike, and only there it is right."""
    row = mistake.row
    step = row.entry.steps[row.record.step]
    gold = {region: expectation.decision for expectation in step.expect for region in expectation.regions}
    decided = decided_in(mistake, ground)
    other = next((region for region in decided if gold[region] is not row.gold.decision and decided[region] is row.decision), None)
    name = rule_id_of(mistake)
    if other is None or name is None:
        return None
    rule = ground.rule(name, row) or next((rule for rule in ground.rules(other, row) if rule.rule_id == name), None)
    layer = rule.layers[-1] if rule else None
    made = (
        f"; {name} is {_EFFECTS[layer.effect]} by {layer.document}:{layer.line}" if layer and layer.effect is not LayerEffect.BASE else ""
    )
    return f"{row.region} and {other} are both decided as {row.decision.value}, and only {other} should be{made}"


_EFFECTS: Final = {
    LayerEffect.ADD: "added",
    LayerEffect.TIGHTEN: "tightened",
    LayerEffect.RELAX: "relaxed",
    LayerEffect.OFF: "switched off",
    LayerEffect.BASE: "made",
}


def near_threshold(mistake: Mistake, ground: Ground) -> str | None:
    """The score is on the wrong side of its threshold by a little."""
    category, finding, row = category_of(mistake), blamed(mistake), mistake.row
    if category is None:
        return None
    band = ground.band(category, row.region)
    if mistake.kind is MistakeKind.MISSED:
        score, limit = row.record.verdict.scores.get(category, 0.0), band.review
    elif finding is not None:
        acted = finding.decision is Decision.VIOLATION
        above = mistake.kind is not MistakeKind.LEFT_TO_REVIEW
        score, limit = finding.confidence, band.violation if acted or not above else band.review
    else:
        return None
    gap = score - limit
    if abs(gap) > NEAR or (gap >= 0) is (mistake.kind in HARM):
        return None
    return f"{category.value} scores {score:.2f}, {abs(gap):.2f} {'above' if gap >= 0 else 'below'} the {limit:.2f} of {row.region}"


def exception(mistake: Mistake, ground: Ground) -> str | None:
    """The case's reason speaks of an exception of the rule."""
    name = rule_id_of(mistake)
    rule = ground.rule(name, mistake.row) if name else None
    applied = applied_exception(rule, mistake.row.entry.reason) if rule else None
    return f"{name} has the exception {_shown(applied)!r}, and the case says: {_shown(mistake.row.entry.reason)!r}" if applied else None


def slice_goes_wrong(dimension: str, names: Set[str] | None = None) -> Callable[[Mistake, Ground], str | None]:
    """Return a sign for slices that go wrong more often than other rows with the same label: those named, or any of the dimension."""

    def fact(mistake: Mistake, ground: Ground) -> str | None:
        gold = mistake.row.gold.decision
        all_wrong, all_rows = ground.wrong[gold, "", ""]
        for name in mistake.row.slices[dimension]:
            wrong, rows = ground.wrong[gold, dimension, name]
            worse = rows >= _ROWS_OF_SLICE and wrong * all_rows >= _WORSE_BY * all_wrong * rows
            if worse and (names is None or name in names):
                return (
                    f"of {rows} rows of {dimension} {name!r} that should be {gold.value}, {wrong} are wrong: "
                    f"{wrong / rows:.0%}, and {all_wrong / all_rows:.0%} of all such rows"
                )
        return None

    return fact


def wrong_side(mistake: Mistake, ground: Ground) -> str | None:
    """The text is more like an example on the wrong side of the rule than on the right one."""
    name = rule_id_of(mistake)
    rule = ground.rule(name, mistake.row) if name else None
    if rule is None:
        return None
    breaking, allowed = ground.nearest(mistake.text, rule.breaks), ground.nearest(mistake.text, rule.allowed)
    wrong, right = (allowed, breaking) if mistake.kind in HARM else (breaking, allowed)
    if wrong[0] < LIKE or wrong[0] <= right[0]:
        return None
    side = "allowed" if mistake.kind in HARM else "breaking"
    return f"it is more like the {side} example of {name} {_shown(wrong[1])!r} ({wrong[0]:.2f}) than any other ({right[0]:.2f})"


def score(mistake: Mistake, ground: Ground) -> str:
    """What the judge saw, where nothing else is to be said."""
    category, finding = category_of(mistake), blamed(mistake)
    if finding is not None:
        return f"{finding.rule_id} with a confidence of {finding.confidence:.2f}, for {_shown(finding.evidence[0].quote)!r}"
    if category is not None:
        limit = ground.band(category, mistake.row.region).review
        score = mistake.row.record.verdict.scores.get(category, 0.0)
        missing = _unfound(mistake)
        return (
            f"{category.value} scores {score:.2f} for {_shown(mistake.text)!r}, and a person is asked from {limit:.2f} on"
            f"{'; ' + missing if missing else ''}"
        )
    reasons = mistake.row.record.verdict.review_reasons
    return f"{reasons[0].code.value}: {_shown(reasons[0].detail)}" if reasons else f"decided as {mistake.row.decision.value}"


def _letters(text: str) -> str:
    return "".join(normalise(text).split())


def _share_of_words(quote: str, read: str) -> float:
    """Return how many of the words of a quote stand in what was read; text recognition drops spaces, so words are looked for inside."""
    words = [word for word in map(_letters, quote.split()) if word]
    return sum(word in read for word in words) / len(words) if words else 1.0


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1].rstrip() + "…"
