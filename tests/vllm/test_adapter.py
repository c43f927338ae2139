"""A LoRA adapter is a model by its own name, on the same server."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import example
from quick import quick
from served import OpenModel, OpenSteward, Served
from test_requests import asking

from livesteward.models.protocol import TextPart


@pytest.fixture
def adapter(served: Served) -> str:
    if not served.adapter:
        pytest.skip("the server has no adapter")
    return served.adapter


async def test_the_name_of_an_adapter_selects_its_weights(open_model: OpenModel, served: Served, adapter: str) -> None:
    request = asking(TextPart(text="Is this allowed?"))
    # What a server computes anew and what it takes from its cache differ a little in rounding: each is asked twice.
    await open_model().ask(request)
    await open_model(name=adapter).ask(request)
    base, adapted = await open_model().ask(request), await open_model(name=adapter).ask(request)
    again = await open_model().ask(request)
    assert (base.model, adapted.model) == (served.model, adapter)
    assert abs(adapted.mean_logprob - base.mean_logprob) > max(0.01, 10 * abs(again.mean_logprob - base.mean_logprob))


async def test_the_provenance_of_a_verdict_names_the_adapter(open_steward: OpenSteward, adapter: str, tmp_path: Path) -> None:
    steward = open_steward(**quick(tmp_path), model={"name": adapter})
    assert (await steward.moderate(example("scam"), regions=["SG"])).provenance.model == adapter
