"""How a judge is to be served, before vLLM's own words for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from livesteward.errors import InputError
from livesteward.models.gpus import Hardware
from livesteward.models.profiles.registry import AUTO
from livesteward.settings import ModelSettings


class Purpose(StrEnum):
    """What a server is tuned for: many streams on a GPU, or each verdict as soon as may be."""

    THROUGHPUT = "throughput"
    LATENCY = "latency"


class Quantization(StrEnum):
    """Whether 16-bit weights are turned into FP8: where it pays, never, or in any case."""

    AUTO = "auto"
    NONE = "none"
    FP8 = "fp8"


def local_or_hub(text: str, *, field: str) -> str:
    """Return where a model or adapter is, with ``~`` spelled out: what begins like a path has to be there, all else may be a hub's name.

    Raises:
        InputError: If it begins like a path, and nothing is there. vLLM would take it for a name, and fail in words of a hub.
    """
    if not text.startswith(("./", "../", "/", "~")):
        return text
    path = Path(text).expanduser()
    if not path.exists():
        raise InputError(f"there is no folder {text}", field=field)
    return str(path) if text.startswith("~") else text


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter: the name under which it is asked for, and its folder (or name where vLLM may use a hub)."""

    name: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Adapter:
        """Read ``NAME=PATH``.

        Raises:
            InputError: If it is not of that form, or the path is one and nothing is there.
        """
        name, sign, path = text.partition("=")
        if not (sign and name.strip() and path.strip()):
            raise InputError(f"{text!r} is not of the form NAME=PATH", field="--lora")
        return cls(name.strip(), local_or_hub(path.strip(), field="--lora"))

    @property
    def rank(self) -> int:
        """Of its matrices, from its ``adapter_config.json``; 16, which is vLLM's default, where that is not at hand."""
        try:
            rank = json.loads((Path(self.path).expanduser() / "adapter_config.json").read_bytes())["r"]
        except (OSError, ValueError, LookupError, TypeError):
            return 16
        return rank if isinstance(rank, int) else 16


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How to serve.

    Attributes:
        context_tokens: Prompt and answer together.
        concurrency: Requests at once; the client's bound, so that nothing waits twice.
        images: The most pictures of one request; 0 for a text model.
        image_side: The longest side of a picture, in pixels.
        hardware: The GPUs; ``None`` where they are not named, and then nothing hangs on them.
        cpu: For a machine without a GPU (needs a CPU build of vLLM).
        purpose: What to tune for.
        name: Under which the model is asked for, without an adapter; empty leaves it to vLLM.
        profile: How its family is asked, as ``model.profile``; ``auto`` where its name or its files tell.
        adapters: LoRA adapters beside it; the first is the one that livesteward asks for.
        quantization: ``auto`` turns 16-bit weights into FP8 where the GPU computes in it, and it is for throughput or nothing else fits.
    """

    host: str = "127.0.0.1"
    port: int = 8_000
    context_tokens: int = 16_384
    concurrency: int = 16
    images: int = 0
    image_side: int = 768
    hardware: Hardware | None = None
    cpu: bool = False
    purpose: Purpose = Purpose.THROUGHPUT
    name: str = ""
    profile: str = AUTO
    adapters: tuple[Adapter, ...] = ()
    quantization: Quantization = Quantization.AUTO

    def __post_init__(self) -> None:
        """Refuse two things of one name: vLLM looks among adapters first, so nobody could ask for the other.

        Raises:
            InputError: If there are.
        """
        names = [adapter.name for adapter in self.adapters]
        if self.name in names:
            raise InputError(f"{self.name!r} is the name of an adapter too, and the model needs one of its own", field="--name")
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"there are several adapters of the name {twice!r}", field="--lora")

    @classmethod
    def from_settings(
        cls,
        settings: ModelSettings,
        *,
        hardware: Hardware | None = None,
        purpose: Purpose = Purpose.THROUGHPUT,
        adapters: tuple[Adapter, ...] = (),
        **more: Any,
    ) -> ServeOptions:
        """Serve what the client will ask for; where ``model.concurrency`` is not set, what suits hardware and purpose.

        Args:
            settings: The client's. Where ``model.name`` is that of an adapter, the adapter is what is asked for, and the model beneath it
                has no name of its own.
            hardware: The GPUs, or a processor.
            purpose: What to tune for.
            adapters: LoRA adapters beside it.
            more: Further fields.

        Raises:
            InputError: If the model and an adapter, or two adapters, have the same name.
        """
        asked_for = [adapter for adapter in adapters if adapter.name == settings.name]
        said = "concurrency" in settings.model_fields_set or hardware is None
        given: dict[str, Any] = {
            "context_tokens": settings.context_tokens,
            "concurrency": settings.concurrency if said else _at_once(hardware, purpose),
            "images": settings.max_frames if settings.accepts_images else 0,
            "image_side": settings.max_image_side,
            "name": "" if asked_for else settings.name,
            "profile": settings.profile,
            "adapters": (*asked_for, *(adapter for adapter in adapters if adapter not in asked_for)),
        }
        return cls(hardware=hardware, cpu=hardware is not None and hardware.gpu is None, purpose=purpose, **(given | more))

    @property
    def base_url(self) -> str:
        """What ``model.base_url`` has to be: the API with its version path."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"

    @property
    def lacks_bfloat16(self) -> bool:
        """Whether it is for GPUs that do not compute in bfloat16, which is what most models are published in."""
        return bool(self.hardware and self.hardware.gpu and not self.hardware.gpu.bfloat16)

    @property
    def gpus(self) -> int:
        """Over how many GPUs the model is split."""
        return self.hardware.count if self.hardware else 1


def _at_once(hardware: Hardware | None, purpose: Purpose) -> int:
    if hardware is None or hardware.gpu is None:
        return 4
    if purpose is Purpose.LATENCY:
        return 8
    return 64 if hardware.gpu.memory_gb >= 80 else 32
