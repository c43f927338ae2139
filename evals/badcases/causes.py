"""Why a group of mistakes was likely made, decided from rules, evidence and the rest of the run: no model is asked.

Each cause is a sign that says what it rests on. Of those that hold for at least half of a group, the most telling one is named: that
perception read nothing explains more than a low score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from livesteward.evals.badcases.ground import Ground
from livesteward.evals.badcases.mistakes import HARM, Mistake, MistakeKind
from livesteward.evals.badcases.report import Cause, CauseCode
from livesteward.evals.badcases.signs import (
    broken,
    cleared,
    exception,
    injection,
    lost,
    near_threshold,
    not_perceived,
    not_retrieved,
    overlay,
    score,
    slice_goes_wrong,
    viewer_for_host,
    wrong_person,
    wrong_side,
)
from livesteward.evals.cases import Tag
from livesteward.evals.linting.quotas import DISGUISES

_quoted: Final = slice_goes_wrong("kind", {tag.value for tag in (Tag.QUOTE, Tag.NEWS, Tag.EDUCATION, Tag.RECOVERY)})
_make_believe: Final = slice_goes_wrong("kind", {tag.value for tag in (Tag.FICTION, Tag.GAME, Tag.SATIRE)})
_disguised: Final = slice_goes_wrong("kind", {tag.value for tag in DISGUISES})
_language: Final = slice_goes_wrong("language")
_FACTS: Final = 3


def likely_cause(group: Sequence[Mistake], ground: Ground) -> Cause:
    """Return why the mistakes of a group were likely made.

    Args:
        group: Mistakes of one kind.
        ground: Rules, thresholds and the rest of the run.
    """
    kind = group[0].kind
    found: list[tuple[_Sign, list[str]]] = []
    for sign in _SIGNS:
        if kind in sign.kinds:
            facts = [f"{_place(mistake)}: {fact}" for mistake in group if (fact := sign.fact(mistake, ground))]
            found += [(sign, facts)] if 2 * len(facts) >= len(group) else []
    # What the score was can always be said, so there is one at least.
    (chosen, facts), *others = found
    return Cause(
        code=chosen.code,
        sentence=chosen.sentence,
        holds=len(facts),
        facts=tuple(facts[:_FACTS]),
        also=tuple(sign.code for sign, _ in others if sign.code is not CauseCode.SCORE),
    )


@dataclass(frozen=True)
class _Sign:
    """One cause: how it is told, what it rests on where it holds, and the kinds of mistake that it can explain."""

    code: CauseCode
    sentence: str
    fact: Callable[[Mistake, Ground], str | None]
    kinds: frozenset[MistakeKind] = frozenset(MistakeKind)


_LET_GO: Final = frozenset({MistakeKind.MISSED, MistakeKind.LEFT_TO_REVIEW})
_DISTURBED: Final = frozenset({MistakeKind.WRONGFUL_ACTION, MistakeKind.UNNEEDED_REVIEW})
_ACCUSED: Final = frozenset({MistakeKind.WRONG_SUBJECT})
_SIGNS: Final = (
    _Sign(CauseCode.BROKEN, "Something around the judge was broken, so that a person had to look.", broken),
    _Sign(CauseCode.INJECTION, "Text that orders the moderator about changed the decision.", injection),
    _Sign(CauseCode.NOT_PERCEIVED, "What decides is only in the picture or the sound, and perception did not get it.", not_perceived, HARM),
    _Sign(CauseCode.VIEWER_FOR_HOST, "What viewers did is held against the host.", viewer_for_host, _ACCUSED),
    _Sign(CauseCode.WRONG_PERSON, "Somebody else than the one to blame is accused.", wrong_person, _ACCUSED),
    _Sign(CauseCode.CLEARED, "The screen let it go before it was judged.", cleared, HARM),
    _Sign(CauseCode.NOT_RETRIEVED, "The rule that decides was not among those that were found for the text.", not_retrieved, HARM),
    _Sign(CauseCode.LOST, "The score is high enough, and no rule carried it.", lost, frozenset({MistakeKind.MISSED})),
    _Sign(CauseCode.OVERLAY, "Regions are decided alike, though their rules differ.", overlay, _LET_GO | _DISTURBED),
    _Sign(CauseCode.NEAR_THRESHOLD, "The score misses the threshold by a little.", near_threshold, _LET_GO | _DISTURBED),
    _Sign(CauseCode.EXCEPTION, "An exception of the rule applies, and was not seen.", exception, _DISTURBED),
    _Sign(
        CauseCode.QUOTED,
        "Words that are quoted, reported or taught are taken for the speaker's own.",
        _quoted,
        _DISTURBED,
    ),
    _Sign(CauseCode.MAKE_BELIEVE, "A game, a film or a joke is taken for real.", _make_believe, _DISTURBED),
    _Sign(CauseCode.DISGUISED, "The words are disguised by spelling, emoji or a mix of languages.", _disguised, HARM),
    _Sign(CauseCode.WRONG_SIDE, "It is like an example on the wrong side of the rule.", wrong_side, _LET_GO | _DISTURBED),
    _Sign(CauseCode.LANGUAGE, "The language goes wrong more often than others.", _language, _LET_GO | _DISTURBED),
    _Sign(CauseCode.SCORE, "The judge sees too little in it, and nothing else stands out.", score, _LET_GO),
    _Sign(CauseCode.SCORE, "The rules leave it to a person, and the judge is sure.", score, HARM - _LET_GO),
    _Sign(CauseCode.SCORE, "The judge is sure of what is not there, and nothing else stands out.", score, _DISTURBED | _ACCUSED),
)


def _place(mistake: Mistake) -> str:
    row = mistake.row
    step = f"/{row.record.step + 1}" if len(row.entry.steps) > 1 else ""
    return f"{row.entry.case_id}{step}@{row.region}"
