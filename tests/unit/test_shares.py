"""What a link gives, for how long, and to whom: the pure part."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.albums import moved, title_of, words_of
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.renditions import KINDS
from chalicelib.domain.shares import (
    Opened,
    best_of,
    kinds_for,
    lets_in,
    pass_for,
    password_of,
    seconds_of,
)
from chalicelib.domain.stored_renditions import Rendition, State

NOW = datetime(2026, 5, 3, 14, 5, tzinfo=UTC)
SECRET = "a secret of the tests, and long enough"
LOCKED = Opened(b"i" * 16, b"t" * 32, "Summer", True, 3, "a hash", False, None)


def ready(size: int) -> Rendition:
    return Rendition("any", State.READY, "renditions/x", b"", 10, 10, size)


def test_only_thumbnails_and_previews_are_given_and_downloads_where_they_are_allowed() -> None:
    for downloads in (False, True):
        assert kinds_for("thumbnail", downloads) == ("thumbnail",)
        assert kinds_for("preview", downloads) == ("preview",)
        for asked in {*KINDS, "original", "content", "", "download "} - {"thumbnail", "preview"}:
            assert kinds_for(asked, downloads) == ()
    assert kinds_for("download", True) == ("full", "preview")
    assert kinds_for("download", False) == ()


def test_the_best_that_is_ready_and_fits_is_given() -> None:
    full, preview = ready(900), ready(100)
    kinds = ("full", "preview")
    assert best_of(kinds, {"full": full, "preview": preview}, 1000) is full
    assert best_of(kinds, {"full": full, "preview": preview}, 899) is preview
    assert best_of(kinds, {"preview": preview}, 1000) is preview
    assert best_of(kinds, {"full": full}, 899) is None
    assert best_of((), {"full": full}, 1000) is None


def test_a_pass_is_good_for_one_link_one_password_and_half_a_day() -> None:
    given = pass_for(LOCKED, NOW, SECRET)
    assert lets_in(LOCKED, given, NOW, SECRET)
    assert lets_in(LOCKED, given, NOW + timedelta(hours=12, seconds=-1), SECRET)
    assert not lets_in(LOCKED, given, NOW + timedelta(hours=12), SECRET)
    assert not lets_in(replace(LOCKED, token_hash=b"u" * 32), given, NOW, SECRET)
    assert not lets_in(replace(LOCKED, password_hash="another"), given, NOW, SECRET)
    assert not lets_in(LOCKED, given, NOW, SECRET + "!")
    until, _, seal = given.partition(".")
    for forged in (None, "", ".", seal, f"{int(until) + 1}.{seal}", f"{until}.", f"x.{seal}", "é.é", "9" * 5000):
        assert not lets_in(LOCKED, forged, NOW, SECRET)


def test_a_link_without_a_password_lets_everybody_in() -> None:
    assert lets_in(replace(LOCKED, password_hash=None), None, NOW, SECRET)


@pytest.mark.parametrize(("days", "seconds"), [("0", None), ("1", 86400), ("7", 604800), ("365", 31536000)])
def test_days_are_seconds(days: str, seconds: int | None) -> None:
    assert seconds_of(days) == seconds


@pytest.mark.parametrize("days", ["", "-1", "366", "1.5", "x", "٣", "9" * 40])
def test_days_that_are_none_are_refused(days: str) -> None:
    with pytest.raises(InvalidValueError):
        seconds_of(days)


def test_a_password_has_at_least_six_characters_or_there_is_none() -> None:
    assert password_of("") is None
    assert password_of("secret") == "secret"
    for text in ("short", "x" * 201):
        with pytest.raises(InvalidValueError):
            password_of(text)


def test_titles_are_one_line_of_at_most_200_characters() -> None:
    assert title_of("  Été 🌊 ") == "Été 🌊"
    assert title_of("x" * 200) == "x" * 200
    assert words_of("  ") == ""
    for text in ("", "  ", "x" * 201, "a\nb", "a\u2028b", "\ud800"):
        with pytest.raises(InvalidValueError):
            title_of(text)


@pytest.mark.parametrize(
    ("position", "order"), [(-3, "cabd"), (0, "cabd"), (1, "acbd"), (2, "abcd"), (3, "abdc"), (9, "abdc")]
)
def test_one_is_moved_and_the_others_keep_their_order(position: int, order: str) -> None:
    assert moved(list("abcd"), "c", position) == list(order)
