"""Make renditions of an image in a child process."""

import json
from collections.abc import Iterator, Sequence

from chalicelib.adapters.decoding_children import Child, DecodingChildren, not_working
from chalicelib.domain.errors import UnreadableImageError, UnsupportedTypeError
from chalicelib.domain.image_limits import check_bytes, check_frames
from chalicelib.domain.renditions import MEDIA_TYPE, Kind, Rendered, Seen
from chalicelib.domain.signatures import claimed_size, media_type_of
from chalicelib.domain.webp_chunks import is_only_pixels

_MEMORY_BYTES = 640 * 1024 * 1024  # of address space: 512 MiB for the image, the rest for the interpreter
_MOST_COLOURS = 16


class ChildRenderer:
    """Renders images in child processes, one for each image; the arguments are those of DecodingChildren."""

    def __init__(
        self,
        time_limit_seconds: float = 5.0,
        memory_bytes: int = _MEMORY_BYTES,
        max_children: int = 2,
        wait_seconds: float = 10.0,
    ) -> None:
        self._children = DecodingChildren(
            "chalicelib.adapters.render_child", time_limit_seconds, memory_bytes, max_children, wait_seconds
        )

    def render(self, data: bytes, media_type: str, kinds: Sequence[Kind]) -> tuple[Seen, list[Rendered]]:
        """What the image shows, and its renditions in the order of `kinds`; of an animation, the first frame's.

        The same bytes and kinds give the same renditions. They hold pixels in sRGB, upright, and nothing else.

        Raises UnsupportedTypeError, TooLargeError or UnreadableImageError for bytes that will never be rendered;
        OverloadedError when no child could be had, and UnavailableError when it did not work.
        """
        check_bytes(len(data))
        if media_type_of(data) != media_type:
            raise UnsupportedTypeError(f"The file is no image of the type {media_type}.")
        if claim := claimed_size(media_type, data):
            check_frames(media_type, *claim, frames=1)
        wanted = json.dumps([(kind.name, kind.edge_pixels, kind.turn, kind.quality, kind.media_type) for kind in kinds])
        child = self._children.run(data, media_type, wanted)
        line, _, bodies = child.stdout.partition(b"\n")
        try:
            answer = json.loads(line)
            match answer:
                case {"refused": str(why)}:
                    raise UnreadableImageError(why)
                case {"renditions": list(made)}:
                    return _seen(answer), list(_renditions(kinds, made, bodies))
        except (ValueError, TypeError, KeyError) as error:  # a decoder that was taken over may answer anything
            raise not_working(_without_bodies(child, line)) from error
        raise not_working(_without_bodies(child, line))


def _without_bodies(child: Child, line: bytes) -> Child:
    return Child(child.args, child.returncode, line, child.stderr)


def _seen(answer: dict[str, object]) -> Seen:
    match answer:
        case {"width": int(width), "height": int(height), "colours": list(colours), "camera": camera, "taken": taken}:
            found = tuple(_colour(*each) for each in colours[:_MOST_COLOURS])
            return Seen(width, height, found, _text(camera), _text(taken))
    raise ValueError("not what was seen")


def _colour(red: object, green: object, blue: object, share: object) -> tuple[int, int, int, float]:
    match red, green, blue, share:
        case int(red), int(green), int(blue), int() | float() if all(0 <= each <= 255 for each in (red, green, blue)):
            return red, green, blue, float(share)
    raise ValueError("not a colour")


def _text(found: object) -> str | None:
    if found is None or isinstance(found, str):
        return found
    raise ValueError("not a text")


def _is_of_type(media_type: str, body: bytes) -> bool:
    """What is stored holds pixels and nothing else; a JPEG is only ever looked at."""
    return is_only_pixels(body) if media_type == MEDIA_TYPE else media_type_of(body) == media_type


def _renditions(kinds: Sequence[Kind], made: list[object], bodies: bytes) -> Iterator[Rendered]:
    """The renditions that were asked for, each of the size and the format that it must have. Raises ValueError."""
    position = 0
    for kind, each in zip(kinds, made, strict=True):
        match each:
            case [kind.name, int(width), int(height), int(length)] if 0 < max(width, height) <= kind.edge_pixels:
                body = bodies[position : position + length]
                if not _is_of_type(kind.media_type, body) or claimed_size(kind.media_type, body) != (width, height):
                    raise ValueError("not a rendition")
                yield Rendered(kind, width, height, body)
                position += length
            case _:
                raise ValueError("not the rendition that was asked for")
    if position != len(bodies):
        raise ValueError("more than was asked for")
