"""The reader of rule documents: goes down the lines once and reports every fault with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from livesteward.contracts import GLOBAL, STREAM_ACTIONS, VIEWER_ACTIONS, Category, LayerEffect, Severity, check_jurisdiction
from livesteward.retrieval.document_model import PolicyDocument, RuleSection
from livesteward.retrieval.problems import PolicyProblem
from livesteward.retrieval.yaml_values import YamlValues

_FRONT_KEYS: Final = ("policy", "title", "jurisdiction", "category", "effective_from", "disclaimer")
_FRONT_REQUIRED: Final = ("policy", "title", "jurisdiction", "effective_from", "disclaimer")
_SECTION_KEYS: Final = ("effect", "severity", "host", "viewer", "norms", "effective_from", "effective_to", "category")
_OFF_KEYS: Final = ("effect", "norms", "effective_from", "effective_to")
_EXCEPTIONS, _BREAKS, _ALLOWED, _NOTICE = "Exceptions", "Breaks the rule", "Does not break the rule", "Notice"
_PARTS: Final = (_EXCEPTIONS, _BREAKS, _ALLOWED, _NOTICE)
_HEADING: Final = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*")
_RULE_HEADING: Final = re.compile(r"(?P<id>[A-Z]{2,8}(-[A-Z]{2,5})?-\d{1,2}(\.\d{1,2})?)\s+(?P<title>\S.*)")
_FENCE: Final = re.compile(r"\s{0,3}(```|~~~)")
_LIMITS: Final = {"title": 120, "text": 4_000, "exception": 4_000, "example": 1_000, "notice": 4_000, "norm": 500}


@dataclass
class _Block:
    """Consecutive lines below a heading; ``line`` is the heading's."""

    line: int
    heading: str
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


class DocumentReader:
    """Reads one document; ``problems`` holds what was wrong once :meth:`read` has returned."""

    def __init__(self, raw: str, path: str) -> None:
        """Take the text of the file ``path``."""
        self.problems: list[PolicyProblem] = []
        self._path = path
        self._raw = raw
        self._lines = [line.removesuffix("\r") for line in raw.removeprefix("\ufeff").split("\n")]

    def read(self) -> PolicyDocument | None:
        """Return the document, or ``None`` where its front matter cannot be used."""
        end = next((i for i, line in enumerate(self._lines[1:], 1) if line.rstrip() == "---"), None)
        if self._lines[0].rstrip() != "---" or end is None:
            self._problem(1, "front-matter", "there is no front matter", "start the file with a line `---`, the keys, and a line `---`")
            return None
        head = YamlValues(self._lines[1:end], first=2, report=self._problem)
        head.check_keys(known=_FRONT_KEYS, required=_FRONT_REQUIRED)
        jurisdiction = self._jurisdiction(head)
        effective_from = head.day("effective_from")
        category = head.one_of("category", Category)
        texts = {key: head.string(key) for key in ("policy", "title", "disclaimer")}
        if jurisdiction is None or effective_from is None:
            return None
        intro, blocks = self._split(end + 1)
        sections = [self._section(block, jurisdiction, category, effective_from) for block in blocks]
        if not blocks:
            self._problem(end + 1, "no-rules", "the document has no section `## ID Title`", "add a rule, or delete the file")
        return PolicyDocument(
            path=self._path,
            policy=texts["policy"],
            title=texts["title"],
            disclaimer=texts["disclaimer"],
            jurisdiction=jurisdiction,
            category=category,
            effective_from=effective_from,
            intro=intro,
            sections=tuple(section for section in sections if section is not None),
            raw=self._raw,
        )

    def _problem(self, line: int, code: str, message: str, fix: str) -> None:
        self.problems.append(PolicyProblem(path=self._path, line=line, code=code, message=message[:500], fix=fix))

    def _jurisdiction(self, head: YamlValues) -> str | None:
        value = head.string("jurisdiction")
        if not value:
            return None
        try:
            return check_jurisdiction(value)
        except ValueError as error:
            self._problem(head.line("jurisdiction"), "unknown-jurisdiction", str(error), "use global, EU, GCC, ASEAN or a country code")
            return None

    def _split(self, start: int) -> tuple[str, list[_Block]]:
        """Cut the body at its ``##`` headings; a heading inside a code fence is text."""
        intro = _Block(start + 1, "")
        blocks: list[_Block] = []
        fenced = False
        for number, line in enumerate(self._lines[start:], start + 1):
            fenced ^= bool(_FENCE.match(line))
            heading = None if fenced else _HEADING.fullmatch(line)
            if heading and len(heading[1]) == 2:
                blocks.append(_Block(number, heading[2]))
                continue
            if heading and len(heading[1]) not in (2, 3):
                self._problem(number, "heading", f"a heading of level {len(heading[1])} stands here", "use `##` for rules, `###` for parts")
            (blocks[-1] if blocks else intro).lines.append(line)
        if fenced:
            self._problem(len(self._lines), "open-fence", "a ``` block is not closed", "close it with a line ```")
        return intro.text, blocks

    def _section(self, block: _Block, jurisdiction: str, category: Category | None, starts: date) -> RuleSection | None:
        match = _RULE_HEADING.fullmatch(block.heading)
        if match is None:
            fix = "write `## GOODS-2.1 Title`, or `## GOODS-SG-1 Title` for a rule that an overlay adds"
            self._problem(block.line, "bad-id", f"the heading {block.heading!r} has no rule id and title", fix)
            return None
        values, rest, line = self._section_values(block)
        effect = self._effect(values, jurisdiction, block.line)
        if effect is None or values is None:
            return None
        parts = self._parts(rest, line)
        text = _unwrapped(parts.pop("").text)
        section = RuleSection(
            rule_id=match["id"],
            title=match["title"],
            line=block.line,
            effect=effect,
            category=values.one_of("category", Category) or (category if effect in (LayerEffect.BASE, LayerEffect.ADD) else None),
            severity=values.one_of("severity", Severity),
            host=values.actions("host", STREAM_ACTIONS),
            viewer=values.actions("viewer", VIEWER_ACTIONS),
            norms=values.strings("norms") or (),
            effective_from=values.day("effective_from") or starts,
            effective_to=values.day("effective_to"),
            text=text,
            exceptions=self._items(parts.get(_EXCEPTIONS)),
            breaks=self._items(parts.get(_BREAKS)),
            allowed=self._items(parts.get(_ALLOWED)),
            notice=_unwrapped(parts[_NOTICE].text) if _NOTICE in parts else "",
        )
        self._check(section, values, jurisdiction, set(parts))
        return section

    def _section_values(self, block: _Block) -> tuple[YamlValues | None, list[str], int]:
        """Return the section's YAML, the lines after it, and the number of the first of those."""
        lines = block.lines
        start = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
        end = next((i for i, line in enumerate(lines[start + 1 :], start + 1) if line.strip() == "```"), None)
        if start == len(lines) or lines[start].strip() != "```yaml" or end is None:
            self._problem(block.line, "missing-yaml", "the heading is not followed by a block ```yaml", "put severity and actions there")
            return None, lines, block.line + 1
        first = block.line + start + 2
        return YamlValues(lines[start + 1 : end], first=first, report=self._problem), lines[end + 1 :], block.line + end + 2

    def _effect(self, values: YamlValues | None, jurisdiction: str, line: int) -> LayerEffect | None:
        if values is None:
            return None
        if jurisdiction == GLOBAL:
            if "effect" in values:
                self._problem(values.line("effect"), "effect", "a global rule has no effect on another", "delete the line")
            return LayerEffect.BASE
        effect = values.one_of("effect", LayerEffect)
        if effect is None and "effect" not in values:
            self._problem(line, "missing-key", "`effect` is missing", 'say effect: "add", "tighten", "relax" or "off"')
        if effect is LayerEffect.BASE:
            self._problem(values.line("effect"), "effect", "only global documents have base rules", 'use effect: "add"')
            return None
        return effect

    def _parts(self, lines: list[str], first: int) -> dict[str, _Block]:
        """Cut a section at its ``###`` headings; the text before them has the empty name."""
        current = _Block(first, "")
        parts = {"": current}
        for number, line in enumerate(lines, first):
            heading = _HEADING.fullmatch(line)
            if heading is None or len(heading[1]) != 3:
                current.lines.append(line)
                continue
            current = _Block(number, heading[2])
            if heading[2] not in _PARTS:
                self._problem(number, "unknown-part", f"there is no part {heading[2]!r}", f"use: {', '.join(_PARTS)}")
            elif heading[2] in parts:
                self._problem(number, "duplicate-part", f"the part {heading[2]!r} stands here twice", "put both into one")
            else:
                parts[heading[2]] = current
        return parts

    def _items(self, block: _Block | None) -> tuple[str, ...]:
        """The items of a list, each as written; indented lines go on with the item above."""
        items: list[str] = []
        if block is None:
            return ()
        for number, line in enumerate(block.lines, block.line + 1):
            if line.startswith(("- ", "* ")):
                items.append(line[2:].strip())
            elif line.startswith("  ") and line.strip() and items:
                items[-1] += " " + line.strip()
            elif line.strip():
                self._problem(number, "not-a-list", "this line is no item of the list", "start it with `- `, or indent it by two spaces")
        if not items:
            self._problem(block.line, "empty-part", f"the part {block.heading!r} is empty", "add an item `- ...`, or delete the heading")
        for item in items:
            kind = "exception" if block.heading == _EXCEPTIONS else "example"
            self._limit(kind, item, block.line)
        return tuple(items)

    def _limit(self, kind: str, text: str, line: int) -> None:
        if len(text) > _LIMITS[kind]:
            self._problem(line, "too-long", f"a {kind} has {len(text):,} characters", f"keep it under {_LIMITS[kind]:,}")

    def _check(self, section: RuleSection, values: YamlValues, jurisdiction: str, parts: set[str]) -> None:
        """What a section must have, given its effect."""
        off = section.effect is LayerEffect.OFF
        known = [key for key in (_OFF_KEYS if off else _SECTION_KEYS) if key != "effect" or jurisdiction != GLOBAL]
        required = [*(["severity"] if section.complete else []), *(["norms"] if jurisdiction != GLOBAL else [])]
        values.check_keys(known=[*known, "effect"], required=required)
        if section.effective_to is not None and section.effective_to < section.effective_from:
            message = f"it ends on {section.effective_to}, before it starts on {section.effective_from}"
            self._problem(values.line("effective_to"), "date-order", message, "put the dates in order")
        if not section.text:
            self._problem(section.line, "missing-text", f"{section.rule_id} has no text", "write the rule in full sentences")
        for kind, text in (("title", section.title), ("text", section.text), ("notice", section.notice)):
            self._limit(kind, text, section.line)
        for norm in section.norms:
            self._limit("norm", norm, values.line("norms"))
        if off and parts:
            self._problem(section.line, "off-parts", f"{section.rule_id} is off and still has parts", "leave only the reason as text")
        if section.complete:
            self._check_complete(section, values)

    def _check_complete(self, section: RuleSection, values: YamlValues) -> None:
        if section.category is None and "category" not in values:
            self._problem(section.line, "missing-key", f"{section.rule_id} has no category", "add category: here or in the front matter")
        if not ("host" in values or "viewer" in values):
            self._problem(section.line, "missing-key", f"{section.rule_id} says no action", "add host: or viewer: with a list of actions")
        for name, items in ((_BREAKS, section.breaks), (_ALLOWED, section.allowed)):
            if len(items) < 2:
                message = f"{section.rule_id} has {len(items)} of the examples under {name!r}"
                self._problem(section.line, "few-examples", message, "give at least two, also hard ones")
        if not section.notice:
            self._problem(section.line, "missing-notice", f"{section.rule_id} has no part 'Notice'", "say what the host or viewer is told")


def _unwrapped(text: str) -> str:
    """Join the lines of each paragraph, as Markdown reads them: wrapping a text anew does not change the rule."""
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n\n".join(re.sub(r"\s*\n(?!- )\s*", " ", paragraph.strip()) for paragraph in paragraphs if paragraph.strip())
