"""Whether the media folder holds what the cases describe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from livesteward.errors import InputError
from livesteward.evals.dataset import Dataset, Located, media_files
from livesteward.evals.linting.consistency import CaseProblem
from livesteward.evals.staging.jobs import MANIFEST, Job, jobs, orphans
from livesteward.evals.staging.manifest import Made, file_digest, read_manifest

_NO_CASE = "-"


def check_media(dataset: Dataset) -> list[CaseProblem]:
    """Return what does not hold of the media: files that are missing, changed, of an older description, or named by no case.

    Args:
        dataset: The whole set; in a selection, files of the other cases would count as orphans.
    """
    path = dataset.media / MANIFEST
    try:
        manifest, staged = read_manifest(path), {job.name: job for job in jobs(dataset)}
    except InputError as error:
        return [CaseProblem(file=str(dataset.media), line=1, case_id=_NO_CASE, code="media", message=str(error))]
    found: list[CaseProblem] = []
    for located in dataset.located:
        for name in (str(PurePosixPath(path)) for path in media_files(located.entry)):
            found += [_problem(located, code, message) for code, message in _of_file(name, dataset, staged.get(name), manifest)]
    found += [
        CaseProblem(file=str(dataset.media / name), line=1, case_id=_NO_CASE, code="media-orphan", message="no case names this file")
        for name in orphans(dataset)
    ]
    return found


def _of_file(name: str, dataset: Dataset, job: Job | None, manifest: dict[str, Made]) -> Iterator[tuple[str, str]]:
    digest, record = file_digest(dataset.media / name), manifest.get(name)
    if digest is None:
        yield "media-missing", f"{name} is not in {dataset.media}" + ("; stage the set" if job else "")
    elif job is not None and record is None:
        yield "media-changed", f"{name} was not staged here: the manifest does not know it; stage the set"
    elif job is not None and record is not None:
        if digest != record.file:
            yield "media-changed", f"{name} differs from what was staged; stage the set, or give it no description"
        if job.recipe != record.recipe:
            yield "media-recipe", f"{name} was made from an older description; stage the set"


def _problem(located: Located, code: str, message: str) -> CaseProblem:
    return CaseProblem(file=str(located.file), line=located.line, case_id=located.entry.case_id, code=code, message=message)
