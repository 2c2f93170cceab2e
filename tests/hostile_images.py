"""Images made by the tests: good ones of each format, and what strangers send instead.

Everything is returned as bytes and made from its arguments alone; `seed` gives different bytes of the same kind.
"""

import random
import struct
import zlib
from io import BytesIO

from PIL import Image


def _drawing(width: int, height: int, seed: int, mode: str = "RGB") -> Image.Image:
    """Smooth colours out of a few random ones."""
    few = random.Random(seed).randbytes(4 * 4 * len(mode))
    return Image.frombytes(mode, (4, 4), few).resize((width, height), Image.Resampling.BILINEAR)


def _saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def _drawings(width: int, height: int, frames: int, seed: int) -> list[Image.Image]:
    return [_drawing(width, height, seed * 1000 + n) for n in range(frames)]


# Good images.


def good_jpeg(width: int = 64, height: int = 48, seed: int = 0, *, progressive: bool = False) -> bytes:
    """A JPEG without metadata."""
    return _saved(_drawing(width, height, seed), "JPEG", quality=85, progressive=progressive)


def good_png(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """A PNG with transparency."""
    return _saved(_drawing(width, height, seed, "RGBA"), "PNG", compress_level=1)


def good_gif(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """A GIF of one frame."""
    return _saved(_drawing(width, height, seed), "GIF")


def good_webp(width: int = 64, height: int = 48, seed: int = 0, *, lossless: bool = False) -> bytes:
    """A WebP of one frame."""
    return _saved(_drawing(width, height, seed), "WEBP", quality=80, lossless=lossless, method=0)


def animated_gif(width: int = 64, height: int = 48, frames: int = 5, seed: int = 0) -> bytes:
    """A GIF whose frames all differ."""
    first, *others = _drawings(width, height, frames, seed)
    return _saved(first, "GIF", save_all=True, append_images=others, duration=100, loop=0)


def animated_png(width: int = 64, height: int = 48, frames: int = 5, seed: int = 0) -> bytes:
    """A PNG whose frames all differ."""
    first, *others = _drawings(width, height, frames, seed)
    return _saved(first, "PNG", save_all=True, append_images=others, duration=100, compress_level=1)


def animated_webp(width: int = 64, height: int = 48, frames: int = 5, seed: int = 0) -> bytes:
    """A WebP whose frames all differ."""
    first, *others = _drawings(width, height, frames, seed)
    return _saved(first, "WEBP", save_all=True, append_images=others, duration=100, method=0)


def gps_jpeg(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """A JPEG that says where it was taken, and that it is to be turned by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation
    gps = exif.get_ifd(0x8825)
    gps.update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return _saved(_drawing(width, height, seed), "JPEG", exif=exif)


# Damaged.


def truncated(data: bytes, fraction: float = 0.5) -> bytes:
    """The first part of the bytes."""
    return data[: int(len(data) * fraction)]


def header_only(data: bytes) -> bytes:
    """The bytes that tell the format, and no more."""
    return data[:12] if data.startswith(b"RIFF") else data[:8]


def damaged_png() -> bytes:
    """A PNG with one bit of its pixels turned over."""
    data = bytearray(good_png())
    data[data.index(b"IDAT") + 40] ^= 1
    return bytes(data)


# Small files that claim or hold very much.


def png_bomb(width: int = 20_000, height: int = 20_000) -> bytes:
    """A sound PNG, by default of 400 megapixels in 50 KB."""
    pixels = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    content = b"".join(pixels.compress(row) for _ in range(height)) + pixels.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", content) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def gif_bomb(width: int = 3000, height: int = 3000, frames: int = 150) -> bytes:
    """A sound GIF of tiny frames on a large canvas, by default 1,350 megapixels in 4 KB."""
    frame = b"!\xf9\x04\x08\x0a\x00\x00\x00," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    return b"GIF89a" + screen + frame * frames + b";"


def many_frames_gif(frames: int = 250) -> bytes:
    """A sound GIF of many small frames."""
    return gif_bomb(8, 8, frames)


def claiming_65535(media_type: str) -> bytes:
    """A good image whose header was changed to 65,535 × 65,535 pixels, or for WebP to its limit of 16,383."""
    match media_type:
        case "image/jpeg":
            data = good_jpeg()
            at = data.index(b"\xff\xc0") + 5
            return data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]
        case "image/png":
            header = struct.pack(">II", 65535, 65535) + good_png()[24:29]
            return good_png()[:8] + png_chunk(b"IHDR", header) + good_png()[33:]
        case "image/gif":
            return good_gif()[:6] + b"\xff\xff\xff\xff" + good_gif()[10:]
        case "image/webp":
            return good_webp()[:26] + b"\xff\x3f\xff\x3f" + good_webp()[30:]
        case _:
            raise ValueError(media_type)


def scan_flood_jpeg(scans: int = 2000, width: int = 512, height: int = 512) -> bytes:
    """A progressive JPEG with its last scan repeated until there are `scans`: each one is a pass over all pixels."""
    data = good_jpeg(width, height, progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * (scans - data.count(b"\xff\xda") + 1) + data[-2:]


# Two things at once, and other things altogether.


def jpeg_with_zip() -> bytes:
    """A JPEG that is a ZIP archive to a reader that starts at the end."""
    empty_archive = b"PK\x05\x06" + bytes(18)
    return good_jpeg() + empty_archive


def gif_with_script() -> bytes:
    """A GIF with a program behind it."""
    return good_gif() + b"<?php system($_GET['c']); ?><script>alert(1)</script>"


def script_as_gif() -> bytes:
    """A program that starts like a GIF."""
    return b"GIF89a/*" + b"\x00" * 8 + b"*/=1;alert(document.domain);<script>alert(1)</script>"


def other_files() -> dict[str, bytes]:
    """Files that are none of the formats that are kept, by what they are."""
    small = _drawing(8, 8, 0)
    return {
        "text": b"not an image at all\n",
        "one byte": b"\xff",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "HTML": b"<!doctype html><script>alert(1)</script>",
        "BMP": _saved(small, "BMP"),
        "TIFF": _saved(small, "TIFF"),
        "ICO": _saved(small, "ICO", sizes=[(8, 8)]),
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
        "ZIP": b"PK\x05\x06" + bytes(18),
        "RIFF sound": b"RIFF\x24\x00\x00\x00WAVEfmt ",
        "JPEG 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    }
