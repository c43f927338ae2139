"""The check that a policy specialist runs before anything else: all problems of a folder at once, each with file, line and remedy."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from livesteward.errors import PolicyError
from livesteward.retrieval.consistency import Placed, check_consistency, lineage, placed
from livesteward.retrieval.documents import PolicyDocument, read_document, read_document_file
from livesteward.retrieval.problems import PolicyProblem
from livesteward.retrieval.rulebook import PolicyLibrary, policy_files


def lint(policies_dir: Path) -> list[PolicyProblem]:
    """List everything that is wrong with the rule documents of a folder, ordered by file and line.

    Raises:
        PolicyError: If there is no such folder or no document in it.
    """
    if not policies_dir.is_dir():
        raise PolicyError(f"{policies_dir} is no folder; name the folder that holds global/, EU/, SG/ ...")
    files = policy_files(policies_dir)
    if not files:
        raise PolicyError(f"{policies_dir} holds no rule documents; put them into <jurisdiction>/<topic>.md, such as global/fraud.md")
    documents: list[PolicyDocument] = []
    problems: list[PolicyProblem] = []
    for file in files:
        name = file.relative_to(policies_dir).as_posix()
        try:
            raw = read_document_file(policies_dir, file)
        except PolicyError as error:
            problems.append(PolicyProblem(path=name, line=1, code="unreadable", message=str(error), fix="mend or delete the file"))
            continue
        document, found = read_document(raw, name)
        problems += found
        if document is not None:
            documents.append(document)
    problems += check_consistency(documents)
    problems += _repeated_examples(placed(documents))
    if not any(problem.blocks for problem in problems):
        problems += _unresolvable(documents)
    return sorted(problems, key=lambda problem: (problem.path, problem.line, problem.code))


def _repeated_examples(sections: Sequence[Placed]) -> Iterator[PolicyProblem]:
    """An example on both sides contradicts itself; one under two rules makes neither of them findable."""
    uses: dict[str, list[tuple[Placed, bool]]] = defaultdict(list)
    for one in sections:
        for breaking, examples in ((True, one.section.breaks), (False, one.section.allowed)):
            for example in examples:
                uses[_comparable(example)].append((one, breaking))
    for text, found in uses.items():
        first, first_breaks = found[0]
        for one, breaking in found[1:]:
            quote = text if len(text) <= 60 else text[:57] + "..."
            if one.section.rule_id == first.section.rule_id and breaking != first_breaks:
                message = f"the example “{quote}” of {one.section.rule_id} both breaks the rule and does not ({first})"
                yield one.problem("contradiction", message, "keep it on one side")
            else:
                message = f"the example “{quote}” stands in {first.section.rule_id} too ({first})"
                yield one.problem("repeated-example", message, "write another one", blocks=False)


def _comparable(example: str) -> str:
    """Letters and digits only, so that quotes, case and punctuation do not hide a repetition."""
    folded = unicodedata.normalize("NFKC", example).casefold()
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded).split())


def _unresolvable(documents: Sequence[PolicyDocument]) -> Iterator[PolicyProblem]:
    """Make every overlaid rule on every day on which something changes: overlays together may make a rule too long."""
    library = PolicyLibrary(documents)
    seen: set[str] = set()
    for jurisdiction in library.jurisdictions:
        wider = lineage(jurisdiction)
        days = {section.effective_from for document in documents if document.jurisdiction in wider for section in document.sections}
        for day in sorted(days):
            try:
                library.check_overlaid(jurisdiction, day)
            except PolicyError as error:
                place, _, message = str(error).partition(": ")
                path, _, line = place.rpartition(":")
                if message not in seen:
                    seen.add(message)
                    yield PolicyProblem(path=path, line=int(line), code="unresolvable", message=message, fix="shorten one of the layers")
