"""Which rules stand at the beginning of every prompt of some rulebooks: decided once for regions and a day, never for a segment."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import date
from typing import Final

from livesteward.contracts import GLOBAL, RetrievedRule
from livesteward.models.budget import TextCounter, estimate_tokens, tokenizer_counter
from livesteward.models.protocol import Message, TextPart
from livesteward.prompts.judging import has_standing_rulebook, prefix_digest, render_prefix
from livesteward.prompts.registry import Prompt
from livesteward.prompts.rulebook_layout import STANDING, RulebookForm, RulebookLayout, standing_order
from livesteward.retrieval.rulebook import PolicyLibrary
from livesteward.settings import ModelSettings, RetrievalSettings

_KEPT: Final = 256
"""Layouts kept in memory."""


class StandingRules:
    """Decides how much of the rulebooks of some regions stands at the beginning of the prompt.

    Args:
        library: The rule documents.
        prompt: The prompt that judges.
        model: Its context and tokenizer.
        retrieval: How many tokens the rulebook may take, and how many rules are given in detail.

    Raises:
        ConfigurationError: If ``model.tokenizer`` holds no tokenizer.
    """

    def __init__(self, library: PolicyLibrary, prompt: Prompt, model: ModelSettings, retrieval: RetrievalSettings) -> None:
        self._library = library
        self._prompt = prompt
        self._detailed = retrieval.rules_per_jurisdiction
        # The segment and what is at hand for it need room too, whatever the rulebook is allowed.
        self._most = min(retrieval.rulebook_tokens, (model.context_tokens - model.max_tokens) // 2)
        self._model = model
        self._touched = _touched(library)
        self._layouts: OrderedDict[tuple[str, ...], RulebookLayout] = OrderedDict()

    def layout(self, regions: Sequence[str], on: date) -> RulebookLayout:
        """Return the longest form of the rulebooks that ``retrieval.rulebook_tokens`` allows, or that none stands at the beginning.

        Args:
            regions: Jurisdictions, in any order.
            on: The day whose rules hold.

        Raises:
            InputError: If a region is unknown.
            PolicyError: If its rulebook cannot be made.
            PromptError: If the prompt cannot be rendered.
        """
        books = [self._library.rulebook(region, on) for region in sorted(set(regions))]
        key = tuple(f"{book.ref.jurisdiction} {book.ref.digest}" for book in books)
        known = self._layouts.get(key)
        if known is None:
            known = self._layouts[key] = self._decided(self._rules(regions, on))
            while len(self._layouts) > _KEPT:
                self._layouts.popitem(last=False)
        return known

    def prefix(self, regions: Sequence[str], on: date) -> tuple[Message, ...]:
        """Return what every prompt for segments of these regions and this day begins with, to warm a server's cache.

        Raises:
            LivestewardError: As :meth:`layout`.
        """
        return render_prefix(self._prompt, self._rules(regions, on), self.layout(regions, on))

    def _rules(self, regions: Sequence[str], on: date) -> tuple[RetrievedRule, ...]:
        return tuple(
            RetrievedRule(jurisdiction=region, rule=rule, score=0)
            for region in sorted(set(regions))
            for rule in self._library.rulebook(region, on).rules
        )

    def _decided(self, rules: tuple[RetrievedRule, ...]) -> RulebookLayout:
        found = RulebookLayout(detailed=self._detailed)
        if self._most <= 0 or not rules or not has_standing_rulebook(self._prompt):
            return found
        count = tokenizer_counter(self._model.tokenizer) if self._model.tokenizer else estimate_tokens
        method = self._tokens(rules, found, count)
        best = found
        for form in STANDING:
            layout = RulebookLayout(form=form, order=standing_order([one.rule for one in rules], self._touched), detailed=self._detailed)
            tokens = self._tokens(rules, layout, count) - method
            if tokens <= self._most:
                best = layout.model_copy(update={"tokens": tokens})
        if best.form is RulebookForm.FOUND:
            return found
        return best.model_copy(update={"prefix": prefix_digest(self._prompt, rules, best)})

    def _tokens(self, rules: tuple[RetrievedRule, ...], layout: RulebookLayout, count: TextCounter) -> int:
        parts = (part for message in render_prefix(self._prompt, rules, layout) for part in message.parts)
        return sum(count(part.text) for part in parts if isinstance(part, TextPart))


def _touched(library: PolicyLibrary) -> dict[str, int]:
    """Return for each rule how many groups and countries have part in it."""
    places: dict[str, set[str]] = {}
    for document in library.documents:
        if document.jurisdiction != GLOBAL:
            for section in document.sections:
                places.setdefault(section.rule_id, set()).add(document.jurisdiction)
    return {rule_id: len(found) for rule_id, found in places.items()}
