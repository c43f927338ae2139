"""The small typed strings and numbers that contracts are made of."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from livesteward.contracts import GROUPS, STREAM_ACTIONS, VIEWER_ACTIONS, ActionKind, Decision, Severity, check_jurisdiction, check_region
from livesteward.contracts.base import Identifier, Language, Probability, RuleId, Seconds, UtcTime

TIME: TypeAdapter[datetime] = TypeAdapter(UtcTime)
LANGUAGE: TypeAdapter[str] = TypeAdapter(Language)
ID: TypeAdapter[str] = TypeAdapter(Identifier)
RULE_ID: TypeAdapter[str] = TypeAdapter(RuleId)


@pytest.mark.parametrize("code", ["SG", "DE", "GB", "NO", "US"])
def test_countries_are_taken_as_they_are(code: str) -> None:
    assert check_region(code) == code


@pytest.mark.parametrize(
    ("code", "hint"),
    [("UK", "'GB'"), ("uk", "'GB'"), ("EL", "'GR'"), ("sg", "'SG'"), ("XX", "such as 'SG'"), ("", "such as 'SG'"), ("SGP", "such as")],
)
def test_what_is_no_country_is_refused_with_what_was_probably_meant(code: str, hint: str) -> None:
    with pytest.raises(ValueError, match="ISO 3166") as caught:
        check_region(code)
    assert hint in str(caught.value)


def test_a_jurisdiction_is_global_a_group_or_a_country() -> None:
    assert [check_jurisdiction(name) for name in ("global", "EU", "GCC", "ASEAN", "SG")] == ["global", "EU", "GCC", "ASEAN", "SG"]
    for wrong in ("Global", "eu", "UK", "NATO"):
        with pytest.raises(ValueError, match="ISO 3166"):
            check_jurisdiction(wrong)


def test_members_of_groups_are_countries() -> None:
    for members in GROUPS.values():
        assert {check_region(code) for code in members} == members
    assert len(GROUPS["EU"]) == 27
    assert "GB" not in GROUPS["EU"]


@pytest.mark.parametrize(
    "tag",
    ["en", "fil", "pt-BR", "zh-Hant", "zh-Hant-TW", "es-419", "zh-yue", "hi-Latn", "de-1996", "sl-rozaj", "en-US-u-hc-h12", "en-x-slang"],
)
def test_language_tags_of_bcp_47_are_taken(tag: str) -> None:
    assert LANGUAGE.validate_python(tag) == tag


@pytest.mark.parametrize("tag", ["", "e", "english", "pt_BR", "en-", "-en", "en\n", "en--US", "es-٤١٩", "en " * 10, "en" + "-abcde" * 50])
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValidationError, match="BCP 47"):
        LANGUAGE.validate_python(tag)


def test_an_underscore_in_a_language_tag_is_pointed_out() -> None:
    with pytest.raises(ValidationError, match="did you mean 'pt-BR'"):
        LANGUAGE.validate_python("pt_BR")


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        TIME.validate_python("2026-06-01T12:00:00")


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 30)),  # noqa: DTZ001 - the zone is put on below
    st.integers(-23 * 60, 23 * 60),
)
def test_any_zone_becomes_utc_and_stays_the_same_moment(moment: datetime, minutes: int) -> None:
    given_time = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    read = TIME.validate_python(given_time)
    assert read == given_time
    assert read.tzinfo is UTC
    assert TIME.validate_json(TIME.dump_json(read)) == read


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+05:00", "1969-12-31T23:59:59Z"])
def test_a_time_out_of_this_world_is_refused_and_does_not_overflow(moment: str) -> None:
    with pytest.raises(ValidationError, match="is not between 1970 and 2200"):
        TIME.validate_python(moment)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001, 1.001])
def test_a_probability_is_a_number_from_0_to_1(value: float) -> None:
    adapter: TypeAdapter[float] = TypeAdapter(Probability)
    with pytest.raises(ValidationError):
        adapter.validate_python(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, 86_400 * 8])
def test_seconds_are_finite_and_not_negative(value: float) -> None:
    adapter: TypeAdapter[float] = TypeAdapter(Seconds)
    with pytest.raises(ValidationError):
        adapter.validate_python(value)


@pytest.mark.parametrize("value", ["a", "用户-1", "viewer 7", "🦊", "a" * 128])
def test_ids_of_platforms_are_opaque(value: str) -> None:
    assert ID.validate_python(value) == value


@given(
    st.sampled_from([*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"]), st.text(max_size=5), st.text(max_size=5)
)
def test_an_id_cannot_break_a_line_or_steer_a_terminal(control: str, before: str, after: str) -> None:
    with pytest.raises(ValidationError):
        ID.validate_python(before + control + after)


@pytest.mark.parametrize("value", ["", "a" * 129, "\ud800"])
def test_an_id_is_short_and_proper_text(value: str) -> None:
    with pytest.raises(ValidationError):
        ID.validate_python(value)


@pytest.mark.parametrize("value", ["FRAUD-2.1", "GOODS-SG-1", "SEX-1", "PRIV-EU-10.12"])
def test_rule_ids_are_taken(value: str) -> None:
    assert RULE_ID.validate_python(value) == value


@pytest.mark.parametrize("value", ["fraud-2.1", "FRAUD", "FRAUD-2.1\n", "FRAUD-١.١", "FRAUD-2.1.1", "F-1", "FRAUD-2.", " FRAUD-2.1"])
def test_what_is_no_rule_id_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        RULE_ID.validate_python(value)


def test_ranks_follow_from_mild_to_strict() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3]
    assert Decision.ALLOW.rank < Decision.REVIEW.rank < Decision.VIOLATION.rank
    assert ActionKind.WARN.rank < ActionKind.END_STREAM.rank


def test_every_action_is_one_for_the_stream_or_for_viewers() -> None:
    assert set(ActionKind) == STREAM_ACTIONS | VIEWER_ACTIONS
    shared: set[Any] = {ActionKind.NONE, ActionKind.SUPPORT, ActionKind.ESCALATE}
    assert shared == STREAM_ACTIONS & VIEWER_ACTIONS
