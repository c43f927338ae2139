"""Making the media of golden cases from their descriptions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import Drawing
from livesteward.evals.dataset import Dataset
from livesteward.evals.staging.jobs import MANIFEST, Job, jobs, named_files, orphans
from livesteward.evals.staging.manifest import Made, file_digest, read_manifest, write_manifest, write_readable

Progress = Callable[[int, int, str], None]
"""Called for each file with how many are done, how many there are, and its name."""

_TOLD = 5


@dataclass(frozen=True)
class Staged:
    """What staging did, by the names of files in the media folder.

    Attributes:
        made: Written now.
        kept: There already, unchanged, from the same description.
        orphans: There, but no case names them; they stay until somebody deletes them.
    """

    made: tuple[str, ...]
    kept: tuple[str, ...]
    orphans: tuple[str, ...]


def stage(dataset: Dataset, *, only_missing: bool = True, progress: Progress | None = None) -> Staged:
    """Draw the pictures and speak the sound that cases describe, into the dataset's media folder.

    A description that cannot be staged does not keep the others from being made; it is reported at the end. Nothing is removed.

    Args:
        dataset: The cases. Of a selection only its files are made, but files of the other cases then count as orphans.
        only_missing: Keep files that are there, unchanged, from the same description; otherwise all are made again.
        progress: Told after each file.

    Raises:
        InputError: If texts are too long to be read in their picture, speech is longer than its segment, or a voice does not exist; names
            the cases.
        ConfigurationError: If espeak-ng or a font is missing, or the media folder cannot be written.
    """
    path = dataset.media / MANIFEST
    manifest = read_manifest(path)
    todo = jobs(dataset)
    made: list[str] = []
    kept: list[str] = []
    wrong: list[str] = []
    try:
        for number, job in enumerate(todo, start=1):
            if only_missing and is_staged(job, dataset, manifest):
                kept.append(job.name)
            else:
                try:
                    manifest[job.name] = _write(job, dataset)
                    made.append(job.name)
                except InputError as error:
                    wrong.append(f"{job.located.entry.case_id} ({job.name}): {error}")
            if progress is not None:
                progress(number, len(todo), job.name)
    finally:
        # Also after an error: what was made is known next time.
        if made:
            _record(dataset, manifest)
    if wrong:
        more = f"; and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else ""
        raise InputError("; ".join(wrong[:_TOLD]) + more)
    return Staged(made=tuple(made), kept=tuple(kept), orphans=orphans(dataset))


def is_staged(job: Job, dataset: Dataset, manifest: dict[str, Made]) -> bool:
    """Whether the file is there as it was made, from the description as it is now."""
    record = manifest.get(job.name)
    return record is not None and record.recipe == job.recipe and file_digest(dataset.media / job.name) == record.file


def _write(job: Job, dataset: Dataset) -> Made:
    data = _picture(job.what, job.name) if isinstance(job.what, Drawing) else _recording(job)
    try:
        write_readable(dataset.media / job.name, data)
    except OSError as error:
        raise ConfigurationError(f"{dataset.media / job.name} cannot be written ({error.strerror})") from error
    return Made(file=hashlib.sha256(data).hexdigest(), recipe=job.recipe)


def _picture(drawing: Drawing, name: str) -> bytes:
    # Drawing and encoding load large libraries: only those who stage need them.
    from livesteward.evals.staging.recording import to_webp
    from livesteward.evals.staging.scenes import draw

    return to_webp(draw(drawing, name=name))


def _recording(job: Job) -> bytes:
    from livesteward.evals.staging.recording import to_mp4
    from livesteward.evals.staging.scenes import draw
    from livesteward.evals.staging.sound import speak

    assert not isinstance(job.what, Drawing)
    samples = speak(job.what, name=job.name, longest_s=job.longest_s)
    return to_mp4(draw(job.what.show, name=job.name), samples)


def _record(dataset: Dataset, manifest: dict[str, Made]) -> None:
    """Write the manifest, without files that are neither there nor named any more."""
    named = named_files(dataset)
    current = {name: record for name, record in manifest.items() if name in named or (dataset.media / name).is_file()}
    try:
        write_manifest(dataset.media / MANIFEST, current)
    except OSError as error:
        raise ConfigurationError(f"{dataset.media / MANIFEST} cannot be written ({error.strerror})") from error
