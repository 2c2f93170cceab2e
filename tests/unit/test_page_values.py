"""Images and fleets as the pages tell them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.domain import fleet
from chalicelib.domain.fleet import Node
from chalicelib.domain.images import Image, ImageFacts
from chalicelib.web import page_values


def image(key: str = "k1", media_type: str = "image/png", width: int = 30, height: int = 20) -> Image:
    moment = datetime(2030, 5, 3, 16, 5, 59, tzinfo=timezone(timedelta(hours=2)))
    facts = ImageFacts(media_type, width, height, 1)
    return Image(b"\0" * 16, key.encode(), "originals/1", b"\0" * 32, 1536, facts, moment)


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (10 * 1024, "10 KiB"),
        (1024 * 1024 - 1, "1024 KiB"),
        (1024 * 1024, "1.0 MiB"),
        (64 * 1024 * 1024, "64 MiB"),
    ],
)
def test_sizes_in_words(size_bytes: int, words: str) -> None:
    assert page_values.size_in_words(size_bytes) == words


def test_times_are_told_in_utc_to_the_minute() -> None:
    shown = page_values.shown(image())
    assert (shown.uploaded, shown.uploaded_iso) == ("3 May 2030, 14:05 UTC", "2030-05-03T14:05:59+00:00")
    assert page_values.day_and_minute(datetime(2030, 12, 31, 0, 0, tzinfo=UTC)) == "31 Dec 2030, 00:00 UTC"


@pytest.mark.parametrize(
    ("width", "height", "ratio"), [(30, 20, 15), (1, 1, 10), (65535, 1, 30), (1, 65535, 5), (1000, 333, 30)]
)
def test_the_ratio_is_in_tenths_and_bounded(width: int, height: int, ratio: int) -> None:
    assert page_values.shown(image(width=width, height=height)).ratio == ratio


@pytest.mark.parametrize(
    ("rate", "words"), [(None, None), (0.0, "0.0 %"), (1.0, "100.0 %"), (0.99999, "99.9 %"), (0.29, "29.0 %")]
)
def test_a_rate_is_never_rounded_up_and_may_be_missing(rate: float | None, words: str | None) -> None:
    assert page_values.rate_in_words(rate) == words


@pytest.mark.parametrize(
    ("key", "media_type", "name"),
    [
        ("beach.JPEG", "image/jpeg", "beach.JPEG"),
        ("a/b/c", "image/webp", "c.webp"),
        ("a\\b.gif", "image/gif", "b.gif"),
        ("a/", "image/png", "a.png"),
        ("..", "image/png", "image.png"),
        ("program.exe", "image/png", "program.exe.png"),
    ],
)
def test_the_name_to_save_under(key: str, media_type: str, name: str) -> None:
    assert page_values.file_name(image(key, media_type)) == name


def test_nodes_and_cells_follow_the_map() -> None:
    nodes = [Node(f"i-{number}", f"10.0.0.{number}", 11211) for number in range(9)]
    fleet_map = fleet.with_nodes(fleet.EMPTY, nodes)
    shown = page_values.shown_nodes(fleet_map)
    assert [node.number for node in shown] == list(range(1, 10))
    assert [node.colour for node in shown] == [1, 2, 3, 4, 5, 6, 7, 8, 1]
    assert shown[0].partitions == (1, 10)
    assert [cell and cell.number for cell in page_values.cells(fleet_map)] == [*range(1, 10), *range(1, 8)]
    serving = page_values.node_serving(fleet_map, b"k1")  # partition 12 of 16
    assert serving is not None
    assert serving.id == "i-2"


def test_an_empty_fleet_serves_no_partition() -> None:
    assert page_values.cells(fleet.EMPTY) == [None] * 16
    assert page_values.node_serving(fleet.EMPTY, b"k1") is None
