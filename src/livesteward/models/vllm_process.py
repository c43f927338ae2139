"""A vLLM server as a background process: start it and wait until it answers, look at it, stop it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx2
import psutil
from pydantic import ValidationError

from livesteward.address import metrics_url, server_root, shown_address
from livesteward.contracts import Contract
from livesteward.errors import ConfigurationError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.vllm import INSTALL_VLLM
from livesteward.models.vllm_metrics import derived, read_metrics

Progress = Callable[[float, str], None]
"""Told the seconds waited and the log's last line."""

_PROBE_S: Final = 2.0
_PAUSE_S: Final = 0.25
_LOG_TAIL_BYTES: Final = 4_096

_started: dict[int, subprocess.Popen[bytes]] = {}


class ServerRecord(Contract):
    """What is written down about a started server. ``created`` tells the process from a later one with the same number."""

    pid: int
    created: float
    base_url: str
    model: str
    command: tuple[str, ...]
    log: Path


class ServerStatus(Contract):
    """How a server is doing.

    ``pid`` is that of a process that ``start`` started and that still runs. ``metrics`` are the few of vLLM's that matter here, with the
    shares of hits of its caches (0-1) and, where it was looked at twice, tokens a second.
    """

    base_url: str
    pid: int | None = None
    healthy: bool
    models: tuple[str, ...] = ()
    metrics: dict[str, float] = {}
    log: Path | None = None
    detail: str = ""


class VllmServer:
    """The one background server of a cache folder.

    Args:
        folder: Where its process number and log are kept, usually ``settings.cache_dir / "vllm"``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def log(self) -> Path:
        """The server's output."""
        return self._folder / "vllm.log"

    def running(self) -> ServerRecord | None:
        """Return the record of the started server if its process still runs."""
        try:
            record = ServerRecord.model_validate_json(self._record_path.read_bytes())
        except (OSError, ValidationError):
            return None
        return record if _process(record) is not None else None

    def start(
        self,
        command: Sequence[str],
        *,
        base_url: str,
        model: str,
        api_key: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 600.0,
        progress: Progress | None = None,
    ) -> ServerRecord:
        """Start ``command`` and wait until it answers.

        Args:
            command: As :func:`livesteward.models.vllm.serve_command` gives it; the first part is looked up on the path.
            base_url: Where it will answer, with ``/v1``.
            model: What it serves, for the record.
            api_key: Required of callers, where not empty.
            environment: Added to this process's.
            timeout_s: How long it may take to load the model.
            progress: Called while waiting.

        Raises:
            ConfigurationError: If there is no such program, the port is taken, or a server runs already.
            ModelUnavailableError: If the server ends before it answers; quotes its log.
            ModelTimeoutError: If it does not answer in time. Nothing is left running.
        """
        if (already := self.running()) is not None:
            raise ConfigurationError(
                f"a server runs already ({already.model}, process {already.pid}); stop it with 'livesteward engine stop'"
            )
        program = shutil.which(Path(command[0]).expanduser())
        if program is None:
            raise ConfigurationError(f"there is no program {command[0]!r}. {INSTALL_VLLM}")
        _check_port_is_free(base_url)
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = {"VLLM_API_KEY": api_key} if api_key else {}
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **keys, **(environment or {})},
                start_new_session=True,
            )
        _started[process.pid] = process
        created = psutil.Process(process.pid).create_time()
        record = ServerRecord(pid=process.pid, created=created, base_url=base_url, model=model, command=tuple(command), log=self.log)
        self._record_path.write_text(record.model_dump_json(indent=2), encoding="utf-8")
        try:
            self._wait(process, base_url, timeout_s, progress)
        except BaseException:
            self.stop(grace_s=5.0)
            raise
        return record

    def _wait(self, process: subprocess.Popen[bytes], base_url: str, timeout_s: float, progress: Progress | None) -> None:
        began = time.monotonic()
        while (waited := time.monotonic() - began) < timeout_s:
            if process.poll() is not None:
                raise ModelUnavailableError(
                    f"vLLM ended with code {process.returncode} before it answered; {self.log} ends: {self._tail(6)}"
                )
            if _healthy(base_url):
                return
            if progress is not None:
                progress(waited, self._tail(1))
            time.sleep(_PAUSE_S)
        raise ModelTimeoutError(f"vLLM did not answer within {timeout_s:g} s and was stopped; {self.log} ends: {self._tail(3)}")

    def stop(self, *, grace_s: float = 20.0) -> bool:
        """End the started server with its workers: asked first, killed after ``grace_s``.

        Returns:
            Whether one was running.
        """
        record = self.running()
        process = _process(record) if record else None
        if process is not None:
            family = [process]
            with contextlib.suppress(psutil.NoSuchProcess):
                family += process.children(recursive=True)
            _end(family, grace_s)
            if (handle := _started.pop(process.pid, None)) is not None:
                handle.wait(timeout=grace_s)
        self._record_path.unlink(missing_ok=True)
        return process is not None

    def status(self, *, base_url: str | None = None, api_key: str = "", window_s: float = 0.0) -> ServerStatus:
        """Ask the started server, or the one at ``base_url``, how it is.

        Args:
            base_url: Of another server than the started one.
            api_key: For the list of its models.
            window_s: Seconds between two looks at its counters, to say how many tokens a second it reads and writes; 0 looks once.
        """
        record = self.running()
        url = base_url or (record.base_url if record else None)
        if url is None:
            return ServerStatus(base_url="", healthy=False, detail="no server was started and model.base_url is not set")
        mine = record if record and record.base_url == url else None
        shown = shown_address(url)
        pid, log = (mine.pid, mine.log) if mine else (None, None)
        if not _healthy(url):
            detail = "it is still loading, or hangs" if mine else f"nothing healthy answers at {server_root(shown)}/health"
            return ServerStatus(base_url=shown, pid=pid, healthy=False, log=log, detail=detail)
        began, before = time.monotonic(), _metrics(url) if window_s else None
        time.sleep(window_s)
        metrics = _metrics(url)
        metrics |= derived(metrics, before=before, seconds=time.monotonic() - began)
        return ServerStatus(base_url=shown, pid=pid, healthy=True, models=_models(url, api_key), metrics=metrics, log=log)

    @property
    def _record_path(self) -> Path:
        return self._folder / "vllm.json"

    def _tail(self, lines: int) -> str:
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""
        return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])


def _process(record: ServerRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if same else None


def _end(family: list[psutil.Process], grace_s: float) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(family, timeout=grace_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _check_port_is_free(base_url: str) -> None:
    url = httpx2.URL(base_url)
    try:
        with socket.create_connection((url.host, url.port or 80), timeout=_PROBE_S):
            pass
    except OSError:
        return
    raise ConfigurationError(f"something answers at {url.host}:{url.port} already; choose another --port")


def _healthy(base_url: str) -> bool:
    try:
        return httpx2.get(f"{server_root(base_url)}/health", timeout=_PROBE_S).status_code == httpx2.codes.OK
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return False


def _models(base_url: str, api_key: str) -> tuple[str, ...]:
    try:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        listed = httpx2.get(f"{base_url.rstrip('/')}/models", timeout=_PROBE_S, headers=headers).json()
        return tuple(str(model["id"]) for model in listed["data"])
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, LookupError, TypeError):
        return ()


def _metrics(base_url: str) -> dict[str, float]:
    try:
        return read_metrics(httpx2.get(metrics_url(base_url), timeout=_PROBE_S).text)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return {}
