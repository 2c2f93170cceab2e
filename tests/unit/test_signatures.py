"""Which format the first bytes tell, and which size they claim."""

import pytest

from chalicelib.domain.signatures import claimed_size, media_type_of
from tests import hostile_images as images

GOOD = [
    ("image/jpeg", images.good_jpeg(70, 50)),
    ("image/jpeg", images.good_jpeg(70, 50, progressive=True)),
    ("image/jpeg", images.gps_jpeg(70, 50)),
    ("image/png", images.good_png(70, 50)),
    ("image/png", images.animated_png(70, 50)),
    ("image/gif", images.good_gif(70, 50)),
    ("image/gif", images.animated_gif(70, 50)),
    ("image/webp", images.good_webp(70, 50)),
    ("image/webp", images.good_webp(70, 50, lossless=True)),
    ("image/webp", images.animated_webp(70, 50)),
]


@pytest.mark.parametrize(("media_type", "data"), GOOD)
def test_first_bytes_tell_format_and_size(media_type: str, data: bytes) -> None:
    assert media_type_of(data) == media_type
    assert claimed_size(media_type, data) == (70, 50)


@pytest.mark.parametrize("what", images.other_files())
def test_other_files_are_none_of_the_formats(what: str) -> None:
    assert media_type_of(images.other_files()[what]) is None


def test_no_bytes_are_no_format() -> None:
    assert media_type_of(b"") is None


@pytest.mark.parametrize(("media_type", "data"), GOOD)
def test_a_header_cut_anywhere_claims_the_true_size_or_none(media_type: str, data: bytes) -> None:
    for length in range(min(len(data), 700)):
        assert claimed_size(media_type, data[:length]) in (None, (70, 50))


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/gif"])
def test_the_largest_claim_is_read(media_type: str) -> None:
    assert claimed_size(media_type, images.claiming_65535(media_type)) == (65535, 65535)


def test_the_largest_claim_of_webp_is_read() -> None:
    assert claimed_size("image/webp", images.claiming_65535("image/webp")) == (16383, 16383)


def test_the_size_of_a_jpeg_is_found_behind_long_metadata() -> None:
    comment = b"\xff\xfe\xff\xff" + b"\xff\xc0" * 32766 + b"\x00"  # full of what would be frame headers
    data = images.good_jpeg(70, 50)
    assert claimed_size("image/jpeg", data[:2] + comment * 10 + data[2:]) == (70, 50)
