"""The documentation cannot drift from the code: commands parse, links lead somewhere, tables are complete, examples run."""

from __future__ import annotations

import ast
import re
import shlex
import unicodedata
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel, SecretStr

from livesteward.cli.main import COMMANDS
from livesteward.contracts import ReviewCode
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import Settings
from livesteward.settings_sources import ENV_PREFIX, OTHER_VARIABLES

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md"])
FOR_TESTS = "LIVESTEWARD_TEST_VLLM_URL"
"""Read by the tests against vLLM, and by nothing else."""
TEMPLATE = ROOT / "src" / "livesteward" / "cli" / "templates" / "workspace" / "README.md"

_BLOCK = re.compile(r"^(`{3,})([a-z]*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9_]*=.*")
_VARIABLE = re.compile(r"LIVESTEWARD_[A-Z0-9_]*[A-Z0-9](?!\*)")


class Shown(NamedTuple):
    """A command line of a page. In running text it may be a fragment, without its arguments."""

    page: str
    line: str
    whole: bool


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return [match[3] for match in _BLOCK.finditer(read(page)) if match[2] == language]


def shown_commands() -> list[Shown]:
    found = []
    for page in (*PAGES, TEMPLATE):
        name = page.relative_to(ROOT).as_posix()
        for block in blocks(page, "console"):
            lines = (line.removeprefix("$ ").strip() for line in block.splitlines() if line.startswith("$ "))
            found += [Shown(name, line, whole=True) for line in lines if _is_ours(line)]
        prose = _BLOCK.sub("", read(page))
        found += [Shown(name, code, whole=False) for code in _CODE.findall(prose) if code.startswith("livesteward ")]
        if page == TEMPLATE:
            # It is read as plain text too, and has its commands indented.
            found += [Shown(name, line.strip(), whole=True) for line in prose.splitlines() if re.match(r" {4,}livesteward ", line)]
    return found


def _is_ours(line: str) -> bool:
    words = [word for word in line.split() if not _ASSIGNMENT.fullmatch(word)]
    return bool(words) and words[0] == "livesteward"


def arguments(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    while _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    end = next((place for place, word in enumerate(words) if word in {"|", ">", ">>", "&&"}), len(words))
    return words[1:end]


@lru_cache
def command_of(name: str) -> Any:
    return COMMANDS[name].load(name)


def refusal(shown: Shown) -> str | None:
    """Say what is wrong with a command line; nothing is run."""
    words = arguments(shown.line)
    if not words or words[0].startswith("--"):
        return None if set(words) <= {"--help", "--version"} else f"unknown option {words[0]}"
    name, *rest = words
    if name not in COMMANDS:
        return f"there is no command {name!r}"
    command = command_of(name)
    if COMMANDS[name].is_group and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return f"there is no command '{name} {rest[0]}'"
        command, rest = command.commands[rest[0]], rest[1:]
    elif COMMANDS[name].is_group:
        return None if set(rest) <= {"--help"} else f"unknown option {rest[0]}"
    if not shown.whole:
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        unknown = [word for word in rest if word.startswith("-") and word not in known]
        return f"unknown option {unknown[0]}" if unknown else None
    try:
        command.make_context(name, list(rest))
    except Exception as error:
        return f"{type(error).__name__}: {getattr(error, 'message', error)}"
    return None


def test_every_command_line_of_the_docs_is_one_that_the_program_takes() -> None:
    shown = shown_commands()
    assert len(shown) > 50
    assert [(one.page, one.line, why) for one in shown if (why := refusal(one))] == []


@pytest.mark.parametrize("line", ["livesteward serve", "livesteward watch a --loud", "livesteward policies grep x", "livesteward moderate"])
def test_a_command_line_that_the_program_does_not_take_is_found(line: str) -> None:
    assert refusal(Shown("page", line, whole=True))


def anchors(page: Path) -> set[str]:
    found = set()
    for heading in re.findall(r"^#{1,6} +(.+)$", _BLOCK.sub("", read(page)), re.MULTILINE):
        plain = "".join(c for c in heading.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
        found.add(plain.strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    prose = _BLOCK.sub("", read(page))
    for link in _LINK.findall(prose):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_linked_from_another() -> None:
    linked = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in _LINK.findall(read(page)) if "://" not in link}
    folders = [path for path in linked if path.is_dir()]
    lonely = [page for page in (ROOT / "docs").rglob("*.md") if page not in linked and page.parent not in folders]
    assert lonely == []


def settings_with_defaults() -> dict[str, str]:
    found = {}
    for name, field in Settings.model_fields.items():
        part = field.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            for inner, of in part.model_fields.items():
                found[f"{ENV_PREFIX}{name}__{inner}".upper()] = _written(of.default)
        else:
            found[f"{ENV_PREFIX}{name}".upper()] = "the user's cache folder" if field.default_factory else _written(field.default)
    return found


def _written(default: object) -> str:
    if default in (None, "", ()):
        return ""
    value = default.get_secret_value() if isinstance(default, SecretStr) else default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `(LIVESTEWARD_\w+)` \| (.*?) ?\|", read(ROOT / "docs" / "sdk.md"), re.MULTILINE)
    assert dict(rows) == settings_with_defaults()


def test_every_variable_that_the_docs_name_is_a_setting() -> None:
    known = {*settings_with_defaults(), *OTHER_VARIABLES, FOR_TESTS}
    for page in PAGES:
        named = {name for name in _VARIABLE.findall(read(page)) if name != ENV_PREFIX}
        assert named <= known, page.name


def test_the_page_on_the_agent_names_every_reason_for_review() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| .* \|$", read(ROOT / "docs" / "agent.md"), re.MULTILINE)
    assert {code.value for code in ReviewCode} <= set(rows)


def test_the_page_on_the_agent_shows_the_graph_as_it_is() -> None:
    from livesteward.sdk import describe_graph

    drawn = blocks(ROOT / "docs" / "agent.md", "mermaid")[0]
    assert drawn.split() == describe_graph(human_review=True).split()


def test_the_table_of_rulebooks_counts_what_ships() -> None:
    library = load_library(Settings(workspace=None).policies_dir)
    page = read(ROOT / "docs" / "rulebooks.md")
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d*) \| (\d*) \| (\d*) \| (\d*) \| (\d+) \|$", page, re.MULTILINE)
    expected = []
    for name in library.jurisdictions:
        documents = [document for document in library.documents if document.jurisdiction == name]
        effects = [section.effect.value for document in documents for section in document.sections]
        counts = [str(effects.count(effect) or "") for effect in ("add", "tighten", "relax", "off")]
        expected.append((name, str(len(documents)), *counts, str(len(library.rulebook(name, date(2026, 11, 22)).rules))))
    assert rows == expected
    sections = sum(len(document.sections) for document in library.documents)
    assert f"{len(library.documents)} documents with {sections} rules and overlays" in page


def rows_of_a_budget(text: str) -> dict[str, str]:
    """Return tokens by part, and what the last lines say. Which rules are found, and so what is free, hangs a little on the processor."""
    rows = dict(re.findall(r"^ [█░]  (\D+?) +([\d,]+) +\d+% *$", text, re.MULTILINE))
    lines = dict(re.findall(r"^(stable|rulebook): (\S+ tokens|.*)", text, re.MULTILINE))
    return {name: said.rstrip() for name, said in (rows | lines).items() if name not in {"rules found", "free"}}


def test_the_page_on_prompts_shows_where_the_tokens_go_today() -> None:
    from typer.testing import CliRunner

    from livesteward.cli import prompts

    (shown,) = (
        block for block in blocks(ROOT / "docs" / "prompts.md", "console") if block.startswith("$ livesteward prompts budget --region SG\n")
    )
    printed = CliRunner().invoke(prompts.app, ["budget", "--region", "SG"]).stdout
    rows = rows_of_a_budget(printed)
    assert {"method", "chat", "stable", "rulebook"} <= set(rows)
    assert rows_of_a_budget(shown) == rows


def programs() -> list[tuple[str, str]]:
    return [(page.name, code) for page in PAGES for code in blocks(page, "python")]


@pytest.mark.parametrize(("page", "code"), programs(), ids=lambda value: value if value.endswith(".md") else "")
def test_the_programs_of_the_docs_run(page: str, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ast.parse(code)
    monkeypatch.chdir(ROOT)
    exec(compile(code, page, "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out or "assert " in code
