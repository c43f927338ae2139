"""What differs between two rulebooks: two jurisdictions, two days, or two folders of documents."""

from __future__ import annotations

from typing import Any

from livesteward.contracts import Contract, Rule, Rulebook, RulebookRef

_COMPARED = ("title", "category", "severity", "text", "exceptions", "breaks", "allowed", "ladder", "notice", "norms")


class FieldChange(Contract):
    """A field of a rule before and after, in JSON's types."""

    field: str
    before: Any
    after: Any


class RuleChange(Contract):
    """A rule that is in both rulebooks and differs."""

    rule_id: str
    title: str
    fields: tuple[FieldChange, ...]


class RulebookDiff(Contract):
    """What to do to ``before`` to get ``after``; the rules in it are ordered by id."""

    before: RulebookRef
    after: RulebookRef
    added: tuple[Rule, ...]
    removed: tuple[Rule, ...]
    changed: tuple[RuleChange, ...]

    @property
    def empty(self) -> bool:
        """Whether both say the same."""
        return not (self.added or self.removed or self.changed)


def diff_rulebooks(before: Rulebook, after: Rulebook) -> RulebookDiff:
    """Compare what the rules say; which documents made them does not count."""
    old = {rule.rule_id: rule for rule in before.rules}
    new = {rule.rule_id: rule for rule in after.rules}
    changes = [_change(old[rule_id], rule) for rule_id, rule in new.items() if rule_id in old]
    return RulebookDiff(
        before=before.ref,
        after=after.ref,
        added=tuple(rule for rule_id, rule in new.items() if rule_id not in old),
        removed=tuple(rule for rule_id, rule in old.items() if rule_id not in new),
        changed=tuple(change for change in changes if change.fields),
    )


def _change(before: Rule, after: Rule) -> RuleChange:
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    fields = tuple(FieldChange(field=name, before=old[name], after=new[name]) for name in _COMPARED if old[name] != new[name])
    return RuleChange(rule_id=after.rule_id, title=after.title, fields=fields)
