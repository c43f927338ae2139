"""`livesteward bench model` against a server on this machine."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import Result
from integration.models.misbehaving_server import Answer, MisbehavingServer, completion
from typer.testing import CliRunner

from livesteward.cli.bench import app
from livesteward.evals.load import figures
from livesteward.evals.load.running import server_counters
from livesteward.evals.scorecard import Estimate
from livesteward.models import answer_size

ALLOW = {"findings": [], "decision": "allow", "reason": "small talk"}
QUICK = ("--rate", "8", "--rounds", "2", "--seconds", "1", "--warm-up", "0.3", "--objective", "20")

THEIR_CLIENT = """#!{python}
import json, sys
given = dict(zip(sys.argv[1:], sys.argv[2:]))
assert sys.argv[1:3] == ["bench", "serve"], sys.argv
prompts = [json.loads(line)["prompt"] for line in open(given["--dataset-path"], encoding="utf-8")]
body = json.loads(given["--extra-body"])
assert body["response_format"]["type"] == "json_schema" and body["logprobs"] is True
assert given["--max-concurrency"] == "3" and len(prompts) == int(given["--num-prompts"])
with open(given["--result-dir"] + "/" + given["--result-filename"], "w", encoding="utf-8") as file:
    counts = {{"completed": len(prompts), "failed": 0, "total_input_tokens": 100 * len(prompts), "total_output_tokens": 10 * len(prompts)}}
    json.dump({{"duration": {seconds}, **counts}}, file)
"""


async def bench(server: MisbehavingServer | str, *arguments: str) -> Result:
    """Run the command beside the server, which lives in the test's own loop."""
    url = server if isinstance(server, str) else server.base_url
    return await asyncio.to_thread(CliRunner().invoke, app, ["model", "--url", url, *arguments])


def said_by(request: dict[str, Any]) -> str:
    return "\n".join(message["content"] for message in request["messages"])


async def test_a_sweep_is_printed_and_written_as_figures_and_as_a_picture(server: MisbehavingServer, tmp_path: Path) -> None:
    server.then(completion(ALLOW))
    figures, picture = tmp_path / "load.json", tmp_path / "load.svg"
    done = await bench(server, *QUICK, "--out", str(figures), "--out", str(picture), "--gpu-hour-usd", "2")
    assert done.exit_code == 0, done.output
    assert "first-model" in done.output
    report = json.loads(figures.read_text(encoding="utf-8"))
    (point,) = report["points"]
    assert point["offered"] > 4
    assert point["goodput_per_s"]["value"] * 2 == pytest.approx(point["offered"], abs=0.01)
    assert (point["failures"], point["cached_share"]) == ({}, 0.8)
    assert set(point["latency_s"]) == {"p50", "p90", "p95", "p99"}
    assert point["usd_per_1000_stream_hours"]["gpu"] > 0
    assert 2_000 < report["rules_tokens"] < 5_500
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    # What is asked is what the judge asks: a schema for a verdict, and rules of the size that was asked for.
    assert server.requests[0]["response_format"]["json_schema"]["name"] == "verdict"


async def test_both_orders_get_the_same_segments_and_the_ratio_decides_the_exit_code(server: MisbehavingServer) -> None:
    server.then(completion(ALLOW))
    done = await bench(server, *QUICK, "--prefix-order", "both", "--at-least", "1.8", "--json")
    # The server takes as long for either.
    assert done.exit_code == 1, done.output
    report = json.loads(done.stdout)
    assert [arm["name"] for arm in report["arms"]] == ["rules first", "rules last"]
    assert report["points"][0]["offered"] == report["points"][1]["offered"]
    assert report["ratios"][0]["goodput"]["value"] == pytest.approx(1.0)
    lengths = sorted(len(said_by(request)) // 100 for request in server.requests)
    # Every prompt came twice, in another order.
    assert sum(one == other for one, other in zip(lengths[::2], lengths[1::2], strict=True)) >= 0.8 * len(lengths) / 2


async def test_two_servers_are_told_apart(server: MisbehavingServer) -> None:
    server.then(completion(ALLOW))
    async with MisbehavingServer() as other:
        other.models = ["another-model"]
        other.then(Answer(status=500, body="{}"))
        # The other judges nothing: no ratio is so high that this one would not be above it.
        url = other.base_url.replace("//", "//me:secret@")
        done = await bench(server, *QUICK, "--against", url, "--at-least", "1000", "--json")
        assert done.exit_code == 0, done.output
        assert "secret" not in done.output
        report = json.loads(done.stdout)
        assert {request["model"] for request in other.requests} == {"another-model"}
    good, bad = report["points"]
    assert good["failures"] == {}
    assert sum(bad["failures"].values()) == bad["offered"]
    assert bad["goodput_per_s"]["value"] == 0
    assert report["ratios"][0]["goodput"]["value"] is None
    assert any(report["arms"][1]["base_url"] in complaint for complaint in report["complaints"])


async def test_a_ratio_counts_by_the_lower_end_of_its_interval(server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.then(completion(ALLOW))
    for low, code in ((1.9, 0), (1.7, 1), (None, 0)):
        estimate = Estimate(value=2.0, low=low, high=None if low is None else 2.3)
        monkeypatch.setattr(figures, "goodput_ratio", lambda *given, estimate=estimate: estimate)
        done = await bench(server, *QUICK, "--prefix-order", "both", "--at-least", "1.8", "--json")
        assert done.exit_code == code, done.output


async def test_two_sides_that_judge_nothing_do_not_pass(server: MisbehavingServer) -> None:
    server.then(Answer(status=500, body="{}"))
    done = await bench(server, *QUICK, "--prefix-order", "both", "--at-least", "0.1", "--json")
    assert done.exit_code == 1, done.output


async def test_a_cache_that_never_hits_is_said_to_hit_nothing(server: MisbehavingServer) -> None:
    reply = json.loads(completion(ALLOW).body)
    reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 0}
    server.then(Answer(body=json.dumps(reply)))
    done = await bench(server, *QUICK, "--json")
    assert json.loads(done.stdout)["points"][0]["cached_share"] == 0
    del reply["usage"]["prompt_tokens_details"]
    server.then(Answer(body=json.dumps(reply)))
    done = await bench(server, *QUICK, "--json")
    assert json.loads(done.stdout)["points"][0]["cached_share"] is None


async def test_answers_that_are_not_valid_are_no_goodput(server: MisbehavingServer) -> None:
    server.then(completion({"findings": [], "decision": "violation", "reason": "no finding"}))
    done = await bench(server, *QUICK, "--json")
    assert done.exit_code == 1, done.output
    assert set(json.loads(done.stdout)["points"][0]["failures"]) == {"model_invalid_answer"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--rate", "fast"), "segments per second"),
        (("--rate", "0"), "above 0"),
        (("--out", "load.png"), ".json or .svg"),
        (("--rules-tokens", "9000000"), "at most that"),
        (("--segments", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--against", "http://::1:8000/v1"), "no address"),
        (("--against", "http://127.0.0.1:9/v1", "--prefix-order", "both"), "one at a time"),
        (("--at-least", "1.8"), "--against or --prefix-order both"),
        (("--yardstick", "no-such-vllm"), "no-such-vllm"),
    ],
)
async def test_what_is_asked_for_wrongly_is_said_before_anything_is_sent(
    server: MisbehavingServer, arguments: tuple[str, ...], says: str
) -> None:
    done = await bench(server, *arguments)
    assert done.exception is not None
    assert says in str(done.exception)
    assert server.requests == []


async def test_a_server_that_is_not_there_is_named() -> None:
    done = await bench("http://127.0.0.1:9/v1", "--rate", "1")
    assert "127.0.0.1:9" in str(done.exception)


def their_client(folder: Path, *, seconds: float) -> str:
    script = folder / "vllm"
    script.write_text(THEIR_CLIENT.format(python=sys.executable, seconds=seconds), encoding="utf-8")
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize(("seconds", "code"), [(3_000.0, 0), (0.001, 1)])
async def test_our_client_is_held_against_theirs(server: MisbehavingServer, tmp_path: Path, seconds: float, code: int) -> None:
    server.then(completion(ALLOW))
    options = ("--yardstick-prompts", "5", "--yardstick-repeats", "2", "--concurrency", "3", "--json")
    done = await bench(server, "--yardstick", their_client(tmp_path, seconds=seconds), *options)
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)
    ours, theirs = "livesteward", "vllm bench serve"
    assert [run["client"] for run in found["runs"]] == [ours, theirs, theirs, ours]
    assert (found["overhead"] < 0) == (code == 0)
    # Three runs of ours with the one that does not count, each with five prompts that no other run has.
    assert len({said_by(request) for request in server.requests}) == 15
    assert server.most_at_once <= 3


async def test_their_client_failing_is_said_in_its_words(server: MisbehavingServer, tmp_path: Path) -> None:
    server.then(completion(ALLOW))
    script = tmp_path / "vllm"
    script.write_text("#!/bin/sh\necho it has no tokenizer\nexit 3\n", encoding="utf-8")
    script.chmod(0o755)
    done = await bench(server, "--yardstick", str(script), "--yardstick-prompts", "2", "--concurrency", "2")
    assert "code 3" in str(done.exception)
    assert "no tokenizer" in str(done.exception)


async def test_their_client_is_not_given_a_password_that_everybody_could_read(server: MisbehavingServer, tmp_path: Path) -> None:
    url = server.base_url.replace("//", "//user:hunter2@")
    done = await bench(url, "--yardstick", their_client(tmp_path, seconds=1), "--yardstick-prompts", "2")
    assert "--yardstick: the address of the server has a user name and password" in str(done.exception)
    assert "hunter2" not in f"{done.exception}{done.output}"
    assert server.requests == []


async def test_counters_without_end_are_not_read(server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    line = 'vllm:num_requests_waiting{engine="0",model_name="judge"} 4.0\n'
    server.metrics = Answer(body=line, content_type="text/plain")
    assert await server_counters(server.base_url) == {"requests_waiting": 4.0}
    monkeypatch.setattr(answer_size, "MOST_BYTES", len(line))
    server.metrics = Answer(body=2 * line, content_type="text/plain")
    assert await server_counters(server.base_url) == {}
