"""The frames of a GIF, each taken out as a GIF of its own.

A decoder that plays an animation keeps several canvases of four bytes a pixel: 655 MB for a file of 5 KB. To learn
whether every frame can be read, none of that is needed: frame by frame, one byte a pixel is enough.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from chalicelib.domain.errors import UnreadableImageError

_HEADER_BYTES = 13
_DESCRIPTOR_BYTES = 10  # the separator included


class GifFrame(NamedTuple):
    """One frame: its place on the canvas in pixels, and the bytes from its descriptor to its last block."""

    left: int
    top: int
    width: int
    height: int
    start: int
    end: int


def gif_frames(data: bytes) -> Iterator[GifFrame]:
    """Every frame in order, up to the trailer; what follows the trailer is ignored.

    Raises UnreadableImageError where a block is cut short or is none.
    """
    position = _HEADER_BYTES + _palette_bytes(data, 10)
    try:
        while (kind := data[position : position + 1]) != b";":
            if kind == b"!":
                position = _after_blocks(data, position + 2)
            elif kind == b",":
                left, top, width, height = struct.unpack_from("<HHHH", data, position + 1)
                blocks = position + _DESCRIPTOR_BYTES + _palette_bytes(data, position + 9) + 1  # 1: code size
                end = _after_blocks(data, blocks)
                yield GifFrame(left, top, width, height, position, end)
                position = end
            elif kind:
                raise UnreadableImageError("The image is damaged: it holds a block of no known kind.")
            else:
                break
        else:
            return
    except (IndexError, struct.error):
        pass
    raise UnreadableImageError("The image is cut short.")


def gif_of_frame(data: bytes, frame: GifFrame) -> bytes:
    """A GIF of that one frame alone, its canvas as large as the frame."""
    palette_end = _HEADER_BYTES + _palette_bytes(data, 10)
    return b"".join(
        (
            data[:6],
            struct.pack("<HH", frame.width, frame.height),
            data[10:palette_end],
            struct.pack("<cHHHH", b",", 0, 0, frame.width, frame.height),
            data[frame.start + 9 : frame.end],
            b";",
        )
    )


def _palette_bytes(data: bytes, flags_position: int) -> int:
    """How many bytes of colours follow, by the flags at that position; 0 where the data end before it."""
    flags = data[flags_position] if flags_position < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, position: int) -> int:
    """The position after a chain of blocks, each with its length in front. Raises IndexError where the data end."""
    while length := data[position]:
        position += 1 + length
    return position + 1
