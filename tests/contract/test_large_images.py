"""The children stay within their memory and their time on the largest images of every format.

Processor's time and not wall time, which says more about what else the machine does.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.domain.renditions import GREYSCALE, ON_ARRIVAL
from tests import hostile_images as images
from tests import renderable_images as renderable
from tests.contract.child_meter import MOST_SECONDS, Verdict

ROOT = Path(__file__).parents[2]

JPEG, PNG, GIF, WEBP = "image/jpeg", "image/png", "image/gif", "image/webp"
NOISE = (4096, 4096)

LARGE: dict[str, tuple[str, Callable[[], bytes], int]] = {
    "25 MP JPEG": (JPEG, lambda: images.good_jpeg(5000, 5000), 256),
    "25 MP progressive JPEG": (JPEG, lambda: images.good_jpeg(5000, 5000, progressive=True), 256),
    "25 MP progressive JPEG without subsampling": (JPEG, lambda: renderable.fine_jpeg(5000, 5000), 256),
    "25 MP PNG, see-through": (PNG, lambda: images.good_png(5000, 5000), 256),
    "25 MP PNG of noise": (PNG, lambda: renderable.noise(5000, 4000, "PNG", compress_level=1), 256),
    "25 MP GIF": (GIF, lambda: renderable.indexed_gif(5000, 5000), 256),
    "largest WebP": (WEBP, lambda: images.good_webp(*NOISE), 256),
    "largest WebP of noise": (WEBP, lambda: renderable.noise(*NOISE, "WEBP", method=0), 256),
    "largest see-through WebP of noise": (WEBP, lambda: renderable.see_through_noise_webp(*NOISE), 256),
    "the same as an animation of one frame": (
        WEBP,
        lambda: renderable.as_animation(renderable.see_through_noise_webp(*NOISE), *NOISE),
        256,
    ),
    "largest see-through WebP": (WEBP, lambda: renderable.see_through_webp(*NOISE), 256),
    "largest animated WebP": (WEBP, lambda: images.animated_webp(2048, 2048, frames=4), 256),
    "49 MP animated PNG": (PNG, lambda: images.animated_png(3500, 3500, frames=4), 256),
    "small GIF, large canvas": (GIF, lambda: images.gif_bomb(7000, 7000, frames=1), 256),
    "50 MP progressive JPEG": (JPEG, lambda: images.good_jpeg(10_000, 5000, progressive=True), 512),
    "50 MP progressive JPEG without subsampling": (JPEG, lambda: renderable.fine_jpeg(7071, 7071), 512),
    "50 MP PNG, see-through": (PNG, lambda: images.good_png(10_000, 5000), 512),
    "50 MP GIF": (GIF, lambda: renderable.indexed_gif(10_000, 5000), 512),
}
# A decoder has more to hold for another image of the table; these are inspected only.
INSPECTED_ONLY = (
    "25 MP progressive JPEG",
    "largest WebP",
    "largest animated WebP",
    "49 MP animated PNG",
    "small GIF, large canvas",
    "50 MP progressive JPEG",
)


def measured(data: bytes, media_type: str, *kinds: str) -> list[Verdict]:
    """The inspector's verdict, and the renderer's if there are kinds."""
    program = [sys.executable, "-m", "tests.contract.large_image_measures", media_type, *kinds]
    told = subprocess.run(program, input=data, capture_output=True, cwd=ROOT, timeout=200, check=True).stdout
    return [Verdict(**verdict) for verdict in json.loads(told)]


def assert_within(verdicts: list[Verdict], most_mib: int) -> None:
    for who, verdict in zip(("inspected", "rendered"), verdicts, strict=False):
        print(f"{who}: {verdict.peak_mib} MiB of {most_mib}, {verdict.seconds:.2f} s")
        assert verdict.refused is None
        assert 0 < verdict.peak_mib < most_mib
        assert 0 < verdict.seconds < MOST_SECONDS


@pytest.mark.parametrize("what", LARGE)
def test_both_children_stay_within_their_memory_and_time(what: str) -> None:
    media_type, make, most_mib = LARGE[what]
    kinds = () if what in INSPECTED_ONLY else tuple(kind.name for kind in ON_ARRIVAL)
    verdicts = measured(make(), media_type, *kinds)
    assert_within(verdicts, most_mib)
    assert verdicts[0].found["frames"] >= 1
    assert not kinds or verdicts[1].found["made"] == len(kinds)


def test_an_edit_of_a_large_image_stays_within_them_too() -> None:
    verdicts = measured(images.good_jpeg(5000, 5000), JPEG, GREYSCALE.name)
    assert_within(verdicts, 256)
    assert verdicts[1].found["made"] == 1
