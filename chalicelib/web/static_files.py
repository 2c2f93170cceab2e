"""The styles, scripts and icons of the pages, from the folder `static` beside app.py."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "static"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Files that go out as one: a page asks for less, and is never shown with half of its styles.
TOGETHER = {
    "pages.css": ("style.css", "gallery.css"),
    "home.js": ("one_upload.js", "uploads.js", "upload.js", "gallery.js", "choosing.js", "lightbox.js", "search.js"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A file's bytes as they are sent, with the tag and the headers of that form."""

    data: bytes
    etag: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file: its bytes, plain and compressed, and a short name for exactly these bytes."""

    media_type: str
    data: bytes
    compressed: bytes
    version: str

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    def encoded_for(self, accepted: str) -> Sent:
        """The file in the form that the Accept-Encoding header's value asks for."""
        if _takes_gzip(accepted):
            return Sent(self.compressed, f'"{self.version}-gzip"', {"Content-Encoding": "gzip"})
        return Sent(self.data, self.etag, {})


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Every file by its name, read once. Only names found here are ever served, so no name leads elsewhere."""
    found = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA_TYPES}
    joined = {name: b"\n".join(found[part] for part in parts) for name, parts in TOGETHER.items()}
    return {name: _file(name, data) for name, data in {**found, **joined}.items()}


def static_path(name: str) -> str:
    """The file's path and version: it changes with the bytes, so browsers may keep it. Raises KeyError."""
    return f"/static/{name}?v={static_files()[name].version}"


def cache_control(file: StaticFile, asked_version: str) -> str:
    """How long a copy may be kept: for ever under the address that names its bytes, otherwise for minutes."""
    return "public, max-age=31536000, immutable" if asked_version == file.version else "public, max-age=300"


def _file(name: str, data: bytes) -> StaticFile:
    compressed = gzip.compress(data, 9, mtime=0)
    return StaticFile(MEDIA_TYPES[Path(name).suffix], data, compressed, hashlib.sha256(data).hexdigest()[:16])


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
