"""The first frame of an image, decoded no larger than it is needed; used in the child process only.

Bytes that are damaged raise what Pillow raises (`child_limits.DAMAGED`), or UnreadableImageError or TooLargeError with
words. What the file says about the frame (orientation, camera, profile) may be nonsense; it never raises.
"""

from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple, cast

from PIL import Image
from PIL.ExifTags import IFD, Base

from chalicelib.adapters.child_limits import DAMAGED
from chalicelib.domain.errors import UnreadableImageError
from chalicelib.domain.gif_blocks import gif_frames
from chalicelib.domain.image_limits import check_frames
from chalicelib.domain.jpeg_markers import check_scans
from chalicelib.domain.png_chunks import check_chunks
from chalicelib.domain.webp_chunks import webp_animation, webp_chunk

Pixels = Image.Image

# Every module that decoding, or reading of EXIF, would import when files can no longer be opened.
MODULES = {
    "image/jpeg": ("PIL.JpegImagePlugin", "PIL.TiffImagePlugin"),
    "image/png": ("PIL.PngImagePlugin", "PIL.TiffImagePlugin"),
    "image/gif": ("PIL.GifImagePlugin", "copy"),
    "image/webp": ("chalicelib.adapters.webp_frames", "PIL.TiffImagePlugin"),
}


class FirstFrame(NamedTuple):
    """Pixels of the first frame, not yet turned, `scale` times smaller than stored, in the mode they are stored in.

    `see_through` says whether any of them is not solid. `width` and `height` are the image's as stored. `orientation`
    is EXIF's, 1 to 8. `camera` and `taken` are EXIF's own words, whatever they are.
    """

    pixels: Pixels
    see_through: bool
    width: int
    height: int
    scale: int
    orientation: int
    profile: bytes | None
    camera: str | None
    taken: str | None


def first_frame(data: bytes, media_type: str, scale: int) -> FirstFrame:
    """The frame; of a JPEG, `scale` times smaller (1, 2, 4 or 8), and as stored of everything else."""
    return _DECODERS[media_type](data, scale if media_type == "image/jpeg" else 1)


def _jpeg(data: bytes, scale: int) -> FirstFrame:
    from PIL.JpegImagePlugin import JpegImageFile

    check_scans(data)
    with JpegImageFile(BytesIO(data)) as opened:
        width, height = opened.size
        check_frames("image/jpeg", width, height, 1)
        opened.draft(None, (max(1, width // scale), max(1, height // scale)))
        opened.load()
        return _frame(opened, (width, height), scale, opened.getexif, opened.info.get("icc_profile"))


def _png(data: bytes, scale: int) -> FirstFrame:
    from PIL.PngImagePlugin import PngImageFile

    check_chunks(data)
    with PngImageFile(BytesIO(data)) as opened:
        check_frames("image/png", opened.width, opened.height, 1)
        opened.load()
        return _frame(opened, opened.size, scale, opened.getexif, opened.info.get("icc_profile"))


def _gif(data: bytes, scale: int) -> FirstFrame:
    from PIL.GifImagePlugin import GifImageFile

    if not sum(1 for _ in gif_frames(data)):
        raise UnreadableImageError("The image has no pixels.")
    with GifImageFile(BytesIO(data)) as opened:
        check_frames("image/gif", opened.width, opened.height, 1)
        opened.load()
        return _frame(opened, opened.size, scale, Image.Exif, None)


def _webp(data: bytes, scale: int) -> FirstFrame:
    from chalicelib.adapters.webp_frames import first_canvas, still_size

    animation = webp_animation(data)
    size = still_size(data) if animation is None else (animation.width, animation.height)
    check_frames("image/webp", *size, 1)
    canvas = first_canvas(data, size, animation)

    def exif() -> Image.Exif:
        read = Image.Exif()
        read.load(webp_chunk(data, b"EXIF") or b"")
        return read

    # Not a copy. Pillow takes any buffer here; its types know of bytes only.
    pixels = Image.frombuffer("RGBA", size, cast(bytes, canvas.pixels), "raw", "RGBA", 0, 1)
    return _frame(pixels, size, scale, exif, webp_chunk(data, b"ICCP"))


_DECODERS: dict[str, Callable[[bytes, int], FirstFrame]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
}


def _frame(
    pixels: Pixels, size: tuple[int, int], scale: int, read_exif: Callable[[], Image.Exif], profile: object
) -> FirstFrame:
    if not size[0] * size[1]:
        raise UnreadableImageError("The image has no pixels.")
    try:
        exif = read_exif()
    except DAMAGED:
        exif = Image.Exif()
    orientation = _entry(exif, Base.Orientation)
    camera = " ".join(found for tag in (Base.Make, Base.Model) if isinstance(found := _entry(exif, tag), str))
    taken = _entry(exif, Base.DateTimeOriginal, IFD.Exif) or _entry(exif, Base.DateTime)
    return FirstFrame(
        pixels,
        _is_see_through(pixels),
        *size,
        scale,
        orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        profile if isinstance(profile, bytes) and profile else None,
        camera or None,
        taken if isinstance(taken, str) else None,
    )


def _entry(exif: Image.Exif, tag: int, directory: int | None = None) -> object:
    try:
        found: object = (exif if directory is None else exif.get_ifd(directory)).get(tag)
    except DAMAGED:
        return None
    return found


def _is_see_through(pixels: Pixels) -> bool:
    mark = pixels.info.get("transparency")
    if pixels.mode in ("RGBA", "LA", "PA"):
        return pixels.getchannel("A").getextrema() != (255, 255)
    if pixels.mode == "P" and mark is not None:  # the index of one colour, or how solid each is
        solid = mark if isinstance(mark, bytes) else b"\xff" * int(mark) + b"\0"
        return any(count for count, alpha in zip(pixels.histogram(), solid, strict=False) if alpha < 255)
    return mark is not None
