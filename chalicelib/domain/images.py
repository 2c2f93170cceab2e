"""What an image is: the facts read from its bytes, its row, and the limits on it."""

from dataclasses import dataclass
from datetime import datetime

MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
FILE_EXTENSIONS = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
}

MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 50_000_000  # over all frames
MAX_FRAMES = 200


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the bytes say of themselves; width and height in pixels as stored, before any orientation."""

    media_type: str
    width: int
    height: int
    frames: int


@dataclass(frozen=True, slots=True)
class Image:
    """One row: what is known of an image, and the name of the immutable object that holds its bytes."""

    owner_id: bytes  # 16 random bytes
    key: bytes  # exact UTF-8
    object_key: str  # never used for other bytes
    sha256: bytes
    size: int  # bytes
    facts: ImageFacts
    created_at: datetime  # UTC, aware
