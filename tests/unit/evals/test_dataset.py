"""Reading golden cases: the short form, places of mistakes, and what must hold beyond the form."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from livesteward.contracts import Rule
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import Case, Split, StreamCase
from livesteward.evals.dataset import SHIPPED, load_dataset
from livesteward.evals.linting.consistency import check_consistency
from livesteward.evals.writing import STARTS_AT
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import Settings

CASE = """\
- case_id: stall-01
  split: golden
  twin_of: stall-02
  differs: "She asks for money."
  segment:
    language: en
    region: SG
    title: "Market day"
    utterances:
      - "Good morning."
      - {text: "You send one hundred and I send two hundred back, guaranteed.", speaker: guest, at_s: 9.5}
    chat:
      - "ana_k: is this: real?"
    overlays: ["SALE"]
    frames:
      - draw: {scene: poster, text: ["DOUBLE IT", "TODAY"]}
  expect:
    - regions: [SG, MY]
      decision: violation
      findings:
        - rules: [FRAUD-1.2]
          category: fraud_scam
          severity: critical
          subject: guest
          evidence:
            - {item: u2, quote: "two hundred back"}
            - {item: f1, quote: "DOUBLE IT"}
  reason: "She asks for money with the promise that more comes back."
- case_id: stall-02
  split: golden
  looks_like: [fraud_scam]
  segment: {language: en, utterances: ["Good morning."]}
  expect: [{regions: [SG], decision: allow}]
  reason: "Nothing is asked."
"""

STREAM = """\
- stream_id: slow-trap
  regions: [SG]
  language: en
  segment_s: 10
  viewers: 100
  violation_starts_s: 14
  reason: "Slowly."
  segments:
    - utterances: ["Hello."]
    - utterances: [{text: "Guaranteed, send me one hundred.", at_s: 4}]
      viewers: 300
      expect:
        decision: violation
        findings:
          - {rules: [FRAUD-1.2], category: fraud_scam, severity: critical, subject: host, evidence: [{item: u1, quote: "Guaranteed"}]}
    - sound: {voice: en-gb, text: ["Thank you all."]}
    - utterances: ["a"]
    - utterances: ["b"]
    - utterances: ["c"]
"""


def rules(region: str, day: date) -> Mapping[str, Rule]:
    library = load_library(Settings(workspace=None).policies_dir)
    return {rule.rule_id: rule for rule in library.rulebook(region, day).rules}


def written(folder: Path, text: str, name: str = "cases.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_the_short_form_is_spelled_out(tmp_path: Path) -> None:
    dataset = load_dataset(written(tmp_path, CASE))
    case = dataset.cases[0]
    assert {item.item_id for item in case.segment.items()} == {"title", "u1", "u2", "o1", "c1"}
    assert (case.segment.chat[0].viewer_id, case.segment.chat[0].text) == ("ana_k", "is this: real?")
    assert (case.segment.utterances[0].at_s, case.segment.utterances[1].at_s) == (5.0, 9.5)
    assert case.segment.frames[0].path == "stall-01-f1.webp"
    assert case.staging.drawings["f1"].text == ("DOUBLE IT", "TODAY")
    assert (case.regions, case.split) == (("SG", "MY"), Split.GOLDEN)
    assert dataset.cases[1].segment.region == "SG", "the first region of expect, unless it is given"
    assert dataset.cases[1].segment.starts_at.isoformat().startswith(STARTS_AT[:10])


def test_a_stream_hands_on_what_does_not_change_and_keeps_what_does(tmp_path: Path) -> None:
    stream = load_dataset(written(tmp_path, STREAM)).streams[0]
    assert isinstance(stream, StreamCase)
    assert [segment.offset_s for segment in stream.segments] == [0, 10, 20, 30, 40, 50]
    assert [segment.viewers for segment in stream.segments] == [100, 300, 300, 300, 300, 300]
    assert stream.steps[0].expect[0].decision.value == "allow"
    media = stream.segments[2].media
    assert media is not None
    assert media.path == "slow-trap-03.mp4"
    assert stream.duration_s == 60
    assert check_consistency(load_dataset(tmp_path), rules) == []


def test_what_programs_write_reads_back_as_the_same_case(tmp_path: Path) -> None:
    both = load_dataset(written(tmp_path, CASE + STREAM))
    lines = "".join(f"{entry.model_dump_json(exclude_defaults=True)}\n" for entry in both.entries)
    again = load_dataset(written(tmp_path, lines, "again.jsonl"))
    assert again.entries == both.entries
    assert again.digest == both.digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("region: SG", "region: UK"), r"cases\.yaml:1 \(stall-01\).*GB"),
        (("decision: violation", "decision: maybe"), "decision"),
        (('"ana_k: is this: real?"', '"hello all"'), "viewer: message"),
        (("case_id: stall-02", "case_id: stall-01"), "there already"),
        (("scene: poster", "scene: opera"), "scene"),
        (("looks_like: [fraud_scam]", "lookalike: [fraud_scam]"), "lookalike"),
        (("- case_id: stall-02", "- case_id: [oops"), r"cases\.yaml:\d+"),
        (("subject: guest", "subject: viewers"), "name the viewers"),
    ],
)
def test_a_mistake_is_told_with_file_line_case_and_field(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_dataset(written(tmp_path, CASE.replace(*change)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('quote: "two hundred back"', 'quote: "three hundred back"'), "evidence"),
        (("item: u2", "item: u7"), "evidence"),
        (("FRAUD-1.2", "FRAUD-99"), "rules"),
        (("severity: critical", "severity: low"), "severity"),
        (("category: fraud_scam\n", "category: self_harm\n"), "category"),
        (("twin_of: stall-02", "twin_of: stall-03"), "pair"),
        (("split: golden\n  looks_like", "split: dev\n  looks_like"), "split"),
        (("    language: en\n    region", "    region"), "language"),
    ],
)
def test_what_does_not_hold_is_found(tmp_path: Path, change: tuple[str, str], code: str) -> None:
    text = CASE.replace(*change)
    assert text != CASE
    assert code in {problem.code for problem in check_consistency(load_dataset(written(tmp_path, text)), rules)}


def test_a_stream_that_starts_elsewhere_than_it_says_is_found(tmp_path: Path) -> None:
    text = STREAM.replace("violation_starts_s: 14", "violation_starts_s: 34")
    problems = check_consistency(load_dataset(written(tmp_path, text)), rules)
    assert [problem.code for problem in problems] == ["start"]


def test_a_folder_without_cases_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no cases"):
        load_dataset(tmp_path)
    with pytest.raises(ConfigurationError, match="not there"):
        load_dataset(tmp_path / "absent")


def test_the_shipped_set_holds() -> None:
    dataset = load_dataset(SHIPPED)
    assert len(dataset.cases) >= 600
    assert len(dataset.streams) >= 40
    assert all(isinstance(case, Case) for case in dataset.cases)
    found: dict[tuple[str, date], Mapping[str, Rule]] = {}

    def known(region: str, day: date) -> Mapping[str, Rule]:
        return found.setdefault((region, day), rules(region, day)) if (region, day) not in found else found[region, day]

    assert [str(problem) for problem in check_consistency(dataset, known)] == []
