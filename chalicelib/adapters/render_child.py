"""Run in a child process: make renditions of one image from standard input.

Arguments: bytes of memory, seconds, media type, and the wanted kinds as JSON [[name, edge pixels, turn, quality], ...].
Standard output: one JSON line, then the bytes of the renditions one after another. The line is
{"width", "height", "colours", "camera", "taken", "renditions": [[name, width, height, bytes], ...]} or
{"refused": why, in words}. The image was inspected when it was taken in; it is not trusted here all the same.

A thumbnail of a JPEG is decoded at an eighth of its size, which is what makes it quick and small.
"""

import json
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from chalicelib.adapters.child_limits import DAMAGED, limit_process

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
_COLOUR_EDGE, _COLOURS = 64, 6
_TURNED = {
    "flip": Image.Transpose.FLIP_LEFT_RIGHT,
    "left": Image.Transpose.ROTATE_90,
    "right": Image.Transpose.ROTATE_270,
}


def main(arguments: list[str]) -> None:
    """As the module says."""
    memory_bytes, seconds, media_type, wanted = arguments
    limit_process(int(memory_bytes), int(seconds))
    Image.MAX_IMAGE_PIXELS = None  # pixels were counted when the image was taken in
    data = sys.stdin.buffer.read()
    bodies: list[bytes] = []
    try:
        answer = rendered(data, media_type, json.loads(wanted), bodies)
    except MemoryError:
        answer = {"refused": "The image needs too much memory."}
    except DAMAGED:
        answer = {"refused": "The image is damaged or cut short."}
    out = sys.stdout.buffer
    out.write(json.dumps(answer).encode() + b"\n")
    for body in bodies if "refused" not in answer else ():
        out.write(body)
    out.flush()


def rendered(data: bytes, media_type: str, wanted: list[list[Any]], bodies: list[bytes]) -> dict[str, Any]:
    """The answer's line; the renditions' bytes are added to `bodies`."""
    answer: dict[str, Any] = {"renditions": []}
    for number, (name, edge, turn, quality) in enumerate(wanted):
        with Image.open(BytesIO(data), formats=[_FORMATS[media_type]]) as opened:
            if number == 0:
                answer.update(_told(opened))
            picture = _upright(opened, edge)
        if turn == "grey":
            mode = picture.mode
            picture = picture.convert("LA" if mode == "RGBA" else "L").convert(mode)
        elif turn:
            picture = picture.transpose(_TURNED[turn])
        if number == 0:
            answer["colours"] = _colours(picture)
        body = BytesIO()
        picture.save(body, "WEBP", quality=quality, method=2)
        bodies.append(body.getvalue())
        answer["renditions"].append([name, *picture.size, len(bodies[-1])])
    return answer


def _upright(opened: "Picture", edge: int) -> "Picture":
    """The first frame within a square of that edge, the right way up, in sRGB, with nothing but pixels."""
    shrink = max(opened.size) / edge
    if shrink > 1 and opened.format == "JPEG":
        opened.draft(None, (opened.width * edge // max(opened.size), opened.height * edge // max(opened.size)))
    profile = opened.info.get("icc_profile")
    orientation = opened.getexif().get(Base.Orientation, 1)
    picture: Picture = opened
    picture.load()
    if picture.mode not in ("RGB", "RGBA"):
        see_through = picture.mode in ("LA", "PA", "La") or "transparency" in picture.info
        if picture.mode == "P" or picture.mode != "CMYK" or not profile:
            picture = picture.convert("RGBA" if see_through else "RGB")
    if max(picture.size) > edge:
        scale = edge / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if profile:
        picture = _in_srgb(picture, profile)
    if picture.mode not in ("RGB", "RGBA"):
        picture = picture.convert("RGB")
    turned = _ORIENTED.get(orientation)
    picture = picture.transpose(turned) if turned is not None else picture
    plain = Image.new(picture.mode, picture.size)
    plain.paste(picture)  # an image without any info of the one it came from
    return plain


_ORIENTED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _in_srgb(picture: "Picture", profile: bytes) -> "Picture":
    try:
        converted = ImageCms.profileToProfile(
            picture, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, *DAMAGED):
        return picture  # a profile that is none changes nothing
    return converted if converted is not None else picture


def _told(opened: "Picture") -> dict[str, Any]:
    """Size, camera and month, as the file tells them."""
    exif = opened.getexif()
    width, height = opened.size
    if exif.get(Base.Orientation, 1) in (5, 6, 7, 8):
        width, height = height, width
    taken = exif.get_ifd(IFD.Exif).get(Base.DateTimeOriginal) or exif.get(Base.DateTime)
    camera = " ".join(str(exif.get(tag, "")).strip("\x00 ") for tag in (Base.Make, Base.Model)).strip()
    month = str(taken)[:7].replace(":", "-") if isinstance(taken, str) else None
    return {"width": width, "height": height, "camera": camera[:100] or None, "taken": month}


def _colours(picture: "Picture") -> list[list[float]]:
    """The main colours and their shares, most first; what can be seen through is left out."""
    small = picture.resize((min(_COLOUR_EDGE, picture.width), min(_COLOUR_EDGE, picture.height)))
    if small.mode == "RGBA":
        seen = [pixel[:3] for pixel in small.getdata() if pixel[3] >= 128]  # type: ignore[attr-defined]
        if not seen:
            return []
        small = Image.new("RGB", (len(seen), 1))
        small.putdata(seen)
    reduced = small.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)
    palette = reduced.getpalette() or []
    counted = sorted(reduced.getcolors() or [], reverse=True)
    total = sum(count for count, _ in counted)
    return [[*palette[3 * int(index) : 3 * int(index) + 3], count / total] for count, index in counted]  # type: ignore[call-overload]
