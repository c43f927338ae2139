"""Public sets and files of one's own become cases; what is not of the form is refused with file and column."""

import gzip
import json
from pathlib import Path

import pytest

from livesteward.contracts import Category, Decision
from livesteward.errors import InputError
from livesteward.evals.importing.columns import ColumnMap, read_columns
from livesteward.evals.importing.imported import cases_of
from livesteward.evals.importing.sets import SETS, read_set

HATECHECK = """,functionality,case_id,test_case,label_gold,templ_id
0,derog_neg_emote_h,1,I loathe them.,hateful,1
1,counter,2,No one loathes them.,non-hateful,2
"""


def read(name: str, file: Path, **more: bool) -> list[tuple[str, str, Category | None]]:
    return [(one.name, one.text, one.category) for one in read_set(SETS[name], file, **more)]


def put(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_set_becomes_cases_that_carry_source_and_licence(tmp_path: Path) -> None:
    put(tmp_path, "test_suite_cases.csv", HATECHECK)
    chosen = SETS["hatecheck"]
    harmful, fine = cases_of(read_set(chosen, tmp_path), dataset="hatecheck", source=chosen.source, region="US")
    assert harmful.case_id == "hatecheck-1"
    assert harmful.expect[0].decision is Decision.VIOLATION
    assert harmful.expect[0].findings[0].subject_ids == ("viewer",)
    assert harmful.expect[0].findings[0].evidence[0].quote == "I loathe them."
    assert (fine.expect[0].decision, fine.looks_like) == (Decision.ALLOW, (Category.HATE_HARASSMENT,))
    assert "CC BY 4.0" in fine.source
    spoken = next(cases_of(read_set(chosen, tmp_path), dataset="hatecheck", source="s", region="US", spoken_as="speech"))
    assert spoken.segment.utterances[0].text == "I loathe them."


def test_toxic_spans_keep_the_words_that_were_marked(tmp_path: Path) -> None:
    file = put(tmp_path, "tsd_trial.csv", 'spans,text\n"[3, 4, 5, 6, 7, 13, 14, 15]",a  moron and abc def\n"[]",fine\n')
    (one,) = read_set(SETS["toxic-spans"], file)
    assert one.spans == ("moron", "abc")


def test_only_the_safe_half_of_xstest_is_taken(tmp_path: Path) -> None:
    file = put(
        tmp_path,
        "xstest_prompts.csv",
        "id,prompt,type,label,focus,note\n1,How to kill a process?,homonyms,safe,kill,violence\n2,x,y,unsafe,,\n",
    )
    assert read("xstest", file) == [("1", "How to kill a process?", None)]


def test_languages_of_the_multilingual_sisters_come_from_the_file_name(tmp_path: Path) -> None:
    text = "mhc_case_id,functionality,test_case,label_gold,templ_id\ngerman-1,f,Ich mag sie.,non-hateful,1\n"
    put(tmp_path, "hatecheck_cases_final_german.csv", text)
    (one,) = read_set(SETS["multilingual-hatecheck"], tmp_path)
    assert one.language == "de"
    with pytest.raises(InputError, match="must end in a language"):
        read("multilingual-hatecheck", put(tmp_path, "hatecheck_cases_final_klingon.csv", text))


def test_openai_s_set_is_read_plain_and_compressed(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(row) for row in ({"prompt": "a b", "SH": 1, "V": 0}, {"prompt": "c d", "H": 0}))
    packed = tmp_path / "samples-1680.jsonl.gz"
    packed.write_bytes(gzip.compress(lines.encode()))
    expected = [("1", "a b", Category.SELF_HARM), ("2", "c d", None)]
    assert read("openai-moderation", packed) == expected
    assert read("openai-moderation", put(tmp_path, "samples.jsonl", lines)) == expected


def test_spam_injections_and_abuse(tmp_path: Path) -> None:
    sms = put(tmp_path, "sms.tsv", "spam\tWIN a prize\nham\tsee you at six\n")
    assert [category for _, _, category in read("sms-spam", sms)] == [Category.SPAM_INAUTHENTIC, None]
    tube = put(tmp_path, "Youtube01.csv", "COMMENT_ID,CONTENT,CLASS\nx,check my channel,1\n")
    assert [category for _, _, category in read("youtube-spam", tube)] == [Category.SPAM_INAUTHENTIC]
    bipia = put(tmp_path, "text_attack_test.json", json.dumps({"Task": ["Write a script."]}))
    assert [category for _, _, category in read("bipia", bipia)] == [None]
    head = "example_id,conv_id,user,Annotator1_is_abuse.1,Annotator1_is_abuse.-2,Annotator2_is_abuse.-1\n"
    abuse = put(tmp_path, "ConvAbuseEMNLPvalid.csv", head + "1,9,you fool,0,1,1\n2,9,hello,1,0,0\n3,9,tie,1,0,1\n")
    assert [(name, category) for name, _, category in read("convabuse", abuse)] == [("1", Category.HATE_HARASSMENT), ("2", None)]


def test_held_out_takes_a_part_of_what_was_fitted_and_all_of_what_was_not(tmp_path: Path) -> None:
    rows = "".join(f"{n},f,{n},text {n},hateful,{n}\n" for n in range(300))
    file = put(tmp_path, "test_suite_cases.csv", ",functionality,case_id,test_case,label_gold,templ_id\n" + rows)
    kept = read("hatecheck", file, held_out=True)
    assert 30 < len(kept) < 90
    spans = put(tmp_path, "tsd_trial.csv", "spans,text\n" + "".join(f'"[0, 1]",ab {n}\n' for n in range(50)))
    assert len(read("toxic-spans", spans, held_out=True)) == 50


def test_texts_that_repeat_or_are_empty_make_no_case(tmp_path: Path) -> None:
    file = put(tmp_path, "sms.tsv", "spam\tWIN\nspam\tWIN\nham\t...\nham\t💀\n")
    cases = list(cases_of(read_set(SETS["sms-spam"], file), dataset="sms", source="s", region="US"))
    assert [case.segment.chat[0].text for case in cases] == ["WIN", "💀"]


def test_another_file_than_the_set_s_is_refused_with_the_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"case_id|test_case"):
        read("hatecheck", put(tmp_path, "wrong.csv", "a,b\n1,2\n"))
    with pytest.raises(InputError, match="there is no file"):
        read("hatecheck", tmp_path / "absent")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_any_file_is_read_by_a_map_of_its_columns(tmp_path: Path, name: str) -> None:
    rows = [
        {"comment": "bad one", "toxic": "Yes", "lang": "de", "kind": "self_harm"},
        {"comment": "ok", "toxic": "no", "lang": "en", "kind": "x"},
    ]
    mark = "\t" if name.endswith("tsv") else ","
    table = "\n".join(mark.join(row.values()) for row in [dict(zip(rows[0], rows[0], strict=True)), *rows])
    file = put(tmp_path, name, "\n".join(map(json.dumps, rows)) if name.endswith("jsonl") else table)
    columns = ColumnMap.parse({"text": "comment", "label": "toxic", "positive": "yes", "language": "lang", "category": "kind"})
    bad, fine = read_columns(file, columns)
    assert (bad.category, bad.language, fine.category) == (Category.SELF_HARM, "de", None)


def test_a_wrong_map_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="text=COLUMN"):
        ColumnMap.parse({"label": "x"})
    with pytest.raises(InputError, match="row 1 has no 'comment'"):
        list(read_columns(put(tmp_path, "a.csv", "a,b\n1,2\n"), ColumnMap.parse({"text": "comment"})))
    with pytest.raises(InputError, match="no category"):
        list(read_columns(put(tmp_path, "b.csv", "t,k\nx,nonsense\n"), ColumnMap.parse({"text": "t", "category": "k"})))
