"""Where the frames of a WebP lie; a rendition holds pixels and nothing else, chunk by chunk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import UnreadableImageError
from chalicelib.domain.webp_chunks import is_only_pixels, webp_animation, webp_chunk
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


MOVING = images.animated_webp(64, 48, frames=5)


@pytest.mark.parametrize("data", [LOSSY, LOSSLESS, SEE_THROUGH, renderable.talkative()["WebP"][1]])
def test_a_still_image_is_no_animation(data: bytes) -> None:
    assert webp_animation(data) is None


def test_an_animation_tells_where_its_frames_lie() -> None:
    found = webp_animation(MOVING)
    assert found is not None
    assert (found.width, found.height, len(found.frames)) == (64, 48, 5)
    for frame in found.frames:
        assert frame.left + frame.width <= 64
        assert frame.top + frame.height <= 48
        assert MOVING[frame.start : frame.start + 4] in (b"VP8 ", b"VP8L", b"ALPH")
    assert [frame.start for frame in found.frames] == sorted(frame.start for frame in found.frames)


def test_a_frame_of_see_through_pixels_begins_with_how_solid_they_are() -> None:
    still = SEE_THROUGH[: SEE_THROUGH.index(b"VP8X")] + SEE_THROUGH[SEE_THROUGH.index(b"ALPH") :]
    data = renderable.as_animation(still, 64, 48)
    found = webp_animation(data)
    assert found is not None
    ((*place, start, end),) = found.frames
    assert place == [0, 0, 64, 48]
    assert data[start:end] == still[12:]


def _with(data: bytes, at: bytes, behind: int, new: bytes) -> bytes:
    position = data.index(at) + behind
    return data[:position] + new + data[position + len(new) :]


@pytest.mark.parametrize(
    "data",
    [
        MOVING[:11],
        MOVING[:25],
        MOVING[:-20],
        _with(MOVING, b"VP8X", 8, b"\0"),  # it does not say that it moves
        renderable.talkative()["WebP"][1].replace(b"VP8X\x0a\0\0\0,", b"VP8X\x0a\0\0\0."),  # it says so, and does not
        _with(MOVING, b"ANMF", 8, b"\x01"),  # two pixels beyond the canvas
        _with(MOVING, b"ANMF", 4, b"\x0f\0\0\0"),
        MOVING.replace(b"VP8 ", b"JUNK").replace(b"VP8L", b"JUNK"),
    ],
)
def test_a_damaged_animation_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        webp_animation(data)


def test_a_chunk_is_found_by_its_kind() -> None:
    told = renderable.talkative()["WebP"][1]
    profile = webp_chunk(told, b"ICCP")
    assert profile is not None
    assert profile.endswith(b"alert(1)</script>")
    assert webp_chunk(told, b"ANMF") is None
    assert webp_chunk(told[:60], b"ICCP") is None, "cut short"


@given(st.integers(0, 2000), st.binary(max_size=40), st.integers(0, 2000))
def test_any_bytes_lead_to_frames_within_them_or_are_refused(cut: int, put: bytes, at: int) -> None:
    data = MOVING[:at] + put + MOVING[at + len(put) : max(cut, at)]
    try:
        found = webp_animation(data)
    except UnreadableImageError:
        return
    for frame in [] if found is None else found.frames:
        assert 0 < frame.start < frame.end <= len(data)
