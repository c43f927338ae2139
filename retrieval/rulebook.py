"""From documents to rulebooks: which rules hold in one jurisdiction on one day, and which documents made them so."""

from __future__ import annotations

import difflib
import hashlib
import json
import threading
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from livesteward.contracts import Contract, Rule, Rulebook, RulebookRef, RuleLayer, check_jurisdiction
from livesteward.errors import InputError, PolicyError
from livesteward.retrieval.consistency import Placed, check_consistency, lineage
from livesteward.retrieval.documents import PolicyDocument, RuleSection, read_document, read_document_file
from livesteward.retrieval.layering import RuleDraft
from livesteward.retrieval.problems import PolicyProblem, refuse

_KEPT_LIBRARIES: Final = 8


class ExplainedLayer(Contract):
    """One document's section on a rule: the layer it makes, what it says, and whether it is in force on the day."""

    layer: RuleLayer
    title: str
    text: str
    in_force: bool


class Explanation(Contract):
    """How a rule came to be what it is; ``rule`` is ``None`` where it does not hold."""

    rule_id: str
    jurisdiction: str
    on: date
    rule: Rule | None
    layers: tuple[ExplainedLayer, ...]


class PolicyLibrary:
    """All rule documents of one folder, free of blocking faults, and the rulebooks that they make.

    Attributes:
        documents: In the order of their paths.
        digest: SHA-256 over paths and contents of all files.
    """

    def __init__(self, documents: Sequence[PolicyDocument], *, digest: str = "") -> None:
        """Take documents that were read without a fault.

        Raises:
            PolicyError: If they do not fit together.
        """
        self.documents = tuple(sorted(documents, key=lambda document: document.path))
        self.digest = digest
        problems = check_consistency(self.documents)
        if problems:
            refuse(problems)
        self._by_jurisdiction: dict[str, list[Placed]] = {}
        for document in self.documents:
            self._by_jurisdiction.setdefault(document.jurisdiction, []).extend(Placed(document, s) for s in document.sections)
        self._rulebooks: dict[tuple[str, date], Rulebook] = {}
        self._lock = threading.Lock()

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """Those that have documents of their own, ``global`` first."""
        return tuple(sorted(self._by_jurisdiction, key=lambda name: (len(lineage(name)), name)))

    def rulebook(self, jurisdiction: str, on: date) -> Rulebook:
        """Return the rules in force in ``jurisdiction`` on the day ``on``, ordered by id.

        Global documents come first, then those of the groups that hold the country, then the country's own; the nearest wins. A
        country without documents gets what is wider. Where a wider document takes a rule off and a nearer one tightens or relaxes
        it, the rule holds again, as the nearer document leaves it.

        Raises:
            InputError: If ``jurisdiction`` is neither ``global`` nor a group nor a country code.
            PolicyError: If a rule grows too long by its overlays.
        """
        _check(jurisdiction)
        with self._lock:
            known = self._rulebooks.get((jurisdiction, on))
        if known is not None:
            return known
        drafts = self._drafts(jurisdiction, on)
        rules = tuple(draft.rule() for _, draft in sorted(drafts.items(), key=lambda item: _natural(item[0])) if draft.holds)
        digest = rules_digest(rules)
        ref = RulebookRef(jurisdiction=jurisdiction, on=on, version=f"{on:%Y-%m-%d}.{digest[:8]}", digest=digest)
        rulebook = Rulebook(ref=ref, rules=rules)
        with self._lock:
            if len(self._rulebooks) >= 512:
                self._rulebooks.clear()
            return self._rulebooks.setdefault((jurisdiction, on), rulebook)

    def rules_by_id(self, jurisdiction: str, on: date) -> dict[str, Rule]:
        """Return the rules of :meth:`rulebook` by their ids."""
        return {rule.rule_id: rule for rule in self.rulebook(jurisdiction, on).rules}

    def explain(self, rule_id: str, jurisdiction: str, on: date) -> Explanation:
        """Say which documents made ``rule_id`` what it is in ``jurisdiction`` on the day ``on``, layer by layer.

        Sections that are not in force on that day are listed too, marked as such.

        Raises:
            InputError: If no document that holds in ``jurisdiction`` knows the rule.
        """
        _check(jurisdiction)
        sections = [one for one in self._sections(jurisdiction) if one.section.rule_id == rule_id]
        if not sections:
            known = sorted({one.section.rule_id for one in self._sections(jurisdiction)})
            near = difflib.get_close_matches(rule_id.upper(), known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "'livesteward policies list' shows all"
            raise InputError(f"no document that holds in {jurisdiction} has a rule {rule_id!r}; {hint}", field="rule_id")
        draft = self._drafts(jurisdiction, on).get(rule_id)
        applied = {(layer.document, layer.line): layer for layer in draft.layers} if draft is not None else {}
        layers = [
            ExplainedLayer(
                layer=applied.get((one.document.path, one.section.line), RuleDraft.layer(one)),
                title=one.section.title,
                text=one.section.text,
                in_force=(one.document.path, one.section.line) in applied,
            )
            for one in sections
        ]
        rule = draft.rule() if draft is not None and draft.holds else None
        return Explanation(rule_id=rule_id, jurisdiction=jurisdiction, on=on, rule=rule, layers=tuple(layers))

    def check_overlaid(self, jurisdiction: str, on: date) -> None:
        """Make the rules that more than one document has part in, for what each says may be too much for one rule.

        Raises:
            PolicyError: If one cannot be made.
        """
        for draft in self._drafts(jurisdiction, on).values():
            if len(draft.layers) > 1 and draft.holds:
                draft.rule()

    def _sections(self, jurisdiction: str) -> list[Placed]:
        return [one for name in lineage(jurisdiction) for one in self._by_jurisdiction.get(name, ())]

    def _drafts(self, jurisdiction: str, on: date) -> dict[str, RuleDraft]:
        drafts: dict[str, RuleDraft] = {}
        for one in self._sections(jurisdiction):
            section: RuleSection = one.section
            if not section.in_force(on):
                continue
            if section.complete:
                drafts[section.rule_id] = RuleDraft(one)
            elif section.rule_id in drafts:
                drafts[section.rule_id].apply(one)
        return drafts


def rules_digest(rules: Sequence[Rule]) -> str:
    """Return the SHA-256 over the canonical JSON of ``rules``.

    Where in which file a rule stands does not count: moving a rule to another document of its jurisdiction changes no digest.
    """
    data = [rule.model_dump(mode="json") for rule in sorted(rules, key=lambda rule: rule.rule_id)]
    for rule in data:
        for layer in rule["layers"]:
            del layer["document"], layer["line"]
    canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def load_library(policies_dir: Path) -> PolicyLibrary:
    """Read all documents below ``policies_dir``; the same contents are parsed once in a process.

    Raises:
        PolicyError: If there are none, or if one has a fault; names file, line and remedy.
    """
    texts = tuple(
        (file.relative_to(policies_dir).as_posix(), read_document_file(policies_dir, file)) for file in policy_files(policies_dir)
    )
    if not texts:
        raise PolicyError(f"{policies_dir} holds no rule documents; put them into <jurisdiction>/<topic>.md, such as global/fraud.md")
    return _parsed(texts)


def policy_files(policies_dir: Path) -> list[Path]:
    """The rule documents of a folder: ``<jurisdiction>/<topic>.md``, hidden files left out, in the order of their paths."""
    return sorted(file for file in policies_dir.glob("*/*.md") if file.is_file() and not file.name.startswith("."))


@lru_cache(maxsize=_KEPT_LIBRARIES)
def _parsed(texts: tuple[tuple[str, str], ...]) -> PolicyLibrary:
    documents: list[PolicyDocument] = []
    problems: list[PolicyProblem] = []
    digest = hashlib.sha256()
    for path, text in texts:
        document, found = read_document(text, path)
        problems += found
        if document is not None:
            documents.append(document)
        digest.update(f"{path}\0{len(text)}\0{text}".encode())
    if problems:
        refuse(problems)
    return PolicyLibrary(documents, digest=digest.hexdigest())


def _check(jurisdiction: str) -> None:
    try:
        check_jurisdiction(jurisdiction)
    except ValueError as error:
        raise InputError(f"{error}, or 'global', 'EU', 'GCC', 'ASEAN'", field="jurisdiction") from error


def _natural(rule_id: str) -> tuple[str | int, ...]:
    """Order ``X-2.10`` after ``X-2.9``: words and numbers compared as what they are, words of a place by their own rank."""
    prefix, *rest = rule_id.split("-")
    place = rest[0] if len(rest) == 2 else ""
    return (prefix, place, *(int(part) for part in rest[-1].split(".")))
