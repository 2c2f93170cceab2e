"""What a thumbnail costs inside of the process that makes it, told as JSON.

python -m bench.thumbnail_child time < image.jpg        the thumbnail and a decode at an eighth by turns
python -m bench.thumbnail_child memory < image.jpg      what the thumbnail takes beside image, interpreter and imports
python -m bench.thumbnail_child decode-memory < image.jpg      the same of the decode
"""

import json
import sys
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from PIL.JpegImagePlugin import JpegImageFile

from bench.interleaved import Call, compare
from chalicelib.adapters.render_child import Wanted, prepare, rendered
from chalicelib.domain.renditions import THUMBNAIL


def main() -> None:
    """As the module says."""
    data = sys.stdin.buffer.read()
    prepare("image/jpeg", data)
    wanted = [Wanted(THUMBNAIL.name, THUMBNAIL.edge_pixels, THUMBNAIL.turn, THUMBNAIL.quality)]

    def thumbnail() -> None:
        _, made = rendered(data, "image/jpeg", wanted)
        if max(made[0].width, made[0].height) != THUMBNAIL.edge_pixels:
            raise RuntimeError("no thumbnail came")

    def decode() -> None:
        with JpegImageFile(BytesIO(data)) as image:
            image.draft(None, (image.width // 8, image.height // 8))
            image.load()

    match sys.argv[1]:
        case "time":
            told: object = asdict(compare(thumbnail, decode, rounds=15, pairs=7, warm_up=3))
        case "memory":
            told = _extra_bytes(thumbnail)
        case _:
            told = _extra_bytes(decode)
    print(json.dumps(told))


def _extra_bytes(call: Call) -> int:
    """By how much resident memory rises at most, above what it is now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = _resident_peak_bytes()
    call()
    return _resident_peak_bytes() - before


def _resident_peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024


if __name__ == "__main__":
    main()
