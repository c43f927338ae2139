from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from integration.models.misbehaving_server import MisbehavingServer


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with MisbehavingServer() as running:
        yield running
