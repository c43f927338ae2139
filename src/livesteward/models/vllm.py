"""The command line that serves a judge with vLLM, flag by flag with the reason for it.

Flags as of vLLM 0.12 and later: https://docs.vllm.ai/en/stable/cli/serve/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from livesteward.settings import ModelSettings

INSTALL_VLLM: Final = (
    "vLLM goes into an environment of its own: python -m venv ~/vllm && ~/vllm/bin/pip install vllm (NVIDIA GPUs), "
    "then --vllm ~/vllm/bin/vllm or LIVESTEWARD_ENGINE__VLLM=~/vllm/bin/vllm"
)
"""What to do where the ``vllm`` command is missing."""


@dataclass(frozen=True)
class ServeFlag:
    """One flag of ``vllm serve``, its value (empty for a switch), and why it is there."""

    name: str
    value: str
    why: str


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How to serve.

    Attributes:
        context_tokens: Prompt and answer together.
        concurrency: Requests at once; the client's bound, so that nothing waits twice.
        images: The most pictures of one request; 0 for a text model.
        gpus: Over how many the model is split.
        cpu: For a machine without a GPU (needs a CPU build of vLLM).
    """

    host: str = "127.0.0.1"
    port: int = 8_000
    context_tokens: int = 8_192
    concurrency: int = 16
    images: int = 0
    gpus: int = 1
    cpu: bool = False

    @classmethod
    def from_settings(cls, settings: ModelSettings, *, host: str, port: int, gpus: int, cpu: bool) -> ServeOptions:
        """Serve what the client will ask for."""
        return cls(
            host=host,
            port=port,
            context_tokens=settings.context_tokens,
            concurrency=settings.concurrency,
            images=settings.max_frames if settings.accepts_images else 0,
            gpus=gpus,
            cpu=cpu,
        )

    @property
    def base_url(self) -> str:
        """What ``model.base_url`` has to be: the API with its version path."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://{host}:{self.port}/v1"


def serve_flags(options: ServeOptions) -> tuple[ServeFlag, ...]:
    """Return the flags of ``vllm serve`` for a judge."""
    structured = json.dumps({"backend": "xgrammar", "disable_any_whitespace": True}, separators=(",", ":"))
    flags = [
        ServeFlag("--host", options.host, "Who can reach it. Keep it on the machine or behind a gateway: vLLM has no users, only one key."),
        ServeFlag("--port", str(options.port), "Must match model.base_url."),
        ServeFlag("--max-model-len", str(options.context_tokens), "Prompt and answer together; the client trims to model.context_tokens."),
        ServeFlag("--max-num-seqs", str(options.concurrency), "Requests at once, as model.concurrency: what waits, waits at the client."),
        ServeFlag("--enable-prefix-caching", "", "The rules come first in every prompt; their part is computed once and kept."),
        ServeFlag("--enable-prompt-tokens-details", "", "Reports how many prompt tokens came from that cache."),
        ServeFlag("--structured-outputs-config", structured, "Answers fit the schema, and spend no tokens on white space."),
        ServeFlag("--generation-config", "vllm", "Sampling as the request says, not as the model's repository would like it."),
    ]
    if options.images:
        limit = json.dumps({"image": options.images}, separators=(",", ":"))
        flags.append(
            ServeFlag(
                "--limit-mm-per-prompt",
                limit,
                "Pictures of one request, as model.max_frames. Set model.accepts_images=false for a text model.",
            )
        )
    if options.gpus > 1:
        flags.append(ServeFlag("--tensor-parallel-size", str(options.gpus), "Splits the model over the GPUs of this machine."))
    if options.cpu:
        flags.append(ServeFlag("--dtype", "bfloat16", "Half the memory of float32; CPUs without bfloat16 emulate it."))
        flags.append(ServeFlag("--enforce-eager", "", "Skips the compilation, which costs minutes on a CPU and gains little."))
    return tuple(flags)


def serve_command(model: str, options: ServeOptions | None = None, *, vllm: str = "vllm") -> list[str]:
    """Return the arguments that serve ``model``: a folder, or a name where vLLM may use a hub.

    The API key is not among them, since everyone on a machine can read command lines: vLLM takes it from ``VLLM_API_KEY``.
    """
    flags = serve_flags(options or ServeOptions())
    return [vllm, "serve", model, *(part for flag in flags for part in (flag.name, flag.value) if part)]
