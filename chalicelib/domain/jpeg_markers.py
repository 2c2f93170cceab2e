"""The markers of a JPEG, found the way a decoder finds them.

A progressive JPEG may hold any number of scans and each costs a pass over all pixels: 125 KB can keep a decoder busy
for 20 seconds, and no limit on bytes or pixels sees it. The scans are counted before anything is decoded.
"""

import re
import struct
from collections.abc import Iterator
from itertools import islice

from chalicelib.domain.errors import UnreadableImageError

MAX_SCANS = 100  # encoders write 1 to about 10

START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_BLOCK_BYTES = 64 * 2
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})

# FF 00 stands for a byte of data, and FF FF is padding; neither is a marker, anywhere.
_MARKER = re.compile(rb"\xff[^\x00\xff]")


def markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Code and position of the length field of each marker that has one, up to the end of the first image.

    Between two markers a decoder skips what is no marker, coded pixels included; so does this. It ends at the
    end-of-image marker, at an impossible length, or where the data end.
    """
    position = 0
    while found := _MARKER.search(data, position):
        position = found.end()
        code = data[position - 1]
        if code == _END_OF_IMAGE:
            return
        if code in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(data[position : position + 2])
        if length < 2:
            return
        yield code, position
        position += length


def scan_count(data: bytes, stop_at: int) -> int:
    """The number of scans in the first image of `data`; counting ends at `stop_at`."""
    scans = (code for code, _ in markers(data) if code == _START_OF_SCAN)
    return sum(1 for _ in islice(scans, stop_at))


def check_scans(data: bytes) -> None:
    """Raise UnreadableImageError if the first image of `data` has more scans than any encoder writes."""
    if scan_count(data, MAX_SCANS + 1) > MAX_SCANS:
        raise UnreadableImageError(
            f"The image has more than {MAX_SCANS} scans, more than any camera or program writes."
        )


def coefficient_bytes(data: bytes) -> int:
    """How many bytes of coefficients a decoder holds while it reads the first image of `data`.

    They are held whole for an image in several scans: a progressive one, or one whose first scan lacks a component. 0
    for any other, and where the header cannot be made out.
    """
    blocks = components = 0
    progressive = False
    for code, position in markers(data):
        length = int.from_bytes(data[position : position + 2])
        segment = data[position + 2 : position + length]
        if code in START_OF_FRAME and len(segment) >= 6:
            height, width, components = struct.unpack_from(">HHB", segment, 1)
            factors = [(each >> 4, each & 15) for each in segment[7::3][:components]]
            if not factors or not all(across and down for across, down in factors):
                return 0
            most_across, most_down = max(across for across, _ in factors), max(down for _, down in factors)
            columns, rows = -(-width // (8 * most_across)), -(-height // (8 * most_down))
            blocks = columns * rows * sum(across * down for across, down in factors)
            progressive = code in _PROGRESSIVE
        elif code == _START_OF_SCAN:
            in_parts = bool(segment) and segment[0] < components
            return blocks * _BLOCK_BYTES if progressive or in_parts else 0
    return 0
