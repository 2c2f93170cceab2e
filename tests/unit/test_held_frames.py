"""A JPEG is decoded no larger than is needed, and no larger than memory allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.held_frames import jpeg_scale
from chalicelib.domain.images import MAX_PIXELS

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("width", "height", "edge_pixels", "scale"),
    [
        (4000, 3000, 320, 8),
        (4000, 3000, 1600, 2),
        (4000, 3000, 4096, 1),
        (3000, 4000, 1600, 2),
        (2560, 1, 320, 8),
        (2559, 1, 320, 4),
        (320, 200, 320, 1),
        (10, 10, 320, 1),
        (8192, 6000, 4096, 2),
        (8191, 6000, 4096, 1),
    ],
)
def test_a_jpeg_is_decoded_as_small_as_its_edge_allows(width: int, height: int, edge_pixels: int, scale: int) -> None:
    assert jpeg_scale(width, height, edge_pixels, 0, 0) == scale


def test_an_image_in_many_scans_is_decoded_once_for_every_edge() -> None:
    assert {jpeg_scale(4000, 3000, edge, 0, 4000 * 3000 * 3) for edge in (320, 1600, 4096)} == {1}


@pytest.mark.parametrize(
    ("bytes_per_pixel", "scale"), [(0, 1), (3, 1), (6, 2)], ids=["one scan", "4:2:0 in many", "4:4:4 in many"]
)
def test_memory_makes_it_smaller(bytes_per_pixel: int, scale: int) -> None:
    assert jpeg_scale(5000, 5000, 4096, 0, 25_000_000 * bytes_per_pixel) == scale


EDGE = st.integers(1, 65_500)


@given(EDGE, EDGE, st.sampled_from([320, 1600, 4096]), st.integers(0, 64 * MIB), st.sampled_from([0, 3, 6, 8]))
def test_what_is_decoded_fits_into_memory_or_is_as_small_as_can_be(
    width: int, height: int, edge_pixels: int, beside_bytes: int, bytes_per_pixel: int
) -> None:
    if width * height > MAX_PIXELS:
        return
    coefficients = width * height * bytes_per_pixel
    scale = jpeg_scale(width, height, edge_pixels, beside_bytes, coefficients)
    held = 4 * width * height // scale**2 + coefficients + beside_bytes
    limit = (256 if width * height <= 25_000_000 else 512) * MIB
    assert scale == 8 or held < limit
    assert scale in (1, 2, 4, 8)
