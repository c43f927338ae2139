from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.cli.conftest import Run
from unit.cli.made_up import FakeSteward, examined, fraud, segment, verdict
from unit.cli.test_moderate import answers, hosts_chat

from livesteward.contracts import Decision, Segment, Verdict
from livesteward.errors import RetrievalError
from livesteward.sdk import Examined

Folder = Callable[..., Path]


def violating_in(*streams: str) -> Callable[[Segment], Examined]:
    def answer(of: Segment) -> Examined:
        if of.stream_id in streams and of.segment_id == "0002":
            return examined(of, verdict(of, Decision.VIOLATION, finding=hosts_chat(of)))
        return examined(of, verdict(of))

    return answer


def test_streams_are_watched_each_with_its_own_memory_and_end_in_a_table(
    run: Run, stream_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_folder("calm")
    folder = stream_folder("loud").parent
    answers(monkeypatch, violating_in("loud"))
    result = run("watch", folder)
    assert result.exit_code == 0
    asked = [(one["segment"].stream_id, one["memory"] and one["memory"].stream_id) for one in FakeSteward.asked]
    assert asked == [("calm", None), ("calm", "calm"), ("loud", None), ("loud", "loud")]
    row = next(line for line in result.stdout.splitlines() if line.startswith("loud"))
    for told in ("SG ✖ violation", "fraud and scams", "FRAUD-2.1", "0:21", "in chat “hello”"):
        assert told in row, told
    assert "--out demo-output" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("violation", 1), ("review", 1)])
def test_fail_on_decides_the_exit_code(run: Run, stream_folder: Folder, monkeypatch: pytest.MonkeyPatch, fail_on: str, code: int) -> None:
    answers(monkeypatch, violating_in("loud"))
    assert run("watch", stream_folder("loud"), "--fail-on", fail_on).exit_code == code


def test_a_review_fails_only_where_reviews_do(run: Run, stream_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, lambda of: examined(of, verdict(of, Decision.REVIEW)))
    folder = stream_folder()
    assert run("watch", folder, "--fail-on", "violation").exit_code == 0
    assert run("watch", folder, "--fail-on", "review").exit_code == 1


def test_out_holds_verdicts_segments_and_a_page(run: Run, stream_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, violating_in("loud"))
    result = run("watch", stream_folder("loud"), "--out", tmp_path / "out" / "deep")
    data = json.loads((tmp_path / "out" / "deep" / "loud.json").read_text(encoding="utf-8"))
    assert [Verdict.model_validate(one).decision.value for one in data["verdicts"]] == ["allow", "violation"]
    assert [Segment.model_validate(one).segment_id for one in data["segments"]] == ["0001", "0002"]
    assert "image" not in json.dumps(data["segments"][0]["frames"])
    assert (tmp_path / "out" / "deep" / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "index.html" in result.stdout
    assert "Next:" in result.stdout


def test_a_stream_id_cannot_choose_where_its_file_goes(run: Run, stream_folder: Folder, tmp_path: Path) -> None:
    stream_folder("../../../escaped")
    folder = stream_folder(".. .. .. escaped").parent
    assert run("watch", folder, "--out", tmp_path / "out").exit_code == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"_.._.._escaped.json", "_.._.._escaped-2.json", "index.html"}
    assert not list(tmp_path.parent.glob("*escaped*"))


def test_json_is_one_object_at_the_end(run: Run, stream_folder: Folder) -> None:
    stream_folder("a")
    result = run("watch", stream_folder("b").parent, "--json")
    data = json.loads(result.stdout)
    assert [(stream["stream_id"], len(stream["verdicts"])) for stream in data["streams"]] == [("a", 2), ("b", 2)]
    assert result.stderr == ""


def test_a_stream_that_stops_leaves_the_others_and_what_it_had(
    run: Run, stream_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(of: Segment) -> Examined:
        if of.stream_id == "a" and of.segment_id == "0002":
            raise RetrievalError("the index went away")
        return examined(of, verdict(of))

    answers(monkeypatch, answer)
    stream_folder("a")
    result = run("watch", stream_folder("b").parent, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "a: the index went away" in result.stderr
    stopped = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))
    assert (stopped["decision"], stopped["error"], len(stopped["verdicts"])) == ("review", "the index went away", 1)
    assert json.loads((tmp_path / "out" / "b.json").read_text(encoding="utf-8"))["decision"] == "allow"


def test_realtime_waits_for_each_segment_to_be_over(run: Run, stream_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    import livesteward.cli.judging as judging

    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(judging.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(judging.asyncio, "sleep", sleep)
    assert run("watch", stream_folder(segments=3), "--realtime").exit_code == 0
    assert now[0] == pytest.approx(60)


def test_the_first_moment_is_that_of_what_is_acted_on() -> None:
    from livesteward.cli.watched import WatchedStream

    of = segment()
    first = fraud(of).evidence[0].model_copy(update={"at_s": 0.0})
    doubtful = fraud(of).model_copy(update={"decision": Decision.REVIEW, "rule_id": "SPAM-1.1", "evidence": (first,)})
    made = verdict(of, Decision.VIOLATION, findings=(doubtful, fraud(of)))
    moment = WatchedStream(source=Path("x"), segments=(of,), examined=[examined(of, made)]).first_violation()
    assert moment is not None
    assert (moment.finding.rule_id, moment.at_s) == ("FRAUD-2.1", 3.2)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing"], "missing: there is no such folder"),
        (["."], "neither this folder nor one in it has a stream.json"),
        (["file.json"], "this is no folder; use: livesteward moderate"),
        (["streams", "--region", "UK"], "did you mean 'GB'?"),
        (["streams", "--out", "file.json"], "--out file.json: cannot be made"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(run: Run, stream_folder: Folder, tmp_path: Path, arguments: list[str], told: str) -> None:
    stream_folder()
    (tmp_path / "file.json").write_text("{}", encoding="utf-8")
    result = run("watch", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_two_streams_of_one_id_are_refused(run: Run, stream_folder: Folder) -> None:
    stream_folder("same")
    result = run("watch", stream_folder("same").parent)
    assert result.exit_code == 2
    assert "stream_id 'same' is also that of" in result.stderr


def test_on_a_narrow_terminal_the_table_keeps_everything_legible(run: Run, stream_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answers(monkeypatch, violating_in("loud"))
    shown = run("watch", stream_folder("loud")).stdout
    table = shown[shown.index("decision by region") :].splitlines()
    assert max(map(len, table)) <= 80
    for told in ("SG ✖ violation", "FRAUD-2.1 fraud and scams", "0:21", "in chat “hello”"):
        assert told in shown, told
