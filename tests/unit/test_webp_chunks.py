"""A rendition holds pixels and nothing else, chunk by chunk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.webp_chunks import is_only_pixels
from tests import hostile_images as images
from tests import renderable_images as renderable

LOSSY, LOSSLESS = images.good_webp(), images.good_webp(lossless=True)
SEE_THROUGH = renderable.see_through_webp(64, 48)


@pytest.mark.parametrize("data", [LOSSY, LOSSLESS, SEE_THROUGH], ids=["lossy", "lossless", "see-through"])
def test_a_still_image_is_only_pixels(data: bytes) -> None:
    assert is_only_pixels(data)


def _with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    body = data[8:] + kind + len(content).to_bytes(4, "little") + content
    return b"RIFF" + len(body).to_bytes(4, "little") + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        LOSSY + b"x",
        LOSSY[:-2],
        images.good_jpeg(),
        images.animated_webp(),
        renderable.talkative()["WebP"][1],
        renderable.talkative()["see-through WebP"][1],
        _with_chunk(LOSSY, b"EXIF", b"MM"),
        _with_chunk(LOSSY, b"XMP ", b"<x/>"),
        _with_chunk(LOSSY, b"JUNK", b"<?php"),
        _with_chunk(LOSSY, b"ALPH", b"\0\0"),
        b"RIFF\x04\0\0\0WEBP" + bytes(8),
    ],
)
def test_anything_more_or_less_is_not(data: bytes) -> None:
    assert not is_only_pixels(data)


@given(st.integers(0, 400), st.binary(max_size=20))
def test_any_bytes_are_answered(cut: int, more: bytes) -> None:
    assert is_only_pixels(SEE_THROUGH[:cut] + more) in (True, False)
