"""The server that the tests ask: one that runs already, or one that they start with the product's own command line."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.serve_options import Adapter, ServeOptions
from livesteward.models.vllm import serve_plan
from livesteward.models.vllm_process import VllmServer
from livesteward.sdk import Steward
from livesteward.settings import Settings, load_settings

OpenModel = Callable[..., OpenAICompatibleModel]
OpenSteward = Callable[..., Steward]

FOLDER: Final = "qwen2.5-vl-tiny"
"""By this name the family is known, and with it how its calls of tools are parsed."""
MODEL: Final = "tiny"
ADAPTER: Final = "tiny-sg"
CONTEXT_TOKENS: Final = 16_384
AT_ONCE: Final = 8
QUEUE: Final = 4 * AT_ONCE
"""Requests that the server takes at most, running or waiting; it answers 503 to more."""
IMAGES: Final = 8
IMAGE_PIXELS: Final = 1_000_000
BLOCK: Final = 32
"""Tokens of a block of the prefix cache; the CPU build's own choice, 128, would hide how much of a short prompt is shared."""
START_S: Final = 900.0
PATIENCE_S: Final = 180.0
"""How long the server may take to do what it does at once on an idle machine."""

_SAMPLE = re.compile(r"^(vllm:\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        base_url: With ``/v1``.
        model: The name of the model.
        adapter: The name of a LoRA adapter for it, empty where it has none.
        context_tokens: What a prompt and its answer may have.
        starter: What started it, where a test did.
    """

    base_url: str
    model: str
    adapter: str
    context_tokens: int
    starter: Starter | None = None

    @classmethod
    def at(cls, base_url: str, starter: Starter | None = None) -> Served:
        """Ask the server at ``base_url`` what it serves."""
        listed = httpx2.get(f"{base_url}/models", timeout=PATIENCE_S).json()["data"]
        base = next(model for model in listed if not model["parent"])
        adapter = next((model["id"] for model in listed if model["parent"]), "")
        return cls(base_url, base["id"], adapter, base["max_model_len"], starter)

    def settings(self, *, model: dict[str, Any] | None = None, **overrides: Any) -> Settings:
        """Settings with which livesteward asks this server, and waits for a slow one."""
        asked = {"base_url": self.base_url, "name": self.model, "context_tokens": self.context_tokens, "timeout_s": 600, **(model or {})}
        return load_settings(judge="server", model=asked, **{"limits": {"step_timeout_s": 600}, **overrides})

    def counters(self) -> dict[str, float]:
        """The server's own counters and gauges, summed over their labels."""
        text = httpx2.get(f"{self.base_url.removesuffix('/v1')}/metrics", timeout=PATIENCE_S).text
        sums: dict[str, float] = {}
        for name, value in _SAMPLE.findall(text):
            sums[name] = sums.get(name, 0.0) + float(value)
        return sums

    def running(self) -> float:
        """Requests that the server works on now."""
        return self.counters()["vllm:num_requests_running"]

    def count(self, text: str) -> int:
        """Tokens of ``text``, as the server counts them."""
        body = {"model": self.model, "prompt": text, "add_special_tokens": False}
        return int(httpx2.post(f"{self.base_url.removesuffix('/v1')}/tokenize", json=body, timeout=PATIENCE_S).json()["count"])


@dataclass(frozen=True)
class Starter:
    """Starts and ends a server of the tests' own, with :class:`livesteward.models.vllm_process.VllmServer`."""

    server: VllmServer
    command: tuple[str, ...]
    environment: dict[str, str]
    base_url: str

    def start(self) -> Served:
        """Start it and wait until it answers."""
        self.server.start(self.command, base_url=self.base_url, model=MODEL, environment=self.environment, timeout_s=START_S)
        return Served.at(self.base_url, self)


def vllm_command(name: str) -> Path | None:
    """Return where the command ``name`` is, or ``None``."""
    found = shutil.which(Path(name).expanduser())
    return Path(found).resolve() if found else None


def make_model(vllm: Path, folder: Path) -> Path:
    """Make the tiny model with the Python beside ``vllm``."""
    maker = Path(__file__).with_name("tiny_model.py")
    done = subprocess.run([vllm.parent / "python", maker, folder], capture_output=True, text=True, timeout=START_S, check=False)
    if done.returncode:
        raise RuntimeError(f"the tiny model could not be made: {done.stderr[-2_000:]}")
    return folder


def starter(vllm: Path, model: Path, folder: Path) -> Starter:
    """Return what starts a server of ``model`` with its log in ``folder``."""
    options = ServeOptions(
        port=_free_port(),
        context_tokens=CONTEXT_TOKENS,
        concurrency=AT_ONCE,
        images=IMAGES,
        cpu=shutil.which("nvidia-smi") is None,
        name=MODEL,
        adapters=(Adapter(ADAPTER, str(model / "lora")),),
    )
    plan = serve_plan(str(model), options)
    command = (*plan.command(vllm=str(vllm)), "--block-size", str(BLOCK))
    environment = {
        **plan.environment,
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_MAX_IMAGE_PIXELS": str(IMAGE_PIXELS),
    }
    return Starter(VllmServer(folder), command, environment, options.base_url)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Traffic:
    """Counts the chat completions that this process asks for."""

    def __init__(self) -> None:
        self.requests = self.with_images = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count until the end of the block."""
        send = httpx2.AsyncClient.send

        async def counting(client: httpx2.AsyncClient, request: httpx2.Request, **how: Any) -> httpx2.Response:
            if request.url.path.endswith("/chat/completions"):
                self.requests += 1
                self.with_images += b'"image_url"' in request.content
            return await send(client, request, **how)

        httpx2.AsyncClient.send = counting  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            httpx2.AsyncClient.send = send  # type: ignore[method-assign]
