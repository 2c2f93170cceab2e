"""Queries: read from text, written back into addresses, refused in words."""

import random
from datetime import UTC, datetime

import pytest

from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.search import MOST_CHARACTERS, MOST_PARTS, Part, Query, query_of
from chalicelib.domain.upload_dates import span_of


def day(year: int, month: int, date: int) -> datetime:
    return datetime(year, month, date, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("   ", []),
        ("Beach", [Part("", "beach")]),
        ("beach_at sunset", [Part("", "beach"), Part("", "at"), Part("", "sunset")]),
        ("beach BEACH", [Part("", "beach")]),
        ("-winter", [Part("", "winter", excluded=True)]),
        ('"old town"', [Part("", "old"), Part("", "town")]),
        ("tag:Beach", [Part("tag", "beach")]),
        ('tag:"Old  Town"', [Part("tag", "old town")]),
        ('tag:"3"" lens"', [Part("tag", '3" lens')]),
        ("-tag:beach", [Part("tag", "beach", excluded=True)]),
        ("TAG:beach", [Part("tag", "beach")]),
        ("taken:2026-05", [Part("taken", "2026-05")]),
        ("taken:2026", [Part("taken", "2026")]),
        ("uploaded:2026-11-01..2026-11-20", [Part("uploaded", "2026-11-01..2026-11-20")]),
        ("orientation:Portrait", [Part("orientation", "portrait")]),
        ("color:gray", [Part("colour", "grey")]),
        ("12:30", [Part("", "12"), Part("", "30")]),
    ],
)
def test_a_query_has_the_parts_that_are_written(text: str, parts: list[Part]) -> None:
    query = query_of(text)
    assert list(query.parts) == parts
    assert query_of(query.text) == query


def test_parts_ask_for_terms_or_refuse_them() -> None:
    query = query_of("sea -fog tag:beach -taken:2025 taken:2026-05 orientation:square colour:blue")
    assert query.required == (b"wsea", b"tbeach", b"t2026-05", b"tsquare", b"tblue")
    assert query.excluded == (b"wfog", b"y2025")
    assert (
        query.without(Part("tag", "beach")).text == "sea -fog -taken:2025 taken:2026-05 orientation:square colour:blue"
    )


@pytest.mark.parametrize(
    ("text", "since", "before"),
    [
        ("2026", day(2026, 1, 1), day(2027, 1, 1)),
        ("2026-12", day(2026, 12, 1), day(2027, 1, 1)),
        ("2026-02-28", day(2026, 2, 28), day(2026, 3, 1)),
        ("2026-11-01..2026-11-20", day(2026, 11, 1), day(2026, 11, 21)),
        ("2025..2026-03", day(2025, 1, 1), day(2026, 4, 1)),
        ("2026-05..", day(2026, 5, 1), None),
        ("..2026-05", None, day(2026, 6, 1)),
    ],
)
def test_a_span_of_uploads_has_both_its_ends(text: str, since: datetime | None, before: datetime | None) -> None:
    span = span_of(text)
    assert (span.since, span.before) == (since, before)
    query = query_of(f"uploaded:{text}")
    assert (query.since, query.before) == (since, before)


def test_of_several_spans_what_all_have_counts() -> None:
    query = query_of("uploaded:2026 uploaded:2026-03.. uploaded:..2026-09")
    assert (query.since, query.before) == (day(2026, 3, 1), day(2026, 10, 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("place:rome", "There is no filter “place:”"),
        ("tag:", "“tag:” needs a value right behind the colon, such as tag:beach"),
        ("tag: beach", "“tag:” needs a value"),
        ('tag:""', "“tag:” needs a value"),
        ('tag:"beach', "not closed"),
        ('be"ach', "not closed"),
        ("tag:a,b", "A tag has no commas"),
        (f"tag:{'x' * 51}", "at most 50 characters"),
        ("taken:may", "“taken:may” is not understood: give a month or a year"),
        ("taken:2026-13", "give a month or a year"),
        ("uploaded:2026-02-30", "there is no 2026-02-30"),
        ("uploaded:2026-11-20..2026-11-01", "it ends before it begins"),
        ("uploaded:..", "give at least one end"),
        ("uploaded:yesterday", "give days, months or years"),
        ("uploaded:2026-1..2026-2", "give days, months or years"),
        ("-uploaded:2026", "say from when to when"),
        ("orientation:tall", "There are landscape, portrait, square"),
        ("colour:mauve", "There are black, white"),
        ("!!!", "“!!!” has no letter and no digit"),
        ("-", "has no letter and no digit"),
        ("x" * (MOST_CHARACTERS + 1), f"at most {MOST_CHARACTERS} characters"),
        (" ".join(f"w{number}" for number in range(MOST_PARTS + 1)), f"at most {MOST_PARTS} words and filters"),
    ],
)
def test_what_is_no_query_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        query_of(text)
    assert words in str(refused.value)
    assert refused.value.field == "q"


def test_whatever_is_read_is_written_so_that_it_is_read_again() -> None:
    seed = random.randrange(2**32)
    choice = random.Random(seed)
    pieces = [
        "tag:",
        "-",
        '"',
        '""',
        " ",
        "a",
        "É",
        "海",
        "taken:2026",
        "uploaded:2026..",
        "colour:red",
        ":",
        "\u3000",
        "ß",
        "1",
    ]
    read = 0
    for _ in range(5000):
        text = "".join(choice.choices(pieces, k=choice.randrange(8)))
        try:
            query = query_of(text)
        except InvalidValueError:
            continue
        read += 1
        assert query_of(query.text) == query, f"seed {seed}: {text!r}"
    assert read > 500, f"seed {seed}"


def test_the_empty_query_asks_for_nothing() -> None:
    assert (Query().text, Query().required, Query().excluded, Query().since, Query().before) == ("", (), (), None, None)
