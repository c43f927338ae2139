"""Drafts: each can be read, says that it is one, and changes one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import yaml
from unit.evals.making import ALLOW, QUOTE, SAID, VIEWER, VIOLATION, case, expected, judged, record, stream

from livesteward.agents.thresholds import Thresholds
from livesteward.evals.badcases.drafts import DRAFT, drafts
from livesteward.evals.badcases.ground import Ground
from livesteward.evals.badcases.mistakes import mistakes
from livesteward.evals.badcases.report import Draft
from livesteward.evals.badcases.short_form import short
from livesteward.evals.badcases.twins import half_swapped
from livesteward.evals.cases import Case, Entry, Split
from livesteward.evals.dataset import Dataset, Located
from livesteward.evals.linting.consistency import check_consistency
from livesteward.evals.outcomes import Record
from livesteward.evals.writing import read_entry
from livesteward.retrieval.rulebook import PolicyLibrary, load_library
from livesteward.settings import Settings


@cache
def library() -> PolicyLibrary:
    return load_library(Settings(workspace=None).policies_dir)


def drafted(*pairs: tuple[Entry, Record], of: str = "one") -> list[Draft]:
    rows = judged(*pairs)
    group = [mistake for mistake in mistakes(rows) if mistake.row.entry.case_id == of]
    return list(drafts(group, Ground(library(), Thresholds(), rows), Counter()))


def read(draft: Draft) -> Case:
    (written,) = yaml.safe_load(draft.yaml)
    entry = read_entry(written)
    assert isinstance(entry, Case)
    return entry


def by_change(found: Sequence[Draft], words: str) -> Case:
    return read(next(draft for draft in found if words in draft.change))


def missed(case_id: str = "one", **more: Any) -> tuple[Entry, Record]:
    one = case(case_id, expected(), **more)
    return one, record(one, ALLOW)


def test_every_draft_is_a_case_of_the_dev_split_that_says_it_is_a_draft(tmp_path: Any) -> None:
    found = drafted(missed())
    assert found
    entries = [read(draft) for draft in found]
    assert [entry.case_id for entry in entries] == [f"one-draft-{n}" for n in range(1, len(found) + 1)]
    assert {entry.split for entry in entries} == {Split.DEV}
    assert all(entry.note.startswith(DRAFT) and "one/0@SG" in entry.note for entry in entries)
    assert all(draft.yaml.startswith(f"# {DRAFT}") for draft in found)
    located = tuple(Located(entry=entry, file=tmp_path / "drafts.yaml", line=1) for entry in entries)
    problems = check_consistency(
        Dataset(root=tmp_path, located=located), lambda region, day: {rule.rule_id: rule for rule in library().rulebook(region, day).rules}
    )
    assert problems == []


def test_what_decides_is_moved_from_speech_to_the_picture_and_back() -> None:
    moved = by_change(drafted(missed()), "on the picture instead of said")
    assert [overlay.text for overlay in moved.segment.overlays] == [SAID]
    assert moved.segment.utterances == ()
    assert moved.expect[0].findings[0].evidence[0].item == "o1"
    shown = case("one", expected(evidence=[("o1", QUOTE)]), segment={"utterances": ["Hello."], "overlays": [SAID]})
    back = by_change(drafted((shown, record(shown, ALLOW))), "said instead of written")
    assert [utterance.text for utterance in back.segment.utterances] == ["Hello.", SAID]


def test_text_of_pictures_and_sound_is_given_as_text_so_that_nothing_has_to_be_read_or_heard() -> None:
    frame = {"utterances": ["Hello."], "frames": [{"draw": {"scene": "poster", "text": ["two hundred back", "guaranteed"]}}]}
    drawn = case("one", expected(evidence=[("f1", "back\nguaranteed")]), segment=frame)
    written = by_change(drafted((drawn, record(drawn, ALLOW))), "given as text")
    assert [overlay.text for overlay in written.segment.overlays] == ["two hundred back guaranteed"]
    assert written.segment.frames == ()
    assert written.expect[0].findings[0].evidence[0].quote == "back guaranteed"
    heard = case("one", expected(evidence=[("sound", QUOTE)]), segment={"utterances": [], "sound": {"text": ["Hello.", SAID]}})
    said = by_change(drafted((heard, record(heard, ALLOW))), "given as text")
    assert said.segment.media is None
    assert said.segment.utterances[-1].text == f"Hello. {SAID}"


def test_quoted_words_are_allowed_and_look_like_what_they_quote() -> None:
    written = {"utterances": ["Hello."], "chat": [f"{VIEWER}: {SAID}", "bo: hi"]}
    one = case("one", expected(subject="viewers", evidence=[("c1", QUOTE)]), segment=written)
    quoted = by_change(drafted((one, record(one, ALLOW))), "quote")
    assert quoted.expect[0].decision.value == ALLOW
    assert [category.value for category in quoted.looks_like] == ["fraud_scam"]
    assert [message.text for message in quoted.segment.chat] == ["hi"]
    assert f"“{SAID}”" in quoted.segment.utterances[-1].text


def test_in_another_region_the_rule_that_holds_there_is_named_with_its_severity() -> None:
    one = case("one", expected(rules=["GOODS-2.2"], category="regulated_goods", severity="high"))
    there = by_change(drafted((one, record(one, ALLOW))), "The same in")
    region = there.expect[0].regions[0]
    assert region != "SG"
    rules = {rule.rule_id: rule for rule in library().rulebook(region, there.segment.starts_at.date()).rules}
    for finding in there.expect[0].findings:
        assert finding.severity is rules[finding.rules[0]].severity


def test_where_a_rule_does_not_hold_the_draft_is_allowed() -> None:
    one = case("one", expected(rules=["GOODS-SG-1"], category="regulated_goods", severity="high"))
    assert by_change(drafted((one, record(one, ALLOW))), "does not hold").expect[0].decision.value == ALLOW


def test_the_decisive_words_of_the_twin_are_swapped_in_where_the_pair_differs_in_more() -> None:
    guilty = case("one", expected(), segment={"utterances": ["Good evening.", SAID], "chat": ["a: nice"]}, twin_of="two")
    guilty = guilty.model_copy(update={"expect": case("x", expected(evidence=[("u2", QUOTE)]), segment={"utterances": ["a", SAID]}).expect})
    fine = case("two", segment={"utterances": ["Good morning.", "I send nothing back."], "chat": ["a: nice"]})
    segment = half_swapped(guilty, fine)
    assert segment is not None
    assert [utterance.text for utterance in segment.utterances] == ["Good evening.", "I send nothing back."]
    swapped = by_change(drafted((guilty, record(guilty, ALLOW)), (fine, record(fine, ALLOW))), "Only the decisive words of two")
    assert swapped.expect == fine.expect
    assert half_swapped(guilty, fine.model_copy(update={"segment": segment})) is None


def test_nothing_of_a_canary_case_goes_into_a_draft() -> None:
    assert drafted(missed(split="canary")) == []


def test_a_segment_of_a_stream_becomes_a_case_of_its_own() -> None:
    live = stream("one", ALLOW, VIOLATION, starts_s=20)
    found = drafted((live, record(live, ALLOW)), (live, record(live, ALLOW, step=1)))
    assert read(found[0]).case_id == "one-02-draft-1"


def test_a_recording_that_nothing_describes_makes_no_draft() -> None:
    recorded = case("one", expected(), segment={"media": {"path": "real.mp4"}})
    assert short(recorded.segment, recorded.staging) is None
    assert drafted((recorded, record(recorded, ALLOW))) == []


def test_the_short_form_reads_back_as_the_same_segment() -> None:
    full = case(
        "one",
        segment={
            "title": "A: title # with signs",
            "viewers": 12,
            "duration_s": 30,
            "host": {"declared_age": 34, "verified": True},
            "utterances": [SAID, {"text": "Yes.", "speaker": "guest"}],
            "chat": ["bo: hi", {"viewer_id": "a b", "text": "x", "is_host": True, "display_name": "A"}],
            "overlays": ["SALE"],
            "gifts": [{"viewer_id": "bo", "name": "rose", "value_usd": 1, "message": "for you"}],
            "frames": [{"draw": {"scene": "poster", "text": ["a", "b"]}}],
        },
    )
    begun = short(full.segment, full.staging)
    assert begun is not None
    again = read_entry({"case_id": "one", "segment": begun.segment, "expect": [expected(ALLOW)], "reason": "Because."})
    assert isinstance(again, Case)
    times = {"at_s", "starts_at"}
    assert _without(again.segment.model_dump(), times) == _without(full.segment.model_dump(), times)
    assert again.staging == full.staging


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, names) for name, one in value.items() if name not in names}
    return [_without(one, names) for one in value] if isinstance(value, list | tuple) else value
