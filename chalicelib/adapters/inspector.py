"""Learn what an image is by decoding it in a child process."""

import json

from chalicelib.adapters.decoding_children import Child, DecodingChildren, not_working
from chalicelib.domain.errors import UnreadableImageError, UnsupportedTypeError
from chalicelib.domain.image_limits import check_bytes, check_frames, max_pixels
from chalicelib.domain.images import MAX_FRAMES, ImageFacts
from chalicelib.domain.signatures import claimed_size, media_type_of

_MEMORY_BYTES = 640 * 1024 * 1024  # of address space: 512 MiB for the image, the rest for the interpreter


class ChildInspector:
    """Reads images in child processes; the arguments are those of DecodingChildren."""

    def __init__(
        self,
        time_limit_seconds: float = 5.0,
        memory_bytes: int = _MEMORY_BYTES,
        max_children: int = 2,
        wait_seconds: float = 10.0,
    ) -> None:
        self._children = DecodingChildren(
            "chalicelib.adapters.inspect_child", time_limit_seconds, memory_bytes, max_children, wait_seconds
        )

    def inspect(self, data: bytes) -> ImageFacts:
        """What the bytes are, after every frame was decoded; bytes after the end of the image are allowed.

        Raises UnsupportedTypeError, TooLargeError, UnreadableImageError (damaged, cut short, or beyond a limit on
        scans, time or memory), OverloadedError when no child could be had, and UnavailableError when it did not work.
        """
        if not data:
            raise UnsupportedTypeError("The file is empty.")
        check_bytes(len(data))
        media_type = media_type_of(data)
        if media_type is None:
            raise UnsupportedTypeError(
                "The file is not an image in one of the formats that are kept: JPEG, PNG, GIF, WebP."
            )
        if claim := claimed_size(media_type, data):
            check_frames(media_type, *claim, frames=1)
        width, height, frames = _facts(
            self._children.run(data, media_type, str(max_pixels(media_type)), str(MAX_FRAMES))
        )
        check_frames(media_type, width, height, frames)
        if not width * height * frames:
            raise UnreadableImageError("The image has no pixels.")
        return ImageFacts(media_type, width, height, frames)


def _facts(child: Child) -> tuple[int, int, int]:
    """Width and height in pixels and number of frames, out of the child's answer; raises as `inspect` does."""
    try:
        answer = json.loads(child.stdout)
    except ValueError as error:
        raise not_working(child) from error
    match answer:
        case {"width": int(width), "height": int(height), "frames": int(frames)}:
            return width, height, frames
        case {"refused": str(why)}:
            raise UnreadableImageError(why)
    raise not_working(child)
