"""The load generator: what is sent, when, and what is made of what came back."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from unit.models.virtual_time import run

from livesteward.contracts import Decision, TokenCounts
from livesteward.errors import InputError, ModelTimeoutError
from livesteward.evals.cases import Split
from livesteward.evals.dataset import SHIPPED, load_dataset
from livesteward.evals.load import driving
from livesteward.evals.load.asking import PrefixOrder, make_request, make_rulebooks
from livesteward.evals.load.chart import chart
from livesteward.evals.load.driving import Arrival, Asked, drive, poisson_offsets
from livesteward.evals.load.figures import Arm, Costs, Round, goodput_ratio, point, ratios
from livesteward.evals.load.running import LoadPlan, make_report
from livesteward.evals.load.segments import draw_segments, read_segments
from livesteward.evals.load.yardstick import OURS, THEIRS, Throughput, Yardstick
from livesteward.evals.metrics.cost import Price
from livesteward.models.budget import estimate_tokens
from livesteward.models.protocol import ModelAnswer, ModelRequest, TextPart
from livesteward.prompts.registry import PromptRegistry
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import ModelSettings, Settings

DAY = date(2026, 11, 1)
LIBRARY = load_library(Settings().policies_dir)
PROMPT = PromptRegistry(Settings().prompts_dir).named("judge")
DEV = load_dataset(SHIPPED).select(splits=[Split.DEV]).cases


def books(count: int = 1, tokens: int = 3_000) -> list[Any]:
    return make_rulebooks(LIBRARY, on=DAY, count=count, tokens=tokens, count_tokens=estimate_tokens)


def texts(request: ModelRequest) -> list[str]:
    return [part.text for message in request.messages for part in message.parts if isinstance(part, TextPart)]


def request_for(number: int, order: PrefixOrder = PrefixOrder.STABLE) -> ModelRequest:
    segment = draw_segments(DEV, 3, seed=1)[number]
    return make_request(PROMPT, segment, books()[0], order=order, settings=ModelSettings())


def test_segments_are_the_same_for_a_seed_and_all_different() -> None:
    drawn = draw_segments(DEV, 600, seed=3)
    assert drawn == draw_segments(DEV, 600, seed=3)
    assert drawn != draw_segments(DEV, 600, seed=4)
    assert len({segment.model_dump_json() for segment in drawn}) == 600
    assert len({segment.language for segment in drawn}) > 10
    assert sum(len(segment.chat) for segment in drawn) / 600 > 10
    assert not any(segment.frames or segment.media for segment in drawn)


def test_own_segments_are_read_and_used_again_under_new_ids(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(segment.model_dump_json() for segment in draw_segments(DEV, 4, seed=1)), encoding="utf-8")
    found = read_segments(file, 10, seed=0)
    assert len({segment.segment_id for segment in found}) == 10
    assert found == read_segments(file, 10, seed=0)


@pytest.mark.parametrize(("content", "says"), [("", "no segment"), ('{"stream_id": "s"}\n', "mine.jsonl:1"), ("{", "mine.jsonl:1")])
def test_a_file_without_good_segments_is_named(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_segments(file, 10, seed=0)


def test_a_rulebook_has_the_tokens_that_were_asked_for_and_several_differ() -> None:
    found = books(count=30)
    for book in found:
        size = sum(estimate_tokens(one.rule.text + " ".join((*one.rule.exceptions, *one.rule.breaks, *one.rule.allowed))) for one in book)
        assert 2_300 < size < 4_000
    assert len({tuple((one.jurisdiction, one.rule.rule_id) for one in book) for book in found}) == 30
    with pytest.raises(InputError, match="at most"):
        books(tokens=10_000_000)


def test_requests_begin_alike_with_the_rules_and_differ_in_the_segment() -> None:
    pairs = zip(texts(request_for(0)), texts(request_for(1)), strict=False)
    shared = "\n".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    assert all(f"[{found.rule.rule_id}]" in shared for found in books()[0])


def test_the_other_order_has_the_same_content_and_no_rule_before_the_segment() -> None:
    stable, last = request_for(0), request_for(0, PrefixOrder.SEGMENT_FIRST)
    assert last.answer_schema == stable.answer_schema

    def without_nonce(given: list[str]) -> list[str]:
        return [re.sub(r"untrusted-\w+", "untrusted", text) for text in given]

    assert sorted(without_nonce(texts(stable))) == sorted(without_nonce(texts(last)))
    text = "\n".join(texts(last))
    first_rule = min(text.index(f"[{found.rule.rule_id}]") for found in books()[0])
    assert all(text.index(said.text) < first_rule for said in draw_segments(DEV, 3, seed=1)[0].chat[:3])


def test_arrivals_are_poisson_and_the_same_for_a_seed() -> None:
    moments = poisson_offsets(50, 400, seed="a")
    assert moments == poisson_offsets(50, 400, seed="a")
    gaps = [b - a for a, b in pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    spread = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert mean == pytest.approx(1 / 50, rel=0.05)
    # Of an exponential the standard deviation is the mean.
    assert spread**0.5 == pytest.approx(mean, rel=0.05)


class SlowModel:
    """Answers one request at a time, in ``takes_s``; every third it refuses to finish."""

    name = "slow"
    accepts_images = False
    calls_tools = False

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s
        self._one = asyncio.Lock()
        self._asked = 0

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        self._asked += 1
        fails = self._asked % 3 == 0
        async with self._one:
            await asyncio.sleep(self._takes_s)
        if fails:
            raise ModelTimeoutError("too slow")
        said = {"findings": [], "decision": Decision.ALLOW.value, "reason": ""}
        return ModelAnswer(data=said, raw="{}", model="slow", engine="test", tokens=TokenCounts(prompt=100, completion=10, cached=40))

    async def aclose(self) -> None: ...


def test_latency_counts_from_the_planned_moment_whatever_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving.time, "perf_counter", lambda: asyncio.get_running_loop().time())
    segment = draw_segments(DEV, 1, seed=1)[0]
    arrivals = [Arrival(offset_s=float(second), segment=segment, book=0) for second in range(6)]

    async def main() -> list[Asked]:
        return await drive(SlowModel(2.0), arrivals, [request_for(0)] * 6, warm_up_s=2.0)

    asked = run(main())
    # One comes each second and one is answered each two: the line grows, and so must what is reported.
    assert [one.latency_s for one in asked] == pytest.approx([2, 3, 4, 5, 6, 7])
    assert [one.counted for one in asked] == [False, False, True, True, True, True]
    assert [one.failure for one in asked] == ["", "", "model_timeout", "", "", "model_timeout"]


def round_of(arm: str, number: int, latencies: list[float], *, rate: float = 2.0, fails: int = 0) -> Round:
    asked = [
        Asked(index=index, counted=True, offset_s=0, latency_s=value, tokens=TokenCounts(prompt=1_000, completion=50, cached=800))
        for index, value in enumerate(latencies)
    ]
    asked += [Asked(index=99, counted=True, offset_s=0, latency_s=0.1, failure="model_unavailable", detail="full") for _ in range(fails)]
    asked.append(Asked(index=100, counted=False, offset_s=0, latency_s=100, failure="model_timeout"))
    return Round(arm=arm, rate=rate, number=number, seconds=10, warm_up_s=0, asked=tuple(asked), cache=(1_000, 900))


def test_figures_count_what_is_valid_and_in_time_and_leave_out_the_warm_up() -> None:
    rounds = [round_of("a", 0, [1, 2, 3, 9], fails=1), round_of("a", 1, [1, 2, 3, 4])]
    costs = Costs(gpu_hour_usd=3.6, gpus=2, price=Price(prompt=1.0, completion=10.0, cached=0.5), segment_s=20, judged_share=0.5)
    found = point(rounds, objective_s=5, costs=costs)
    assert (found.offered, found.late, found.failures) == (9, 1, {"model_unavailable": 1})
    assert found.goodput_per_s.value == pytest.approx(7 / 20)
    assert found.answered_per_s == pytest.approx(8 / 20)
    assert (found.latency_s["p50"], found.latency_s["p99"]) == (2.5, pytest.approx(8.65))
    assert (found.tokens_in_per_s, found.tokens_out_per_s) == (400, 20)
    assert (found.cached_share, found.cached_share_server) == (0.8, 0.9)
    # 1,000 hours of stream have 180,000 segments, half of them judged; 90,000 at 0.35/s take 71.4 h on two GPUs.
    assert found.usd_per_1000_stream_hours["gpu"] == pytest.approx(90_000 / 0.35 / 3_600 * 2 * 3.6, rel=1e-3)
    # Of 1,000 prompt tokens 800 came from the cache.
    assert found.usd_per_1000_stream_hours["tokens"] == pytest.approx(90_000 * (200 + 400 + 500) / 1e6, rel=1e-3)


def test_a_server_that_is_asked_too_much_gets_through_what_it_answers_in_the_time_that_counts() -> None:
    # One a second comes and one each two seconds is answered, after a warm-up of 4 s: 5 in 10 s, whoever asked for them.
    asked = [
        Asked(index=at, counted=at >= 4, offset_s=at, latency_s=2 * (at + 1) - at, tokens=TokenCounts(prompt=100, completion=10))
        for at in range(14)
    ]
    found = point(
        [Round(arm="a", rate=1, number=0, seconds=10, warm_up_s=4, asked=tuple(asked))], objective_s=60, costs=Costs(segment_s=20)
    )
    assert (found.offered, found.goodput_per_s.value) == (10, 1.0)
    assert (found.answered_per_s, found.tokens_in_per_s, found.tokens_out_per_s) == (0.5, 50, 5)
    assert (found.tokens_in, found.tokens_out) == (100, 10)


@pytest.mark.parametrize(("told", "share"), [({"cached": 0}, 0.0), ({"cached": 50}, 0.5), ({}, None)])
def test_a_cache_that_never_hits_is_told_from_a_server_that_does_not_say(told: dict[str, int], share: float | None) -> None:
    tokens = TokenCounts(prompt=50, **told) + TokenCounts(prompt=50)
    asked = Asked(index=0, counted=True, offset_s=0, latency_s=1, tokens=tokens)
    found = point([Round(arm="a", rate=1, number=0, seconds=10, warm_up_s=0, asked=(asked,))], objective_s=5, costs=Costs(segment_s=20))
    assert found.cached_share == share


def test_the_ratio_pairs_rounds_and_has_an_interval() -> None:
    first = [round_of("a", number, [1.0] * (10 + number)) for number in range(6)]
    second = [round_of("b", number, [1.0] * 5 + [9.0] * (5 + number)) for number in range(6)]
    found = goodput_ratio(first, second, 5)
    assert found.value == pytest.approx(75 / 30)
    assert found.low is not None
    assert found.high is not None
    assert 2 < found.low < 2.5 < found.high < 3
    assert goodput_ratio(first, [round_of("b", number, [9.0]) for number in range(6)], 5).value is None


def test_over_several_rates_the_best_of_each_are_compared() -> None:
    rounds = {
        ("a", 1.0): [round_of("a", number, [1.0] * 10, rate=1) for number in range(3)],
        ("a", 4.0): [round_of("a", number, [1.0] * 30, rate=4) for number in range(3)],
        ("b", 1.0): [round_of("b", number, [1.0] * 10, rate=1) for number in range(3)],
        ("b", 4.0): [round_of("b", number, [9.0] * 30, rate=4) for number in range(3)],
    }
    found = ratios(rounds, "a", "b", objective_s=5)
    assert [one.rate for one in found] == [1.0, 4.0, None]
    assert [one.goodput.value for one in found] == [1.0, None, pytest.approx(3.0)]


def test_which_rate_is_best_is_chosen_anew_in_each_draw() -> None:
    # The first does well at one rate in half of the rounds and at the other in the other half: no choice of one rate stands for it.
    rounds = {
        (arm, rate): [
            round_of(arm, number, [1.0] * (12 if arm == "a" and (number % 2 == 0) == (rate == 1.0) else 6), rate=rate)
            for number in range(8)
        ]
        for arm in "ab"
        for rate in (1.0, 4.0)
    }
    found = ratios(rounds, "a", "b", objective_s=5)
    assert [one.goodput.value for one in found] == [1.5, 1.5, 1.5]
    assert found[0].goodput.low is not None
    assert found[2].goodput.low is not None
    # Whatever is drawn, one of the two rates does at least as well as the mean.
    assert found[0].goodput.low < 1.3
    assert found[2].goodput.low >= 1.49


def plan(**more: Any) -> LoadPlan:
    given = {
        "arms": (
            Arm(name="rules <first>", base_url="http://x/v1", model="<b>m</b>"),
            Arm(name="rules last", base_url="http://x/v1", model="<b>m</b>"),
        ),
        "rates": (1.0, 4.0),
        "rounds": 2,
        "seconds": 10.0,
        "warm_up_s": 2.0,
        "objective_s": 5.0,
        "segments": draw_segments(DEV, 200, seed=0),
        "books": books(2),
        "prompt": PROMPT,
        "settings": ModelSettings(name="m"),
    }
    return LoadPlan(**{**given, **more})


def test_every_round_has_segments_of_its_own_and_both_arms_the_same() -> None:
    one = plan()
    seen = [arrival.segment.segment_id for rate in one.rates for number in range(2) for arrival in one.arrivals(rate, number)]
    assert len(seen) == len(set(seen)) == LoadPlan.segments_needed(one.rates, 2, 12.0, seed=0)
    assert one.arrivals(4.0, 1) == one.arrivals(4.0, 1)


def test_the_chart_is_one_picture_that_fetches_nothing_and_escapes_names() -> None:
    one = plan()
    rounds = [
        round_of(arm.name, number, [1.0 + number, 2.0] * int(rate * 3), rate=rate)
        for rate in one.rates
        for number in range(2)
        for arm in one.arms
    ]
    report = make_report(one, rounds, rules_tokens=3_000, counted_by="server")
    svg = chart(report)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "rules &lt;first&gt;" in svg
    assert "<b>" not in svg
    assert not re.search(r"(href|src|url\(|<script|@import)", svg)
    # A dot for each arm and rate in each of the two panels.
    assert svg.count("</title></path>") == 8


def test_a_report_without_a_single_answer_can_still_be_drawn() -> None:
    one = plan(rates=(1.0,))
    rounds = [round_of(arm.name, number, [], rate=1.0, fails=2) for number in range(2) for arm in one.arms]
    report = make_report(one, rounds, rules_tokens=3_000, counted_by="server")
    assert report.complaints == ("full",)
    assert "no valid answer in time" in chart(report)
    assert "4 of 4 without a valid answer" in chart(report)


def test_the_yardstick_compares_what_both_got_through_and_minds_failures() -> None:
    def throughput(client: str, seconds: float, failed: int = 0) -> Throughput:
        return Throughput(client=client, seconds=seconds, completed=100 - failed, failed=failed, tokens_in=1, tokens_out=1)

    runs = [throughput(OURS, 10), throughput(THEIRS, 9.8), throughput(THEIRS, 20), throughput(OURS, 20.2), throughput(OURS, 10.1)]
    close = Yardstick(prompts=100, concurrency=4, runs=(*runs, throughput(THEIRS, 9.9)))
    assert close.overhead == pytest.approx(1 - 39.7 / 40.3)
    assert close.overheads == pytest.approx((1 - 9.8 / 10, 1 - 20 / 20.2, 1 - 9.9 / 10.1))
    assert close.is_within
    assert not Yardstick(prompts=100, concurrency=4, runs=(*runs, throughput(THEIRS, 7))).is_within
    assert not Yardstick(prompts=100, concurrency=4, runs=(throughput(OURS, 1), throughput(THEIRS, 1, failed=1))).is_within
