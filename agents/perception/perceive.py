"""From a segment's pictures and sound to texts and signals: every model is optional, and none can stop the others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from livesteward.agents.perception import kinds
from livesteward.agents.perception.deadline import Deadline
from livesteward.agents.perception.enrich import enriched
from livesteward.agents.perception.extras import AbsentError
from livesteward.agents.perception.language import language_version
from livesteward.agents.perception.nudity import nudity_version
from livesteward.agents.perception.ocr import ocr_version
from livesteward.agents.perception.perceived import Perceived
from livesteward.agents.perception.qr import qr_version
from livesteward.agents.perception.sources import MediaSource, Seen, listen, look
from livesteward.agents.perception.speech import Transcript, speech_version
from livesteward.agents.perception.store import FrameStore, ResultCache
from livesteward.contracts import PerceptionReport, PerceptionState, Segment
from livesteward.errors import LivestewardError, PerceptionError
from livesteward.settings import Settings

WORKERS = 4
"""Threads of one perceiver: enough that sound and pictures overlap, few enough that segments queue up instead of piling up."""
GRACE_S = 2.0
"""How much later than its own deadline a thread is given up."""

ResultT = TypeVar("ResultT")


@dataclass
class _Reports:
    """What came of each kind, in the order in which the kinds are listed."""

    found: dict[str, PerceptionReport] = field(default_factory=dict)

    def add(self, name: str, state: PerceptionState, detail: str = "", model: str = "") -> None:
        self.found[name] = PerceptionReport(name=name, state=state, detail=detail[:1_000], model=model[:200])

    def in_order(self) -> tuple[PerceptionReport, ...]:
        return tuple(self.found[name] for name in ("media", *kinds.NAMES) if name in self.found)


class Perceiver:
    """Perceives segments. One for a process is enough: the models are loaded once, on first use, and shared."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is loaded yet."""
        self._settings = settings
        folder = settings.cache_dir / "perception" if settings.perception.cache else None
        self.frames = FrameStore(folder / "frames" if folder else None)
        """The pictures that were looked at, by digest."""
        self._cache = ResultCache(folder / "results" if folder else None)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="perception")

    @property
    def hears(self) -> bool:
        """Whether speech is recognised: wanted, and installed."""
        with contextlib.suppress(AbsentError):
            return self._settings.perception.speech and bool(speech_version())
        return False

    async def aclose(self) -> None:
        """Free the threads. What still runs ends by itself at its deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def perceive(self, segment: Segment, media_root: Path | None) -> Perceived:
        """Look at and listen to a segment.

        Never raises for what a model or a file does: the reports say it, with what to do.

        Args:
            segment: The segment as validated.
            media_root: The folder that paths in the segment are relative to; ``None`` if there is none.
        """
        deadline = Deadline(self._settings.perception.timeout_s)
        reports = _Reports()
        want_sound = self._settings.perception.speech and not segment.utterances
        source = MediaSource(segment=segment, root=media_root, settings=self._settings, want_sound=want_sound)
        seen = await self._seen(source, deadline, reports)
        given = kinds.Given(segment=segment, seen=seen, settings=self._settings, deadline=deadline, frames=self.frames, cache=self._cache)
        options = self._settings.perception
        ocr, codes, nudity, speech = await asyncio.gather(
            self._run("ocr", options.ocr, given.no_pictures, ocr_version, lambda model: kinds.read_texts(given, model), deadline, reports),
            self._run("qr", options.qr, given.no_pictures, qr_version, lambda model: kinds.read_qr(given, model), deadline, reports),
            self._run(
                "nudity",
                options.nudity,
                given.no_pictures,
                nudity_version,
                lambda model: kinds.score_nudity(given, model),
                deadline,
                reports,
            ),
            self._run(
                "speech", options.speech, given.no_sound, speech_version, lambda model: kinds.hear(given, model, source), deadline, reports
            ),
        )
        heard = speech or Transcript()
        texts = kinds.texts_by_source(segment, heard, ocr)
        languages = await self._run(
            "language",
            options.language,
            "" if texts else "there is no text",
            language_version,
            lambda model: kinds.languages(texts, model),
            deadline,
            reports,
        )
        result = enriched(segment, seen, ocr=ocr, codes=codes, nudity=nudity, transcript=heard, languages=languages)
        return Perceived(segment=result, reports=reports.in_order(), frames=tuple(frame.ref for frame in seen.frames))

    async def listen(self, segment: Segment, media_root: Path | None, *, start_s: float, end_s: float, timeout_s: float) -> Transcript:
        """Recognise the speech of a part of a segment's recording once more, by itself.

        Args:
            segment: With a recording.
            media_root: The folder that it is in.
            start_s: Where the part begins, in seconds from the start of the segment.
            end_s: Where it ends.
            timeout_s: Seconds that it may take; never more than ``perception.timeout_s``.

        Returns:
            What was heard, with times from the start of the part.

        Raises:
            AbsentError: If the recogniser is not installed.
            PerceptionError: If the recording cannot be read or the time is up.
            TimeoutError: If a thread is not done long after its time.
        """
        model = speech_version()
        deadline = Deadline(min(timeout_s, self._settings.perception.timeout_s))
        if segment.media is None:
            raise PerceptionError("the segment has no recording")
        media = segment.media.model_copy(update={"start_s": segment.media.start_s + start_s})
        part = segment.model_copy(update={"media": media, "duration_s": end_s - start_s, "utterances": ()})
        source = MediaSource(segment=part, root=media_root, settings=self._settings, want_sound=True)

        def hear() -> Transcript:
            seen = listen(source, deadline)
            given = kinds.Given(segment=part, seen=seen, settings=self._settings, deadline=deadline, frames=self.frames, cache=self._cache)
            return kinds.hear(given, model, source)

        return await self._in_thread(hear, deadline)

    async def _seen(self, source: MediaSource, deadline: Deadline, reports: _Reports) -> Seen:
        """Get the pictures and the sound, and report on the media that they come from."""
        if not source.needed:
            reports.add("media", PerceptionState.NOT_NEEDED, source.why_not_needed)
            return Seen()
        try:
            seen = await self._in_thread(lambda: look(source, self.frames, self._cache, deadline), deadline)
        except Exception as error:
            reports.add("media", PerceptionState.FAILED, _why(error, self._settings.perception.timeout_s))
            return Seen(problem="the media could not be read")
        state = PerceptionState.FAILED if seen.problems else PerceptionState.USED
        reports.add("media", state, "; ".join(seen.problems), "ffmpeg, pillow")
        return seen

    async def _run(
        self,
        name: str,
        wanted: bool,
        not_needed: str,
        version: Callable[[], str],
        work: Callable[[str], ResultT],
        deadline: Deadline,
        reports: _Reports,
    ) -> ResultT | None:
        """Run one kind in a thread and report on it; ``None`` stands for nothing found, whatever the reason."""
        if not wanted:
            reports.add(name, PerceptionState.NOT_NEEDED, f"switched off (perception.{name})")
            return None
        if not_needed:
            reports.add(name, PerceptionState.NOT_NEEDED, not_needed)
            return None
        model = ""
        try:
            model = version()
            result = await self._in_thread(lambda: work(model), deadline)
        except AbsentError as error:
            reports.add(name, PerceptionState.ABSENT, str(error))
        except Exception as error:
            # Whatever a model does with a stranger's input must end in a report, so that the segment goes to a person.
            reports.add(name, PerceptionState.FAILED, _why(error, self._settings.perception.timeout_s), model)
        else:
            reports.add(name, PerceptionState.USED, model=model)
            return result
        return None

    async def _in_thread(self, work: Callable[[], ResultT], deadline: Deadline) -> ResultT:
        future = self._pool.submit(work)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), deadline.left + GRACE_S)
        finally:
            with contextlib.suppress(RuntimeError):
                future.cancel()


def _why(error: Exception, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"not done within {timeout_s:g} s (perception.timeout_s)"
    return str(error) if isinstance(error, LivestewardError) else f"{type(error).__name__}: {error}"
