"""Vectors from any encoder that transformers can load, by mean pooling, in the process."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from livesteward.errors import ConfigurationError
from livesteward.models.embedders import OneThread, Vectors, clean, normalised
from livesteward.settings import EmbedderSettings

_BATCH: Final = 16
_MAX_TOKENS: Final = 512
_HASHED_EDGE: Final = 1_048_576


class TransformersEmbedder:
    """A model of a local folder, or of a hub where ``embedder.allow_hub`` says so, with the mean of its token states.

    Args:
        settings: The folder or name, prefixes, and whether a hub may be asked.

    Raises:
        ConfigurationError: If torch is not installed, or if the model is no folder and no hub is allowed.
    """

    def __init__(self, settings: EmbedderSettings) -> None:
        try:
            import torch  # noqa: F401
        except ImportError as error:
            raise ConfigurationError("embedder.kind 'transformers' needs torch; install livesteward[torch]") from error
        self._settings = settings
        self._folder = Path(settings.model)
        if not self._folder.is_dir() and not settings.allow_hub:
            raise ConfigurationError(
                f"embedder.model {settings.model!r} is no folder; name one, or set embedder.allow_hub to download the model of that name"
            )
        self._thread = OneThread("transformers")
        self._loading = threading.Lock()

    @cached_property
    def fingerprint(self) -> str:
        """Name, prefixes, and a digest over configuration, tokenizer and the edges of the weights."""
        chosen = self._settings
        digest = hashlib.sha256(f"{chosen.query_prefix}\0{chosen.passage_prefix}".encode())
        if self._folder.is_dir():
            for file in sorted(self._folder.iterdir()):
                if file.suffix in (".json", ".safetensors", ".bin", ".model", ".txt"):
                    digest.update(f"{file.name}\0{file.stat().st_size}\0".encode() + _edges(file))
            name = self._folder.name
        else:
            name = f"{chosen.model}@{self._loaded[2]}"
        return f"transformers-{name}-{digest.hexdigest()[:16]}"

    @property
    def dimensions(self) -> int:
        """The model's hidden size; loads it."""
        return int(self._loaded[1].config.hidden_size)

    async def queries(self, texts: Sequence[str]) -> Vectors:
        """Embed with the configured query prefix."""
        return await self._embed([self._settings.query_prefix + clean(text) for text in texts])

    async def passages(self, texts: Sequence[str]) -> Vectors:
        """Embed with the configured passage prefix."""
        return await self._embed([self._settings.passage_prefix + clean(text) for text in texts])

    async def aclose(self) -> None:
        """Nothing to free: the weights go with the object."""

    async def _embed(self, texts: list[str]) -> Vectors:
        parts = []
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            parts.append(await self._thread.run(lambda batch=batch: self._forward(batch)))  # type: ignore[misc]
        return np.concatenate(parts) if parts else np.empty((0, await self._thread.run(lambda: self.dimensions)), np.float32)

    def _forward(self, texts: list[str]) -> Vectors:
        import torch

        tokenizer, model, _ = self._loaded
        with torch.inference_mode():
            inputs = tokenizer(texts, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt")
            states = model(**inputs).last_hidden_state
            mask = inputs["attention_mask"].unsqueeze(-1).to(states.dtype)
            means = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        return normalised(means.float().numpy(), expected=len(texts), source=self._settings.model)

    @property
    def _loaded(self) -> tuple[Any, Any, str]:
        with self._loading:
            return self._load

    @cached_property
    def _load(self) -> tuple[Any, Any, str]:
        """Tokenizer, model and the hub's revision."""
        from transformers import AutoModel, AutoTokenizer

        local = self._folder.is_dir()
        try:
            tokenizer = AutoTokenizer.from_pretrained(self._settings.model, local_files_only=local)
            model = AutoModel.from_pretrained(self._settings.model, local_files_only=local).eval()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"embedder.model {self._settings.model!r} cannot be loaded: {error}") from error
        return tokenizer, model, str(getattr(model.config, "_commit_hash", "") or "")


def _edges(file: Path) -> bytes:
    """The first and last megabyte: weights of gigabytes would take seconds to hash at every start."""
    with file.open("rb") as stream:
        head = stream.read(_HASHED_EDGE)
        stream.seek(max(0, file.stat().st_size - _HASHED_EDGE))
        return head + stream.read(_HASHED_EDGE)
