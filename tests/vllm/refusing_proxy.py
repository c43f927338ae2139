"""A proxy before a server, which answers 429 in its place as often as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit

_REFUSAL = b'{"error": {"message": "too many requests", "type": "rate_limit", "code": 429}}'


class RefusingProxy:
    """Refuses the first ``times`` chat completions and hands on the rest."""

    def __init__(self, base_url: str, *, times: int) -> None:
        address = urlsplit(base_url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._left = times
        self.refused = 0

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what is open."""
        self._server.close()

    @property
    def base_url(self) -> str:
        """To ask in place of the server's."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            if b"/chat/completions" in head and self.refused < self._left:
                self.refused += 1
                answer = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\nconnection: close\r\ncontent-type: application/json\r\n"
                writer.write(answer + b"content-length: %d\r\n\r\n" % len(_REFUSAL) + _REFUSAL)
                await writer.drain()
                return
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
            with contextlib.closing(far_writer):
                # One request a connection: the next one has to come by here again.
                far_writer.write(head.replace(b"\r\n", b"\r\nconnection: close\r\n", 1) + body)
                while data := await far_reader.read(65_536):
                    writer.write(data)
                    await writer.drain()
