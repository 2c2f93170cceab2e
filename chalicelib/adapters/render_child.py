"""Run in a child process: make renditions of one image from standard input.

Standard output: one JSON line, then the bytes of the renditions one after another. The line is {"width", "height",
"colours", "camera", "taken", "renditions": [[name, width, height, bytes], ...]} or {"refused": why, in words}. Ended by
a signal: the image is to blame; ended with another status than 0: the installation is. The image was inspected when it
was taken in; it is not trusted here all the same.

A rendition follows from the image and its kind alone, whatever other kinds are asked for. A JPEG is decoded no larger
than the kind needs it: a thumbnail at an eighth of the size, which is what makes it quick and small.
"""

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image

from chalicelib.adapters import colour_profiles, first_frames
from chalicelib.adapters.child_limits import DAMAGED, is_late_import, limit_process, open_nothing_more
from chalicelib.adapters.held_frames import HeldFrames
from chalicelib.adapters.rendition_pixels import Pixels, rendered_pixels
from chalicelib.domain.errors import TooLargeError, UnreadableImageError

_LOOK_EDGE, _COLOUR_EDGE, _COLOURS = 320, 48, 12
# libwebp's effort, 0 to 6. Large and of high quality, an image comes out as small with 1 as with 2, and a fifth sooner.
_METHOD, _METHOD_FOR_MANY, _MANY_PIXELS = 2, 1, 4_000_000
_MOST_CHARACTERS = 200  # of EXIF's text


class Wanted(NamedTuple):
    """One rendition to be made; see `domain.renditions.Kind`."""

    name: str
    edge_pixels: int
    turn: str
    quality: int
    media_type: str = "image/webp"  # or image/jpeg


class Made(NamedTuple):
    """A rendition, as WebP or JPEG."""

    name: str
    width: int
    height: int
    body: bytes


def main(arguments: list[str]) -> None:
    """Arguments: media type, the wanted as JSON, then as whole numbers bytes of memory, seconds."""
    media_type, wanted, memory_bytes, seconds = arguments
    limit_process(int(memory_bytes), int(seconds))
    data = sys.stdin.buffer.read()
    prepare(media_type, data)
    open_nothing_more()
    made: list[Made] = []
    try:
        answer, made = rendered(data, media_type, [Wanted(*each) for each in json.loads(wanted)])
    except (UnreadableImageError, TooLargeError) as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": "The image needs too much memory to be read."}
    except DAMAGED as error:
        if is_late_import(error):
            raise
        answer = {"refused": "The image is damaged or cut short."}
    out = sys.stdout.buffer
    out.write(json.dumps(answer).encode() + b"\n")
    out.writelines(each.body for each in made)
    out.flush()


def prepare(media_type: str, data: bytes) -> None:
    """Import everything that rendering may need; afterwards no file is opened any more."""
    Image.preinit()  # saving would do it
    for module in ("PIL.WebPImagePlugin", *first_frames.MODULES[media_type]):
        import_module(module)
    if colour_profiles.may_hold_profile(data):
        import_module(colour_profiles.MODULE)


def rendered(data: bytes, media_type: str, wanted: Sequence[Wanted]) -> tuple[dict[str, Any], list[Made]]:
    """The answer's line, and the renditions in the order asked for."""
    frames = HeldFrames(data, media_type)
    seen = _seen(frames)
    made = {each: _made(frames, each) for each in sorted(set(wanted), key=lambda each: each.edge_pixels)}
    asked = [made[each] for each in wanted]
    return {**seen, "renditions": [(*each[:-1], len(each.body)) for each in asked]}, asked


def _made(frames: HeldFrames, wanted: Wanted) -> Made:
    frame = frames.for_edge(wanted.edge_pixels)
    pixels = rendered_pixels(frame, wanted.edge_pixels, frames.most_pixels(frame), wanted.turn)
    frames.make_room(frame, pixels.width * pixels.height)
    del frame
    body = BytesIO()
    if wanted.media_type == "image/jpeg":
        _opaque(pixels).save(body, "JPEG", quality=wanted.quality)
        return Made(wanted.name, *pixels.size, body.getvalue())
    method = _METHOD if pixels.width * pixels.height <= _MANY_PIXELS else _METHOD_FOR_MANY
    pixels.save(body, "WEBP", quality=wanted.quality, method=method)
    return Made(wanted.name, *pixels.size, body.getvalue())


def _opaque(pixels: Pixels) -> Pixels:
    """The pixels on white, which a JPEG needs."""
    if pixels.mode == "RGB":
        return pixels
    white = Image.new("RGB", pixels.size, "white")
    white.paste(pixels, mask=pixels.getchannel("A"))
    return white


def _seen(frames: HeldFrames) -> dict[str, Any]:
    """Size the right way up, what EXIF says, and the main colours."""
    frame = frames.for_edge(_LOOK_EDGE)
    sideways = frame.orientation >= 5
    return {
        "width": frame.height if sideways else frame.width,
        "height": frame.width if sideways else frame.height,
        "camera": frame.camera and frame.camera[:_MOST_CHARACTERS],
        "taken": frame.taken and frame.taken[:_MOST_CHARACTERS],
        "colours": _main_colours(rendered_pixels(frame, _COLOUR_EDGE, _COLOUR_EDGE**2)),
    }


def _main_colours(pixels: Pixels) -> list[list[float]]:
    """Red, green, blue and share of each, most first; what can be seen through is left out."""
    if pixels.mode == "RGBA":
        raw = pixels.tobytes()
        solid = b"".join(raw[at : at + 3] for at in range(0, len(raw), 4) if raw[at + 3] >= 128)
        if not solid:
            return []
        pixels = Image.frombytes("RGB", (len(solid) // 3, 1), solid)
    reduced = pixels.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)
    palette = reduced.getpalette() or []
    counts = reduced.histogram()
    total = sum(counts)
    found = sorted(((count, index) for index, count in enumerate(counts) if count), reverse=True)
    return [[*palette[3 * index : 3 * index + 3], count / total] for count, index in found]
