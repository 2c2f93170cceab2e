"""An owner's own tag is one short word or a few, spelt one way."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.tags import MOST_CHARACTERS, tag_of


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Holiday", "holiday"),
        ("  the  old   bridge ", "the old bridge"),
        ("\tsea\n", "sea"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Cafe\u0301", "caf\u00e9"),
        ("ΜΆΙΟΣ", "μάιοσ"),
        ("Ιστορία", "ιστορία"),
        ("東京", "東京"),
        ("👩‍🚀", "👩‍🚀"),
        ("a" * 50, "a" * 50),
        (" " + "a" * 50 + " ", "a" * 50),
    ],
)
def test_a_tag_is_spelt_one_way(text: str, tag: str) -> None:
    assert tag_of(text) == tag


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one"),
        (" \t\n\u3000", "at least one"),
        ("a" * 51, "51"),
        ("ß" * 26, "52"),  # two letters each in lower case
        ("sea,sand", "commas"),
        ("sea\nsand", "line breaks"),
        ("sea\0", "control"),
        ("\x7f", "control"),
        ("sea\u2028sand", "line breaks"),
        ("gpj.\u202eexe", "control"),
        ("\ud800", "control"),
    ],
)
def test_what_is_no_tag_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(InvalidValueError, match=words) as refused:
        tag_of(text)
    assert refused.value.field == "tag"


@given(st.text(max_size=60))
def test_a_tag_is_its_own_tag(text: str) -> None:
    try:
        tag = tag_of(text)
    except InvalidValueError:
        return
    assert tag_of(tag) == tag
    assert 1 <= len(tag) <= MOST_CHARACTERS
    assert tag == tag.strip()
    assert unicodedata.is_normalized("NFC", tag)


@given(st.text(max_size=20))
def test_case_and_the_way_accents_are_stored_make_no_other_tag(text: str) -> None:
    try:
        tag = tag_of(text)
    except InvalidValueError:
        return
    assert tag_of(unicodedata.normalize("NFD", text)) == tag
    assert tag_of(unicodedata.normalize("NFC", text)) == tag
    assert tag_of(text.casefold()) == tag


def test_every_character_alone_is_its_own_tag_or_refused() -> None:
    taken = 0
    for code in range(sys.maxunicode + 1):
        try:
            tag = tag_of(f"a{chr(code)}b")
        except InvalidValueError:
            continue
        taken += 1
        assert tag_of(tag) == tag, hex(code)
    assert taken > 1_000_000
