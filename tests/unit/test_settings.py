"""Where settings come from, which source wins, and how a wrong one is told."""

from __future__ import annotations

import tomllib
import typing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from livesteward.errors import ConfigurationError
from livesteward.settings import Settings, load_settings
from livesteward.settings_sources import PATH_SETTINGS, WORKSPACE_FILE, find_workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "ours"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / WORKSPACE_FILE).write_text('judge = "heads"\n[model]\ntimeout_s = 7.0\n', encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def test_without_anything_the_defaults_and_what_ships_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.workspace is None
    assert (settings.policies_dir / "global").is_dir()
    assert (settings.prompts_dir / "judge" / "v1.md").is_file()
    assert settings.thresholds_file.is_file()


def test_a_workspaces_file_is_found_from_a_folder_below(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace / "sub" / "deep")
    settings = load_settings()
    assert settings.workspace == workspace
    assert (settings.judge, settings.model.timeout_s, settings.model.attempts) == ("heads", 7.0, 3)


def test_settings_made_directly_know_the_workspace_too(workspace: Path) -> None:
    assert Settings().workspace == workspace


def test_the_nearest_workspace_wins(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "sub" / WORKSPACE_FILE).write_text("", encoding="utf-8")
    monkeypatch.chdir(workspace / "sub" / "deep")
    assert find_workspace() == workspace / "sub"


def test_arguments_win_over_variables_and_these_over_the_file(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__TIMEOUT_S", "8")
    assert load_settings().model.timeout_s == 8
    assert load_settings().judge == "heads", "what the variable does not say is still the file's"
    assert load_settings(judge="auto").judge == "auto"


def test_a_workspace_is_named_by_a_variable_or_an_argument(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(workspace=workspace).model.timeout_s == 7
    assert load_settings(workspace=workspace).workspace == workspace
    monkeypatch.setenv("LIVESTEWARD_WORKSPACE", str(workspace))
    assert (load_settings().workspace, load_settings().model.timeout_s) == (workspace, 7)
    assert load_settings(workspace=None).model.timeout_s == 30, "no workspace means none of its settings either"


def test_a_workspace_that_is_not_there_is_an_error_and_not_the_shipped_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVESTEWARD_WORKSPACE", str(tmp_path / "mistyped"))
    with pytest.raises(ConfigurationError, match="mistyped is no folder"):
        load_settings()


def test_what_a_workspace_has_of_its_own_is_used_and_the_rest_is_as_shipped(workspace: Path) -> None:
    (workspace / "policies").mkdir()
    settings = load_settings()
    assert settings.policies_dir == workspace / "policies"
    assert settings.prompts_dir == Settings(workspace=None).prompts_dir
    (workspace / "thresholds.toml").write_text("", encoding="utf-8")
    assert settings.thresholds_file == workspace / "thresholds.toml"


def test_paths_of_a_workspaces_file_start_at_the_workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'cache_dir = ".cache"\n[model]\ntokenizer = "tok"\nrecord = "/var/r.jsonl"\n[engine]\nweights = "~/m.gguf"\n'
    (workspace / WORKSPACE_FILE).write_text(text, encoding="utf-8")
    monkeypatch.delenv("LIVESTEWARD_CACHE_DIR")
    monkeypatch.chdir(workspace / "sub")
    settings = load_settings()
    assert settings.cache_dir == workspace / ".cache"
    assert settings.model.tokenizer == workspace / "tok"
    assert settings.model.record == Path("/var/r.jsonl")
    assert settings.engine.weights == Path.home() / "m.gguf"


def test_a_tilde_means_the_home_folder_in_variables_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_CACHE_DIR", "~/livesteward-cache")
    assert load_settings().cache_dir == Path.home() / "livesteward-cache"


def path_settings(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= path_settings(field.annotation, f"{name}.")
        elif "Path" in repr(field.annotation):
            found.add(prefix + name)
    return found


def test_every_setting_that_is_a_path_is_known_as_one() -> None:
    assert path_settings(Settings) == set(PATH_SETTINGS)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LIVESTEWARD_MODEL_BASE_URL", "http://127.0.0.1:1/v1", "no setting; did you mean LIVESTEWARD_MODEL__BASE_URL"),
        ("LIVESTEWARD_JUGDE", "heads", "no setting; did you mean LIVESTEWARD_JUDGE"),
        ("LIVESTEWARD_ZZZZZZZZZZ", "1", "livesteward init"),
        ("LIVESTEWARD_MODEL__BASEURL", "x", "there is no setting model.baseurl; did you mean model.base_url?"),
        ("LIVESTEWARD_MODEL__BASE_URI", "x", "there is no setting model.base_uri; did you mean model.base_url?"),
        ("LIVESTEWARD_MODEL__QQQ", "x", "there is no setting model.qqq; `livesteward init` writes a file that lists the settings"),
        ("LIVESTEWARD_MODEL__TIMEOUT_S", "soon", "setting model.timeout_s: Input should be a valid number"),
        ("LIVESTEWARD_MODEL__TIMEOUT_S", "0", "setting model.timeout_s: Input should be greater than 0"),
        ("LIVESTEWARD_MODEL__BASE_URL", "http://", "setting model.base_url: String should match"),
        ("LIVESTEWARD_MODEL__BASE_URL", "ftp://127.0.0.1/v1", "setting model.base_url: String should match"),
        ("LIVESTEWARD_MODEL__BASE_URL", "http://127.0.0.1:99999/v1", "setting model.base_url: it has to be like http"),
        ("LIVESTEWARD_MODEL__BASE_URL", "127.0.0.1:8000", "setting model.base_url: String should match"),
        ("LIVESTEWARD_MODEL__BASE_URL", "http://::1:8000/v1", "setting model.base_url: it has to be like http"),
        ("LIVESTEWARD_EMBEDDER__BASE_URL", "http://h:port/v1", "setting embedder.base_url: it has to be like http"),
        ("LIVESTEWARD_JUDGE", "me", "setting judge: Input should be"),
        ("LIVESTEWARD_JUDGE", "server", "needs model.base_url (LIVESTEWARD_MODEL__BASE_URL)"),
        ("LIVESTEWARD_MODEL", "{not json", "LIVESTEWARD_* variable cannot be read"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_wrong(variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("judge = heads", "livesteward.toml: "),
        ("jugde = 'heads'", "there is no setting jugde; did you mean judge?"),
        ("[model]\ntimeout_s = -1", "setting model.timeout_s"),
        ("[modle]\nname = 'x'", "there is no setting modle; did you mean model?"),
        ("[model]\nfoo = 1", "there is no setting model.foo; "),
        ("[[model.fallbacks]]\nbase_url = 'http://b/v1'\nnmae = 'x'", "there is no setting model.fallbacks[0].nmae"),
        ("model = 3", "setting model: "),
    ],
)
def test_a_wrong_line_of_the_file_is_told(workspace: Path, text: str, message: str) -> None:
    (workspace / WORKSPACE_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert message in str(caught.value)


def test_a_file_that_is_no_utf_8_is_told(workspace: Path) -> None:
    (workspace / WORKSPACE_FILE).write_bytes(b'judge = "\xff"')
    with pytest.raises(ConfigurationError, match=WORKSPACE_FILE):
        load_settings()


def test_a_key_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__API_KEY", "sk-secret")
    settings = load_settings()
    assert settings.model.api_key.get_secret_value() == "sk-secret"
    assert "sk-secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_what_was_not_said_is_told_from_what_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__CONTEXT_TOKENS", "8192")
    assert load_settings().model.model_fields_set == {"context_tokens"}


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.judge = "heads"  # type: ignore[assignment,misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.model.timeout_s = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("written", "urls"),
    [
        ("http://b/v1", ["http://a/v1", "http://b/v1"]),
        ("http://b/v1, http://c:8000/v1/", ["http://a/v1", "http://b/v1", "http://c:8000/v1"]),
        ('["http://b/v1", "http://a/v1"]', ["http://a/v1", "http://b/v1"]),
        ("", ["http://a/v1"]),
    ],
)
def test_further_servers_are_written_with_commas_or_as_json(monkeypatch: pytest.MonkeyPatch, written: str, urls: list[str]) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", "http://a/v1")
    monkeypatch.setenv("LIVESTEWARD_MODEL__ENDPOINTS", written)
    assert list(load_settings().model.urls) == urls


@pytest.mark.parametrize("written", ["b:8000", '["http://b/v1"', '[{"url": "http://b/v1"}]', "http://b/v1?key=1"])
def test_an_address_of_a_further_server_that_is_none_names_the_setting(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__ENDPOINTS", written)
    with pytest.raises(ConfigurationError, match=r"model\.endpoints"):
        load_settings()


def test_fallbacks_are_tables_of_the_file_or_json_of_a_variable(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / WORKSPACE_FILE).write_text('[[model.fallbacks]]\nbase_url = "http://b/v1"\nname = "small"\n', encoding="utf-8")
    assert [(one.base_url, one.name) for one in load_settings().model.fallbacks] == [("http://b/v1", "small")]
    monkeypatch.setenv("LIVESTEWARD_MODEL__FALLBACKS", '[{"base_url": "http://c/v1", "api_key": "secret"}]')
    settings = load_settings()
    assert [one.base_url for one in settings.model.fallbacks] == ["http://c/v1"]
    assert "secret" not in repr(settings)


def test_the_switch_for_tracebacks_is_no_unknown_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_DEBUG", "1")
    load_settings()


def template() -> str:
    import livesteward.workspace

    return (livesteward.workspace.TEMPLATES / WORKSPACE_FILE).read_text(encoding="utf-8")


def uncommented() -> dict[str, Any]:
    lines = [line.removeprefix("# ") if " = " in line and line.startswith("# ") else line for line in template().splitlines()]
    return tomllib.loads("\n".join(line for line in lines if not line.startswith("# ")))


def names(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        nested = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        found |= names(typing.cast(type[BaseModel], field.annotation), f"{name}.") if nested else {prefix + name}
    return found


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def test_the_file_that_init_writes_shows_every_setting() -> None:
    # A workspace is named from outside, and a key does not belong into a file that is committed.
    assert set(flat(uncommented())) == names(Settings) - {"workspace", "model.api_key", "embedder.api_key"}


def test_the_file_that_init_writes_shows_the_defaults() -> None:
    settings = Settings(workspace=None)
    for name, shown in flat(uncommented()).items():
        value: Any = settings
        for part in name.split("."):
            value = getattr(value, part)
        # For what has no default of use, such as an address, the file gives an example.
        if value is not None and name != "cache_dir":
            assert shown == (list(value) if isinstance(value, tuple) else value), name


def test_the_file_that_init_writes_changes_nothing_as_it_is(workspace: Path) -> None:
    (workspace / WORKSPACE_FILE).write_text(template(), encoding="utf-8")
    assert load_settings() == Settings(workspace=None).model_copy(update={"workspace": workspace})


def test_rules_of_another_folder_go_before_the_workspaces(workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other-rules"
    other.mkdir()
    assert Settings(workspace=workspace, policies=other).policies_dir == other
    with pytest.raises(ConfigurationError, match="no folder of rule documents"):
        load_settings(policies=tmp_path / "absent")


@pytest.mark.parametrize("name", ["judge@2", "Judge", "judge@v", "../judge"])
def test_a_prompt_is_a_name_with_or_without_version(name: str) -> None:
    with pytest.raises(ConfigurationError, match="prompt"):
        load_settings(prompt=name)
