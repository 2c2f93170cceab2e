"""The chunks of a WebP: where its frames lie, and that a rendition holds pixels and nothing else."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from chalicelib.domain.errors import UnreadableImageError

_IMAGE_CHUNKS = (b"VP8 ", b"VP8L")
_ALPHA_CHUNK = b"ALPH"
_PIXEL_CHUNKS = frozenset({*_IMAGE_CHUNKS, _ALPHA_CHUNK})
_EXTENDED, _FRAME = b"VP8X", b"ANMF"
_FRAME_HEADER_BYTES = 16
_ANIMATED = 0x02  # of the flags of an extended header
_ONLY_ALPHA = 0x10  # neither a profile nor EXIF, XMP or an animation


class WebpFrame(NamedTuple):
    """One frame of an animation: its place on the canvas and its size, in pixels, and where its own bytes lie."""

    left: int
    top: int
    width: int
    height: int
    start: int
    end: int


class WebpAnimation(NamedTuple):
    """The canvas of an animation, in pixels, and its frames; each lies within the canvas, its bytes within the file."""

    width: int
    height: int
    frames: list[WebpFrame]


def webp_animation(data: bytes) -> WebpAnimation | None:
    """The frames of an animation; None if the WebP is a still image. Raises UnreadableImageError."""
    end = _end(data)
    chunks = _chunks(data, 12, end)
    kind, start, stop = next(chunks, (b"", 0, 0))
    if kind != _EXTENDED:
        return None
    if stop > end:
        raise UnreadableImageError("The image is damaged or cut short.")
    flags, low_width, high_width, low_height, high_height = _unpacked("<B3xHBHB", data, start, stop)
    width, height = (low_width | high_width << 16) + 1, (low_height | high_height << 16) + 1
    frames = [_frame(data, start, stop, end) for kind, start, stop in chunks if kind == _FRAME]
    if not flags & _ANIMATED:
        if frames:
            raise UnreadableImageError("The image is damaged: it holds frames and says that it stands still.")
        return None
    if not frames:
        raise UnreadableImageError("The image is damaged: it says that it moves and holds no frames.")
    if any(frame.left + frame.width > width or frame.top + frame.height > height for frame in frames):
        raise UnreadableImageError("The image is damaged: a frame reaches beyond the canvas.")
    return WebpAnimation(width, height, frames)


def webp_chunk(data: bytes, wanted: bytes) -> bytes | None:
    """What the first chunk of that kind holds; None if there is none, or if it is cut short."""
    end = _end(data)
    for kind, start, stop in _chunks(data, 12, end):
        if kind == wanted and stop <= end:
            return data[start:stop]
    return None


def is_only_pixels(data: bytes) -> bool:
    """Whether `data` is one whole WebP of a still image that carries no metadata and has nothing behind it."""
    if len(data) < 20 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return False
    if struct.unpack_from("<I", data, 4)[0] != len(data) - 8:
        return False
    kinds = []
    for kind, start, end in _chunks(data, 12, len(data)):
        if end > len(data) or not (kind in _PIXEL_CHUNKS or kind == _EXTENDED):
            return False
        if kind == _EXTENDED and data[start] & ~_ONLY_ALPHA:
            return False
        kinds.append(kind)
    return kinds[-1:] in ([b"VP8 "], [b"VP8L"])


def _frame(data: bytes, start: int, stop: int, end: int) -> WebpFrame:
    """The frame whose chunk that is; its bytes begin with its alpha, if there is one, and end with its image."""
    if stop > end:
        raise UnreadableImageError("The image is damaged or cut short.")
    numbers = _unpacked("<HBHBHBHB", data, start, stop)
    left, top, width, height = (low | high << 16 for low, high in zip(numbers[::2], numbers[1::2], strict=True))
    first: int | None = None
    for kind, inner_start, inner_stop in _chunks(data, start + _FRAME_HEADER_BYTES, stop):
        if inner_stop > stop:
            break
        if first is None and kind in _PIXEL_CHUNKS:
            first = inner_start - 8
        if first is not None and kind in _IMAGE_CHUNKS:
            return WebpFrame(2 * left, 2 * top, width + 1, height + 1, first, inner_stop)
    raise UnreadableImageError("The image is damaged: a frame holds no image.")


def _unpacked(layout: str, data: bytes, start: int, stop: int) -> tuple[int, ...]:
    if struct.calcsize(layout) > stop - start:
        raise UnreadableImageError("The image is damaged or cut short.")
    return struct.unpack_from(layout, data, start)


def _end(data: bytes) -> int:
    """Where the WebP ends by its own account, and its bytes do at the latest. Raises UnreadableImageError."""
    if len(data) < 12:
        raise UnreadableImageError("The image is damaged or cut short.")
    return min(len(data), 8 + int(struct.unpack_from("<I", data, 4)[0]))


def _chunks(data: bytes, position: int, limit: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk from `position` on; an end may lie behind the limit."""
    while position < limit:
        if position + 8 > limit:
            yield b"", position, limit + 1
            return
        (length,) = struct.unpack_from("<I", data, position + 4)
        yield data[position : position + 4], position + 8, position + 8 + length
        position += 8 + length + length % 2
