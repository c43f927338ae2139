"""How one section of a document is laid upon another: what is replaced, what is extended, and the record of both."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from livesteward.contracts import ActionLadder, LayerEffect, Rule, RuleLayer
from livesteward.errors import InputError, PolicyError
from livesteward.retrieval.consistency import Placed
from livesteward.retrieval.document_model import RuleSection

_REPLACED = ("title", "severity", "host", "viewer", "notice")
_EXTENDED = ("exceptions", "breaks", "allowed", "norms")
_NAMES = {"host": "ladder.host", "viewer": "ladder.viewer"}


class RuleDraft:
    """A rule while the documents of ever nearer jurisdictions are laid upon it."""

    def __init__(self, base: Placed) -> None:
        """Begin with a section that is a whole rule."""
        self._nearest = base
        self._layers = [self.layer(base)]
        self._off = False
        self._fields: dict[str, Any] = {name: getattr(base.section, name) for name in (*_REPLACED, *_EXTENDED, "category", "text")}

    @property
    def holds(self) -> bool:
        """Whether the rule is on, as far as it was laid."""
        return not self._off

    @property
    def layers(self) -> tuple[RuleLayer, ...]:
        """The documents laid so far, widest jurisdiction first."""
        return tuple(self._layers)

    def apply(self, overlay: Placed) -> None:
        """Lay a ``tighten``, ``relax`` or ``off`` upon the rule."""
        section = overlay.section
        self._nearest = overlay
        self._off = section.effect is LayerEffect.OFF
        changed = self._changed(section)
        self._layers.append(self.layer(overlay, changed))
        if self._off:
            return
        for name in changed:
            name = name.removeprefix("ladder.")
            if name in _REPLACED:
                self._fields[name] = getattr(section, name)
            elif name in _EXTENDED:
                self._fields[name] = tuple(dict.fromkeys((*self._fields[name], *getattr(section, name))))
        if section.text:
            self._fields["text"] = f"{self._fields['text']}\n\n{section.text}"

    def _changed(self, section: RuleSection) -> tuple[str, ...]:
        """The fields that differ once ``section`` is applied: a title repeated as it was is no change."""
        names = []
        for name in _fields_given(section):
            plain = name.removeprefix("ladder.")
            if plain in _REPLACED and getattr(section, plain) == self._fields[plain]:
                continue
            names.append(name)
        return tuple(names)

    @staticmethod
    def layer(one: Placed, changed: tuple[str, ...] | None = None) -> RuleLayer:
        """The record of a section's part in a rule."""
        section = one.section
        return RuleLayer(
            jurisdiction=one.document.jurisdiction,
            effect=section.effect,
            document=one.document.path,
            line=section.line,
            effective_from=section.effective_from,
            effective_to=section.effective_to,
            norm="; ".join(section.norms)[:500],
            changed=_fields_given(section) if changed is None else changed,
        )

    def rule(self) -> Rule:
        """Return the rule as it stands.

        Raises:
            PolicyError: If its overlays made it longer than a rule may be.
        """
        fields = dict(self._fields)
        ladder = ActionLadder(host=fields.pop("host") or (), viewer=fields.pop("viewer") or ())
        try:
            return Rule(rule_id=self._nearest.section.rule_id, ladder=ladder, layers=tuple(self._layers), **fields)
        except ValidationError as error:
            what = InputError.from_validation(error)
            raise PolicyError(
                f"{self._nearest}: {self._nearest.section.rule_id} with its overlays is no valid rule ({what}); shorten the overlay"
            ) from error


def _fields_given(section: RuleSection) -> tuple[str, ...]:
    if section.effect is LayerEffect.OFF:
        return ()
    names = ["title", "category", "severity", "text", "exceptions", "breaks", "allowed", "host", "viewer", "notice", "norms"]
    if not section.complete:
        names.remove("category")
    return tuple(_NAMES.get(name, name) for name in names if getattr(section, name))
