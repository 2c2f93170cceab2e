"""Frames of a WebP, decoded by libwebp itself; used in the child process only.

Pillow's decoder keeps a copy of the file and three of the canvas. Called directly, libwebp takes the bytes where they
are and writes the pixels where they are wanted, so that eight bytes a pixel are needed in place of twelve, and the file
is held once. The library is the one that Pillow was built with: found by way of Pillow's own module, which loads it.
"""

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_void_p

from PIL import _webp

from chalicelib.domain.errors import UnreadableImageError
from chalicelib.domain.webp_chunks import WebpAnimation, WebpFrame

_CHANNELS = 4
_DAMAGED = "The image is damaged or cut short."

# A handle on a loaded module finds what the libraries that it depends on offer.
_library = ctypes.CDLL(_webp.__file__)
_size_of = _library.WebPGetInfo
_size_of.argtypes, _size_of.restype = [c_void_p, c_size_t, POINTER(c_int), POINTER(c_int)], c_int
_decode_into = _library.WebPDecodeRGBAInto
_decode_into.argtypes, _decode_into.restype = [c_void_p, c_size_t, c_void_p, c_size_t, c_int], c_void_p


class Canvas:
    """Pixels of `width` × `height`, four bytes each: red, green, blue, and how solid. At first all is see-through."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.pixels = bytearray(_CHANNELS * width * height)

    def draw_still(self, data: bytes) -> None:
        """Decodes a still image of just this size. Raises UnreadableImageError."""
        self._draw(data, WebpFrame(0, 0, self.width, self.height, 0, len(data)))

    def draw(self, data: bytes, frame: WebpFrame) -> None:
        """Decodes one frame to its place, over what is there. Raises UnreadableImageError."""
        self._draw(data, frame)

    def _draw(self, data: bytes, frame: WebpFrame) -> None:
        inside = frame.left + frame.width <= self.width and frame.top + frame.height <= self.height
        if not inside or not 0 <= frame.start < frame.end <= len(data):
            raise UnreadableImageError(_DAMAGED)
        address = _address_of(data) + frame.start
        if _claimed(address, frame.end - frame.start) != (frame.width, frame.height):
            raise UnreadableImageError(_DAMAGED)
        stride = _CHANNELS * self.width
        offset = frame.top * stride + _CHANNELS * frame.left
        room = (ctypes.c_char * (len(self.pixels) - offset)).from_buffer(self.pixels, offset)
        if not _decode_into(address, frame.end - frame.start, ctypes.addressof(room), len(room), stride):
            raise UnreadableImageError(_DAMAGED)


def still_size(data: bytes) -> tuple[int, int]:
    """Width and height, in pixels, of a still image. Raises UnreadableImageError."""
    return _claimed(_address_of(data), len(data))


def first_canvas(data: bytes, size: tuple[int, int], animation: WebpAnimation | None) -> Canvas:
    """What is to be seen first. Raises UnreadableImageError."""
    canvas = Canvas(*size)
    if animation is None:
        canvas.draw_still(data)
    else:
        canvas.draw(data, animation.frames[0])
    return canvas


def _claimed(address: int, length: int) -> tuple[int, int]:
    width, height = c_int(), c_int()
    if not _size_of(address, length, ctypes.byref(width), ctypes.byref(height)):
        raise UnreadableImageError(_DAMAGED)
    return width.value, height.value


def _address_of(data: bytes) -> int:
    """Where the bytes are; good for as long as they are held."""
    address = ctypes.cast(c_char_p(data), c_void_p).value
    assert address is not None  # noqa: S101  # it is of bytes
    return address
