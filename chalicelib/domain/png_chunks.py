"""The chunks of a PNG: their checksums, that the last one is there, and the frames of an animation.

Pillow neither checks the sums of the chunks that hold pixels nor misses the end chunk, so an image cut or damaged there
would be kept as sound. To play an animation it holds five canvases, 512 MB for two frames of 25 megapixels; each frame
taken out as a PNG of its own needs one.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from chalicelib.domain.errors import UnreadableImageError

_SIGNATURE_BYTES = 8
_HEADER = slice(16, 29)  # what the first chunk holds: width, height, and five bytes on how pixels are stored
_SEQUENCE_BYTES = 4
_CHECKED = (b"IHDR", b"PLTE", b"IDAT", b"acTL", b"fcTL", b"fdAT", b"IEND")


class PngChunk(NamedTuple):
    """One chunk: its kind, and where its content lies in the file."""

    kind: bytes
    start: int
    end: int


def png_chunks(data: bytes) -> Iterator[PngChunk]:
    """Every chunk up to the end chunk; what follows that one is ignored.

    Raises UnreadableImageError where the data end first.
    """
    position = _SIGNATURE_BYTES
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        end = position + 8 + length
        if end + 4 > len(data):
            break
        yield PngChunk(kind, position + 8, end)
        if kind == b"IEND":
            return
        position = end + 4
    raise UnreadableImageError("The image is cut short.")


def check_chunks(data: bytes) -> None:
    """Return if the header comes first, every chunk that carries pixels is whole, and the end chunk is reached.

    Raises UnreadableImageError.
    """
    if data[8:16] != b"\x00\x00\x00\x0dIHDR":
        raise UnreadableImageError("The image is damaged: it does not start with its header.")
    view = memoryview(data)
    for kind, start, end in png_chunks(data):
        if kind in _CHECKED and zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4]):
            raise UnreadableImageError("The image is damaged: a checksum in it does not match.")


def later_frames(data: bytes) -> Iterator[bytes]:
    """Each frame of an animation but the image that any decoder shows, as a PNG of its own.

    Raises UnreadableImageError for a frame without a place, or with a place outside of the canvas.
    """
    canvas_width, canvas_height = struct.unpack_from(">II", data, _HEADER.start)
    colours = b"".join(_chunk(c.kind, data[c.start : c.end]) for c in png_chunks(data) if c.kind in (b"PLTE", b"tRNS"))
    size: tuple[int, int] | None = None
    pixels: list[bytes] = []
    for kind, start, end in png_chunks(data):
        if kind in (b"fcTL", b"IEND") and pixels:
            header = struct.pack(">II", *(size or (0, 0))) + data[_HEADER][8:]
            parts = (_chunk(b"IHDR", header), colours, _chunk(b"IDAT", b"".join(pixels)), _chunk(b"IEND", b""))
            yield data[:_SIGNATURE_BYTES] + b"".join(parts)
            pixels = []
        if kind == b"fcTL":
            width, height, left, top = struct.unpack_from(">IIII", data, start + _SEQUENCE_BYTES)
            size = width, height
            if left + width > canvas_width or top + height > canvas_height:
                raise UnreadableImageError("The image is damaged: a frame lies outside of it.")
        elif kind == b"fdAT":
            if size is None:
                raise UnreadableImageError("The image is damaged: a frame has no place.")
            pixels.append(data[start + _SEQUENCE_BYTES : end])


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
