from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from livesteward.errors import PromptError
from livesteward.prompts.registry import LOCK_FILE, PromptRegistry, load_prompt


def write(
    folder: Path, version: int, *, status: str = "released", body: str = "# user\nhello {{ who }}\n", changed: dict[str, str] | None = None
) -> Path:
    path = folder / "greet" / f"v{version}.md"
    path.parent.mkdir(exist_ok=True)
    header = {
        "name": '"greet"',
        "version": str(version),
        "status": f'"{status}"',
        "purpose": '"To greet."',
        "output_schema": '"Greeting"',
        "variables": '["who"]',
        **(changed or {}),
    }
    path.write_text("---\n" + "".join(f"{key}: {value}\n" for key, value in header.items()) + f"---\n{body}", encoding="utf-8")
    return path


@pytest.fixture
def registry(tmp_path: Path) -> PromptRegistry:
    return PromptRegistry(tmp_path)


def test_a_released_prompt_is_found_with_the_digest_of_its_file(registry: PromptRegistry) -> None:
    path = write(registry.folder, 1)
    registry.release("greet")
    prompt = registry.get("greet")
    assert prompt.ref.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (prompt.ref.name, prompt.ref.version) == ("greet", 1)
    assert prompt.render({"who": "you"})[0].parts[0].model_dump()["text"] == "hello you"
    assert json.loads((registry.folder / LOCK_FILE).read_text(encoding="utf-8")) == {"greet": {"1": prompt.ref.sha256}}
    assert registry.problems() == ()


def test_a_released_version_that_was_changed_is_refused_and_linted(registry: PromptRegistry) -> None:
    path = write(registry.folder, 1)
    registry.release("greet")
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    for version in (None, 1):
        with pytest.raises(PromptError, match=r"v1\.md: differs from what was released as version 1; .*v2\.md"):
            registry.get("greet", version)
    with pytest.raises(PromptError, match="differs"):
        registry.release("greet")
    assert len(registry.problems()) == 1


def test_turning_a_released_version_back_into_a_draft_does_not_unlock_it(registry: PromptRegistry) -> None:
    write(registry.folder, 1)
    registry.release("greet")
    write(registry.folder, 1, status="draft")
    with pytest.raises(PromptError, match="differs"):
        registry.get("greet")


def test_a_version_that_calls_itself_released_needs_the_lock(registry: PromptRegistry) -> None:
    write(registry.folder, 1)
    with pytest.raises(PromptError, match="lint --release greet"):
        registry.get("greet")
    assert "is not in lock.json" in registry.problems()[0]


def test_drafts_are_used_only_when_named(registry: PromptRegistry) -> None:
    write(registry.folder, 1)
    registry.release("greet")
    write(registry.folder, 2, status="draft")
    assert registry.get("greet").ref.version == 1
    assert registry.get("greet", 2).ref.version == 2
    with pytest.raises(PromptError, match="is a draft"):
        registry.release("greet")


def test_only_drafts_is_said(registry: PromptRegistry) -> None:
    write(registry.folder, 1, status="draft")
    with pytest.raises(PromptError, match="no released version, only drafts: 1"):
        registry.get("greet")


def test_versions_are_numbers_not_words(registry: PromptRegistry) -> None:
    for version in (2, 10):
        write(registry.folder, version, status="draft")
    assert registry.versions("greet") == (2, 10)


def test_a_released_file_that_is_gone_is_linted(registry: PromptRegistry) -> None:
    write(registry.folder, 1)
    registry.release("greet")
    write(registry.folder, 2, status="draft")
    (registry.folder / "greet" / "v1.md").unlink()
    assert registry.problems() == (f"{registry.folder}/greet/v1.md: was released and is gone; restore it",)


def test_a_reference_is_a_name_or_a_name_with_its_version(registry: PromptRegistry) -> None:
    write(registry.folder, 1)
    registry.release("greet")
    write(registry.folder, 2, status="draft")
    assert registry.named("greet").ref.version == 1
    assert registry.named("greet@v2").ref.version == 2
    with pytest.raises(PromptError, match="judge@v1"):
        registry.named("greet@vtwo")
    with pytest.raises(PromptError, match="no version 7"):
        registry.named("greet@v7")


def test_unknown_names_and_versions_say_what_there_is(registry: PromptRegistry) -> None:
    write(registry.folder, 1, status="draft")
    with pytest.raises(PromptError, match="there are: greet"):
        registry.get("judge")
    with pytest.raises(PromptError, match="it has: 1"):
        registry.get("greet", 7)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"version": "2"}, r"its place would be greet/v2\.md"),
        ({"name": '"other"'}, r"its place would be other/v1\.md"),
        ({"status": '"final"'}, "status"),
        ({"extra": "1"}, "extra"),
        ({"variables": "[]"}, "uses who without declaring it"),
        ({"variables": '["who", "why"]'}, "declares why"),
        ({"purpose": "[unclosed"}, "no YAML"),
        ({"version": "true"}, "version"),
    ],
)
def test_front_matter_is_checked(tmp_path: Path, changed: dict[str, str], says: str) -> None:
    with pytest.raises(PromptError, match=says):
        load_prompt(write(tmp_path, 1, changed=changed))


def test_a_file_without_front_matter_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, 1)
    path.write_text("# user\n", encoding="utf-8")
    with pytest.raises(PromptError, match=r"v1\.md:1: the file must start with front matter"):
        load_prompt(path)


def test_a_variable_that_is_not_declared_cannot_be_given(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="does not declare mood"):
        load_prompt(write(tmp_path, 1)).render({"who": "you", "mood": "x"})


def test_a_broken_lock_is_named(registry: PromptRegistry) -> None:
    write(registry.folder, 1)
    (registry.folder / LOCK_FILE).write_text('{"greet": {"1": "abc"}}', encoding="utf-8")
    with pytest.raises(PromptError, match=r"lock\.json"):
        registry.get("greet")
