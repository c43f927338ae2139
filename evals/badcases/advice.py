"""What to try against a cause: which rule document and section, which threshold, which part of the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from livesteward.agents.judges.heads import MARGIN_LIMIT
from livesteward.contracts import Category, Rule
from livesteward.evals.badcases.ground import Ground, blamed, category_of, rule_id_of
from livesteward.evals.badcases.mistakes import HARM, Mistake, MistakeKind
from livesteward.evals.badcases.report import Cause, CauseCode

_REACH: Final = 0.15
"""How far below a threshold a score may be to be caught by a lower one that is worth trying."""


def advice(group: Sequence[Mistake], cause: Cause, ground: Ground) -> tuple[str, ...]:
    """Return what to try against the mistakes of a group, the most promising first.

    Args:
        group: The most typical first.
        cause: Of the group.
        ground: The rules and thresholds.
    """
    first = _ADVICE.get(cause.code)
    found = [first(group, ground) if first else None, _example(group, ground)]
    if cause.code is not CauseCode.NEAR_THRESHOLD and CauseCode.NEAR_THRESHOLD in cause.also:
        found.append(_threshold(group, ground))
    return tuple(dict.fromkeys(one for one in found if one))


def _example(group: Sequence[Mistake], ground: Ground) -> str | None:
    """Where to add an example of the most typical mistake, or why that alone will not do."""
    mistake = group[0]
    rule = _rule(mistake, ground)
    if rule is None:
        return None
    section = "Breaks the rule" if mistake.kind in HARM else "Does not break the rule"
    where = f"an example in new words in “{section}” of {rule.rule_id}, {_document(rule)}"
    if 2 * sum(_out_of_reach(one, ground) for one in group) > len(group):
        return f"{where}: a model reads it; the embedded judge is further off than examples move it, and needs `livesteward train screen`"
    return f"{where}; compare on the dev split"


def _out_of_reach(mistake: Mistake, ground: Ground) -> bool:
    """Whether the embedded judge is further from asking a person than examples can move it."""
    row, category = mistake.row, category_of(mistake)
    if mistake.kind is not MistakeKind.MISSED or category is None or row.record.verdict.provenance.judge != "embedded-heads":
        return False
    return _odds(ground.band(category, row.region).review) - _odds(row.record.verdict.scores.get(category, 0.0)) > MARGIN_LIMIT


def _odds(probability: float) -> float:
    bounded = min(1 - 1e-6, max(1e-6, probability))
    return math.log(bounded / (1 - bounded))


def _overlay(group: Sequence[Mistake], ground: Ground) -> str | None:
    name = rule_id_of(group[0])
    return f"read what makes the difference: livesteward policies explain {name} --region {group[0].row.region}" if name else None


def _search(group: Sequence[Mistake], ground: Ground) -> str:
    row = group[0].row
    # The text is a stranger's: it is named by its case, not put into a command line.
    return f'see what is found for the words of {row.entry.case_id}: livesteward policies search --region {row.region} "…"'


def _threshold(group: Sequence[Mistake], ground: Ground) -> str | None:
    category = category_of(group[0])
    if category is None:
        return None
    if group[0].kind is MistakeKind.MISSED:
        return _lower_review(group, category, ground)
    name = "violation" if _by_action(group[0]) else "review"
    band = ground.band(category, group[0].row.region)
    now = band.violation if name == "violation" else band.review
    way = "lower" if group[0].kind in HARM else "higher"
    return f"a {way} `{name}` than {now:.2f} in [category.{category.value}] of thresholds.toml, and compare on the golden split"


def _by_action(mistake: Mistake) -> bool:
    finding = blamed(mistake)
    acted = finding is not None and finding.decision.value == "violation"
    return acted or mistake.kind is MistakeKind.LEFT_TO_REVIEW


def _lower_review(group: Sequence[Mistake], category: Category, ground: Ground) -> str | None:
    """Say what a lower threshold would catch, and how many innocent rows of this run it would send to a person."""
    scores = [mistake.row.record.verdict.scores.get(category, 0.0) for mistake in group]
    now = ground.band(category, group[0].row.region).review
    near = [score for score in scores if now - _REACH <= score < now]
    if not near:
        return None
    lower = min(near)
    disturbed = sum(row.innocent and not row.caught and row.record.verdict.scores.get(category, 0.0) >= lower for row in ground.rows)
    return (
        f"`review` = {lower:.2f} in [category.{category.value}] of thresholds.toml (now {now:.2f}): by score it catches "
        f"{len(near)} of these {len(group)}, and sends {disturbed} innocent rows of this run to a person"
    )


def _rule(mistake: Mistake, ground: Ground) -> Rule | None:
    name = rule_id_of(mistake)
    return ground.rule(name, mistake.row) if name else None


def _document(rule: Rule) -> str:
    layer = rule.layers[-1]
    return f"{layer.document}:{layer.line}"


def _always(text: str) -> Callable[[Sequence[Mistake], Ground], str]:
    return lambda group, ground: text


_ADVICE: Final[dict[CauseCode, Callable[[Sequence[Mistake], Ground], str | None]]] = {
    CauseCode.BROKEN: _always("run `livesteward doctor`, mend what it names, and judge these cases again: nothing is learned from them so"),
    CauseCode.INJECTION: _always(
        "see whether the text counted as an injection ([verify] injection in thresholds.toml); if not, teach its form to the screen"
    ),
    CauseCode.NOT_PERCEIVED: _always(
        "run `livesteward doctor` for text and speech recognition; look at what was read in the report; larger letters are no cure"
    ),
    CauseCode.VIEWER_FOR_HOST: _always(
        "see in the report which words were cited: a host who reads a message out or answers it is not the one who wrote it"
    ),
    CauseCode.WRONG_PERSON: _always("see in the report whose words were cited: who speaks, host or guest, comes from the platform"),
    CauseCode.CLEARED: _always("lower [screen] floor in thresholds.toml, or fit the screen again: `livesteward train screen`"),
    CauseCode.NOT_RETRIEVED: _search,
    CauseCode.LOST: _search,
    CauseCode.OVERLAY: _overlay,
    CauseCode.NEAR_THRESHOLD: _threshold,
    CauseCode.DISGUISED: _always("collect this spelling and teach it to the screen and heads: `livesteward train screen`"),
    CauseCode.LANGUAGE: _always("examples in this language help most; the embedded judge learned from few of some languages"),
}
"""By cause; an example for the rule is proposed besides."""
