"""Addresses of servers: as they are shown, and those beside the API."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def shown_address(base_url: str) -> str:
    """Return an address as it may stand in messages, logs and provenance: without a user name and password.

    Raises:
        ValueError: If it has no host, or a port that cannot be; the message quotes nothing of it.
    """
    try:
        parts = urlsplit(base_url)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("it has to be like http://127.0.0.1:8000/v1")
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def server_root(base_url: str) -> str:
    """Return the address of a server from that of its API, which ends with the version path."""
    return base_url.rstrip("/").removesuffix("/v1")


def metrics_url(base_url: str) -> str:
    """Return where the server of an API shows its metrics."""
    return f"{server_root(base_url)}/metrics"
