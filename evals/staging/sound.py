"""Speaking sentences with espeak-ng."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import Sound

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples: TypeAlias = npt.NDArray[np.float32]

PROGRAM: Final = "espeak-ng"
RATE: Final = 22_050
"""Samples a second, as espeak-ng makes them."""
LEAD_S: Final = 0.3
"""Silence before the first sentence."""

_PAUSE_S: Final = 0.45
_TAIL_S: Final = 0.5
_WORDS_PER_MINUTE: Final = 150
_WORD_GAPS: Final = (3, 0)
"""Hundredths of a second between words: the second where the sentences would take longer than they may."""
_VARIANT: Final = "m3"
"""Of each voice. With a low pitch and gaps between words, Whisper base hears this one best, most of all in other languages than English."""
_PITCHES: Final = range(8, 25)
_LOUDNESS: Final = 0.7
_NOISE: Final = 0.0006
"""As quiet as the noise of any microphone; speech recognition is not used to perfect silence."""
_HEADER_BYTES: Final = 44
_TIMEOUT_S: Final = 60.0


def speak(sound: Sound, *, name: str, longest_s: float) -> Samples:
    """Return the sentences with pauses between them, as mono samples of -1 to 1 at :data:`RATE`.

    Args:
        sound: What is said, by which voice.
        name: Of the file that it is for: the pitch follows from it, so that speakers differ.
        longest_s: How many seconds it may take.

    Raises:
        ConfigurationError: If espeak-ng is not installed.
        InputError: If it has no such voice, says nothing, or takes too long.
    """
    pitch = Random(name).choice(_PITCHES)
    length = 0.0
    for gap in _WORD_GAPS:
        samples = _sentences(sound, pitch, gap)
        length = samples.size / RATE
        if length <= longest_s:
            return samples
    raise InputError(f"the speech takes {length:.1f} s, the segment {longest_s:g} s; say less, or give it a longer duration_s")


def _sentences(sound: Sound, pitch: int, gap: int) -> Samples:
    import numpy as np

    pause = np.zeros(round(_PAUSE_S * RATE), dtype=np.float32)
    parts = [np.zeros(round(LEAD_S * RATE), dtype=np.float32)]
    for sentence in sound.text:
        parts += [_sentence(sentence, sound.voice, pitch, gap), pause]
    parts[-1] = np.zeros(round(_TAIL_S * RATE), dtype=np.float32)
    spoken = np.concatenate(parts)
    noise = np.random.default_rng(7).normal(0, _NOISE, spoken.size)
    return (spoken + noise).astype(np.float32)


def _sentence(text: str, voice: str, pitch: int, gap: int) -> Samples:
    import numpy as np

    program = shutil.which(PROGRAM)
    if program is None:
        raise ConfigurationError(
            f"{PROGRAM} is not installed, which speaks the sound of golden cases; on Debian: apt-get install {PROGRAM}"
        )
    # The text goes in by standard input: a sentence that begins with a dash is no option.
    manner = ["-v", f"{voice}+{_VARIANT}", "-s", str(_WORDS_PER_MINUTE), "-p", str(pitch), "-g", str(gap)]
    command = [program, *manner, "-b", "1", "--stdin", "--stdout"]
    try:
        done = subprocess.run(command, input=" ".join(text.split()).encode(), capture_output=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{program} could not speak ({error}); try it on the command line") from error
    if done.returncode != 0 or len(done.stdout) <= _HEADER_BYTES:
        said = done.stderr.decode(errors="replace").strip()
        raise InputError(
            f"{PROGRAM} does not speak {text[:60]!r} with voice {voice!r} ({said or 'it made no sound'}); see {PROGRAM} --voices"
        )
    with wave.open(io.BytesIO(done.stdout)) as file:
        made = (file.getframerate(), file.getnchannels(), file.getsampwidth())
    if made != (RATE, 1, 2):
        raise ConfigurationError(f"{program} made sound of {made[0]} Hz, {made[1]} channels, {made[2]} bytes; it should be {RATE} Hz, 1, 2")
    # It writes no true length into the header when it writes to standard output: take all that follows.
    samples = np.frombuffer(done.stdout[_HEADER_BYTES:], dtype="<i2").astype(np.float32) / 32_768
    peak = float(np.abs(samples).max())
    if peak == 0:
        raise InputError(f"{PROGRAM} says nothing for {text[:60]!r} with voice {voice!r}; has it words of that language?")
    return (_LOUDNESS / peak * samples).astype(np.float32)
