"""An image's first frame in the sizes that its renditions are made from, within the memory there is.

Used in the child process only. What is chosen follows from the image and the edge asked for alone.
"""

from chalicelib.adapters.first_frames import FirstFrame, first_frame
from chalicelib.adapters.rendition_pixels import shrunk
from chalicelib.domain.jpeg_markers import coefficient_bytes
from chalicelib.domain.renditions import MOST_EDGE_PIXELS
from chalicelib.domain.signatures import claimed_size

# So that a process stays below 256 MiB up to 25 megapixels and below 512 MiB beyond, with 20 MiB of the interpreter's.
_LARGE_PIXELS = 25_000_000
_ROOM_BYTES, _ROOM_BYTES_OF_LARGE = 215_000_000, 480_000_000

# For each pixel of a rendition: itself, what libwebp takes (more where it packs how solid pixels are), and its output.
_ENCODER_BYTES, _SEE_THROUGH_ENCODER_BYTES = 10, 40
_MOST_SEE_THROUGH_PIXELS = 5_000_000

_SMALL_EDGE = 1600  # what is no larger is made of pixels that were shrunk once for all of them
_JPEG_SCALES = (1, 2, 4, 8)
_BYTES_OF_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2}  # 4 of all others


class HeldFrames:
    """Decodes one image's first frame, and holds on to it until another size of it is wanted or room is needed."""

    def __init__(self, data: bytes, media_type: str) -> None:
        self._data = data
        self._media_type = media_type
        self._coefficients = coefficient_bytes(data) if media_type == "image/jpeg" else 0
        self._held: FirstFrame | None = None
        self._small: FirstFrame | None = None

    def for_edge(self, edge_pixels: int) -> FirstFrame:
        """The frame, its longer edge at least `edge_pixels` if the image is that large and memory allows it."""
        if edge_pixels <= _SMALL_EDGE and self._small is not None:
            return self._small
        scale = self._scale(edge_pixels)
        if self._held is None or self._held.scale != scale:
            self._held = None  # never two at a time
            self._held = first_frame(self._data, self._media_type, scale)
        factor = max(self._held.pixels.size) // _SMALL_EDGE
        if edge_pixels > _SMALL_EDGE or factor < 2:
            return self._held
        self._small = shrunk(self._held, factor)
        return self._small

    def _scale(self, edge_pixels: int) -> int:
        size = claimed_size(self._media_type, self._data)
        if self._media_type != "image/jpeg" or size is None:
            return 1
        return jpeg_scale(*size, edge_pixels, len(self._data), self._coefficients)

    def most_pixels(self, frame: FirstFrame) -> int:
        """How many pixels a rendition may have that is made from the frame. It matters to unusual images only."""
        if frame.see_through:
            room = _ROOM_BYTES - len(self._data)
            return min(_MOST_SEE_THROUGH_PIXELS, room // _SEE_THROUGH_ENCODER_BYTES)
        room = _room_bytes(frame.width * frame.height) - len(self._data)
        return max(1, min((room - self._held_bytes()) // 4, room // _ENCODER_BYTES))

    def make_room(self, frame: FirstFrame, pixels: int) -> None:
        """Before that many pixels are encoded: lets go of what is held if it is in the way.

        Decoding it once more is the lesser cost.
        """
        each = _SEE_THROUGH_ENCODER_BYTES if frame.see_through else _ENCODER_BYTES
        needed = len(self._data) + each * pixels
        room = _room_bytes(frame.width * frame.height)
        if needed + self._held_bytes() > room:
            self._held = None
        if needed + self._held_bytes() > room:
            self._small = None

    def _held_bytes(self) -> int:
        return sum(_bytes_of(found) for found in (self._held, self._small) if found is not None)


def jpeg_scale(width: int, height: int, edge_pixels: int, beside_bytes: int, coefficients: int) -> int:
    """By how much to shrink a JPEG while it is decoded: 1, 2, 4 or 8.

    The most that leaves the longer edge at `edge_pixels` or more, and more than that where memory asks for it: the
    decoder holds `coefficients` bytes beside the pixels, afterwards there are the pixels made of them, and all the time
    `beside_bytes`. With coefficients, decoding takes long at any size, so it is done once, for the largest edge.
    """
    if coefficients:
        edge_pixels = MOST_EDGE_PIXELS
    wanted = max(scale for scale in _JPEG_SCALES if scale == 1 or max(width, height) >= edge_pixels * scale)
    room = _room_bytes(width * height) - beside_bytes
    for scale in _JPEG_SCALES:
        decoded = width * height // scale**2
        if scale >= wanted and 4 * decoded + max(coefficients, 4 * min(decoded, edge_pixels**2)) <= room:
            return scale
    return _JPEG_SCALES[-1]


def _room_bytes(pixels: int) -> int:
    """What the bytes, the decoder and the encoder of an image of that many pixels may hold together."""
    return _ROOM_BYTES if pixels <= _LARGE_PIXELS else _ROOM_BYTES_OF_LARGE


def _bytes_of(frame: FirstFrame) -> int:
    return frame.pixels.width * frame.pixels.height * _BYTES_OF_MODE.get(frame.pixels.mode, 4)
