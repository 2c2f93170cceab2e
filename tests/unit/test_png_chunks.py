"""Cut and damaged chunks are found; frames of an animation can be read one by one."""

from io import BytesIO
from itertools import pairwise

import pytest
from PIL import Image, ImageChops

from chalicelib.domain.errors import UnreadableImageError
from chalicelib.domain.png_chunks import check_chunks, later_frames, png_chunks
from tests import hostile_images as images


def test_a_good_image_passes() -> None:
    check_chunks(images.good_png())
    check_chunks(images.animated_png())


def test_bytes_after_the_end_chunk_are_ignored() -> None:
    check_chunks(images.good_png() + b"anything")


def test_an_image_cut_anywhere_is_refused() -> None:
    data = images.good_png()
    for length in range(8, len(data)):
        with pytest.raises(UnreadableImageError):
            check_chunks(data[:length])


def test_a_bit_turned_over_among_the_pixels_is_found() -> None:
    with pytest.raises(UnreadableImageError, match="checksum"):
        check_chunks(images.damaged_png())


def test_a_wrong_checksum_on_a_comment_is_not_looked_at() -> None:
    data = images.good_png()
    comment = images.png_chunk(b"tEXt", b"Comment\x00hello")[:-1] + b"?"
    check_chunks(data[:33] + comment + data[33:])


def test_an_image_that_starts_with_another_chunk_is_refused() -> None:
    data = images.good_png()
    with pytest.raises(UnreadableImageError, match="header"):
        check_chunks(data[:8] + images.png_chunk(b"tEXt", b"a\x00b") + data[8:])


def test_later_frames_can_each_be_read() -> None:
    frames = [Image.open(BytesIO(frame)) for frame in later_frames(images.animated_png(40, 30, frames=4))]
    assert len(frames) == 3
    for one, other in pairwise(frames):
        assert ImageChops.difference(one.convert("RGB"), other.convert("RGB").resize(one.size)).getbbox()


def test_an_image_without_animation_has_no_later_frames() -> None:
    assert list(later_frames(images.good_png())) == []


def _with_frame(left: int) -> bytes:
    place = b"".join(n.to_bytes(4) for n in (0, 64, 48, left, 0)) + bytes(6)
    data = images.good_png()
    (pixels,) = (data[c.start : c.end] for c in png_chunks(data) if c.kind == b"IDAT")
    frame = images.png_chunk(b"fcTL", place) + images.png_chunk(b"fdAT", bytes(4) + pixels)
    return data[:-12] + frame + data[-12:]


def test_a_frame_within_the_canvas_is_taken() -> None:
    (frame,) = later_frames(_with_frame(left=0))
    assert Image.open(BytesIO(frame)).size == (64, 48)


def test_a_frame_outside_of_the_canvas_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="outside"):
        list(later_frames(_with_frame(left=1)))


def test_a_frame_without_a_place_is_refused() -> None:
    data = images.good_png()
    with pytest.raises(UnreadableImageError, match="no place"):
        list(later_frames(data[:-12] + images.png_chunk(b"fdAT", bytes(9)) + data[-12:]))
