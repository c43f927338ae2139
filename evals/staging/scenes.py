"""Every picture that a golden case can describe, drawn from its description and the name of its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from PIL import Image

from livesteward.evals.cases import Drawing, Scene
from livesteward.evals.staging import screens, shown
from livesteward.evals.staging.canvas import Canvas

SCENES: Final[Mapping[Scene, Callable[[Sequence[str], Random], Canvas]]] = {
    Scene.POSTER: shown.poster,
    Scene.SLIDE: screens.slide,
    Scene.PHONE: shown.phone,
    Scene.NOTE: shown.note,
    Scene.WEBPAGE: screens.webpage,
    Scene.CAPTION: screens.caption,
    Scene.PRICE_LIST: shown.price_list,
    Scene.TSHIRT: shown.tshirt,
    Scene.WHITEBOARD: shown.whiteboard,
    Scene.PARCEL: shown.parcel,
    Scene.GAME: screens.game,
    Scene.SIGN: shown.sign,
    Scene.DESK: screens.desk,
}


def draw(drawing: Drawing, *, name: str) -> Image.Image:
    """Return a picture of 640 x 360 pixels.

    Args:
        drawing: The scene and its text; the picture holds no other letters.
        name: Of its file: people, colours and the layout follow from it, so that pictures differ and the same one comes out the same.

    Raises:
        InputError: If the text is too long to be read in the scene.
        ConfigurationError: If no font on this machine has its letters.
    """
    lines = tuple(line for line in (" ".join(text.split()) for text in drawing.text) if line)
    return SCENES[drawing.scene](lines, Random(name)).finished()
