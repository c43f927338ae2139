"""Readers of the labelled texts that the screen and the heads are fitted on.

Each reader says which labels its source can speak for: a text of a hate-speech set is known to be hateful or not, and is taken as no
scam, but whether it also threatens is left open unless the source says so. What is open takes no part in fitting that label.

Left out on purpose: XSTest and Toxic Spans, and every golden or canary case, which are there to measure with.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from livesteward.agents.screen.labels import INJECTION, LABELS
from livesteward.contracts import Category
from livesteward.errors import ConfigurationError

HATE = Category.HATE_HARASSMENT.value
THREAT = Category.VIOLENCE_THREATS.value
SEXUAL = Category.SEXUAL_CONTENT.value
SELF_HARM = Category.SELF_HARM.value
FRAUD = Category.FRAUD_SCAM.value
SPAM = Category.SPAM_INAUTHENTIC.value
PRIVACY = Category.PRIVACY_DOXXING.value
GOODS = Category.REGULATED_GOODS.value
ACTS = Category.DANGEROUS_ACTS.value

FOLDS: Final = 5
"""One fifth of every set is held out, whole groups at a time."""


@dataclass(frozen=True)
class LabelledText:
    """One text with what is known of it.

    Attributes:
        text: At most 600 characters.
        positive: Labels that hold.
        open: Labels of which nothing is known.
        dataset: Where it comes from.
        group: Texts of one template or conversation; never split between fitting and holding out.
        on_screen: Whether it is a text on the picture.
    """

    text: str
    positive: frozenset[str]
    open: frozenset[str]
    dataset: str
    group: str
    on_screen: bool = False

    @property
    def held_out(self) -> bool:
        """Whether it belongs to the held-out fifth."""
        digest = hashlib.sha256(f"{self.dataset}\x00{self.group}".encode()).digest()
        return digest[0] % FOLDS == 0


@dataclass(frozen=True)
class Source:
    """A set of labelled texts, with the licence under which it is used."""

    name: str
    licence: str
    citation: str
    files: tuple[str, ...]
    read: Callable[[Path], Iterator[LabelledText]]


def _texts(dataset: str, text: str, positive: Iterable[str] = (), open_: Iterable[str] = (), group: str = "") -> Iterator[LabelledText]:
    clean = " ".join(text.split())[:600]
    if len(clean) >= 2:
        yes = frozenset(positive)
        yield LabelledText(clean, yes, frozenset(open_) - yes, dataset, group or clean)


def _rows(path: Path, *, delimiter: str = ",") -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def _hatecheck(folder: Path) -> Iterator[LabelledText]:
    for row in _rows(folder / "hatecheck" / "test_suite_cases.csv"):
        yield from _hate_case("hatecheck", row, row["templ_id"] or row["case_id"])


def _multilingual(folder: Path) -> Iterator[LabelledText]:
    for language in ("arabic", "german", "portuguese", "spanish"):
        for row in _rows(folder / "multilingual_hatecheck" / f"hatecheck_cases_final_{language}.csv"):
            # Each language has some 3,600 cases from the same templates; a third of them says as much.
            case = row["mhc_case_id"]
            if hashlib.sha256(case.encode()).digest()[1] % 3 == 0:
                yield from _hate_case("multilingual_hatecheck", row, f"{language}-{row['templ_id'] or case}")


def _hate_case(dataset: str, row: dict[str, str], group: str) -> Iterator[LabelledText]:
    hateful = row["label_gold"] == "hateful"
    threat = row["functionality"].startswith("threat")
    positive = [HATE] * hateful + [THREAT] * (hateful and threat)
    yield from _texts(dataset, row["test_case"], positive, [THREAT, SEXUAL] if hateful else [], group)


def _hatemoji(folder: Path) -> Iterator[LabelledText]:
    for row in _rows(folder / "hatemojicheck" / "test.csv"):
        hateful = row["label_gold"] == "1"
        yield from _texts("hatemojicheck", row["text"], [HATE] * hateful, [THREAT] if hateful else [], row["templ_id"])


def _davidson(folder: Path) -> Iterator[LabelledText]:
    for number, row in enumerate(_rows(folder / "davidson" / "labeled_data.csv")):
        # Class 1, "offensive", marks dialect more than harm, so it teaches nothing here.
        if row["class"] == "0" or (row["class"] == "2" and number % 2 == 0):
            hateful = row["class"] == "0"
            yield from _texts("davidson", row["tweet"], [HATE] * hateful, [THREAT, SEXUAL] if hateful else [])


def _convabuse(folder: Path) -> Iterator[LabelledText]:
    for row in _rows(folder / "convabuse" / "ConvAbuseEMNLPvalid.csv"):
        votes = {"abuse": 0, "fine": 0, "sexual": 0}
        for annotator in range(1, 9):
            mark = {level: row.get(f"Annotator{annotator}_is_abuse.{level}") == "1" for level in ("1", "0", "-1", "-2", "-3")}
            votes["fine"] += mark["1"] or mark["0"]
            votes["abuse"] += mark["-1"] or mark["-2"] or mark["-3"]
            votes["sexual"] += row.get(f"Annotator{annotator}_sex_harassment") == "1"
        if votes["abuse"] == votes["fine"]:
            continue
        abusive = votes["abuse"] > votes["fine"]
        sexual = votes["sexual"] * 2 > votes["abuse"] + votes["fine"]
        positive = [HATE] * abusive + [SEXUAL] * sexual
        yield from _texts("convabuse", row["user"], positive, [SEXUAL, THREAT, SELF_HARM] if abusive else [], row["conv_id"])


def _germeval(folder: Path) -> Iterator[LabelledText]:
    with (folder / "germeval2018" / "germeval2018.training.txt").open(encoding="utf-8") as file:
        for line in file:
            text, _, kind = line.rstrip("\n").split("\t")
            if kind != "PROFANITY":
                abusive = kind in {"ABUSE", "INSULT"}
                yield from _texts("germeval2018", text, [HATE] * abusive, [THREAT] if abusive else [])


def _japanese(folder: Path) -> Iterator[LabelledText]:
    for row in _rows(folder / "japanese_toxic" / "subset.csv"):
        toxic, fine = int(row["Toxic"]) + int(row["Very Toxic"]), int(row["Not Toxic"])
        if toxic == fine:
            continue
        obscene = int(row["category_猥褻"]) * 2 >= int(row["annotation_num"])
        positive = ([SEXUAL] if obscene else [HATE]) if toxic > fine else []
        yield from _texts("japanese_toxic", row["text"], positive, [HATE, SEXUAL, THREAT, PRIVACY] if toxic > fine else [])


def _ailuminate(folder: Path) -> Iterator[LabelledText]:
    hazards = {"hte": HATE, "vcr": THREAT, "sxc_prn": SEXUAL, "ssh": SELF_HARM, "prv": PRIVACY}
    name = "airr_official_1.0_demo_en_us_prompt_set_release_no_cse.csv"
    for row in _rows(folder / "ailuminate_en" / name):
        label = hazards.get(row["hazard"])
        if label:
            yield from _texts("ailuminate_en", row["prompt_text"], [label], set(LABELS) - {label, SPAM, INJECTION})


def _scam_dialogues(folder: Path) -> Iterator[LabelledText]:
    for part in ("train", "test"):
        for number, row in enumerate(_rows(folder / "scam_dialogues" / f"single-agent-scam-dialogue_{part}.csv")):
            scam = row["labels"] == "1"
            middle = len(row["dialogue"]) // 3
            # The middle of a call, where it shows what is wanted; the greeting tells nothing.
            yield from _texts(
                "scam_dialogues",
                row["dialogue"][middle : middle + 400],
                [FRAUD] * scam,
                [PRIVACY, SPAM] if scam else [],
                f"{part}-{number}",
            )


def _youtube_spam(folder: Path) -> Iterator[LabelledText]:
    for path in sorted((folder / "youtube_spam").glob("Youtube*.csv")):
        for row in _rows(path):
            spam = row["CLASS"] == "1"
            yield from _texts("youtube_spam", row["CONTENT"], [SPAM] * spam, [FRAUD, INJECTION] if spam else [HATE, SEXUAL, THREAT])


def _sms_spam(folder: Path) -> Iterator[LabelledText]:
    with (folder / "sms_spam" / "sms.tsv").open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            kind, _, text = line.rstrip("\n").partition("\t")
            spam = kind == "spam"
            if spam or number % 2 == 0:
                yield from _texts("sms_spam", text, [SPAM] * spam, [FRAUD, SEXUAL, GOODS] if spam else [HATE, SEXUAL, PRIVACY])


def _injections(folder: Path) -> Iterator[LabelledText]:
    attacks = json.loads((folder / "cyberseceval_prompt_injection" / "prompt_injection.json").read_text(encoding="utf-8"))
    for attack in attacks:
        if attack["injection_variant"] in {
            "ignore_previous_instructions",
            "persuasion",
            "system_mode",
            "different_user_input_language",
            "virtualization",
        }:
            yield from _texts(
                "cyberseceval_prompt_injection", attack["user_input"], [INJECTION], set(LABELS) - {INJECTION}, str(attack["prompt_id"])
            )


SOURCES: Final[tuple[Source, ...]] = (
    Source("hatecheck", "CC BY 4.0", "Röttger et al. 2021", ("hatecheck/test_suite_cases.csv",), _hatecheck),
    Source(
        "multilingual_hatecheck",
        "CC BY 4.0",
        "Röttger et al. 2022",
        tuple(f"multilingual_hatecheck/hatecheck_cases_final_{name}.csv" for name in ("arabic", "german", "portuguese", "spanish")),
        _multilingual,
    ),
    Source("hatemojicheck", "CC BY 4.0", "Kirk et al. 2022", ("hatemojicheck/test.csv",), _hatemoji),
    Source("davidson", "MIT", "Davidson et al. 2017", ("davidson/labeled_data.csv",), _davidson),
    Source("convabuse", "CC BY 4.0", "Cercas Curry et al. 2021", ("convabuse/ConvAbuseEMNLPvalid.csv",), _convabuse),
    Source("germeval2018", "CC BY 4.0", "Wiegand et al. 2018", ("germeval2018/germeval2018.training.txt",), _germeval),
    Source("japanese_toxic", "Apache-2.0", "inspection-ai japanese-toxic-dataset", ("japanese_toxic/subset.csv",), _japanese),
    Source(
        "ailuminate_en",
        "CC BY 4.0",
        "MLCommons AILuminate 1.0 demo prompts",
        ("ailuminate_en/airr_official_1.0_demo_en_us_prompt_set_release_no_cse.csv",),
        _ailuminate,
    ),
    Source(
        "scam_dialogues",
        "MIT",
        "SathishDS21/Scam_detection_using_LLM",
        tuple(f"scam_dialogues/single-agent-scam-dialogue_{part}.csv" for part in ("train", "test")),
        _scam_dialogues,
    ),
    Source(
        "youtube_spam",
        "CC BY 4.0",
        "Alberto et al. 2015",
        tuple(f"youtube_spam/Youtube0{n}-{name}.csv" for n, name in enumerate(("Psy", "KatyPerry", "LMFAO", "Eminem", "Shakira"), 1)),
        _youtube_spam,
    ),
    Source("sms_spam", "CC BY 4.0", "Almeida et al. 2011", ("sms_spam/sms.tsv",), _sms_spam),
    Source(
        "cyberseceval_prompt_injection", "MIT", "Bhatt et al. 2024", ("cyberseceval_prompt_injection/prompt_injection.json",), _injections
    ),
)
"""The third-party sets, in the order in which they are read."""


def read_sources(folder: Path) -> list[LabelledText]:
    """Read every third-party set below ``folder``.

    Raises:
        ConfigurationError: If the folder or one of the files is missing; names it.
    """
    if not folder.is_dir():
        raise ConfigurationError(
            f"{folder} is no folder; --data names the folder that holds {', '.join(s.name for s in SOURCES[:3])} and the others"
        )
    found: list[LabelledText] = []
    for source in SOURCES:
        missing = next((name for name in source.files if not (folder / name).is_file()), None)
        if missing:
            raise ConfigurationError(
                f"{folder / missing} is missing; the set {source.name} ({source.citation}, {source.licence}) belongs there"
            )
        found.extend(source.read(folder))
    return found


def read_cases(folder: Path) -> list[LabelledText]:
    """Read the training cases written for livesteward: every ``*.jsonl`` in ``folder``."""
    found: list[LabelledText] = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                case = json.loads(line)
                labels = [str(label) for label in case["labels"]]
                text = str(case["text"])
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigurationError(f"{path.name}:{number}: a case needs text and labels, as JSON ({error})") from error
            unknown = set(labels) - set(LABELS)
            if unknown:
                raise ConfigurationError(f"{path.name}:{number}: unknown label {sorted(unknown)[0]!r}; there are {', '.join(LABELS)}")
            # Minimal pairs stand next to each other, and must not be split between fitting and holding out.
            read = _texts("livesteward_cases", text, labels, group=f"{path.stem}-{number // 6}")
            found.extend(replace(one, on_screen=case.get("modality") == "overlay") for one in read)
    return found
