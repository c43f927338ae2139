from __future__ import annotations

import io

import pytest
from PIL import Image

from livesteward.models.budget import image_tokens
from livesteward.models.profiles.images import Patches
from livesteward.models.profiles.registry import PROFILES
from livesteward.models.protocol import ImagePart


@pytest.mark.parametrize(
    ("profile", "size", "tokens"),
    [
        ("qwen2.5-vl", (1_280, 720), 46 * 26 + 2),
        ("qwen3-vl", (768, 432), 24 * 14 + 2),
        ("qwen3-vl", (64, 64), 64 + 2),
        ("gemma-3", (1_280, 720), 260),
        ("gemma-3", (10, 10), 260),
        ("llama-4", (336, 336), 150),
        ("llama-4", (768, 432), 150 * (3 * 2 + 1)),
        ("mistral", (768, 432), 28 * 16 + 16 + 2),
        ("pixtral", (2_048, 1_152), 64 * 36 + 36 + 2),
        ("internvl", (448, 448), 258),
        ("internvl", (768, 432), 258 * 3),
        ("internvl", (1_280, 720), 258 * 9),
        ("glm-4v", (28, 28), 16 + 2),
        ("smolvlm", (768, 432), 70 * (4 * 3 + 1)),
        ("smolvlm-2.2b", (768, 432), 87 * (4 * 3 + 1)),
        ("smolvlm-2.2b", (320, 160), 87 * (4 * 2 + 1)),
    ],
)
def test_a_picture_costs_what_its_family_makes_of_it(profile: str, size: tuple[int, int], tokens: int) -> None:
    maths = PROFILES[profile].images
    assert maths is not None
    assert maths.tokens(*size) == tokens


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if profile.images is not None])
@pytest.mark.parametrize("size", [(1, 1), (1, 4_000), (4_000, 1), (4_096, 4_096)])
def test_no_size_is_free_or_beyond_all_bounds(name: str, size: tuple[int, int]) -> None:
    maths = PROFILES[name].images
    assert maths is not None
    assert 1 <= maths.tokens(*size) <= 30_000


def test_the_budget_counts_as_it_is_told() -> None:
    out = io.BytesIO()
    Image.new("RGB", (320, 160)).save(out, "PNG")
    part = ImagePart(data=out.getvalue(), media_type="image/png")
    assert image_tokens(part) == 12 * 6 + 2
    assert image_tokens(part, Patches(side=32)) == 10 * 5 + 2
