"""The inspector answers what every image is, and refuses the rest in words."""

import random

import pytest

from chalicelib.adapters.inspector import ChildInspector
from chalicelib.domain.errors import (
    RequestError,
    TooLargeError,
    UnreadableImageError,
    UnsupportedTypeError,
)
from chalicelib.domain.images import MAX_BYTES, ImageFacts
from tests import hostile_images as images

GOOD: dict[str, tuple[bytes, ImageFacts]] = {
    "JPEG": (images.good_jpeg(70, 50), ImageFacts("image/jpeg", 70, 50, 1)),
    "progressive JPEG": (images.good_jpeg(70, 50, progressive=True), ImageFacts("image/jpeg", 70, 50, 1)),
    "JPEG with GPS, as stored": (images.gps_jpeg(70, 50), ImageFacts("image/jpeg", 70, 50, 1)),
    "JPEG of one pixel": (images.good_jpeg(1, 1), ImageFacts("image/jpeg", 1, 1, 1)),
    "JPEG of the greatest width": (images.good_jpeg(65_500, 8), ImageFacts("image/jpeg", 65_500, 8, 1)),
    "JPEG with 100 scans": (images.scan_flood_jpeg(100), ImageFacts("image/jpeg", 512, 512, 1)),
    "JPEG with a ZIP behind it": (images.jpeg_with_zip(), ImageFacts("image/jpeg", 64, 48, 1)),
    "PNG": (images.good_png(70, 50), ImageFacts("image/png", 70, 50, 1)),
    "animated PNG": (images.animated_png(70, 50, frames=4), ImageFacts("image/png", 70, 50, 4)),
    "GIF": (images.good_gif(70, 50), ImageFacts("image/gif", 70, 50, 1)),
    "animated GIF": (images.animated_gif(70, 50, frames=4), ImageFacts("image/gif", 70, 50, 4)),
    "GIF of 200 frames": (images.many_frames_gif(200), ImageFacts("image/gif", 8, 8, 200)),
    "GIF with a script behind it": (images.gif_with_script(), ImageFacts("image/gif", 64, 48, 1)),
    "WebP": (images.good_webp(70, 50), ImageFacts("image/webp", 70, 50, 1)),
    "lossless WebP": (images.good_webp(70, 50, lossless=True), ImageFacts("image/webp", 70, 50, 1)),
    "animated WebP": (images.animated_webp(70, 50, frames=4), ImageFacts("image/webp", 70, 50, 4)),
}

WHOLE = ("JPEG", "progressive JPEG", "PNG", "animated PNG", "GIF", "animated GIF", "WebP", "animated WebP")


@pytest.fixture
def inspector() -> ChildInspector:
    return ChildInspector(time_limit_seconds=20)  # a busy machine is not what these tests are about


@pytest.mark.parametrize("what", GOOD)
def test_good_images_are_what_they_are(inspector: ChildInspector, what: str) -> None:
    data, facts = GOOD[what]
    assert inspector.inspect(data) == facts


@pytest.mark.parametrize("what", images.other_files())
def test_other_files_are_no_images(inspector: ChildInspector, what: str) -> None:
    with pytest.raises(UnsupportedTypeError, match="JPEG, PNG, GIF, WebP"):
        inspector.inspect(images.other_files()[what])


def test_an_empty_file_is_called_empty(inspector: ChildInspector) -> None:
    with pytest.raises(UnsupportedTypeError, match="empty"):
        inspector.inspect(b"")


@pytest.mark.parametrize("what", WHOLE)
@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.95])
def test_an_image_cut_short_is_refused(inspector: ChildInspector, what: str, fraction: float) -> None:
    with pytest.raises(UnreadableImageError, match="cut short"):
        inspector.inspect(images.truncated(GOOD[what][0], fraction))


@pytest.mark.parametrize("what", WHOLE)
def test_an_image_without_its_last_byte_is_refused(inspector: ChildInspector, what: str) -> None:
    with pytest.raises(UnreadableImageError, match="cut short"):
        inspector.inspect(GOOD[what][0][:-1])


@pytest.mark.parametrize("what", WHOLE)
def test_a_header_alone_is_refused(inspector: ChildInspector, what: str) -> None:
    with pytest.raises(UnreadableImageError):
        inspector.inspect(images.header_only(GOOD[what][0]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (images.damaged_png(), "checksum"),
        (images.script_as_gif(), "damaged"),
        (images.scan_flood_jpeg(), "more than 100 scans"),
        (images.gif_bomb(0, 0, frames=0), "no pixels"),
    ],
    ids=["damaged", "script", "scan flood", "no frame"],
)
def test_hostile_bytes_are_unreadable(inspector: ChildInspector, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableImageError, match=words):
        inspector.inspect(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (images.good_jpeg() + bytes(MAX_BYTES), "64 MiB"),
        (images.png_bomb(), "400 million"),
        (images.gif_bomb(), "150 frames"),
        (images.many_frames_gif(250), r"^The image has 250 frames; at most 200 are kept\.$"),
        (images.claiming_65535("image/jpeg"), "65,535 × 65,535"),
        (images.claiming_65535("image/png"), "65,535 × 65,535"),
        (images.claiming_65535("image/gif"), "65,535 × 65,535"),
        (images.claiming_65535("image/webp"), "16,383 × 16,383"),
    ],
    ids=["bytes", "PNG bomb", "GIF bomb", "frames", "wide JPEG", "wide PNG", "wide GIF", "wide WebP"],
)
def test_what_passes_a_limit_is_too_large(inspector: ChildInspector, data: bytes, words: str) -> None:
    with pytest.raises(TooLargeError, match=words):
        inspector.inspect(data)


def test_bytes_turned_over_at_random_break_nothing(inspector: ChildInspector) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    dice = random.Random(seed)
    for _ in range(60):
        data = bytearray(GOOD[dice.choice(WHOLE)][0])
        for _ in range(dice.choice((1, 3, 30))):
            data[dice.randrange(12, len(data))] = dice.randrange(256)
        try:
            facts = inspector.inspect(bytes(data))
        except RequestError as refused:
            assert str(refused).endswith(".")
        else:
            assert facts.width * facts.height * facts.frames > 0
