"""The limits on an image's bytes, pixels and frames, and the words in which one that passes them is refused."""

from chalicelib.domain.errors import TooLargeError
from chalicelib.domain.images import MAX_BYTES, MAX_FRAMES, MAX_PIXELS

# Decoding WebP takes the file, of up to 64 MiB, and eight bytes a pixel. Less than 256 MiB, with the interpreter,
# is wanted of every image up to 25 megapixels, which leaves room for this many.
MAX_WEBP_PIXELS = 4096 * 4096

_MIB = 1024 * 1024


def max_pixels(media_type: str) -> int:
    """The most pixels that an image of that type may have over all its frames."""
    return MAX_WEBP_PIXELS if media_type == "image/webp" else MAX_PIXELS


def check_bytes(size: int) -> None:
    """Raise TooLargeError if a file of `size` bytes is not kept."""
    if size > MAX_BYTES:
        raise TooLargeError(f"The file is {size / _MIB:.1f} MiB; at most {MAX_BYTES // _MIB} MiB are kept.")


def check_frames(media_type: str, width: int, height: int, frames: int) -> None:
    """Raise TooLargeError if frames of that size, in pixels, are too many in number or in sum."""
    if frames > MAX_FRAMES:
        raise TooLargeError(f"The image has {frames:,} frames; at most {MAX_FRAMES} are kept.")
    limit = max_pixels(media_type)
    pixels = width * height * frames
    if pixels > limit:
        kind = "WebP image" if media_type == "image/webp" else "image"
        over_frames = f" in {frames} frames" if frames > 1 else ""
        raise TooLargeError(
            f"The {kind} is {width:,} × {height:,} pixels{over_frames}, {_in_millions(pixels)} million in all; "
            f"at most {_in_millions(limit)} million are kept."
        )


def _in_millions(pixels: int) -> str:
    return f"{pixels / 1e6:,.1f}".removesuffix(".0")
