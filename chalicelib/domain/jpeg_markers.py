"""The markers of a JPEG, found the way a decoder finds them.

A progressive JPEG may hold any number of scans and each costs a pass over all pixels: 125 KB can keep a decoder busy
for 20 seconds, and no limit on bytes or pixels sees it. The scans are counted before anything is decoded.
"""

import re
from collections.abc import Iterator
from itertools import islice

MAX_SCANS = 100  # encoders write 1 to about 10

START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
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
