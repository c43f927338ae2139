"""The folder of a run: what is on disk after a crash, and that order does not depend on it."""

from pathlib import Path

import pytest
from unit.evals.making import ALLOW, case, dataset, record, run_info, timing

from livesteward.errors import InputError
from livesteward.evals.cases import Case
from livesteward.evals.runs.folder import JOURNAL, RESULTS, Judged, RunFolder, is_complete

CASES = [case(f"case-{number}") for number in range(3)]
INFO = run_info(dataset(*CASES), records=3)


def judged(one: Case) -> Judged:
    made = record(one, ALLOW)
    return Judged(case_id=one.case_id, records=(made,), timings=(timing(made, 12.5, judge=3),))


def test_results_are_in_the_order_of_the_cases_whatever_the_order_of_judging(tmp_path: Path) -> None:
    contents = []
    for name, order in (("a", (0, 1, 2)), ("b", (2, 0, 1))):
        folder = RunFolder(tmp_path / name)
        folder.begin(INFO)
        folder.finish(INFO, [judged(CASES[place]) for place in order])
        contents.append((folder.path / RESULTS).read_bytes())
        assert not (folder.path / JOURNAL).exists()
    assert contents[0] == contents[1]
    assert [one.case_id for one in folder.records()] == ["case-0", "case-1", "case-2"]
    assert is_complete(folder.info(), folder.records())


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_line_that_a_crash_cut_off_is_lost_alone(tmp_path: Path, cut: int) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(INFO)
    folder.append(judged(CASES[0]))
    folder.append(judged(CASES[1]))
    journal = folder.path / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-cut])
    left = [one.case_id for one in folder.journal()]
    assert left == ["case-0"] if cut > 1 else ["case-0", "case-1"]
    folder.append(judged(CASES[2]))
    assert [one.case_id for one in folder.journal()] == [*left, "case-2"]


def test_a_case_that_is_twice_in_the_journal_counts_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(INFO)
    folder.append(judged(CASES[0]))
    folder.append(judged(CASES[0]))
    assert len(folder.journal()) == 1


def test_a_folder_without_a_run_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="livesteward eval run"):
        RunFolder(tmp_path).info()
    folder = RunFolder(tmp_path / "run")
    folder.begin(INFO)
    (folder.path / RESULTS).write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"results\.jsonl:1"):
        folder.records()
