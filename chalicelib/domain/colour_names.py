"""Names of colours: the nearest of a dozen to what the eye sees, by distance in CIELAB."""

from collections.abc import Iterable
from functools import cache

# Each name with sRGB colours that everybody calls so: a dark and a light one stand where one would not reach.
_NAMED: dict[str, tuple[int, ...]] = {
    "black": (0x000000, 0x1C1C1E),
    "white": (0xFFFFFF, 0xF2F2EE),
    "grey": (0x808080, 0x4D4D4D, 0xB8B8B8),
    "red": (0xD01C1C, 0x8B1A1A, 0xFF3B30),
    "orange": (0xF57C00, 0xFF9F40),
    "yellow": (0xF7D716, 0xFFF176, 0xC9A800),
    "green": (0x2E8B35, 0x1B4D20, 0x7CC96B, 0x6B7A2A, 0x36422A),
    "turquoise": (0x20B2AA, 0x0E6B6B, 0x7FE0D8),
    "blue": (0x1E56C8, 0x14285F, 0x87BCEB, 0x4A7BA8, 0x0000FF, 0x000080),
    "purple": (0x7B2FA8, 0x45206B, 0xB48AD8, 0x8F00FF, 0x4B0082),
    "pink": (0xF06292, 0xF8BBD0, 0xD81B9A, 0xFF00FF),
    "brown": (0x7A4A21, 0x4A2C17, 0xA9754A),
    "beige": (0xE3D3B4, 0xC8B592),
}

NAMED_COLOURS = tuple(_NAMED)

Lab = tuple[float, float, float]


def colour_name(red: int, green: int, blue: int) -> str:
    """The name of an sRGB colour; each part is 0 to 255."""
    seen = lab(red, green, blue)
    return min((_distance(seen, anchor), name) for anchor, name in _anchors())[1]


def named_shares(colours: Iterable[tuple[int, int, int, float]]) -> dict[str, float]:
    """The shares of (red, green, blue, share) summed by name, most first; equal ones by name."""
    shares: dict[str, float] = {}
    for red, green, blue, share in colours:
        name = colour_name(red, green, blue)
        shares[name] = shares.get(name, 0.0) + share
    return dict(sorted(shares.items(), key=lambda found: (-found[1], found[0])))


def lab(red: int, green: int, blue: int) -> Lab:
    """An sRGB colour in CIELAB under D65: lightness 0 to 100, green to red, blue to yellow."""
    r, g, b = (_linear(part / 255) for part in (red, green, blue))
    x = _curve((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047)
    y = _curve(0.2126 * r + 0.7152 * g + 0.0722 * b)
    z = _curve((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _curve(part: float) -> float:
    return part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116


def _distance(one: Lab, other: Lab) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


@cache
def _anchors() -> tuple[tuple[Lab, str], ...]:
    return tuple(
        (lab(each >> 16, each >> 8 & 255, each & 255), name) for name, anchors in _NAMED.items() for each in anchors
    )
