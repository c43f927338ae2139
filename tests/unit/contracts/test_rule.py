"""What rules, ladders and rulebooks take and refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from livesteward.contracts import ActionKind, ActionLadder, Rule, Rulebook
from livesteward.contracts.base import STREAM_ACTIONS, VIEWER_ACTIONS

REF = {"jurisdiction": "SG", "on": "2026-06-01", "version": "2026-06-01.abcdef01", "digest": "0" * 64}


def test_a_whole_rule_is_taken(rule_data: dict[str, Any]) -> None:
    assert Rule.model_validate(rule_data).ladder.host == (ActionKind.WARN, ActionKind.END_STREAM)


@pytest.mark.parametrize("side", ["breaks", "allowed"])
def test_a_rule_needs_two_examples_of_each_side(rule_data: dict[str, Any], side: str) -> None:
    with pytest.raises(ValidationError, match="at least 2"):
        Rule.model_validate(rule_data | {side: ["only one"]})


@pytest.mark.parametrize("changes", [{"layers": []}, {"text": ""}, {"title": "x" * 121}, {"category": "rudeness"}, {"severity": "severe"}])
def test_a_rule_with_a_part_missing_or_unknown_is_refused(rule_data: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(rule_data | changes)


@pytest.mark.parametrize("action", sorted(set(ActionKind) - STREAM_ACTIONS))
def test_a_host_gets_no_action_that_is_for_viewers(action: ActionKind) -> None:
    with pytest.raises(ValidationError, match=f"{action.value} is no action for a host; there are: none, educate"):
        ActionLadder(host=(ActionKind.WARN, action))


@pytest.mark.parametrize("action", sorted(set(ActionKind) - VIEWER_ACTIONS))
def test_a_viewer_gets_no_action_that_is_for_the_stream(action: ActionKind) -> None:
    with pytest.raises(ValidationError, match=f"{action.value} is no action for a viewer; there are: none, remove_message"):
        ActionLadder(viewer=(action,))


def test_a_ladder_has_one_to_six_steps() -> None:
    with pytest.raises(ValidationError, match="at least one step"):
        ActionLadder()
    with pytest.raises(ValidationError, match="at most 6"):
        ActionLadder(host=(ActionKind.WARN,) * 7)
    assert ActionLadder(viewer=(ActionKind.BAN_VIEWER,)).host == ()


def test_a_rulebook_has_each_rule_once(rule_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="same id"):
        Rulebook.model_validate({"ref": REF, "rules": [rule_data, rule_data]})
    assert len(Rulebook.model_validate({"ref": REF, "rules": [rule_data]}).rules) == 1


@pytest.mark.parametrize("changes", [{"jurisdiction": "UK"}, {"digest": "0" * 63}, {"digest": "G" * 64}])
def test_a_rulebook_says_whose_and_which_it_is(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rulebook.model_validate({"ref": REF | changes, "rules": []})
