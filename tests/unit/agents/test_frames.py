from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from PIL import Image
from unit.agents.parts import segment

from livesteward.agents.judges.case import Case
from livesteward.agents.judges.frames import choose_frames
from livesteward.agents.judges.images import fit_to_grid, patch_side, shown_images
from livesteward.agents.judges.model import ModelJudge
from livesteward.agents.perception.perceived import FrameRef
from livesteward.agents.perception.store import FrameStore
from livesteward.agents.state import ItemScore, Screened, StreamMemory
from livesteward.agents.thresholds import Thresholds
from livesteward.contracts import Frame, Origin, OverlayText, Signal, SignalKind
from livesteward.models.budget import image_tokens
from livesteward.models.profiles.images import Patches
from livesteward.models.protocol import ImagePart
from livesteward.prompts.registry import PromptRegistry
from livesteward.settings import ModelSettings, Settings
from livesteward.testing import ScriptedModel


def picture(seed: int, *, size: tuple[int, int] = (640, 360), noise: float = 0, format: str = "JPEG") -> bytes:
    """A picture of coarse blocks; the same seed shows the same scene, ``noise`` shifts every pixel a little."""
    blocks = np.random.default_rng(seed).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST), dtype=np.float32)
    pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format, quality=90)
    return out.getvalue()


def case_of(
    pictures: list[bytes], *overlays: OverlayText, signals: tuple[Signal, ...] = (), suspects: tuple[ItemScore, ...] = ()
) -> tuple[Case, FrameStore]:
    store = FrameStore()
    refs = tuple(FrameRef(frame_id=f"f{number}", at_s=number * 2, sha256=store.put(data)) for number, data in enumerate(pictures))
    frames = tuple(Frame(frame_id=ref.frame_id, at_s=ref.at_s, sha256=ref.sha256) for ref in refs)
    case = Case(
        segment=segment(*overlays, *frames, signals=signals),
        screened=Screened(cleared=False, suspects=suspects),
        rules=(),
        regions=("SG",),
        on=date(2026, 1, 1),
        frames=refs,
        memory=StreamMemory(),
        thresholds=Thresholds(),
    )
    return case, store


def chosen(most: int, pictures: list[bytes], *overlays: OverlayText, **more: object) -> list[str]:
    case, store = case_of(pictures, *overlays, **more)  # type: ignore[arg-type]
    return [ref.frame_id for ref in choose_frames(case, store, most=most).frames]


def read(overlay_id: str, text: str, frame: int, *, origin: Origin = Origin.OCR) -> OverlayText:
    return OverlayText(overlay_id=overlay_id, at_s=frame * 2, text=text, frame_id=f"f{frame}", origin=origin)


SCENES = [picture(seed) for seed in range(8)]


def test_what_shows_the_same_is_sent_once_even_where_there_is_room() -> None:
    # Of two that show the same, the last of the segment stays.
    repeated = [SCENES[0], picture(0, noise=2), SCENES[1], picture(0, noise=-2), picture(1, noise=2)]
    assert chosen(6, repeated) == ["f0", "f4"]
    assert len(chosen(6, [SCENES[0]] * 6)) == 1


def test_scenes_that_differ_are_all_sent_in_the_order_of_time() -> None:
    assert chosen(8, SCENES) == [f"f{number}" for number in range(8)]


def test_of_too_many_the_first_and_the_last_stay() -> None:
    near = [picture(0), *(picture(0, noise=12 * step) for step in range(1, 5)), picture(0, noise=60)]
    assert {"f0", "f5"} <= set(chosen(3, near))


@pytest.mark.parametrize(
    "more",
    [
        {"overlays": (read("ocr-1", "SEND 0.1 BTC TO THIS ADDRESS AND GET 0.2 BACK WITHIN THE HOUR, GUARANTEED, SCAN NOW", 4),)},
        {"overlays": (read("ocr-1", "bad", 4),), "suspects": (ItemScore(item_id="ocr-1", scores=(0.9, 0.1)),)},
        {"overlays": (read("qr-1", "https://x.example", 4, origin=Origin.QR),)},
        {"signals": (Signal(kind=SignalKind.NUDITY, at_s=8, value=0.9, ref="f4"),)},
        {"overlays": (OverlayText(overlay_id="o1", at_s=8.5, text="typed by the host " * 5),)},
    ],
    ids=["much text", "suspicious text", "a QR code", "nudity", "text of the platform near it"],
)
def test_what_tells_most_goes_first(more: dict[str, object]) -> None:
    overlays = more.pop("overlays", ())
    assert chosen(1, SCENES) != ["f4"]
    assert chosen(1, SCENES, *overlays, **more) == ["f4"]  # type: ignore[misc]


def test_a_picture_with_text_of_its_own_is_no_repetition() -> None:
    same = [SCENES[0], picture(0, noise=1), picture(0, noise=-1)]
    assert len(chosen(3, same)) == 1
    assert "f2" in chosen(3, same, read("ocr-1", "SCAN", 2))


def flat(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(out, "PNG")
    return out.getvalue()


def test_a_flagged_picture_is_seen_whatever_the_others_show() -> None:
    flagged = Signal(kind=SignalKind.NUDITY, at_s=2, value=0.7, ref="f1")
    code = read("ocr-0", "x" * 80, 0, origin=Origin.QR)
    # Equally bright, so that the two look the same in grey.
    assert "f1" in chosen(3, [flat((118, 118, 118)), flat((255, 60, 60)), SCENES[0]], code, signals=(flagged,))
    assert chosen(1, SCENES, code, signals=(flagged,)) == ["f1"]


async def test_a_model_that_was_not_shown_what_is_flagged_is_not_believed() -> None:
    allowed = {"findings": [], "decision": "allow", "reason": "fine"}
    flagged = Signal(kind=SignalKind.NUDITY, at_s=2, value=0.7, ref="f1")

    async def reasons(*pictures: bytes) -> list[str]:
        case, store = case_of(list(pictures), signals=(flagged,))
        prompt = PromptRegistry(Settings(workspace=None).prompts_dir).get("judge", 2)
        judge = ModelJudge(ScriptedModel([allowed], accepts_images=True), prompt, store, ModelSettings())
        return [reason.detail for reason in (await judge.judge(case)).unsure]

    assert await reasons(*SCENES[:2]) == []
    lost, missing = await reasons(SCENES[0], b"no picture")
    assert lost == "1 of 2 pictures could not be shown to the judge."
    assert "the judge was not shown it" in missing
    assert await reasons(b"no picture", b"nor this") == ["None of the pictures could be shown to the judge."]


async def allows(case: Case, store: FrameStore, **settings: int) -> bool:
    """Whether a model that finds nothing is believed."""
    prompt = PromptRegistry(Settings(workspace=None).prompts_dir).get("judge", 2)
    model = ScriptedModel([{"findings": [], "decision": "allow", "reason": "fine"}], accepts_images=settings.pop("sees", 1) > 0)
    return not (await ModelJudge(model, prompt, store, ModelSettings(**settings)).judge(case)).unsure


@pytest.mark.parametrize("settings", [{"sees": 0}, {"max_frames": 0}])
async def test_a_model_that_sees_nothing_is_not_believed_where_a_picture_is_flagged(settings: dict[str, int]) -> None:
    def flagged(value: float) -> tuple[Signal, ...]:
        return (Signal(kind=SignalKind.NUDITY, at_s=2, value=value, ref="f1"),)

    assert await allows(*case_of(SCENES[:2], signals=flagged(0.1)), **settings)
    assert not await allows(*case_of(SCENES[:2], signals=flagged(0.7)), **settings)


@pytest.mark.parametrize(("at_s", "seen"), [(2.5, True), (9, False)])
async def test_what_the_platform_measured_at_a_moment_without_a_picture_was_not_seen(at_s: float, seen: bool) -> None:
    case = case_of(SCENES[:2], signals=(Signal(kind=SignalKind.NUDITY, at_s=at_s, value=0.9),))
    assert await allows(*case) is seen


async def test_what_was_measured_in_a_segment_without_pictures_was_not_seen() -> None:
    assert not await allows(*case_of([], signals=(Signal(kind=SignalKind.NUDITY, at_s=2, value=0.9, ref="key-1"),)))


@pytest.mark.parametrize("pictures", [SCENES, [SCENES[0]] * 8], ids=["too many", "all the same"])
async def test_the_picture_at_a_moment_that_the_platform_flags_is_shown(pictures: list[bytes]) -> None:
    case, store = case_of(pictures, signals=(Signal(kind=SignalKind.NUDITY, at_s=10.4, value=0.7),))
    assert "f5" in [ref.frame_id for ref in choose_frames(case, store, most=3).frames]
    assert await allows(case, store, max_frames=3)


@pytest.mark.parametrize("values", [(0.7, 0.9), (0.9, 0.9)])
async def test_of_flagged_pictures_that_show_the_same_one_is_enough(values: tuple[float, float]) -> None:
    signals = tuple(Signal(kind=SignalKind.NUDITY, at_s=2 * at, value=value, ref=f"f{at}") for at, value in enumerate(values))
    assert await allows(*case_of([SCENES[0], picture(0, noise=2)], signals=signals))


async def test_a_picture_that_is_kept_no_longer_is_missed() -> None:
    case, store = case_of(SCENES[:3])
    gone = replace(case, frames=(*case.frames[:2], case.frames[2].model_copy(update={"sha256": "0" * 64})))
    assert await allows(case, store)
    assert not await allows(gone, store)


def test_the_choice_has_no_chance_in_it_and_bears_what_cannot_be_read() -> None:
    pictures = [*SCENES[:3], b"no picture", *SCENES[3:6]]
    assert chosen(4, pictures) == chosen(4, pictures)
    assert "f3" not in chosen(8, pictures)
    assert chosen(0, pictures) == []
    assert chosen(3, []) == []


@given_settings(deadline=None)
@given(
    width=st.integers(1, 5_000),
    height=st.integers(1, 5_000),
    side=st.integers(64, 4_096),
    patch=st.integers(8, 64),
)
def test_a_fitted_size_is_on_the_grid_within_the_side_and_hardly_larger(width: int, height: int, side: int, patch: int) -> None:
    fitted = fit_to_grid((width, height), side, patch)
    for length, before in zip(fitted, (width, height), strict=True):
        assert length % patch == 0
        assert patch <= length <= max(side, patch)
        assert length < before + patch
    if max(width, height) <= side:
        assert all(abs(length - before) <= patch for length, before in zip(fitted, (width, height), strict=True))


@pytest.mark.parametrize(
    ("settings", "side"),
    [
        (ModelSettings(), 28),
        (ModelSettings(name="Qwen/Qwen3-VL-8B-Instruct"), 32),
        (ModelSettings(name="Qwen/Qwen2.5-VL-7B-Instruct"), 28),
        (ModelSettings(name="Qwen/Qwen3-VL-8B-Instruct", image_patch=14), 14),
    ],
)
def test_the_grid_is_that_of_the_models_family_unless_set(settings: ModelSettings, side: int) -> None:
    assert patch_side(settings) == side


def test_a_picture_costs_what_was_counted_and_is_the_same_bytes_each_time() -> None:
    settings = ModelSettings(name="Qwen/Qwen3-VL-8B-Instruct", max_image_side=500)
    case, store = case_of([picture(1, size=(1_280, 719))])
    [part] = shown_images(case, store, settings).images
    with Image.open(io.BytesIO(part.data)) as sent:
        assert sent.size == (480, 288)
    assert image_tokens(part, Patches(side=32)) == 15 * 9 + 2
    other, again = case_of([picture(1, size=(1_280, 719))])
    assert shown_images(other, again, settings).images == (part,)


def test_a_picture_on_the_grid_is_sent_as_it_is() -> None:
    data = picture(1, size=(560, 280))
    case, store = case_of([data])
    assert shown_images(case, store, ModelSettings()).images == (ImagePart(data=data, item_id="f0"),)
