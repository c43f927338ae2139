from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from unit.cli.conftest import Run
from unit.cli.made_up import HOSTILE, FakeSteward, examined, fraud, provenance, segment, verdict, violating

from livesteward.cli.watched import without_bytes
from livesteward.contracts import Decision, Evidence, Finding, InquiryCall, Modality, Segment, Verdict
from livesteward.sdk import Examined


def answers(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Segment], Examined]) -> None:
    monkeypatch.setattr(FakeSteward, "answer", staticmethod(answer))


def reviewing(of: Segment) -> Examined:
    return examined(of, verdict(of, Decision.REVIEW))


def test_an_allowed_segment_exits_with_0(run: Run, segment_file: Path) -> None:
    result = run("moderate", segment_file)
    assert result.exit_code == 0
    assert "✔ ALLOW" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(("answer", "word"), [(violating, "✖ VIOLATION"), (reviewing, "? REVIEW")])
def test_a_violation_and_a_review_exit_with_1(
    run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Segment], Examined], word: str
) -> None:
    answers(monkeypatch, answer)
    result = run("moderate", segment_file)
    assert result.exit_code == 1
    assert result.stdout.startswith(word)


def test_a_verdict_says_why_where_and_what_to_do(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, violating)
    shown = run("moderate", segment_file).stdout
    for told in (
        "FRAUD-2.1 Promises of sure profit",
        "high severity · fraud and scams · by the host · 94% sure · holds in SG",
        "“send you two hundred dollars back tomorrow”",
        "0:03",
        "said by host",
        "pause the stream",
        "took 2.3 s: perceive 1.8 s",
        'pip install "livesteward[perception]"',
        "SG 2026-11-22-aaaaaaaa",
    ):
        assert told in shown, told
    assert "tokens" not in shown


def test_a_review_says_in_plain_words_why_a_person_should_look(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, reviewing)
    shown = run("moderate", segment_file).stdout
    assert "The judge was not sure enough: fraud_scam with 0.55: it may be a joke." in shown
    assert "a person decides" in shown


def test_scores_are_shown_where_they_are_asked_for(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, violating)
    assert "0.94" in run("moderate", segment_file, "-v").stdout


def test_times_are_those_of_the_stream(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, violating)
    path = tmp_path / "later.json"
    path.write_text(json.dumps(without_bytes(segment(4))), encoding="utf-8")
    shown = run("moderate", path).stdout
    assert "1:00–1:20" in shown
    assert "1:03" in shown


def test_json_of_a_segment_is_the_verdict_and_nothing_else(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, violating)
    result = run("moderate", segment_file, "--json")
    assert Verdict.model_validate(json.loads(result.stdout)).decision is Decision.VIOLATION
    assert result.exit_code == 1
    assert result.stderr == ""


def test_json_of_a_stream_is_one_object_with_its_verdicts(run: Run, stream_folder: Callable[..., Path]) -> None:
    result = run("moderate", stream_folder(segments=3), "--json")
    data = json.loads(result.stdout)
    assert list(data) == ["verdicts"]
    assert [Verdict.model_validate(one).segment_id for one in data["verdicts"]] == ["0001", "0002", "0003"]


def test_a_stream_is_judged_in_order_with_memory_and_summed_up(
    run: Run, stream_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    second = {"0002": lambda of: examined(of, verdict(of, Decision.VIOLATION, finding=hosts_chat(of)))}
    answers(monkeypatch, lambda of: second.get(of.segment_id, lambda of: examined(of, verdict(of)))(of))
    folder = stream_folder(segments=3)
    result = run("moderate", folder)
    assert result.exit_code == 1
    assert [asked["memory"].segments if asked["memory"] else None for asked in FakeSteward.asked] == [None, 1, 2]
    assert all(asked["media_root"] == folder for asked in FakeSteward.asked)
    assert "✖ violation  A made-up stream  3 segments of 3, 1:00" in result.stdout
    assert "first at 0:21" in result.stdout


def hosts_chat(of: Segment, quote: str = "hello") -> Finding:
    evidence = Evidence(modality=Modality.CHAT, item_id=of.chat[0].message_id, at_s=of.chat[0].at_s, quote=quote)
    return fraud(of).model_copy(update={"evidence": (evidence,)})


def test_regions_and_date_reach_the_steward(run: Run, segment_file: Path) -> None:
    assert run("moderate", segment_file, "--region", "DE", "-r", "SG", "--date", "2026-01-31").exit_code == 0
    assert FakeSteward.asked[0]["regions"] == ("DE", "SG")
    assert FakeSteward.asked[0]["on"] == date(2026, 1, 31)
    assert FakeSteward.prepared == [{"regions": ("DE", "SG"), "on": date(2026, 1, 31)}]


def test_without_regions_those_of_the_segment_hold(run: Run, segment_file: Path) -> None:
    run("moderate", segment_file)
    assert FakeSteward.asked[0]["regions"] is None
    assert FakeSteward.prepared == [{"regions": ("SG", "US"), "on": date(2026, 11, 22)}]


def spoil(path: Path, **changes: Any) -> Path:
    data = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.json"], "missing.json: there is no such file or folder"),
        (["segment.json", "--region", "UK"], "--region: 'UK' is not an ISO 3166-1 alpha-2 country code; did you mean 'GB'?"),
        (["segment.json", "--region", "sg"], "did you mean 'SG'?"),
        (["segment.json", "--date", "22.11.2026"], "--date: '22.11.2026' is no date; write it as 2026-11-22"),
        (["segment.json", "--media-root", "nowhere"], "--media-root nowhere: there is no such folder"),
        (["clip.mp4"], "give the region, such as --region SG"),
        (["clip.txt"], "give a stream folder, a segment as .json, or a recording"),
        (["broken.json"], "broken.json"),
        (["empty"], "there is no stream.json"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(run: Run, segment_file: Path, tmp_path: Path, arguments: list[str], told: str) -> None:
    for name in ("clip.mp4", "clip.txt"):
        (tmp_path / name).write_bytes(b"no film")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    result = run("moderate", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.startswith("error ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_wrong_field_is_named_with_its_file(run: Run, segment_file: Path) -> None:
    spoil(segment_file, chat=[{"message_id": "m", "at_s": 1, "viewer_id": "v", "txt": "hello"}])
    result = run("moderate", segment_file)
    assert result.exit_code == 2
    assert f"{segment_file}: chat[0].t" in result.stderr


def test_a_wrong_region_in_the_file_is_named_with_what_was_meant(run: Run, segment_file: Path) -> None:
    assert "region: 'UK' is not" in (told := run("moderate", spoil(segment_file, region="UK")).stderr)
    assert "did you mean 'GB'?" in told


def test_a_folder_of_streams_is_sent_to_watch(run: Run, stream_folder: Callable[..., Path]) -> None:
    result = run("moderate", stream_folder().parent)
    assert result.exit_code == 2
    assert "use: livesteward watch" in result.stderr


def test_what_strangers_wrote_stays_text_on_the_terminal(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(of: Segment) -> Examined:
        reasons = verdict(of, Decision.REVIEW).review_reasons
        hostile = tuple(reason.model_copy(update={"detail": HOSTILE}) for reason in reasons)
        finding = hosts_chat(of, quote=HOSTILE).model_copy(update={"rationale": f"They wrote: {HOSTILE}"})
        return examined(of, verdict(of, Decision.VIOLATION, finding=finding, review_reasons=hostile))

    answers(monkeypatch, answer)
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps(without_bytes(segment(chat=HOSTILE, title=HOSTILE))), encoding="utf-8")
    result = run("moderate", path, "-v")
    assert result.exit_code == 1
    assert "[bold red]markup[/]" in result.stdout
    assert not {"\x1b", "\x07", "\u202e", "\u2066"} & set(result.stdout)


def test_what_the_judge_asked_is_told_in_a_line_each(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = (
        InquiryCall(
            step=1, tool="look_closer", arguments={"picture": "key-1", "box": (0.5, 0, 1, 0.5)}, answer="The part of key-1 follows:"
        ),
        InquiryCall(step=2, tool="find_rules", arguments={"question": HOSTILE}, answer=f"could not: {HOSTILE}\nmore", failed=True),
    )
    answers(monkeypatch, lambda of: examined(of, verdict(of, provenance=provenance(inquiry=calls))))
    shown = run("moderate", segment_file).stdout
    assert "1. it asked look_closer(picture=“key-1”, box=[0.5, 0, 1, 0.5]): The part of key-1 follows:" in shown
    assert "2. it asked find_rules(question=“<img" in shown
    assert "more" not in shown
    assert "\x1b" not in shown
