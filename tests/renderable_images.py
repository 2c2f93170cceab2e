"""Images made by the tests that tell where their corners went, what their colours are, and what they say besides."""

import random
import struct
import zlib
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.hostile_images import good_jpeg, good_png, png_chunk

Colour = tuple[int, ...]

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 160, 20), (20, 20, 220), (250, 250, 250)
CORNERS = (RED, GREEN, BLUE, WHITE)  # upper left, upper right, lower left, lower right

SECRETS = (b"<?php", b"<script", b"GPS", b"Exif", b"xmpmeta", b"secret remark", b"EXIF", b"XMP ", b"ICCP")
_REMARK = b"secret remark <?php system($_GET['c']); ?><script>alert(1)</script>"
_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><script>GPS secret remark <?php ?></script></x:xmpmeta>'


def quarters(width: int = 90, height: int = 60, colours: tuple[Colour, ...] = CORNERS) -> Image.Image:
    """Four quarters of one colour each."""
    image = Image.new("RGBA" if len(colours[0]) == 4 else "RGB", (width, height))
    for number, colour in enumerate(colours):
        left, top = number % 2 * (width // 2), number // 2 * (height // 2)
        image.paste(colour, (left, top, left + (width + 1) // 2, top + (height + 1) // 2))
    return image


def corners(image: Image.Image) -> list[Colour]:
    """The colours in the middle of each quarter, in the order of CORNERS."""
    plain = image.convert("RGB")
    places = [(plain.width * x // 4, plain.height * y // 4) for y in (1, 3) for x in (1, 3)]
    found = []
    for place in places:
        pixel = plain.getpixel(place)
        assert isinstance(pixel, tuple)
        found.append(pixel)
    return found


def saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def exif_of(orientation: int = 1, **texts: str) -> Image.Exif:
    """EXIF with an orientation, a place on Earth, and what else is given: camera make and model, time."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name, tag in (("make", 0x010F), ("model", 0x0110), ("changed", 0x0132)):
        if name in texts:
            exif[tag] = texts[name]
    exif[0x010E] = _REMARK.decode()
    if "taken" in texts:
        exif.get_ifd(0x8769)[0x9003] = texts["taken"]
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return exif


def oriented(format_name: str, orientation: int, width: int = 90, height: int = 60) -> bytes:
    """Quarters with EXIF that tells how to turn them."""
    options = {"quality": 95} if format_name != "PNG" else {}
    return saved(quarters(width, height), format_name, exif=exif_of(orientation), **options)


def talkative() -> dict[str, tuple[str, bytes]]:
    """Images that carry places, remarks, profiles and programs wherever their format has room, by name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + _REMARK
    told = exif_of(1, make="Maker", model="Model")
    text = PngInfo()
    text.add_text("Comment", _REMARK.decode())
    text.add_text("Packed", _REMARK.decode(), zip=True)
    text.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    image = quarters()
    return {
        "JPEG": (
            "image/jpeg",
            saved(image, "JPEG", exif=told, comment=_REMARK, icc_profile=profile, xmp=_XMP) + _REMARK,
        ),
        "PNG": ("image/png", saved(image, "PNG", exif=told, pnginfo=text, icc_profile=profile) + _REMARK),
        "GIF": ("image/gif", saved(image, "GIF", comment=_REMARK) + _REMARK),
        "WebP": ("image/webp", saved(image, "WEBP", exif=told, icc_profile=profile, xmp=_XMP)),
        "see-through WebP": (
            "image/webp",
            saved(quarters(colours=((0, 0, 0, 0), *((*c, 255) for c in CORNERS[1:]))), "WEBP", exif=told, xmp=_XMP),
        ),
    }


def deep_png(width: int, height: int, channels: int) -> bytes:
    """A PNG of 16 bits a channel, growing evenly from black on the left to white on the right."""
    row = b"\0" + b"".join(struct.pack(">H", 65535 * x // (width - 1)) * channels for x in range(width))
    header = struct.pack(">IIBBBBB", width, height, 16, 0 if channels == 1 else 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(row * height)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def swapped_profile() -> bytes:
    """A colour profile whose red is sRGB's blue, and the other way round."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", data, 128)
    entries = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    data[red : red + 4], data[blue : blue + 4] = data[blue : blue + 4], data[red : red + 4]
    return bytes(data)


def noise(width: int, height: int, format_name: str, **options: object) -> bytes:
    """Pixels without any order, which no format can pack; a tile of them is laid out again and again."""
    tile = Image.frombytes("RGB", (1000, 1000), random.Random(1).randbytes(3_000_000))
    image = Image.new("RGB", (width, height))
    for left in range(0, width, tile.width):
        for top in range(0, height, tile.height):
            image.paste(tile, (left, top))
    return saved(image, format_name, **options)


def noise_png(edge: int, seed: int) -> bytes:
    """A small PNG whose pixels, and whatever is made of them, no format can pack."""
    return saved(Image.frombytes("RGB", (edge, edge), random.Random(seed).randbytes(3 * edge * edge)), "PNG")


def fine_jpeg(width: int, height: int) -> bytes:
    """A progressive JPEG whose colours are stored as finely as its lightness: the most that a decoder has to hold."""
    buffer = BytesIO(good_jpeg(width, height, progressive=True))
    return saved(Image.open(buffer), "JPEG", quality=85, progressive=True, subsampling=0)


def indexed_gif(width: int, height: int) -> bytes:
    """A GIF of 256 smooth colours, which need not be searched for as those of `good_gif` are."""
    few = Image.frombytes("L", (4, 4), random.Random(0).randbytes(16))
    image = few.resize((width, height), Image.Resampling.BILINEAR)
    image.putpalette(bytes(part for n in range(256) for part in (n, 255 - n, n // 2)))
    return saved(image, "GIF")


def see_through_webp(width: int, height: int) -> bytes:
    """A WebP whose pixels are solid to every degree."""
    return saved(Image.open(BytesIO(good_png(width, height))), "WEBP", method=0)


@lru_cache(maxsize=1)  # it takes a second; kept until another is asked for
def see_through_noise_webp(width: int, height: int) -> bytes:
    """A lossless WebP of noise, solid to every degree but the upper half: nearly four bytes a pixel, nothing packs."""
    source, count = random.Random(1), width * height
    colours = [Image.frombytes("L", (width, height), source.randbytes(count)) for _ in range(3)]
    solid = Image.frombytes("L", (width, height), source.randbytes(count)).point(lambda value: value >> 1)
    return saved(Image.merge("RGBA", (*colours, solid)), "WEBP", lossless=True, exact=True, quality=0, method=0)


def as_animation(webp: bytes, width: int, height: int) -> bytes:
    """The still WebP of a single chunk, as the one frame of an animation."""
    place = b"".join(number.to_bytes(3, "little") for number in (0, 0, width - 1, height - 1, 100)) + b"\0"
    frame = place + webp[12:]
    canvas = b"\x12\0\0\0" + b"".join(number.to_bytes(3, "little") for number in (width - 1, height - 1))
    chunks = b"".join(
        kind + struct.pack("<I", len(body)) + body
        for kind, body in ((b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", frame))
    )
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks
