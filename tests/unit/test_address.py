"""Addresses are shown without what is secret in them."""

from __future__ import annotations

import pytest

from livesteward.address import metrics_url, server_root, shown_address


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://me:secret@models.example/v1", "https://models.example/v1"),
        ("https://me@models.example:8443", "https://models.example:8443"),
        ("https://me:se@cret@models.example/v1", "https://models.example/v1"),
        ("http://me:secret@[::1]:8000/v1", "http://[::1]:8000/v1"),
    ],
)
def test_a_name_and_a_password_are_not_shown(given: str, shown: str) -> None:
    assert shown_address(given) == shown


@pytest.mark.parametrize("given", ["http://::1:8000/v1", "http://[::1/v1", "http://host:99999/v1", "http://me:secret@/v1", "nowhere"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError) as refused:
        shown_address(given)
    assert "secret" not in str(refused.value)


def test_what_stands_beside_the_api() -> None:
    assert server_root("http://127.0.0.1:8000/v1/") == "http://127.0.0.1:8000"
    assert metrics_url("http://127.0.0.1:8000/v1") == "http://127.0.0.1:8000/metrics"
