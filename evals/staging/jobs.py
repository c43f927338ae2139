"""Which files a dataset's descriptions make: one job for each drawn frame and each recording."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

from livesteward.errors import InputError
from livesteward.evals.cases import Drawing, Sound, Step
from livesteward.evals.dataset import Dataset, Located, media_files

MANIFEST: Final = "manifest.json"

_RECIPES: Final = 2
"""Counts up when the same descriptions are drawn or spoken in another way, so that every file is made again."""


@dataclass(frozen=True)
class Job:
    """One file to make.

    Attributes:
        located: The case that it belongs to.
        name: Its path in the media folder.
        what: A drawing for a ``.webp``, sound for an ``.mp4``.
        longest_s: How long a recording may be.
    """

    located: Located
    name: str
    what: Drawing | Sound
    longest_s: float = 0.0

    @cached_property
    def recipe(self) -> str:
        """SHA-256 of the description: another one makes another file."""
        description = f"{_RECIPES} {type(self.what).__name__} {self.what.model_dump_json()} {self.longest_s:g}"
        return hashlib.sha256(description.encode()).hexdigest()


def jobs(dataset: Dataset) -> list[Job]:
    """Return a job for each file that descriptions make, each name once, in the order of the cases.

    Raises:
        InputError: If two cases describe the same file in different ways, a description has no file, or a file has the wrong ending.
    """
    found: dict[str, Job] = {}
    for located in dataset.located:
        for step in located.entry.steps:
            for job in _of_step(located, step):
                other = found.setdefault(job.name, job)
                if other.recipe != job.recipe:
                    raise _wrong(located, f"{job.name} is also described by {other.located.entry.case_id}, and in another way")
    return list(found.values())


def named_files(dataset: Dataset) -> frozenset[str]:
    """Return the paths in the media folder of everything that cases name, whether it is staged or was recorded."""
    return frozenset(str(PurePosixPath(name)) for located in dataset.located for name in media_files(located.entry))


def orphans(dataset: Dataset) -> tuple[str, ...]:
    """Return the files in the media folder that no case names."""
    there = (file.relative_to(dataset.media).as_posix() for file in dataset.media.rglob("*") if file.is_file())
    return tuple(sorted(set(there) - named_files(dataset) - {MANIFEST}))


def _of_step(located: Located, step: Step) -> Iterator[Job]:
    segment, staging = step.segment, step.staging
    paths = {frame.frame_id: frame.path for frame in segment.frames}
    for frame_id, drawing in staging.drawings.items():
        path = paths.get(frame_id)
        if path is None:
            raise _wrong(located, f"a drawing is given for frame {frame_id!r}, which has no path in segment {segment.segment_id}")
        yield Job(located, _name(located, path, ".webp"), drawing)
    if staging.sound is not None:
        if segment.media is None:
            raise _wrong(located, f"sound is given for segment {segment.segment_id}, which names no media")
        if segment.media.start_s:
            raise _wrong(located, f"{segment.media.path}: spoken sound is a recording of its own; leave start_s at 0")
        yield Job(located, _name(located, segment.media.path, ".mp4"), staging.sound, segment.duration_s)


def _name(located: Located, path: str, suffix: str) -> str:
    name = PurePosixPath(path)
    if name.suffix != suffix:
        raise _wrong(located, f"{path}: what is staged here is a {suffix} file")
    return str(name)


def _wrong(located: Located, message: str) -> InputError:
    return InputError(message, field=f"{located.file}:{located.line} ({located.entry.case_id})")
