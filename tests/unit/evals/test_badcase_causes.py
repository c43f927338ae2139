"""Signs of causes: each holds where it should, and not beside it; and what is advised."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from unit.evals.making import ALLOW, QUOTE, REVIEW, VIEWER, VIOLATION, case, expected, judged, read_from_picture, record, verdict

from livesteward.agents.thresholds import Band, Thresholds
from livesteward.contracts import Provenance, ReviewCode
from livesteward.evals.badcases.advice import advice
from livesteward.evals.badcases.causes import likely_cause
from livesteward.evals.badcases.exceptions import applied_exception
from livesteward.evals.badcases.ground import Ground
from livesteward.evals.badcases.mistakes import mistakes
from livesteward.evals.badcases.report import Cause, CauseCode
from livesteward.evals.cases import Entry
from livesteward.evals.judgements import Judgement
from livesteward.evals.linting.decisive_texts import words_of
from livesteward.evals.outcomes import Record
from livesteward.retrieval.rulebook import PolicyLibrary, load_library
from livesteward.settings import Settings

BAND = Band(violation=0.75, review=0.40)
LOW = {"fraud_scam": 0.03}


@cache
def library() -> PolicyLibrary:
    return load_library(Settings(workspace=None).policies_dir)


def ground(rows: Sequence[Judgement], **more: Any) -> Ground:
    return Ground(library(), Thresholds(default=BAND), rows, **more)


def cause(*pairs: tuple[Entry, Record], of: str = "one", **more: Any) -> Cause:
    """The cause of the mistakes made on one case, in a run of several."""
    rows = judged(*pairs)
    return likely_cause([mistake for mistake in mistakes(rows) if mistake.row.entry.case_id == of], ground(rows, **more))


def test_a_failure_around_the_judge_is_told_before_all_else() -> None:
    one = case("one")
    found = cause((one, record(one, REVIEW, findings=[], failure=ReviewCode.PERCEPTION_FAILED)))
    assert found.code is CauseCode.BROKEN
    assert found.facts == ("one@SG: unsure",)


def test_an_injection_is_to_blame_only_where_the_same_case_without_it_is_decided_otherwise() -> None:
    base = case("base", expected())
    one = case("one", expected(), injection={"base": "base", "via": "chat", "aim": "acquit"})
    swayed = cause((base, record(base, VIOLATION)), (one, record(one, ALLOW, scores=LOW)))
    assert swayed.code is CauseCode.INJECTION
    assert "base" in swayed.facts[0]
    assert cause((base, record(base, ALLOW)), (one, record(one, ALLOW, scores=LOW))).code is CauseCode.SCORE


def test_what_perception_did_not_read_is_told_with_what_it_read() -> None:
    drawn = {"frames": [{"draw": {"scene": "poster", "text": ["double your rent money"]}}]}
    one = case("one", expected(evidence=[("f1", "double your rent money")]), segment=drawn)
    blind = cause((one, record(one, ALLOW, scores=LOW)))
    assert blind.code is CauseCode.NOT_PERCEIVED
    assert "perception got nothing" in blind.facts[0]
    misread = record(one, ALLOW, scores=LOW, perceived=[read_from_picture("ocr-1", "dubie yurn")])
    assert cause((one, misread)).code is CauseCode.NOT_PERCEIVED
    read = record(one, ALLOW, scores=LOW, perceived=[read_from_picture("ocr-1", "DOUBLE YOURRENT MONEY")])
    assert cause((one, read)).code is CauseCode.SCORE


def test_viewers_words_held_against_the_host_are_told_apart_from_another_wrong_person() -> None:
    written = {"chat": [f"{VIEWER}: {QUOTE} hello", "bo: hi"]}
    one = case("one", expected(subject="viewers", evidence=[("c1", QUOTE)]), segment=written)
    assert cause((one, record(one, VIOLATION, quotes=[("c1", QUOTE)]))).code is CauseCode.VIEWER_FOR_HOST
    host = case("one", expected(), segment=written)
    assert cause((host, record(host, VIOLATION, subject="viewers", quotes=[("c1", QUOTE)]))).code is CauseCode.WRONG_PERSON


def test_a_segment_that_the_screen_let_go_is_told_so() -> None:
    one = case("one", expected())
    let_go = verdict(one.segment, {"SG": ALLOW}, scores=LOW).model_copy(update={"provenance": Provenance(judge="screen")})
    assert cause((one, record(one, ALLOW).model_copy(update={"verdict": let_go}))).code is CauseCode.CLEARED


def test_a_rule_that_was_not_found_is_the_cause_only_where_no_other_of_its_category_could_stand_in() -> None:
    one = case("one", expected())
    none_found = record(one, ALLOW, scores=LOW, retrieved={"SG": ["HATE-1.1", "SEX-1.1"]})
    found = cause((one, none_found))
    assert found.code is CauseCode.NOT_RETRIEVED
    assert "FRAUD-1.1 is not among the 2" in found.facts[0]
    kin = record(one, ALLOW, scores=LOW, retrieved={"SG": ["HATE-1.1", "FRAUD-2.1"]})
    assert cause((one, kin)).code is CauseCode.SCORE
    without_scores = record(one, ALLOW, retrieved={"SG": ["HATE-1.1", "FRAUD-2.1"]})
    assert cause((one, without_scores)).code is CauseCode.NOT_RETRIEVED


def test_a_score_above_the_threshold_without_a_finding_was_lost() -> None:
    one = case("one", expected())
    found = cause((one, record(one, ALLOW, scores={"fraud_scam": 0.6}, retrieved={"SG": ["FRAUD-1.1"]})))
    assert found.code is CauseCode.LOST
    assert "FRAUD-1.1" in found.facts[0]


def test_regions_decided_alike_though_their_rules_differ_are_told_with_the_document() -> None:
    vape = expected(category="regulated_goods", rules=["GOODS-SG-1"], regions=["SG"])
    one = case("one", vape, expected(ALLOW, regions=["US"]))
    found = cause((one, record(one, ALLOW)))
    assert found.code is CauseCode.OVERLAY
    assert "added by SG/" in found.facts[0]
    assert (
        cause((one, record(one, {"SG": REVIEW, "US": ALLOW}, category="regulated_goods", rule="GOODS-SG-1"))).code is not CauseCode.OVERLAY
    )


@pytest.mark.parametrize(("score", "code"), [(0.39, CauseCode.NEAR_THRESHOLD), (0.31, CauseCode.NEAR_THRESHOLD), (0.2, CauseCode.SCORE)])
def test_a_score_just_below_its_threshold_is_near(score: float, code: CauseCode) -> None:
    one = case("one", expected())
    assert cause((one, record(one, ALLOW, scores={"fraud_scam": score}))).code is code


def test_a_finding_far_above_its_threshold_is_not_near_it() -> None:
    one = case("one")
    assert cause((one, record(one, VIOLATION))).code is CauseCode.SCORE


def test_an_exception_is_told_where_the_reason_speaks_of_it() -> None:
    told = {"reason": "Documentary with a source: the exception of VIOL-1.2 for journalism that reports on violence."}
    one, other = case("one", **told), case("one")
    against = {"category": "violence_threats", "rule": "VIOL-1.2"}
    assert cause((one, record(one, VIOLATION, **against))).code is CauseCode.EXCEPTION
    assert cause((other, record(other, VIOLATION, **against))).code is CauseCode.SCORE


def test_a_rule_without_exceptions_has_none_that_applies() -> None:
    rule = library().rulebook("SG", case("one").segment.starts_at.date()).rules[0].model_copy(update={"exceptions": ()})
    assert applied_exception(rule, "An exception applies.") is None


def test_a_slice_is_blamed_only_where_it_goes_wrong_more_often_than_others_with_the_same_label() -> None:
    quoted = [case(f"quoted-{n}", tags=["quote"]) for n in range(10)]
    plain = [case(f"plain-{n}") for n in range(30)]
    wrong = [(one, record(one, REVIEW)) for one in quoted]
    right = [(one, record(one, ALLOW)) for one in plain]
    found = cause(*wrong, *right, of="quoted-0")
    assert found.code is CauseCode.QUOTED
    assert "10 are wrong: 100%, and 25% of all such rows" in found.facts[0]
    all_wrong = [(one, record(one, REVIEW)) for one in plain]
    assert cause(*wrong, *all_wrong, of="quoted-0").code is CauseCode.SCORE
    assert cause(*wrong[:3], *right, of="quoted-0").code is CauseCode.SCORE


def test_a_language_that_goes_wrong_more_often_is_told_with_its_share() -> None:
    thai = [case(f"thai-{n}", expected(), segment={"language": "th"}) for n in range(10)]
    english = [case(f"english-{n}", expected()) for n in range(30)]
    rows = [(one, record(one, ALLOW, scores=LOW)) for one in thai] + [(one, record(one, VIOLATION)) for one in english]
    assert cause(*rows, of="thai-0").code is CauseCode.LANGUAGE


def test_a_text_like_an_allowed_example_is_on_the_wrong_side() -> None:
    one = case("one", expected())
    rule = next(rule for rule in library().rulebook("SG", one.segment.starts_at.date()).rules if rule.rule_id == "FRAUD-1.1")
    ground_of = ground(judged((one, record(one, ALLOW, scores=LOW))))
    likeness = {words_of(example): np.array([0, 1], np.float32) for example in rule.breaks}
    likeness |= {words_of(example): np.array([1, 0], np.float32) for example in rule.allowed}
    likeness[QUOTE] = np.array([0.9, 0.1], np.float32)
    found = likely_cause(mistakes(ground_of.rows), ground(ground_of.rows, likeness=likeness))
    assert found.code is CauseCode.WRONG_SIDE


def test_a_cause_needs_half_of_the_group_and_the_others_are_named_too() -> None:
    entries = [case(f"one-{n}", expected()) for n in range(4)]
    scores = [0.35, 0.36, 0.1, 0.1]
    rows = judged(*((one, record(one, ALLOW, scores={"fraud_scam": score})) for one, score in zip(entries, scores, strict=True)))
    found = likely_cause(mistakes(rows), ground(rows))
    assert (found.code, found.holds) == (CauseCode.NEAR_THRESHOLD, 2)
    assert likely_cause(mistakes(rows)[1:], ground(rows)).code is CauseCode.SCORE


def test_advice_names_the_document_and_what_a_lower_threshold_would_do() -> None:
    missed, fine = case("one", expected()), case("fine")
    scored = record(missed, ALLOW, scores={"fraud_scam": 0.33}), record(fine, ALLOW, scores={"fraud_scam": 0.35})
    rows = judged((missed, scored[0]), (fine, scored[1]))
    group = mistakes(rows)
    threshold, example = advice(group, likely_cause(group, ground(rows)), ground(rows))
    assert "`review` = 0.33 in [category.fraud_scam]" in threshold
    assert "sends 1 innocent rows" in threshold
    assert "“Breaks the rule” of FRAUD-1.1, global/fraud-and-scams.md:" in example


def test_advice_says_where_examples_cannot_move_the_embedded_judge_far_enough() -> None:
    def told(score: float) -> str:
        one = case("one", expected())
        rows = judged((one, record(one, ALLOW, scores={"fraud_scam": score})))
        group = mistakes(rows)
        return " ".join(advice(group, likely_cause(group, ground(rows)), ground(rows)))

    assert "train screen" in told(0.02)
    assert "train screen" not in told(0.3)


def test_advice_on_innocent_cases_is_about_what_does_not_break_the_rule() -> None:
    one = case("one")
    rows = judged((one, record(one, VIOLATION)))
    group = mistakes(rows)
    assert "Does not break the rule" in advice(group, likely_cause(group, ground(rows)), ground(rows))[-1]
