"""What our client costs against vLLM's own benchmark client: the same prompts, as many at once, one after the other, again and again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from livesteward.contracts import Contract, TokenCounts
from livesteward.errors import ConfigurationError, ModelUnavailableError
from livesteward.evals.load.driving import ask
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.openai_wire import answer_fields
from livesteward.models.protocol import Message, ModelRequest, TextPart
from livesteward.settings import ModelSettings

MOST_OVERHEAD: Final = 0.05
"""What our client may cost: a share of the throughput of vLLM's."""

OURS: Final = "livesteward"
THEIRS: Final = "vllm bench serve"

_DEADLINE_S: Final = 600.0
_TAIL: Final = 600


class Throughput(Contract):
    """One run of one client over all prompts."""

    client: str
    seconds: float
    completed: int
    failed: int
    tokens_in: int
    tokens_out: int

    @property
    def requests_per_s(self) -> float:
        """Completed requests a second."""
        return self.completed / self.seconds

    @property
    def tokens_per_s(self) -> float:
        """Prompt and completion tokens a second."""
        return (self.tokens_in + self.tokens_out) / self.seconds


class Yardstick(Contract):
    """Runs in the order in which they were made: in pairs of ours and theirs, each client going first in every other pair."""

    prompts: int
    concurrency: int
    runs: tuple[Throughput, ...]

    def requests_per_s(self, client: str) -> float:
        """Return how many requests a second a client completed over all its runs together."""
        runs = [run for run in self.runs if run.client == client]
        return sum(run.completed for run in runs) / sum(run.seconds for run in runs)

    @property
    def overhead(self) -> float:
        """How much fewer requests a second our client got through, as a share of theirs; below 0 where it got through more."""
        return 1 - self.requests_per_s(OURS) / self.requests_per_s(THEIRS)

    @property
    def overheads(self) -> tuple[float, ...]:
        """The same of each pair of runs: how far they lie apart says what the whole is worth."""
        pairs = zip(*([run for run in self.runs if run.client == client] for client in (OURS, THEIRS)), strict=True)
        return tuple(1 - ours.requests_per_s / theirs.requests_per_s for ours, theirs in pairs)

    @property
    def is_within(self) -> bool:
        """Whether the overhead is at most :data:`MOST_OVERHEAD` and nothing failed."""
        return self.overhead <= MOST_OVERHEAD and not any(run.failed for run in self.runs)


async def measure_yardstick(
    vllm: str,
    requests: Sequence[ModelRequest],
    *,
    schema: dict[str, Any],
    settings: ModelSettings,
    model: str,
    repeats: int = 3,
    progress: Callable[[float, str], None] | None = None,
) -> Yardstick:
    """Run both clients ``repeats`` times in turn, after a run of ours that does not count.

    Of two pairs the second has theirs first: a machine that grows faster or slower meanwhile does so for both.

    Every run gets the same prompts behind a first line of its own, so that no run finds those of another in the server's cache. A prompt is
    one message, since that is what vLLM's client sends; both ask for the same answer schema, sampling and log-probabilities. Theirs
    streams.

    Args:
        vllm: The ``vllm`` command of the environment where it is installed.
        requests: Their messages and sampling are used.
        schema: That all answers must fit: vLLM's client sends one body to all.
        settings: Address, key, and how many at once.
        model: As the server knows it.
        repeats: Runs of each client.
        progress: Told the share that is over, and what is going on.

    Raises:
        ConfigurationError: If there is no such command, or the address has credentials, which other users of the machine would see.
        ModelUnavailableError: If vLLM's client fails; quotes what it said.
    """
    if "@" in urlsplit(settings.base_url or "").netloc:
        raise ConfigurationError(
            "--yardstick: the address of the server has a user name and password, and vLLM's client takes it on its command line, where "
            "everybody on this machine can read it; name one without, and a key by LIVESTEWARD_MODEL__API_KEY"
        )
    program = _program(vllm)
    fixed = settings.model_copy(update={"name": model, "adaptive": False, "timeout_s": _DEADLINE_S})
    runs: list[Throughput] = []
    total = 2 * repeats + 1
    for number in range(total):
        theirs = number % 4 in {2, 3}
        if progress is not None:
            progress(number / total, f"run {number} of {total - 1}: {THEIRS if theirs else OURS}" if number else "warming up")
        given = [_one_message(request, number, schema) for request in requests]
        run = await (_theirs(program, given, fixed) if theirs else _ours(given, fixed))
        if number:
            runs.append(run)
    return Yardstick(prompts=len(requests), concurrency=fixed.concurrency, runs=tuple(runs))


def _program(vllm: str) -> str:
    found = shutil.which(Path(vllm).expanduser())
    if found is None:
        raise ConfigurationError(f"--yardstick: there is no program {vllm!r}; name the vllm command of the environment where vLLM is")
    return found


def _one_message(request: ModelRequest, number: int, schema: dict[str, Any]) -> ModelRequest:
    texts = [part.text for message in request.messages for part in message.parts if isinstance(part, TextPart)]
    text = "\n".join((f"Run {number:04d}.", *texts))
    return request.model_copy(
        update={
            "messages": (Message(role="user", parts=(TextPart(text=text),)),),
            "answer_schema": schema,
            "deadline_s": _DEADLINE_S,
        }
    )


async def _ours(requests: Sequence[ModelRequest], settings: ModelSettings) -> Throughput:
    model = OpenAICompatibleModel(settings)
    left = iter(requests)
    tokens: list[TokenCounts] = []
    failed = 0

    async def worker() -> None:
        nonlocal failed
        for request in left:
            came = await ask(model, request)
            failed += bool(came.failure)
            tokens.append(came.tokens)

    try:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(settings.concurrency):
                group.create_task(worker())
        seconds = time.perf_counter() - began
    finally:
        await model.aclose()
    return Throughput(
        client=OURS,
        seconds=round(seconds, 3),
        completed=len(requests) - failed,
        failed=failed,
        tokens_in=sum(one.prompt for one in tokens),
        tokens_out=sum(one.completion for one in tokens),
    )


async def _theirs(program: str, requests: Sequence[ModelRequest], settings: ModelSettings) -> Throughput:
    with tempfile.TemporaryDirectory(prefix="livesteward-yardstick-") as name:
        folder = Path(name)
        lines = [
            json.dumps({"prompt": part.text}) for request in requests for part in request.messages[0].parts if isinstance(part, TextPart)
        ]
        await asyncio.to_thread((folder / "prompts.jsonl").write_text, "\n".join(lines) + "\n", encoding="utf-8")
        said = await _run(_command(program, requests[0], len(requests), settings, folder), settings)
        try:
            result = json.loads(await asyncio.to_thread((folder / "result.json").read_text, encoding="utf-8"))
            return Throughput(
                client=THEIRS,
                seconds=round(float(result["duration"]), 3),
                completed=int(result["completed"]),
                failed=int(result.get("failed", 0)),
                tokens_in=int(result["total_input_tokens"]),
                tokens_out=int(result["total_output_tokens"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailableError(f"{program} bench serve left no result that can be read ({error}); it said: {said}") from error


def _command(program: str, request: ModelRequest, count: int, settings: ModelSettings, folder: Path) -> list[str]:
    assert settings.base_url is not None
    url = settings.base_url.rstrip("/")
    root, _, version = url.rpartition("/")
    body = {
        **answer_fields(request),
        "temperature": request.sampling.temperature,
        "seed": request.sampling.seed,
        # Without a tokenizer, which it needs for nothing else here, it would ask for one token.
        "max_completion_tokens": request.sampling.max_tokens,
        "logprobs": True,
        "top_logprobs": 5,
    }
    options = {
        "--backend": "openai-chat",
        "--base-url": root,
        "--endpoint": f"/{version}/chat/completions",
        "--model": settings.name,
        "--dataset-name": "custom",
        "--dataset-path": str(folder / "prompts.jsonl"),
        "--custom-output-len": str(request.sampling.max_tokens),
        "--num-prompts": str(count),
        "--max-concurrency": str(settings.concurrency),
        "--request-rate": "inf",
        "--extra-body": json.dumps(body),
        "--result-dir": str(folder),
        "--result-filename": "result.json",
    }
    switches = ["--save-result", "--disable-shuffle", "--disable-tqdm", "--skip-chat-template", "--skip-tokenizer-init"]
    return [program, "bench", "serve", *(part for option in options.items() for part in option), *switches]


async def _run(command: Sequence[str], settings: ModelSettings) -> str:
    environment = {**os.environ, "OPENAI_API_KEY": settings.api_key.get_secret_value(), "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    text = " ".join(said.decode("utf-8", errors="replace").split())[-_TAIL:]
    if process.returncode:
        hint = "; its benchmark client needs more than its server: pip install 'vllm[bench]' there" if "ModuleNotFound" in text else ""
        raise ModelUnavailableError(f"{command[0]} bench serve ended with code {process.returncode}{hint}: {text}")
    return text
