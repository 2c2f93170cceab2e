"""From an image's own colours to sRGB; used in the child process only, where ImageCms was imported beforehand."""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from chalicelib.adapters.child_limits import DAMAGED

if TYPE_CHECKING:
    from PIL import ImageCms

Pixels = Image.Image

MODULE = "PIL.ImageCms"

# By the kind of colours that a profile describes, the modes whose pixels it can be applied to.
_APPLIES_TO = {"RGB": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}


def may_hold_profile(data: bytes) -> bool:
    """Whether the bytes of a JPEG, PNG or WebP may hold a colour profile."""
    return any(mark in data for mark in (b"ICC_PROFILE\x00", b"iCCP", b"ICCP"))


def srgb_from(profile: bytes | None, mode: str) -> Callable[[Pixels], Pixels] | None:
    """What turns pixels of that mode into sRGB, in RGB or RGBA; None if there is no such profile, or not for them."""
    if profile is None:
        return None
    from PIL import ImageCms

    try:
        described = ImageCms.ImageCmsProfile(BytesIO(profile))
        if mode not in _APPLIES_TO.get(described.profile.xcolor_space.strip(), ()):
            return None
        out_mode = "RGBA" if mode == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(described, ImageCms.createProfile("sRGB"), mode, out_mode)
    except (ImageCms.PyCMSError, *DAMAGED):
        return None  # a profile that is none changes nothing

    return lambda pixels: _applied(transform, pixels)


def _applied(transform: "ImageCms.ImageCmsTransform", pixels: Pixels) -> Pixels:
    return transform.apply(pixels)
