"""The words that images are found by."""

import random
import unicodedata

import pytest

from chalicelib.domain.search_terms import terms_of, text_of_term, whole_terms_of, word_term
from chalicelib.domain.words import MOST_LETTERS, MOST_WORDS, prefixes_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Beach at Sunset", ("beach", "at", "sunset")),
        ("holiday/IMG_0001.JPG", ("holiday", "img", "0001", "jpg")),
        ("k1", ("k1",)),
        ("Straße ÉCOLE", ("strasse", "école")),
        ("e\u0301cole \ufb01sh", ("école", "fish")),  # an accent of its own, a ligature
        ("צילום 1", ("צילום", "1")),
        ("हिन्दी", ("हिन्दी",)),  # vowel signs belong to their letters
        ("海边の夕日", ("海", "边", "の", "夕", "日")),  # no spaces: each sign for itself
        ("カメラ", ("カメラ",)),
        ("sea sea SEA", ("sea",)),
        ("!? 🌊 --", ()),
        ("", ()),
    ],
)
def test_words_are_runs_of_letters_and_digits_in_one_spelling(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == tuple(unicodedata.normalize("NFKC", word) for word in words)


def test_words_come_from_every_text_and_are_bounded() -> None:
    assert words_of("a b", "b c") == ("a", "b", "c")
    assert len(words_of(" ".join(map(str, range(100))), "more")) == MOST_WORDS
    assert words_of("x" * 300) == ("x" * MOST_LETTERS,)


def test_the_words_of_words_are_the_same_words() -> None:
    seed = random.randrange(2**32)
    choice = random.Random(seed)
    for _ in range(300):
        text = "".join(
            chr(choice.choice((choice.randrange(0x20, 0x250), choice.randrange(0x20, 0xD7FF)))) for _ in range(12)
        )
        words = words_of(text)
        assert all(words_of(word)[:1] == (word,) or len(word) == MOST_LETTERS for word in words), (
            f"seed {seed}: {text!r}"
        )


def test_an_image_has_a_term_for_each_beginning_of_a_word_each_tag_and_the_year_of_a_month() -> None:
    assert prefixes_of("sea") == ("s", "se", "sea")
    assert terms_of(["sea"], ["old town", "2026-05"]) == {
        *(b"ws", b"wse", b"wsea"),
        *(b"told town", b"t2026-05", b"y2026"),
    }
    assert whole_terms_of(["sea"], ["2026-05"]) == {b"wsea", b"t2026-05"}
    assert text_of_term(word_term("é")) == "é"
