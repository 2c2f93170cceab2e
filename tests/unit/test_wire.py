import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.wire import PLACEHOLDER, object_key_of, unwrapped, wire_key, wrapped, wrapped_size

OWNERS, OBJECT_KEYS, BYTES = st.binary(min_size=16, max_size=16), st.text(max_size=200), st.binary(max_size=300)


@given(OWNERS, OBJECT_KEYS, BYTES)
def test_what_was_wrapped_is_unwrapped(owner_id: bytes, object_key: str, data: bytes) -> None:
    value = wrapped(owner_id, object_key, data)
    assert unwrapped(value, owner_id, object_key) == data
    assert len(value) == wrapped_size(object_key, len(data))


@given(OWNERS, OBJECT_KEYS, OWNERS, OBJECT_KEYS, BYTES)
def test_anothers_value_is_never_unwrapped(
    owner_id: bytes, object_key: str, other_id: bytes, other_key: str, data: bytes
) -> None:
    assume((owner_id, object_key) != (other_id, other_key))
    assert unwrapped(wrapped(owner_id, object_key, data), other_id, other_key) is None


@given(OWNERS, st.text(min_size=1, max_size=20), BYTES)
def test_a_name_that_goes_on_in_the_bytes_is_another_name(owner_id: bytes, object_key: str, data: bytes) -> None:
    longer = object_key + "x"
    assert unwrapped(wrapped(owner_id, longer, data), owner_id, object_key) is None
    assert unwrapped(wrapped(owner_id, object_key, b"x" + data), owner_id, longer) is None


@given(OWNERS, OBJECT_KEYS, BYTES)
def test_any_bytes_that_were_not_wrapped_are_nobodys(owner_id: bytes, object_key: str, value: bytes) -> None:
    assume(not value.startswith(b"E1"))
    assert unwrapped(value, owner_id, object_key) is None


@given(OWNERS, OBJECT_KEYS, BYTES)
def test_no_value_is_the_placeholder(owner_id: bytes, object_key: str, data: bytes) -> None:
    assert wrapped(owner_id, object_key, data) != PLACEHOLDER


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=240))
def test_a_wire_key_is_what_memcached_takes_and_names_its_object(object_key: str) -> None:
    key = wire_key(object_key)
    assert len(key) <= 250
    assert all(0x21 <= byte <= 0x7E for byte in key)
    assert object_key_of(key) == object_key


@pytest.mark.parametrize("object_key", ["", "a b", "a\r\nset x", "é", "a" * 241, "a\x7f"])
def test_what_memcached_would_not_take_is_no_wire_key(object_key: str) -> None:
    with pytest.raises(ValueError, match="not an object key"):
        wire_key(object_key)


def test_a_count_is_no_object() -> None:
    assert object_key_of(b"n:requests:17") is None
