import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidKeyError
from chalicelib.domain.keys import MAX_CHARACTERS, key_from_bytes, key_from_text, text_of

LEGAL_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=MAX_CHARACTERS)


@given(LEGAL_TEXT)
def test_a_key_is_its_exact_text(text: str) -> None:
    key = key_from_text(text)
    assert key == text.encode("utf-8")
    assert key_from_bytes(key) == key
    assert text_of(key) == text


@pytest.mark.parametrize("text", [" ", "k ", "../", "a/b", "%2F", "a%00b", "\u202eabc", "\ufeff", "\u00a0", "🖼" * 255])
def test_odd_but_legal_keys_are_kept(text: str) -> None:
    assert key_from_text(text) == text.encode()


@pytest.mark.parametrize("text", ["", "x" * 256, "🖼" * 256])
def test_empty_and_overlong_keys_are_refused(text: str) -> None:
    with pytest.raises(InvalidKeyError):
        key_from_text(text)


@pytest.mark.parametrize("character", ["\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\ud800"])
@pytest.mark.parametrize("template", ["{}", "a{}", "{}b", "a{}b"])
def test_control_characters_are_refused_by_place_and_code(template: str, character: str) -> None:
    with pytest.raises(InvalidKeyError, match=f"Character {template.index('{') + 1} .*U\\+{ord(character):04X}"):
        key_from_text(template.format(character))


@pytest.mark.parametrize("raw", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"abc\xe2\x82"])
def test_bytes_that_are_no_utf8_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        key_from_bytes(raw)
