"""A thumbnail of a JPEG of 12 megapixels, against decoding it at an eighth of its size: no thumbnail can do without.

Both are measured inside of the process that decodes. The thumbnail's share is all that the renderer does: reading EXIF,
counting scans, scaling, finding the main colours, encoding.
"""

import json
import random
import subprocess
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from bench.interleaved import Comparison
from bench.rows import Row, row

PROJECT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 4000, 3000
GOAL = 1.4
MOST_EXTRA_BYTES = 8_000_000
WHAT = "thumbnail of a JPEG of 12 megapixels, against a decode at 1/8"
_PROCESS_SECONDS = 300


def rows() -> list[Row]:
    """Time against the decode alone, and memory against the most that is granted."""
    data = camera_jpeg(WIDTH, HEIGHT)
    extra, decode_extra = int(_told("memory", data)), int(_told("decode-memory", data))
    return [
        row(WHAT, against_decode(data), GOAL),
        _memory_row(
            "memory of that thumbnail beside the image, against the 8 MB it may take", extra, MOST_EXTRA_BYTES, 1.0
        ),
        _memory_row("memory of that thumbnail beside the image, against that of the decode", extra, decode_extra, None),
    ]


def against_decode(data: bytes) -> Comparison:
    """The thumbnail's time against the decode's."""
    return Comparison(**json.loads(_told("time", data)))


def camera_jpeg(width: int, height: int, seed: int = 1) -> bytes:
    """A JPEG of about the bytes that a camera writes: soft shapes under fine grain, 4:2:0, with a little EXIF."""
    dice = random.Random(seed)
    shapes = Image.frombytes("RGB", (32, 24), dice.randbytes(32 * 24 * 3))
    grain = Image.frombytes("RGB", (512, 512), dice.randbytes(512 * 512 * 3))
    image = shapes.resize((width, height), Image.Resampling.BICUBIC)
    for left in range(0, width, grain.width):
        for top in range(0, height, grain.height):
            box = (left, top, min(left + grain.width, width), min(top + grain.height, height))
            part = grain.crop((0, 0, box[2] - left, box[3] - top))
            image.paste(Image.blend(image.crop(box), part, 0.08), box)
    exif = Image.Exif()
    exif.update({0x010F: "Maker", 0x0110: "Model", 0x0112: 6, 0x0132: "2024:05:01 12:00:00"})
    written = BytesIO()
    image.save(written, "JPEG", quality=88, exif=exif)
    return written.getvalue()


def _told(what: str, data: bytes) -> str:
    return subprocess.run(
        [sys.executable, "-m", "bench.thumbnail_child", what],
        input=data,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        timeout=_PROCESS_SECONDS,
        check=True,
    ).stdout.decode()


def _memory_row(what: str, ours: int, theirs: int, goal: float | None) -> Row:
    ratio = ours / theirs
    return Row(what, f"{ours / 1e6:.1f} MB", f"{theirs / 1e6:.1f} MB", ratio, ratio, ratio, goal)
