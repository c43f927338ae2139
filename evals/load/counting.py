"""How many tokens a text has for the model that is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httpx2

from livesteward.address import server_root
from livesteward.models.budget import estimate_tokens, tokenizer_counter
from livesteward.settings import ModelSettings

_TIMEOUT_S: Final = 10.0


def token_counter(settings: ModelSettings, *, model: str, sample: str) -> tuple[Callable[[str], int], str]:
    """Return what counts tokens, and how: ``tokenizer`` where the settings name one, ``server`` where it can be asked, else ``estimate``.

    A server is asked once, about ``sample``; estimates of other texts are then scaled by what it said.

    Args:
        settings: Of the model.
        model: As the server knows it.
        sample: A text of the kind that is counted.
    """
    if settings.tokenizer is not None:
        return tokenizer_counter(settings.tokenizer), "tokenizer"
    counted = _ask(settings, model, sample)
    if counted is None:
        return estimate_tokens, "estimate"
    scale = counted / max(1, estimate_tokens(sample))
    return (lambda text: round(scale * estimate_tokens(text))), "server"


def _ask(settings: ModelSettings, model: str, text: str) -> int | None:
    """Ask vLLM's ``/tokenize``, which other servers do not have."""
    headers = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}
    body = {"model": model, "prompt": text, "add_special_tokens": False}
    try:
        response = httpx2.post(f"{server_root(settings.base_url or '')}/tokenize", json=body, headers=headers, timeout=_TIMEOUT_S)
        count = int(response.json()["count"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return None
    return count if count > 0 else None
