"""What a verdict depends on besides the case, as digests: the key of the result cache, and what a run says it was run with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from livesteward.agents.tools import Tools
from livesteward.errors import ConfigurationError
from livesteward.evals.cases import Entry
from livesteward.evals.outcomes import Fingerprint
from livesteward.prompts.registry import PromptRegistry
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import Settings

_CODE: Final = ("agents", "contracts", "models", "prompts", "retrieval")
"""Packages whose code a verdict depends on."""

_PARTS: Final = {".py", ".npz", ".npy", ".json", ".bin"}
"""Files of these packages that count: code and trained weights. Rules, prompts and thresholds have digests of their own."""

_FORMAT: Final = 2
"""Of what is kept of a verdict: counted up where records hold more or other things than before."""

_DOES_NOT_COUNT: Final[dict[str, Any]] = {
    "workspace": True,
    "policies": True,
    "cache_dir": True,
    "checkpoints": True,
    "human_review": True,
    "log_level": True,
    "prompt": True,
    "model": {
        "base_url",
        "endpoints",
        "affinity_header",
        "name",
        "api_key",
        "revision",
        "timeout_s",
        "attempts",
        "concurrency",
        "adaptive",
        "breaker_failures",
        "breaker_reset_s",
    }
    | {"record", "replay", "temperature"},
    "embedder": {"base_url", "api_key", "timeout_s", "attempts"},
    "engine": {"vllm", "cache_gb"},
    "chroma": True,
    "perception": {"threads", "cache", "timeout_s"},
    "limits": {"step_timeout_s", "max_file_mb"},
}
"""Settings that have no part in what is decided, or stand in the fingerprint by themselves."""


def fingerprint(tools: Tools, entries: Iterable[Entry]) -> Fingerprint:
    """Return the digests of what ``tools`` would judge ``entries`` with.

    Raises:
        LivestewardError: If the rules or the prompt cannot be read.
    """
    settings = tools.settings
    library = load_library(settings.policies_dir)
    asked = {(region, segment.starts_at.date()) for entry in entries for region in entry.regions for segment in entry.segments}
    books = {_book(region, day): library.rulebook(region, day).ref.digest for region, day in sorted(asked)}
    common = {
        "rulebooks": books,
        "thresholds": tools.thresholds.digest,
        "settings": _digest(settings.model_dump(mode="json", exclude=_DOES_NOT_COUNT) | {"embedder_revision": tools.embedder.fingerprint}),
        "code": code_digest(),
    }
    if not tools.judge_is_model:
        return Fingerprint(judge="embedded-heads", model="embedded-heads", model_revision=tools.weights.revision, **common)
    prompt = PromptRegistry(settings.prompts_dir).named(settings.prompt)
    return Fingerprint(
        judge="model",
        model=settings.model.name,
        model_revision=_revision(settings),
        prompt=f"{prompt.ref.name}@v{prompt.ref.version} {prompt.ref.sha256}",
        sampling={"temperature": settings.model.temperature},
        **common,
    )


def may_be_kept(found: Fingerprint) -> bool:
    """Whether results of this can be used again later: of a model whose weights nobody named, they cannot."""
    return found.judge != "model" or bool(found.model_revision)


def entry_key(entry: Entry, entry_digest: str, found: Fingerprint, *, trial: int, probed: bool) -> str:
    """Return the key under which the result of a case is kept: rules of other regions than its own do not count."""
    books = {_book(region, segment.starts_at.date()) for region in entry.regions for segment in entry.segments}
    own = found.model_copy(update={"rulebooks": {name: found.rulebooks[name] for name in sorted(books)}})
    return _digest({"format": _FORMAT, "entry": entry_digest, "fingerprint": own.model_dump(mode="json"), "trial": trial, "probed": probed})


@cache
def code_digest() -> str:
    """SHA-256 over the code and the trained weights of everything that takes part in a verdict."""
    total = hashlib.sha256()
    for package in _CODE:
        folder = _folder(package)
        for file in sorted(path for path in folder.rglob("*") if path.suffix in _PARTS and "__pycache__" not in path.parts):
            name = f"{package}/{file.relative_to(folder).as_posix()}"
            total.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _book(region: str, day: date) -> str:
    return f"{region}@{day.isoformat()}"


def _revision(settings: Settings) -> str:
    if settings.model.replay is not None:
        return "recording " + hashlib.sha256(settings.model.replay.read_bytes()).hexdigest()
    if settings.model.fallbacks:
        # Which of the models answers is not known beforehand, so no result stands for them.
        return ""
    return settings.model.revision


def _folder(package: str) -> Path:
    spec = find_spec(f"livesteward.{package}")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(f"the package livesteward.{package} is not installed; install livesteward again")
    return Path(spec.submodule_search_locations[0])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()
