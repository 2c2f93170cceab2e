"""What a piece of a query may become."""

import pytest

from chalicelib.domain.search import query_of
from chalicelib.domain.search_completion import Begun, Suggestion, begun, completions, last_piece
from chalicelib.web.search_values import SearchAsked, in_words, search_values

BEACH, BEACHES = Suggestion("beach", True, 3), Suggestion("beaches", False, 2)


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("", ("", "")),
        ("bea", ("", "bea")),
        ("sun bea", ("sun ", "bea")),
        ("sun ", ("sun ", "")),
        ('sun tag:"old to', ("sun ", 'tag:"old to')),
        ('tag:"old town" be', ('tag:"old town" ', "be")),
    ],
)
def test_the_last_piece_is_what_is_being_written(text: str, split: tuple[str, str]) -> None:
    assert last_piece(text) == split


@pytest.mark.parametrize(
    ("piece", "tag", "word"),
    [
        ("", "", None),
        ("Bea", "bea", "bea"),
        ("-Bea", "bea", "bea"),
        ("tag:Bea", "bea", None),
        ('tag:"Old T', "old t", None),
        ('"old to', "old to", None),
        ("taken:20", None, None),
    ],
)
def test_a_piece_is_the_beginning_of_tags_and_words(piece: str, tag: str | None, word: str | None) -> None:
    found = begun(piece)
    assert (found.tag, found.word, found.minus) == (tag, word, piece.startswith("-"))


def test_filters_with_few_values_are_offered_too() -> None:
    assert begun("orient").known == ("orientation:landscape", "orientation:portrait", "orientation:square")
    assert begun("-colour:b").known == ("-colour:black", "-colour:blue", "-colour:brown", "-colour:beige")
    assert begun("").known == ()


def test_completions_are_whole_pieces_and_queries() -> None:
    found = completions(begun("-bea"), [BEACH, BEACHES], 10)
    assert [(each.text, each.images) for each in found] == [("-tag:beach", 3), ("-beaches", 2)]
    assert [each.text for each in completions(begun("bea"), [BEACH, BEACHES], 1)] == ["tag:beach"]
    (quoted,) = completions(Begun(False, "old", None, ()), [Suggestion('old 3" town', True, 1)], 10)
    assert query_of(quoted.text).required == (b'told 3" town',)


def test_the_box_offers_whole_queries_and_says_each_part_in_words() -> None:
    asked = SearchAsked.of("sun -tag:x bea")
    shown = search_values(asked, completions(begun(asked.piece), [BEACH], 10))["search"]
    assert isinstance(shown, dict)
    assert [each["text"] for each in shown["suggestions"]] == ["sun -tag:x tag:beach"]
    assert [chip.without for chip in shown["chips"]] == ["-tag:x bea", "sun bea", "sun -tag:x"]
    assert [chip.excluded for chip in shown["chips"]] == [False, True, False]


def test_a_search_that_cannot_be_read_is_kept_as_it_was_written() -> None:
    asked = SearchAsked.of("tag:")
    assert (asked.written, asked.query) == ("tag:", None)
    assert asked.problem is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sun", "a word that begins with “sun”"),
        ("-tag:beach", "not tag beach"),
        ("uploaded:2026-05", "uploaded in 2026-05"),
        ("uploaded:2026-05-03", "uploaded on 2026-05-03"),
        ("uploaded:2025..2026", "uploaded from 2025 to 2026"),
        ("uploaded:2025..", "uploaded since 2025"),
        ("uploaded:..2025", "uploaded up to 2025"),
    ],
)
def test_a_part_is_told_in_words(text: str, words: str) -> None:
    (part,) = query_of(text).parts
    assert in_words(part) == words
