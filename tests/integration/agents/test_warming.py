"""What a server is made to read beforehand is what prompts begin with: else it would be read for nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from integration.models.misbehaving_server import MisbehavingServer, completion

from livesteward import Segment, Steward, Utterance
from livesteward.agents.judges.warming import beginning_requests, parse_regions, warm
from livesteward.errors import ConfigurationError, InputError
from livesteward.settings import Settings

DAY = date(2026, 6, 7)
ALLOW = {"findings": [], "decision": "allow", "reason": "small talk"}


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with MisbehavingServer() as running:
        running.then(completion(ALLOW))
        yield running


LIMITS = {"name": "judge", "attempts": 1, "context_tokens": 131_072, "affinity_header": "X-Session-ID"}
RULES = {"rulebook_tokens": 60_000}


def settings_of(server: MisbehavingServer, **more: Any) -> Settings:
    return Settings(model=LIMITS | {"base_url": server.base_url}, retrieval=RULES, **more)  # type: ignore[arg-type]


async def judge(settings: Settings, regions: list[str]) -> None:
    segment = Segment(
        stream_id="s",
        segment_id="1",
        starts_at=datetime(2026, 6, 7, tzinfo=UTC),
        region="SG",
        utterances=[Utterance(utterance_id="u1", at_s=1, text="Send me 100 today and I send you 200 back tomorrow, guaranteed.")],
    )
    async with Steward.from_settings(settings) as steward:
        await steward.moderate(segment, regions=regions)


def text_of(request: dict[str, Any]) -> str:
    """The messages as one text, in the order in which a chat template writes them."""
    said = []
    for message in request["messages"]:
        content = message["content"]
        said += [content] if isinstance(content, str) else [part["text"] for part in content if part["type"] == "text"]
    return "\n".join(said)


@pytest.mark.parametrize("regions", [["SG"], ["DE", "SG"]])
@pytest.mark.parametrize("inquiry", [{}, {"steps": 2}])
async def test_what_is_read_beforehand_is_what_a_segments_prompt_begins_with(
    server: MisbehavingServer, regions: list[str], inquiry: dict[str, int]
) -> None:
    settings = settings_of(server, inquiry=inquiry)
    warmed = await warm(settings, [regions], on=DAY)
    await judge(settings, regions)
    read, judged = server.requests[0], server.requests[1]
    assert text_of(judged).startswith(text_of(read))
    assert read.get("tools") == judged.get("tools")
    assert bool(read.get("tools")) is bool(inquiry)
    assert server.headers[0]["x-session-id"] == server.headers[1]["x-session-id"]
    assert read["max_tokens"] == 1
    assert (warmed[0].problem, warmed[0].endpoint) == ("", server.base_url)
    assert warmed[0].tokens > 1_000
    assert "FRAUD-1.1" in json.dumps(read)


async def test_where_no_rulebook_stands_at_the_beginning_the_method_is_read(server: MisbehavingServer) -> None:
    warmed = await warm(Settings(model=LIMITS | {"base_url": server.base_url}, retrieval={"rulebook_tokens": 0}), [["SG"]], on=DAY)  # type: ignore[arg-type]
    assert (warmed[0].tokens, warmed[0].problem) == (0, "")
    assert "x-session-id" not in server.headers[0]


async def test_every_server_and_fallback_reads_and_what_one_cannot_is_said(server: MisbehavingServer) -> None:
    async with MisbehavingServer() as other:
        servers = {"endpoints": ("http://127.0.0.1:9/v1",), "fallbacks": [{"base_url": other.base_url, "name": "small"}]}
        settings = Settings(model=LIMITS | servers | {"base_url": server.base_url}, retrieval=RULES)  # type: ignore[arg-type]
        warmed = await warm(settings, [["SG"], ["DE"]], on=DAY)
        assert [request["model"] for request in other.requests] == ["small", "small"]
        asked = [(server.base_url, False), ("http://127.0.0.1:9/v1", True), (other.base_url, False)]
        assert [(one.endpoint, bool(one.problem)) for one in warmed] == [one for one in asked for _ in range(2)]


async def test_what_cannot_be_read_beforehand_is_refused(server: MisbehavingServer) -> None:
    with pytest.raises(InputError):
        await beginning_requests(settings_of(server), [["Atlantis"]], DAY)
    with pytest.raises(ConfigurationError, match="nothing can be read beforehand"):
        await beginning_requests(settings_of(server, judge="heads"), [["SG"]], DAY)
    assert server.requests == []


def test_regions_that_are_judged_together_are_joined() -> None:
    assert list(parse_regions(["SG", " SG + DE", "+", ""])) == [("SG",), ("SG", "DE")]
