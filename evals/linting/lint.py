"""Everything that is wrong with a set of cases, in one list: what a policy specialist runs before a case is committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from livesteward.evals.badcases.drafts import DRAFT
from livesteward.evals.cases import Entry
from livesteward.evals.dataset import Dataset
from livesteward.evals.linting.consistency import CaseProblem, Rules, check_consistency
from livesteward.evals.linting.decisive_texts import PlacedText, golden_texts
from livesteward.evals.linting.duplicates import find_duplicates
from livesteward.evals.linting.likeness import Told
from livesteward.evals.linting.quotas import check_quotas
from livesteward.evals.linting.real_data import real_looking
from livesteward.evals.staging import check_media
from livesteward.models.embedders import Embedder


async def lint(
    dataset: Dataset,
    rules: Rules,
    *,
    training: Sequence[PlacedText] = (),
    embedder: Embedder | None = None,
    quotas: Path | None = None,
    told: Told | None = None,
) -> list[CaseProblem]:
    """Return everything that is to be mended in a set, ordered by file and line.

    Args:
        dataset: The whole set: in a selection, media of the other cases would count as orphans.
        rules: Looks up the rules in force.
        training: What the judge was fitted on (:func:`livesteward.evals.linting.decisive_texts.training_texts`).
        embedder: Finds paraphrases too; without it only what is alike by letters is found.
        quotas: A file of quotas, where the set has any.
        told: Told how many texts are embedded.

    Raises:
        ConfigurationError: If the file of quotas cannot be read.
        ModelError: If the embedder cannot embed.
    """
    found = [*check_consistency(dataset, rules), *check_media(dataset), *check_real_data(dataset), *check_drafts(dataset)]
    found += [duplicate.problem() for duplicate in await find_duplicates(golden_texts(dataset), training, embedder=embedder, told=told)]
    if quotas is not None:
        found += check_quotas(dataset, quotas)
    return sorted(found, key=lambda problem: (problem.file, problem.line))


def check_real_data(dataset: Dataset) -> list[CaseProblem]:
    """Return what looks like somebody's real data, each once for a case."""
    found: list[CaseProblem] = []
    for located in dataset.located:
        for real in dict.fromkeys(real for text in _texts(located.entry) for real in real_looking(text)):
            message = f"{real.found!r} could be somebody's {real.kind}; {real.advice}"
            found.append(CaseProblem(str(located.file), located.line, located.entry.case_id, "real-data", message))
    return found


def check_drafts(dataset: Dataset) -> list[CaseProblem]:
    """Return the cases that `livesteward eval badcases` began and nobody has finished."""
    message = "it is still a draft; write its words, check its label, and say in the note what it tests"
    return [
        CaseProblem(str(located.file), located.line, located.entry.case_id, "draft", message)
        for located in dataset.located
        if located.entry.note.startswith(DRAFT)
    ]


def _texts(entry: Entry) -> Iterator[str]:
    """Yield every text of a case that somebody wrote freely."""
    for step in entry.steps:
        yield from (item.text for item in step.segment.items())
        yield from (message.display_name for message in step.segment.chat)
        yield from (line for drawing in step.staging.drawings.values() for line in drawing.text)
        if step.staging.sound is not None:
            yield from step.staging.sound.text
            yield from step.staging.sound.show.text
    yield entry.reason
    yield entry.note
