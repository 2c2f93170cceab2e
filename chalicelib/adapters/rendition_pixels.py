"""The pixels of a rendition: fitted into a square, in sRGB, turned; used in the child process only.

All of it is done in bands of some rows, so that beside the source and the result little memory is needed.
"""

import math
from collections.abc import Callable
from itertools import pairwise

from PIL import Image

from chalicelib.adapters.colour_profiles import srgb_from
from chalicelib.adapters.first_frames import FirstFrame

Pixels = Image.Image
# Where a step to the right and a step down lead after turning, as (right, down) each.
Turn = tuple[tuple[int, int], tuple[int, int]]

_BAND_PIXELS = 1_000_000  # of the source
_FILTER = Image.Resampling.HAMMING  # as quick as bilinear, sharper; reaches one source step to each side
_MARGIN_ROWS = 2

_UNTURNED: Turn = ((1, 0), (0, 1))
_TURNS: dict[Image.Transpose, Turn] = {
    Image.Transpose.FLIP_LEFT_RIGHT: ((-1, 0), (0, 1)),
    Image.Transpose.ROTATE_180: ((-1, 0), (0, -1)),
    Image.Transpose.FLIP_TOP_BOTTOM: ((1, 0), (0, -1)),
    Image.Transpose.TRANSPOSE: ((0, 1), (1, 0)),
    Image.Transpose.ROTATE_270: ((0, 1), (-1, 0)),
    Image.Transpose.TRANSVERSE: ((0, -1), (-1, 0)),
    Image.Transpose.ROTATE_90: ((0, -1), (1, 0)),
}
_TRANSPOSES = {turn: transpose for transpose, turn in _TURNS.items()}
_UPRIGHT = dict(enumerate((_UNTURNED, *_TURNS.values()), start=1))  # by EXIF's orientation, which has this very order
_EDITS = {
    "flip": _TURNS[Image.Transpose.FLIP_LEFT_RIGHT],
    "left": _TURNS[Image.Transpose.ROTATE_90],
    "right": _TURNS[Image.Transpose.ROTATE_270],
}


def fitted_size(width: int, height: int, edge_pixels: int, most_pixels: int) -> tuple[int, int]:
    """The size at which an image fits into a square and has about `most_pixels`; never larger than it is."""
    scale = min(1.0, edge_pixels / max(width, height), math.sqrt(most_pixels / (width * height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(frame: FirstFrame, factor: int) -> FirstFrame:
    """The frame, its pixels `factor` times smaller, each the mean of a square."""
    source = frame.pixels
    size = -(-source.width // factor), -(-source.height // factor)
    result: Pixels | None = None
    for top, bottom in pairwise(_band_edges(source, size[1])):
        band = _plain(frame, source.crop((0, top * factor, source.width, min(bottom * factor, source.height))))
        small = band.convert("RGBa").reduce(factor).convert("RGBA") if frame.see_through else band.reduce(factor)
        result = result or Image.new(small.mode, size)
        result.paste(small, (0, top))
    assert result is not None  # noqa: S101 # there is at least one row
    return frame._replace(pixels=result, scale=frame.scale * factor)


def rendered_pixels(frame: FirstFrame, edge_pixels: int, most_pixels: int, turn: str = "") -> Pixels:
    """The frame upright, in sRGB, RGB or RGBA without any metadata, edited as `Kind.turn` says."""
    # Never larger than the pixels at hand, which memory may have made fewer than the edge asks for.
    edge_pixels = min(edge_pixels, max(frame.pixels.size))
    width, height = fitted_size(frame.width, frame.height, edge_pixels, most_pixels)
    turned = _then(_UPRIGHT[frame.orientation], _EDITS.get(turn, _UNTURNED))
    transpose = _TRANSPOSES.get(turned)
    colours = _colours(frame)
    result: Pixels | None = None
    for top, bottom in pairwise(_band_edges(frame.pixels, height)):
        band = colours(_scaled(frame, (width, height), top, bottom))
        if turn == "grey":
            mode = band.mode
            band = band.convert("LA" if mode == "RGBA" else "L").convert(mode)
        if transpose is not None:
            band = band.transpose(transpose)
        if result is None:
            sideways = turned[0][0] == 0
            result = Image.new(band.mode, (height, width) if sideways else (width, height))
        result.paste(band, _place(turned, top, bottom, height))
    assert result is not None  # noqa: S101 # there is at least one row
    return result


def _then(first: Turn, second: Turn) -> Turn:
    """Both turns, one after the other, in one."""

    def turned(step: tuple[int, int]) -> tuple[int, int]:
        right, down = step
        return (right * second[0][0] + down * second[1][0], right * second[0][1] + down * second[1][1])

    return turned(first[0]), turned(first[1])


def _place(turn: Turn, top: int, bottom: int, height: int) -> tuple[int, int]:
    """The upper left corner, after turning, of rows `top` to `bottom` of `height`."""
    right, down = turn[1]
    if right:
        return (top if right > 0 else height - bottom), 0
    return 0, (top if down > 0 else height - bottom)


def _band_edges(source: Pixels, height: int) -> list[int]:
    """Where bands begin and end, in rows of a result of that height."""
    source_rows = max(1, _BAND_PIXELS // source.width)
    rows = max(1, source_rows * height // source.height)
    return [*range(0, height, rows), height]


def _scaled(frame: FirstFrame, size: tuple[int, int], top: int, bottom: int) -> Pixels:
    """Rows `top` to `bottom` of the frame scaled to `size`, in a mode that can be scaled."""
    # What the decoder shrank may have a last row and column that are pixels only in part.
    source_width, source_height = frame.width / frame.scale, frame.height / frame.scale
    step = source_height / size[1]
    margin = math.ceil(step) + _MARGIN_ROWS
    first = max(0, math.floor(top * step) - margin)
    last = min(frame.pixels.height, math.ceil(bottom * step) + margin)
    band = _plain(frame, frame.pixels.crop((0, first, frame.pixels.width, last)))
    box = (0, top * step - first, source_width, min(bottom * step - first, band.height))
    return band.resize((size[0], bottom - top), _FILTER, box=box)


def _plain(frame: FirstFrame, band: Pixels) -> Pixels:
    """A band of the frame in RGBA if it is see-through; else in L or RGB, or in CMYK if there is a profile."""
    if band.mode.startswith("I"):  # 16 bits, of which Pillow would cut off what is above 255
        return band.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if frame.see_through:
        return band.convert("RGBA")
    if band.mode == "L" or (band.mode == "CMYK" and frame.profile):
        return band
    return band.convert("RGB")


def _colours(frame: FirstFrame) -> Callable[[Pixels], Pixels]:
    """What brings scaled bands of the frame to sRGB, as RGB or RGBA."""
    found: dict[str, Callable[[Pixels], Pixels] | None] = {}

    def in_srgb(band: Pixels) -> Pixels:
        if band.mode not in found:
            found[band.mode] = srgb_from(frame.profile, band.mode)
        transform = found[band.mode]
        if transform is not None:
            band = transform(band)
        return band if band.mode in ("RGB", "RGBA") else band.convert("RGB")

    return in_srgb
