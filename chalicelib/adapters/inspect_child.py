"""Run in a child process: decode one image from standard input, answer with one JSON line on standard output.

The answer is {"width", "height", "frames"}, in pixels and numbers, or {"refused": why, in words}. An image beyond the
limits given is answered without being decoded. Ended by a signal: the image is to blame; ended with another status than
0: the installation is.

Start-up is paid on every upload, so only what the one format needs is imported, and Pillow's format classes are used
directly: `Image.open` would first load five of them, among them formats that are not kept.
"""

import json
import struct
import sys
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from typing import NamedTuple

from chalicelib.adapters.child_limits import DAMAGED, is_late_import, limit_process, open_nothing_more
from chalicelib.domain.errors import UnreadableImageError
from chalicelib.domain.gif_blocks import gif_frames, gif_of_frame
from chalicelib.domain.jpeg_markers import check_scans
from chalicelib.domain.png_chunks import check_chunks, later_frames
from chalicelib.domain.webp_chunks import webp_animation

_MODULES = {
    # Also what Pillow would import while decoding, when files can no longer be opened: its TIFF reader for EXIF, copy.
    "image/jpeg": ("PIL.JpegImagePlugin", "PIL.TiffImagePlugin"),
    "image/png": ("PIL.PngImagePlugin",),
    "image/gif": ("PIL.GifImagePlugin", "copy"),
    "image/webp": ("chalicelib.adapters.webp_frames",),
}


class Claim(NamedTuple):
    """What an image says of itself, in pixels and number of frames."""

    width: int
    height: int
    frames: int


Allowed = Callable[[Claim], bool]


def main(arguments: list[str]) -> None:
    """Arguments: media type, then as whole numbers most pixels, most frames, bytes of memory, seconds."""
    media_type, *numbers = arguments
    max_pixels, max_frames, memory_bytes, seconds = map(int, numbers)
    limit_process(memory_bytes, seconds)
    for module in _MODULES[media_type]:
        import_module(module)
    open_nothing_more()

    def allowed(claim: Claim) -> bool:
        return claim.frames <= max_frames and claim.width * claim.height * claim.frames <= max_pixels

    try:
        answer = _DECODERS[media_type](sys.stdin.buffer.read(), allowed)._asdict()
    except UnreadableImageError as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": "The image needs too much memory to be read."}
    except DAMAGED as error:
        if is_late_import(error):
            raise
        answer = {"refused": "The image is damaged or cut short."}
    print(json.dumps(answer), flush=True)


def _claim(size: tuple[int, int], frames: int) -> Claim:
    return Claim(size[0], size[1], frames)


def _jpeg(data: bytes, allowed: Allowed) -> Claim:
    from PIL.JpegImagePlugin import JpegImageFile

    check_scans(data)
    with JpegImageFile(BytesIO(data)) as image:
        claim = _claim(image.size, 1)
        if allowed(claim):
            image.draft(None, (1, 1))  # every bit is still read; an eighth of the size is kept
            image.load()
    return claim


def _png(data: bytes, allowed: Allowed) -> Claim:
    from PIL.PngImagePlugin import PngImageFile

    check_chunks(data)
    with PngImageFile(BytesIO(data)) as image:
        claim = _claim(image.size, getattr(image, "n_frames", 1))
        if not allowed(claim):
            return claim
        image.load()
    if claim.frames > 1:
        found = 1
        for frame in later_frames(data):
            with PngImageFile(BytesIO(frame)) as image:
                image.load()
            found += 1
        if found != claim.frames:
            raise UnreadableImageError(f"The image is damaged: it states {claim.frames} frames and holds {found}.")
    return claim


def _gif(data: bytes, allowed: Allowed) -> Claim:
    from PIL.GifImagePlugin import GifImageFile

    width, height = struct.unpack_from("<HH", data, 6)
    frames = 0
    for frame in gif_frames(data):
        # Decoders enlarge the canvas for a frame that reaches beyond it.
        width, height = max(width, frame.left + frame.width), max(height, frame.top + frame.height)
        frames += 1
    claim = Claim(width, height, frames)
    if allowed(claim):
        for frame in gif_frames(data):
            with GifImageFile(BytesIO(gif_of_frame(data, frame))) as image:
                image.load()
    return claim


def _webp(data: bytes, allowed: Allowed) -> Claim:
    from chalicelib.adapters.webp_frames import Canvas, first_canvas, still_size

    animation = webp_animation(data)
    if animation is None:
        size = still_size(data)
        claim = _claim(size, 1)
        if allowed(claim):
            first_canvas(data, size, None)
        return claim
    claim = _claim((animation.width, animation.height), len(animation.frames))
    if allowed(claim):
        canvas = Canvas(animation.width, animation.height)
        for frame in animation.frames:
            canvas.draw(data, frame)
    return claim


_DECODERS: dict[str, Callable[[bytes, Allowed], Claim]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
}
