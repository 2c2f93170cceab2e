"""One id goes with all work of a request."""

import pytest

from chalicelib.services.tracing import current_request_id, request_id, traced


def test_the_work_inside_has_the_given_id_and_the_work_outside_has_none() -> None:
    assert current_request_id() is None
    with traced("outer"):
        assert current_request_id() == request_id() == "outer"
        with traced("inner"):
            assert request_id() == "inner"
        assert request_id() == "outer"
    assert current_request_id() is None


@pytest.mark.parametrize("unusable", [None, "", "a\nline", "é", "x" * 65])
def test_what_is_no_id_is_replaced_by_a_new_one(unusable: str | None) -> None:
    with traced(unusable) as given:
        assert given == request_id() != unusable
        assert len(given) == 32


def test_outside_of_a_request_each_has_an_id_of_its_own() -> None:
    assert request_id() != request_id()
