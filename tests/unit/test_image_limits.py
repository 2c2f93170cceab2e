"""Limits hold to the byte, the pixel and the frame, and are refused in words."""

import pytest

from chalicelib.domain.errors import TooLargeError
from chalicelib.domain.image_limits import MAX_WEBP_PIXELS, check_bytes, check_frames
from chalicelib.domain.images import MAX_BYTES


def test_the_last_byte_allowed() -> None:
    check_bytes(MAX_BYTES)
    with pytest.raises(TooLargeError, match=r"^The file is 64\.0 MiB; at most 64 MiB are kept\.$"):
        check_bytes(MAX_BYTES + 1)


def test_the_last_pixel_allowed() -> None:
    check_frames("image/png", 10_000, 5000, 1)
    with pytest.raises(TooLargeError, match="10,000 × 5,001 pixels"):
        check_frames("image/png", 10_000, 5001, 1)


def test_pixels_are_summed_over_frames() -> None:
    check_frames("image/gif", 1000, 500, 100)
    with pytest.raises(TooLargeError) as refused:
        check_frames("image/gif", 1000, 500, 101)
    assert str(refused.value) == (
        "The image is 1,000 × 500 pixels in 101 frames, 50.5 million in all; at most 50 million are kept."
    )


def test_the_last_frame_allowed() -> None:
    check_frames("image/gif", 8, 8, 200)
    with pytest.raises(TooLargeError, match=r"^The image has 250 frames; at most 200 are kept\.$"):
        check_frames("image/gif", 8, 8, 250)


def test_webp_has_its_own_limit() -> None:
    check_frames("image/webp", 4096, 4096, 1)
    check_frames("image/jpeg", 4096, 4097, 1)
    with pytest.raises(TooLargeError, match="WebP"):
        check_frames("image/webp", 4096, 4097, 1)
    assert MAX_WEBP_PIXELS == 4096 * 4096
