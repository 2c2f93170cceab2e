import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.rates import SLOT_SECONDS, WINDOW_SLOTS, Rates, last_minute, slot_of


def test_an_empty_window_has_no_rate() -> None:
    empty = Rates(requests=0, origin_reads=0, waits=0)
    assert empty.miss is None
    assert empty.hit is None


@pytest.mark.parametrize(("requests", "origin_reads", "miss"), [(4, 1, 0.25), (3, 0, 0.0), (2, 2, 1.0)])
def test_an_origin_read_is_a_miss(requests: int, origin_reads: int, miss: float) -> None:
    rates = Rates(requests, origin_reads, waits=0)
    assert rates.miss == miss
    assert rates.hit == 1 - miss


@given(st.floats(0, 4e9))
def test_the_last_minute_ends_with_the_slot_under_way(unix_seconds: float) -> None:
    slots = last_minute(unix_seconds)
    assert len(slots) == WINDOW_SLOTS
    assert slots[-1] == slot_of(unix_seconds)
    assert slot_of(unix_seconds - 60) not in slots
    assert slot_of(unix_seconds - 60 + SLOT_SECONDS) in slots
