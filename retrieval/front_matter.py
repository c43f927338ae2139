"""YAML read strictly: every value is a quoted or plainly textual string, or a list of such.

YAML 1.1 turns ``NO`` into false (Norway disappears), ``2026-01-01`` into a date and ``1.10`` into 1.1. Nothing in a rule document needs
those types, so whatever YAML would read as anything but text is a problem that names the line and says to quote it.
"""

from __future__ import annotations

import yaml

from livesteward.contracts.base import Contract

_STRING = "tag:yaml.org,2002:str"
_MEANS = {
    "tag:yaml.org,2002:bool": "a truth value",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date object",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
}


class YamlFault(Contract):
    """A fault in a block of YAML; ``line`` counts from 1 at the block's first line."""

    line: int
    code: str
    message: str
    fix: str


class YamlBlock(Contract):
    """The values of one block, the line of each key (1 is the block's first line), and what was wrong with it."""

    values: dict[str, str | tuple[str, ...]]
    lines: dict[str, int]
    faults: tuple[YamlFault, ...]


def read_block(text: str) -> YamlBlock:
    """Read a flat mapping of strings and lists of strings; faults are returned, not raised."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        fault = YamlFault(
            line=(mark.line if mark else 0) + 1,
            code="yaml-syntax",
            message=f"this is not valid YAML ({what})",
            fix='write one `key: "value"` a line, and put texts with colons or quotes in double quotes',
        )
        return YamlBlock(values={}, lines={}, faults=(fault,))
    if not isinstance(root, yaml.MappingNode):
        fault = YamlFault(line=1, code="yaml-syntax", message="no keys were found here", fix='write one `key: "value"` a line')
        return YamlBlock(values={}, lines={}, faults=(fault,))
    return _read_mapping(root)


def _read_mapping(root: yaml.MappingNode) -> YamlBlock:
    values: dict[str, str | tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    faults: list[YamlFault] = []
    for key_node, value_node in root.value:
        line = key_node.start_mark.line + 1
        key = str(key_node.value)
        if key in values:
            faults.append(YamlFault(line=line, code="duplicate-key", message=f"`{key}` stands here twice", fix="keep one of them"))
            continue
        value = _read_value(key, value_node, faults)
        if value is not None:
            values[key] = value
        lines[key] = line
    return YamlBlock(values=values, lines=lines, faults=tuple(faults))


def _read_value(key: str, node: yaml.Node, faults: list[YamlFault]) -> str | tuple[str, ...] | None:
    if isinstance(node, yaml.SequenceNode):
        items = [_read_scalar(key, item, faults) for item in node.value]
        return tuple(item for item in items if item is not None)
    return _read_scalar(key, node, faults)


def _read_scalar(key: str, node: yaml.Node, faults: list[YamlFault]) -> str | None:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode):
        faults.append(
            YamlFault(line=line, code="yaml-type", message=f"`{key}` is nested too deeply", fix="give it one text or a flat list of texts")
        )
        return None
    raw = str(node.value)
    if node.tag == _STRING:
        return raw
    means = _MEANS.get(node.tag, "something else than text")
    faults.append(
        YamlFault(line=line, code="yaml-type", message=f"YAML reads `{key}: {raw}` as {means}", fix=f'put it in quotes: {key}: "{raw}"')
    )
    return None
