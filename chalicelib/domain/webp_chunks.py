"""The chunks of a WebP: that a rendition holds pixels and nothing else."""

import struct
from collections.abc import Iterator

_PIXEL_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_EXTENDED = b"VP8X"
_ONLY_ALPHA = 0x10  # of the flags of an extended header: neither a profile nor EXIF, XMP or an animation


def is_only_pixels(data: bytes) -> bool:
    """Whether `data` is one whole WebP of a still image that carries no metadata and has nothing behind it."""
    if len(data) < 20 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return False
    if struct.unpack_from("<I", data, 4)[0] != len(data) - 8:
        return False
    kinds = []
    for kind, start, end in _chunks(data):
        if end > len(data) or not (kind in _PIXEL_CHUNKS or kind == _EXTENDED):
            return False
        if kind == _EXTENDED and data[start] & ~_ONLY_ALPHA:
            return False
        kinds.append(kind)
    return kinds[-1:] in ([b"VP8 "], [b"VP8L"])


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk; an end may lie behind the data."""
    position = 12
    while position < len(data):
        if position + 8 > len(data):
            yield b"", position, len(data) + 1
            return
        (length,) = struct.unpack_from("<I", data, position + 4)
        yield data[position : position + 4], position + 8, position + 8 + length
        position += 8 + length + length % 2
