"""Tags found automatically say what the file and its pixels say, whatever EXIF holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.automatic_tags import MOST_TAGS, automatic_tags, camera_tag, capture_month
from chalicelib.domain.images import MEDIA_TYPES
from chalicelib.domain.renditions import Seen
from chalicelib.domain.tags import MOST_CHARACTERS, tag_of

RED, BLUE, WHITE, BLACK, GREEN = (208, 28, 28), (30, 86, 200), (255, 255, 255), (0, 0, 0), (46, 139, 53)


def test_an_image_gets_every_tag_in_order() -> None:
    seen = Seen(4000, 3000, ((*BLUE, 0.6), (*WHITE, 0.3), (*RED, 0.1)), "Canon Canon EOS 5D", "2024:05:17 08:30:00")
    assert automatic_tags(seen, "image/jpeg") == [
        *("jpeg", "landscape", "large", "blue", "white", "red", "canon eos 5d", "2024-05"),
    ]


def test_an_image_that_says_nothing_has_three_tags() -> None:
    assert automatic_tags(Seen(10, 20), "image/webp") == ["webp", "portrait", "small"]


@pytest.mark.parametrize(
    ("width", "height", "tag"),
    [
        (100, 100, "square"),
        (105, 100, "square"),
        (100, 105, "square"),
        (106, 100, "landscape"),
        (100, 106, "portrait"),
        (1, 1, "square"),
        (65_500, 1, "landscape"),
    ],
)
def test_orientation(width: int, height: int, tag: str) -> None:
    assert automatic_tags(Seen(width, height), "image/png")[1] == tag


@pytest.mark.parametrize(
    ("width", "height", "tag"),
    [
        (1000, 1000, "small"),
        (1001, 1000, "medium"),
        (3000, 2000, "medium"),
        (4000, 3000, "large"),
        (6000, 4000, "large"),
        (6001, 4000, "huge"),
        (10_000, 5000, "huge"),
    ],
)
def test_size_class(width: int, height: int, tag: str) -> None:
    assert automatic_tags(Seen(width, height), "image/png")[2] == tag


@pytest.mark.parametrize(
    ("shares", "tags"),
    [
        ([(RED, 0.91), (BLUE, 0.09)], ["red"]),
        ([(RED, 0.09), (BLUE, 0.91)], ["blue"]),
        ([(RED, 0.06), (BLUE, 0.88), (RED, 0.06)], ["blue", "red"]),
        ([(RED, 0.2), (BLUE, 0.2), (WHITE, 0.2), (BLACK, 0.2), (GREEN, 0.2)], ["black", "blue", "green", "red"]),
        ([], []),
    ],
)
def test_main_colours_have_a_tenth_or_more_and_are_four_at_most(
    shares: list[tuple[tuple[int, int, int], float]], tags: list[str]
) -> None:
    seen = Seen(10, 10, tuple((*colour, share) for colour, share in shares))
    assert automatic_tags(seen, "image/png")[3:] == tags


@pytest.mark.parametrize(
    ("words", "tag"),
    [
        ("NIKON CORPORATION NIKON D750", "nikon d750"),
        ("OLYMPUS IMAGING CORP.   E-M1", "olympus e-m1"),
        ("Apple iPhone 12 Pro", "apple iphone 12 pro"),
        ("SONY ILCE-7M3", "sony ilce-7m3"),
        ("EASTMAN KODAK COMPANY KODAK Z612", "eastman kodak z612"),
        ("Canon\0\0 Canon EOS\x01 R5, mark\nII", "canon eos r5 mark ii"),
        ("x" * 200, "x" * 50),
        ("a" * 49 + " bcd", "a" * 49),
        ("\0\0\0", None),
        ("Corporation", None),
        ("--- ,,, ...", None),
        ("", None),
    ],
)
def test_a_camera_is_called_what_its_owner_calls_it(words: str, tag: str | None) -> None:
    assert camera_tag(words) == tag


@pytest.mark.parametrize(
    ("words", "tag"),
    [
        ("2024:05:17 08:30:00", "2024-05"),
        ("2024-12-01T00:00:00", "2024-12"),
        (" 1999:01:01", "1999-01"),
        ("2024:05", "2024-05"),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("2024:13:01 00:00:00", None),
        ("2024:00:01 00:00:00", None),
        ("2024:123", None),
        ("1824:05:17", None),
        ("taken 2024:05:17", None),
        ("٢٠٢٤:٠٥:١٧", None),
        ("20²4:05:17", None),
        ("", None),
    ],
)
def test_a_month_is_one_or_left_out(words: str, tag: str | None) -> None:
    assert capture_month(words) == tag


PART = st.integers(0, 255)
COLOURS = st.lists(st.tuples(PART, PART, PART, st.floats(0, 1)), max_size=16).map(tuple)
ANY_TEXT = st.none() | st.text(max_size=300) | st.text("0123456789:-./ ", max_size=30) | st.from_regex(r"20\d\d:\d\d.*")
SIZE = st.integers(1, 65_535)


@given(st.builds(Seen, SIZE, SIZE, COLOURS, ANY_TEXT, ANY_TEXT), st.sampled_from(MEDIA_TYPES))
def test_whatever_exif_says_every_tag_is_one_and_there_are_few(seen: Seen, media_type: str) -> None:
    tags = automatic_tags(seen, media_type)
    assert 3 <= len(tags) <= MOST_TAGS
    assert len(set(tags)) == len(tags)
    for tag in tags:
        assert tag_of(tag) == tag
        assert 1 <= len(tag) <= MOST_CHARACTERS
