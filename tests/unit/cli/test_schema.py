from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from unit.cli.conftest import Run
from unit.cli.made_up import RULE, segment, violating

from livesteward.cli.schema import SCHEMAS, as_text, published


@pytest.mark.parametrize("name", list(published()))
def test_the_committed_schemas_are_those_of_the_contracts(name: str) -> None:
    committed = (SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
    assert committed == as_text(published()[name]), (
        f"the schema of {name} changed, which programs in other languages notice. If that is meant, write it anew and say so in the "
        "changelog: livesteward schema --out src/livesteward/contracts/schemas"
    )


def test_no_schema_is_left_over() -> None:
    assert sorted(path.stem for path in SCHEMAS.glob("*.json")) == sorted(published())


def test_what_livesteward_writes_fits_the_schemas() -> None:
    for name, value in (("Segment", segment()), ("Rule", RULE), ("Verdict", violating(segment()).verdict)):
        jsonschema.validate(value.model_dump(mode="json"), json.loads(as_text(published()[name])))


def test_a_schema_is_printed_by_name_whatever_its_case(run: Run) -> None:
    assert json.loads(run("schema", "verdict").stdout)["title"] == "Verdict"
    assert list(json.loads(run("schema").stdout)) == list(published())


def test_schemas_are_written_into_a_folder(run: Run, tmp_path: Path) -> None:
    assert run("schema", "Rule", "--out", tmp_path / "new").exit_code == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["Rule.json"]


def test_an_unknown_name_lists_those_that_there_are(run: Run) -> None:
    result = run("schema", "Judge")
    assert result.exit_code == 2
    assert "there are Segment, Rule, Rulebook, Verdict, ReviewDecision" in result.stderr
