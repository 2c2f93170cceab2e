"""Pages of the gallery as plain values, their cursors, and what is said of images."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.gallery import (
    Cursor,
    GalleryEntry,
    GalleryPage,
    cursor_of,
    cursor_text,
    page_from_plain,
    tile_of,
)
from chalicelib.domain.image_details import SeenFacts, caption_of, seen_facts, taken_at
from chalicelib.domain.images import Image, ImageFacts
from chalicelib.domain.renditions import Seen
from chalicelib.domain.stored_renditions import Rendition, State
from chalicelib.web.gallery_values import EAGER, Source, shown_tiles
from chalicelib.web.looks import own_path

AT = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def image(width: int = 600, height: int = 400) -> Image:
    facts = ImageFacts("image/jpeg", width, height, 1)
    return Image(b"o" * 16, "é 1".encode(), "originals/ab/cd", b"s" * 32, 70, facts, AT)


def ready(kind: str, width: int, height: int) -> Rendition:
    return Rendition(kind, State.READY, f"renditions/{kind}", b"s" * 32, width, height, 9)


@pytest.mark.parametrize("key", ["k1", "a.b", "é 海", "."])
def test_a_cursor_is_read_as_it_was_written_to_the_microsecond(key: str) -> None:
    cursor = Cursor(AT + timedelta(microseconds=1), key.encode())
    assert cursor_of(cursor_text(cursor)) == cursor


@pytest.mark.parametrize("text", ["x", ".k1", "1f", "1f.", "zz.k1", "f" * 40 + ".k1", "1.\x01"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        cursor_of(text)


def test_a_page_survives_json() -> None:
    tile = tile_of(GalleryEntry(image(), "Sea", "blue"), [ready("thumbnail", 320, 213), Rendition("x", State.DUE, "o")])
    page = GalleryPage((tile,), "1f.k1")
    assert page_from_plain(json.loads(json.dumps(page.plain()))) == page


@pytest.mark.parametrize(("thumbnail", "size"), [((320, 213), (600, 400)), ((213, 320), (400, 600))])
def test_a_tile_is_as_high_as_the_image_stands_upright(thumbnail: tuple[int, int], size: tuple[int, int]) -> None:
    tile = tile_of(GalleryEntry(image()), [ready("thumbnail", *thumbnail)])
    assert (tile.width, tile.height) == size


@pytest.mark.parametrize(
    ("states", "state"),
    [([], "ready"), ([State.DUE], "due"), ([State.READY], "ready"), ([State.READY, State.FAILED], "failed")],
)
def test_a_tile_says_whether_it_is_processing_or_failed(states: list[State], state: str) -> None:
    made = [Rendition(kind, one, "o") for kind, one in zip(("thumbnail", "preview"), states, strict=False)]
    assert tile_of(GalleryEntry(image()), made).state == state


def test_a_tile_offers_its_renditions_from_small_to_large_and_itself_only_without_them() -> None:
    both = tile_of(GalleryEntry(image()), [ready("thumbnail", 320, 213), ready("preview", 600, 400)])
    small = tile_of(GalleryEntry(image()), [ready("thumbnail", 60, 40), ready("preview", 60, 40)])
    none = tile_of(GalleryEntry(image()), [])
    shown = shown_tiles(GalleryPage((both, small, none), None), with_edits=False)
    assert [one.sources for one in shown] == [
        (Source("thumbnail", 320), Source("preview", 600)),
        (Source("thumbnail", 60),),
        (Source("", 600),),
    ]


def test_edits_follow_their_original() -> None:
    tile = tile_of(GalleryEntry(image()), [ready("thumbnail", 320, 213), ready("flipped", 600, 400)])
    page = GalleryPage((tile, tile), None)
    assert [one.edit for one in shown_tiles(page, with_edits=True)] == ["", "flipped", "", "flipped"]
    assert [one.edit for one in shown_tiles(page, with_edits=False)] == ["", ""]


def test_only_the_first_row_is_loaded_at_once() -> None:
    page = GalleryPage((tile_of(GalleryEntry(image()), []),) * 20, None)
    assert [one.eager for one in shown_tiles(page, with_edits=False)] == [True] * EAGER + [False] * (20 - EAGER)


def test_a_caption_is_one_line_of_at_most_500_characters() -> None:
    assert caption_of("  The\n sea,\t海 ") == "The sea, 海"
    assert caption_of(" ") == ""
    for text in ("x" * 501, "a\x00b"):
        with pytest.raises(InvalidValueError):
            caption_of(text)


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("2024:05:17 08:30:00", datetime(2024, 5, 17, 8, 30)),
        ("2024:05:17 08:30:00.123\0", datetime(2024, 5, 17, 8, 30)),
        ("0000:00:00 00:00:00", None),
        ("2024:13:17 08:30:00", None),
        ("0204:05:17 08:30:00", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_a_time_that_is_none_is_left_out(words: str, moment: datetime | None) -> None:
    assert taken_at(words) == moment


def test_what_is_seen_is_kept_in_words() -> None:
    seen = Seen(3, 2, ((30, 86, 200, 0.7), (255, 255, 255, 0.3)), "NIKON CORPORATION NIKON D750", "2024:05:17 08:30:00")
    assert seen_facts(seen) == SeenFacts("blue", "nikon d750", datetime(2024, 5, 17, 8, 30))
    assert seen_facts(Seen(3, 2)) == SeenFacts()


@pytest.mark.parametrize("back", ["//evil.test", "/\\evil.test", "https://evil.test", "", "x", "/a\r\nb", "/ a", "/é"])
def test_a_form_leads_back_to_our_own_pages_only(back: str) -> None:
    assert own_path(back) == "/"
    assert own_path("/image?key=a%20b&after=1.k") == "/image?key=a%20b&after=1.k"
