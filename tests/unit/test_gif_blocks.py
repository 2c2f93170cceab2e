"""The frames of a GIF are found, and each can be read alone."""

from io import BytesIO

import pytest
from PIL import Image

from chalicelib.domain.errors import UnreadableImageError
from chalicelib.domain.gif_blocks import gif_frames, gif_of_frame
from tests import hostile_images as images


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_frame_is_found(count: int) -> None:
    assert len(list(gif_frames(images.animated_gif(frames=count)))) == count


def test_a_frame_alone_shows_the_same_pixels() -> None:
    data = images.good_gif(40, 30)
    (frame,) = gif_frames(data)
    alone, whole = Image.open(BytesIO(gif_of_frame(data, frame))), Image.open(BytesIO(data))
    assert alone.convert("RGB").tobytes() == whole.convert("RGB").tobytes()


def test_every_frame_of_an_animation_can_be_read_alone() -> None:
    data = images.animated_gif(40, 30, frames=6)
    for frame in gif_frames(data):
        alone = Image.open(BytesIO(gif_of_frame(data, frame)))
        alone.load()
        assert alone.size == (frame.width, frame.height)


def test_an_image_cut_anywhere_is_refused() -> None:
    data = images.animated_gif(20, 20, frames=3)
    for length in range(6, len(data)):
        with pytest.raises(UnreadableImageError):
            list(gif_frames(data[:length]))


def test_bytes_after_the_trailer_are_ignored() -> None:
    assert len(list(gif_frames(images.gif_with_script()))) == 1


def test_a_block_of_no_known_kind_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="no known kind"):
        list(gif_frames(images.good_gif()[:-1] + b"?;"))
