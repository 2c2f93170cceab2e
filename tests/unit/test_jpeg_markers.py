"""Scans are counted as a decoder meets them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chalicelib.domain.errors import UnreadableImageError
from chalicelib.domain.jpeg_markers import MAX_SCANS, check_scans, coefficient_bytes, scan_count
from tests import hostile_images as images
from tests import renderable_images as renderable

SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"


def test_a_baseline_image_has_one_scan() -> None:
    assert scan_count(images.good_jpeg(), 1000) == 1


def test_a_progressive_image_stays_far_below_the_limit() -> None:
    assert 5 <= scan_count(images.good_jpeg(progressive=True), 1000) <= MAX_SCANS // 5


@pytest.mark.parametrize("scans", [100, 101, 1500])
def test_repeated_scans_are_all_counted(scans: int) -> None:
    assert scan_count(images.scan_flood_jpeg(scans), 10_000) == scans


def test_counting_ends_where_told() -> None:
    assert scan_count(images.scan_flood_jpeg(1500), MAX_SCANS + 1) == MAX_SCANS + 1


def test_scans_within_metadata_do_not_count() -> None:
    comment = b"\xff\xfe\x00\x16" + SCAN * 2
    data = images.good_jpeg()
    assert scan_count(data[:2] + comment + data[2:], 1000) == 1


def test_scans_after_the_end_of_the_image_do_not_count() -> None:
    assert scan_count(images.good_jpeg() + SCAN * 500, 1000) == 1


@pytest.mark.parametrize(
    "between",
    [b"\x12\x34\x56", b"\xff\x00\xff\x00", b"\xff\xd0", b"\xff\xff\xff", b"\xff" * 9 + b"\x00", b"\xff\x01"],
    ids=["pixels", "stuffed FF", "restart", "padding", "long padding", "TEM"],
)
def test_whatever_stands_between_two_scans_both_count(between: bytes) -> None:
    assert scan_count(b"\xff\xd8" + SCAN + between + SCAN + between + b"\xff\xd9", 1000) == 2


@pytest.mark.parametrize("tail", [b"", b"\xff", b"\xff\xda", b"\xff\xda\x00", b"\xff\xda\x00\x01", b"\xff\xda\xff\xff"])
def test_an_end_at_any_point_is_an_end(tail: bytes) -> None:
    assert scan_count(b"\xff\xd8" + SCAN + tail, 1000) in (1, 2)


def test_padding_takes_no_more_than_one_look_at_each_byte() -> None:
    # A pattern that looked again at each would take hours.
    assert scan_count(b"\xff\xd8" + SCAN + b"\xff" * 5_000_000 + b"\x00" + SCAN, 1000) == 2


@pytest.mark.parametrize(
    ("subsampling", "bytes_per_pixel"), [(0, 6.0), (1, 4.0), (2, 3.0)], ids=["4:4:4", "4:2:2", "4:2:0"]
)
def test_a_progressive_image_is_held_whole_as_coefficients(subsampling: int, bytes_per_pixel: float) -> None:
    image = Image.new("RGB", (640, 320))
    data = renderable.saved(image, "JPEG", progressive=True, subsampling=subsampling)
    assert coefficient_bytes(data) == 640 * 320 * bytes_per_pixel


def test_coefficients_are_counted_in_whole_blocks() -> None:
    data = renderable.saved(Image.new("L", (1, 9)), "JPEG", progressive=True)
    assert coefficient_bytes(data) == 2 * 64 * 2


def test_an_image_in_one_scan_is_never_held_whole() -> None:
    assert coefficient_bytes(images.good_jpeg(640, 320)) == 0


def test_a_first_scan_that_lacks_a_component_means_more_scans() -> None:
    data = bytearray(images.good_jpeg(640, 320))
    scan = data.rindex(b"\xff\xda")
    data[scan + 4] = 1
    assert coefficient_bytes(bytes(data)) == 640 * 320 * 3


@given(st.binary(max_size=200))
def test_any_header_is_answered(header: bytes) -> None:
    assert coefficient_bytes(b"\xff\xd8" + header) >= 0
    assert coefficient_bytes(b"\xff\xd8\xff\xc2" + header) >= 0


def test_too_many_scans_are_refused_in_words() -> None:
    check_scans(images.scan_flood_jpeg(MAX_SCANS))
    with pytest.raises(UnreadableImageError, match="more than 100 scans"):
        check_scans(images.scan_flood_jpeg(MAX_SCANS + 1))
