"""Images to look at: hills under a sky, each of its own colours. The same number gives the same image."""

import math
import random
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter

PALETTES = (
    ("#f6d6a8", "#e8825c", "#7a3b52", "#2c1f3a"),
    ("#cfe6f5", "#7fb0d6", "#3c6e8f", "#16324a"),
    ("#e7f0d2", "#a3c585", "#5a8a4c", "#23402a"),
    ("#fbe3ec", "#e39ab5", "#9a5a8a", "#432a55"),
    ("#f3efe2", "#d8c39a", "#a17f4e", "#4d3820"),
    ("#20263f", "#3a4a78", "#1c2745", "#0b1020"),
    ("#d9f2ee", "#6cc0b2", "#2c7f78", "#0f3b3c"),
    ("#fff1c9", "#f3b94d", "#c8692e", "#5a2a1d"),
)
NAMES = ("dunes", "bay", "meadow", "dawn", "steppe", "night", "lagoon", "harvest")
SIZES = ((1500, 1000), (1000, 1400), (1600, 900), (1200, 1200), (2000, 800), (900, 1350), (1400, 1050))


def name_of(number: int) -> str:
    """The key of that image."""
    return f"{NAMES[number % len(NAMES)]} {number:02d}.jpg"


def hills(number: int) -> bytes:
    """A JPEG of about a megapixel."""
    chance = random.Random(number)
    width, height = SIZES[number % len(SIZES)]
    sky, sun, far, near = PALETTES[number % len(PALETTES)]
    image = Image.linear_gradient("L").resize((width, height))
    image = Image.composite(Image.new("RGB", image.size, sun), Image.new("RGB", image.size, sky), image)
    draw = ImageDraw.Draw(image)
    radius = chance.randint(40, 110)
    x, y = chance.randint(radius, width - radius), chance.randint(radius, height // 2)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill="#fff6e0")
    image = image.filter(ImageFilter.GaussianBlur(2))
    layers = 4
    for layer in range(layers):
        share = layer / (layers - 1)
        colour = Image.blend(Image.new("RGB", (1, 1), far), Image.new("RGB", (1, 1), near), share).getpixel((0, 0))
        base, phase, tall = height * (0.5 + 0.13 * layer), chance.random() * 7, height * chance.uniform(0.04, 0.1)
        line = [
            (at, base + tall * (math.sin(at / width * 6 + phase) + 0.4 * math.sin(at / width * 17 + 2 * phase)))
            for at in range(0, width + 20, 20)
        ]
        ImageDraw.Draw(image).polygon([*line, (width, height), (0, height)], fill=colour)
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Example", f"Model {number % 3}"
    image.save(out, "JPEG", quality=86, exif=exif)
    return out.getvalue()
