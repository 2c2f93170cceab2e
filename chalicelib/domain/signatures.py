"""What the first bytes of a file say: which format it is in, and the size it claims, before any decoder is started.

A claim costs microseconds to read, so an image of 65,535 × 65,535 pixels in a few bytes is refused without further
work. It stays a claim: what an image is, is known after it was decoded.
"""

import struct
from itertools import islice

from chalicelib.domain.jpeg_markers import START_OF_FRAME, markers

_CLAIM_BYTES = 1024 * 1024  # a JPEG may put a profile, a preview and a comment before its size
_CLAIM_MARKERS = 500


def media_type_of(data: bytes) -> str | None:
    """The media type that the first bytes stand for, or None if they are none of the four formats that are kept."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def claimed_size(media_type: str, data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels as the header states them; None if the header is cut short or unusual."""
    head = data[:_CLAIM_BYTES]
    try:
        match media_type:
            case "image/jpeg":
                return _jpeg_size(head)
            case "image/png":
                width, height = struct.unpack_from(">II", head, 16)
            case "image/gif":
                width, height = struct.unpack_from("<HH", head, 6)
            case "image/webp":
                return _webp_size(head)
            case _:
                return None
    except struct.error:
        return None
    return width, height


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    for code, position in islice(markers(head), _CLAIM_MARKERS):
        if code in START_OF_FRAME:
            height, width = struct.unpack_from(">HH", head, position + 3)
            return width, height
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":  # 24 bits each, stored less one
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", head, 24)
        return (low_width | high_width << 16) + 1, (low_height | high_height << 16) + 1
    if kind == b"VP8L":  # 14 bits each, stored less one, after a signature byte
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":  # 14 bits each, below two bits of scaling
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
