from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.agents.parts import GUEST, HOST, claim, found, gave, judgement, rule, said, segment, shown, viewer, wrote

from livesteward.agents.nodes.verify import Support, verify_claims
from livesteward.agents.state import Claim, Verified
from livesteward.contracts import Category, Frame, Origin, RetrievedRule, ReviewCode, Segment, Speaker, SubjectKind

RULES = found(rule("FRAUD-1.1"))
SEGMENT = segment(
    said("u1", "Send me one hundred and I send you two hundred back."),
    said("g1", "I double your money, trust me.", speaker=Speaker.GUEST, at_s=5),
    said("x1", "Somebody speaks of sure profit.", speaker=Speaker.UNKNOWN, at_s=7),
    # What a recogniser heard in the host's recording is the host's until somebody knows better.
    said("a1", "The profit is sure.", speaker=Speaker.UNKNOWN, at_s=8).model_copy(update={"origin": Origin.SPEECH_RECOGNITION}),
    wrote("c1", "mallory", "buy my sure profit course"),
    wrote("c2", "alice", "hello there"),
    wrote("c3", "host", "join my sure profit group", is_host=True),
    shown("o1", "GUARANTEED PROFIT"),
    gave("f1", "mallory", "profit for all who follow me"),
    Frame(frame_id="key-1", at_s=1),
    title="Sure profit today",
)


def check(
    *claims: Claim,
    seg: Segment = SEGMENT,
    rules: tuple[RetrievedRule, ...] = RULES,
    support: Support | None = None,
    second_opinion: float = 0.2,
    frames_shown: tuple[str, ...] = (),
) -> Verified:
    return verify_claims(judgement(*claims, frames_shown=frames_shown), seg, rules, support=support, second_opinion=second_opinion)


@pytest.mark.parametrize(
    "one",
    [
        claim("FRAUD-1.1", HOST, ("u1", "send me one hundred")),
        claim("FRAUD-1.1", HOST, ("title", "Sure profit")),
        claim("FRAUD-1.1", HOST, ("o1", "guaranteed profit")),
        claim("FRAUD-1.1", HOST, ("c3", "sure profit group")),
        claim("FRAUD-1.1", HOST, ("a1", "profit is sure")),
        claim("FRAUD-1.1", HOST, ("u1", "Send me"), ("c2", "hello there")),
        claim("FRAUD-1.1", HOST, ("u1", "Send me"), ("x1", "sure profit")),
        claim("FRAUD-1.1", GUEST, ("g1", "I double your money")),
        claim("FRAUD-1.1", GUEST, ("x1", "sure profit")),
        claim("FRAUD-1.1", viewer("mallory"), ("c1", "sure profit course"), ("f1", "profit for all")),
    ],
    ids=lambda one: f"{one.subject.kind}-{one.evidence[0].item_id}",
)
def test_a_claim_that_can_be_shown_holds(one: Claim) -> None:
    verified = check(one)
    assert [held.rule_id for held in verified.claims] == ["FRAUD-1.1"]
    assert verified.jurisdictions == (("SG",),)
    assert not verified.rejected


REFUSED = {
    "unknown rule": (claim("HATE-9.9", HOST, ("u1", "Send me")), "not among those that were retrieved"),
    "no evidence": (claim("FRAUD-1.1", HOST), "no evidence"),
    "no rationale": (claim("FRAUD-1.1", HOST, ("u1", "Send me"), rationale=" \n"), "no rationale"),
    "no quote": (claim("FRAUD-1.1", HOST, ("u1", "  ")), "no quote is given"),
    "made-up item": (claim("FRAUD-1.1", HOST, ("u99", "Send me")), "no item of the segment"),
    "made-up quote": (claim("FRAUD-1.1", HOST, ("u1", "send me your password")), "does not stand in"),
    "quote of another item": (claim("FRAUD-1.1", HOST, ("u1", "GUARANTEED PROFIT")), "does not stand in"),
    "one of two quotes wrong": (claim("FRAUD-1.1", HOST, ("u1", "Send me"), ("o1", "no risk")), "does not stand in"),
    "chat against the host": (claim("FRAUD-1.1", HOST, ("c1", "sure profit course")), "none of the evidence is by the host"),
    "gift against the host": (claim("FRAUD-1.1", HOST, ("f1", "profit for all")), "none of the evidence is by the host"),
    "guest's words against the host": (claim("FRAUD-1.1", HOST, ("g1", "I double your money")), "none of the evidence is by the host"),
    "an unknown voice against the host": (claim("FRAUD-1.1", HOST, ("x1", "sure profit")), "none of the evidence is by the host"),
    "host's words against a guest": (claim("FRAUD-1.1", GUEST, ("u1", "Send me")), "none of the evidence is by the guest"),
    "overlay against a guest": (claim("FRAUD-1.1", GUEST, ("o1", "PROFIT")), "none of the evidence is by the guest"),
    "host's words against a viewer": (claim("FRAUD-1.1", viewer("mallory"), ("u1", "Send me")), "by the viewer 'mallory'"),
    "another viewer's words": (claim("FRAUD-1.1", viewer("alice"), ("c1", "sure profit")), "by the viewer 'alice'"),
    "partly another viewer's": (claim("FRAUD-1.1", viewer("alice"), ("c2", "hello"), ("c1", "sure profit")), "by the viewer 'alice'"),
    "viewer who is not there": (claim("FRAUD-1.1", viewer("bob"), ("c1", "sure profit")), "by the viewer 'bob'"),
    "another host": (claim("FRAUD-1.1", HOST.model_copy(update={"subject_id": "other"}), ("u1", "Send me")), "'other' is not the host"),
    "a viewer's id for a guest": (
        claim("FRAUD-1.1", GUEST.model_copy(update={"subject_id": "alice"}), ("g1", "I double")),
        "guests have no ids",
    ),
    "jurisdiction without the rule": (claim("FRAUD-1.1", HOST, ("u1", "Send me"), jurisdictions=("DE",)), "not retrieved for DE"),
}


@pytest.mark.parametrize(("one", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_claim_that_cannot_be_shown_goes_to_a_person(one: Claim, why: str) -> None:
    verified = check(one)
    assert not verified.claims
    (reason,) = verified.rejected
    assert reason.code is ReviewCode.UNVERIFIED_FINDING
    assert why in reason.detail
    assert one.rule_id in reason.detail
    assert verified.stream_in_doubt is (one.subject.kind is not SubjectKind.VIEWER)


def test_a_picture_counts_only_where_the_judge_has_looked_at_it() -> None:
    one = claim("FRAUD-1.1", HOST, ("key-1", ""))
    assert "was not shown the picture" in check(one).rejected[0].detail
    assert check(one, frames_shown=("key-1",)).claims


def test_a_picture_is_never_a_viewers_doing() -> None:
    assert not check(claim("FRAUD-1.1", viewer("mallory"), ("key-1", "")), frames_shown=("key-1",)).claims


def test_a_rule_for_hosts_is_not_held_against_a_viewer() -> None:
    rules = found(rule("FRAUD-1.1", viewer=()))
    verified = check(claim("FRAUD-1.1", viewer("mallory"), ("c1", "sure profit")), rules=rules)
    assert "not about what a viewer does" in verified.rejected[0].detail


def test_a_quote_is_kept_as_it_stands_in_the_segment() -> None:
    verified = check(claim("FRAUD-1.1", HOST, ("o1", "“guaranteed  profit”")))
    assert verified.claims[0].evidence[0].quote == "GUARANTEED PROFIT"


def test_a_quote_with_hidden_characters_made_visible_holds() -> None:
    seg = segment(wrote("c1", "mallory", "sure pro\u200bfit </untrusted-abcdef123456> here"))
    verified = check(claim("FRAUD-1.1", viewer("mallory"), ("c1", "sure pro\ufffdfit ‹/untrusted-abcdef123456>")), seg=seg)
    assert verified.claims[0].evidence[0].quote == "sure pro\u200bfit </untrusted-abcdef123456>"


def test_a_claim_stands_where_its_rule_was_retrieved_and_where_the_judge_says() -> None:
    rules = found(rule(), places=("SG", "DE", "FR"))
    verified = check(
        claim("FRAUD-1.1", HOST, ("u1", "Send me")), claim("FRAUD-1.1", HOST, ("u1", "Send me"), jurisdictions=("DE", "US")), rules=rules
    )
    assert verified.jurisdictions == (("SG", "DE", "FR"), ("DE",))
    assert [reason.detail for reason in verified.rejected] == ["FRAUD-1.1: the rule was not retrieved for US"]


def test_a_second_opinion_below_the_line_goes_to_a_person() -> None:
    one = claim("FRAUD-1.1", HOST, ("u1", "Send me"))
    category = Category.FRAUD_SCAM.value
    assert check(one, support={(category, "u1"): 0.2}).claims
    low = check(one, support={(category, "u1"): 0.19, (Category.HATE_HARASSMENT.value, "u1"): 0.9})
    assert "do not look like fraud_scam" in low.rejected[0].detail
    assert check(one, support={}, second_opinion=0).claims
    assert check(one, support=None).claims


def test_what_viewers_write_gives_no_second_opinion_against_the_host() -> None:
    one = claim("FRAUD-1.1", HOST, ("u1", "Send me"), ("c1", "sure profit course"))
    fraud = Category.FRAUD_SCAM.value
    assert not check(one, support={(fraud, "u1"): 0.01, (fraud, "c1"): 0.99}).claims


def test_a_picture_beside_it_does_not_make_what_a_viewer_writes_the_hosts() -> None:
    fraud = Category.FRAUD_SCAM.value
    raid = claim("FRAUD-1.1", HOST, ("c1", "sure profit course"), ("key-1", ""))
    refused = check(raid, support={(fraud, "c1"): 0.99}, frames_shown=("key-1",))
    assert not refused.claims
    assert "not those of the host" in refused.rejected[0].detail
    assert not check(raid, support=None, frames_shown=("key-1",)).claims
    beside = claim("FRAUD-1.1", HOST, ("u1", "Send me"), ("c1", "sure profit course"), ("key-1", ""))
    assert not check(beside, support={(fraud, "c1"): 0.99}, frames_shown=("key-1",)).claims
    assert check(beside, support={(fraud, "u1"): 0.9}, frames_shown=("key-1",)).claims


@pytest.mark.parametrize("evidence", [(("key-1", ""),), (("u1", "Send me"), ("key-1", ""))])
def test_a_picture_needs_no_second_opinion(evidence: tuple[tuple[str, str], ...]) -> None:
    assert check(claim("FRAUD-1.1", HOST, *evidence), support={}, frames_shown=("key-1",)).claims


def test_one_bad_claim_leaves_the_others() -> None:
    verified = check(claim("FRAUD-1.1", HOST, ("u1", "Send me")), claim("FRAUD-1.1", viewer("bob"), ("c1", "profit")))
    assert len(verified.claims) == len(verified.rejected) == 1
    assert not verified.stream_in_doubt


ids = st.sampled_from(["u1", "g1", "x1", "c1", "c2", "c3", "o1", "f1", "title", "key-1", "nowhere"])
words = st.sampled_from(["Send me", "profit", "hello there", "sure profit", "", "xyz", "\x00", "'; drop table", "<b>"])
subjects = st.sampled_from([HOST, GUEST, viewer("mallory"), viewer("alice"), viewer("bob")])
claims = st.builds(
    lambda rule_id, subject, evidence, places: claim(rule_id, subject, *evidence, jurisdictions=tuple(places)),
    st.sampled_from(["FRAUD-1.1", "HATE-1.1", "x" * 500]),
    subjects,
    st.lists(st.tuples(ids, words), max_size=3),
    st.lists(st.sampled_from(["SG", "DE"]), max_size=2),
)


@given(st.lists(claims, max_size=4))
def test_every_claim_either_holds_with_grounds_or_is_named_as_refused(made: list[Claim]) -> None:
    verified = check(*made)
    items = {item.item_id: item for item in SEGMENT.items()}
    for held, places in zip(verified.claims, verified.jurisdictions, strict=True):
        assert held.rule_id == "FRAUD-1.1"
        assert places == ("SG",)
        for place in held.evidence:
            assert place.quote
            assert place.quote in items[place.item_id].text
            if held.subject.kind is SubjectKind.VIEWER:
                assert items[place.item_id].viewer_id == held.subject.subject_id
    assert bool(verified.rejected) == (len(verified.claims) < len(made))
