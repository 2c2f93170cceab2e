"""The switch on the account's page: what it shows is what the topic says."""

import re

import pytest

from chalicelib.domain.errors import NoticeRefusedError, NoticesUnavailableError
from chalicelib.domain.notices import account_name
from tests.fakes import MemoryParts
from tests.fakes.notices import MemoryNotices
from tests.web.people import Person, joined, people_app

EMAIL = "ada@example.org"
OFFER = "Tell me by mail when an edit is ready"


@pytest.fixture
def parts() -> MemoryParts:
    made = MemoryParts()
    made.notices = MemoryNotices(made.steps)
    return made


@pytest.fixture
def ada(parts: MemoryParts) -> Person:
    return joined(people_app(parts), EMAIL)


def section(person: Person) -> str:
    """The words of the section on mail."""
    body = person("GET", "/account").body.decode()
    found = re.search(r'id="notices-heading">(.*?)</section>', body, re.DOTALL)
    return "" if found is None else re.sub(r"<[^>]+>", " ", found[1])


def test_the_switch_goes_from_off_by_pending_to_on_and_off_again(parts: MemoryParts, ada: Person) -> None:
    assert parts.notices is not None
    assert "Off." in section(ada)
    assert OFFER in section(ada)
    answer = ada.submit("/account/notices", notices="on")
    assert (answer.status, "notice=asked" in answer.headers["location"]) == (303, True)
    assert f"Pending: answer the mail that was sent to {EMAIL}" in " ".join(section(ada).split())
    ((email, account, _),) = parts.notices.subscribed.values()
    (owner_id,) = [one.owner_id for one in parts.store.accounts.values()]
    assert (email, account) == (EMAIL, account_name(owner_id))
    parts.notices.confirm(EMAIL)
    assert "On:" in section(ada)
    assert OFFER not in section(ada)
    assert "notice=untold" in ada.submit("/account/notices", notices="off").headers["location"]
    assert "Off." in section(ada)
    assert parts.notices.subscribed == {}


def test_another_person_s_switch_is_another_one(parts: MemoryParts, ada: Person) -> None:
    bob = joined(ada.call, "bob@example.org")
    ada.submit("/account/notices", notices="on")
    bob.submit("/account/notices", notices="off")
    assert "Off." in section(bob)
    assert "Pending" in section(ada)


def test_a_question_that_was_given_up_counts_as_off_until_it_is_answered(parts: MemoryParts, ada: Person) -> None:
    assert parts.notices is not None
    ada.submit("/account/notices", notices="on")
    parts.steps.fail("notices.unsubscribe", NoticeRefusedError("not confirmed yet"))
    assert ada.submit("/account/notices", notices="off").status == 303
    assert "Off." in section(ada)
    parts.notices.confirm(EMAIL)  # they answered the mail all the same: they are told, and the page says so
    assert "On:" in section(ada)


def test_a_subscription_that_ended_elsewhere_is_off(parts: MemoryParts, ada: Person) -> None:
    assert parts.notices is not None
    ada.submit("/account/notices", notices="on")
    parts.notices.subscribed.clear()
    assert "Off." in section(ada)


def test_while_the_topic_is_away_the_page_stands_and_the_switch_is_not_turned(parts: MemoryParts, ada: Person) -> None:
    ada.submit("/account/notices", notices="on")
    parts.steps.stop("notices", NoticesUnavailableError("away"))
    assert "cannot be said just now" in section(ada)
    assert ada.submit("/account/notices", notices="off").status == 503
    parts.steps.start("notices")
    assert "Pending" in section(ada)


def test_an_address_that_is_refused_is_told_in_words(parts: MemoryParts, ada: Person) -> None:
    parts.steps.fail("notices.subscribe", NoticeRefusedError("no"))
    answer = ada.submit("/account/notices", notices="on")
    assert (answer.status, b"was not taken for notices" in answer.body) == (503, True)


def test_where_there_is_no_topic_nothing_is_offered() -> None:
    ada = joined(people_app(MemoryParts()), EMAIL)
    assert section(ada) == ""
    assert ada.submit("/account/notices", notices="on").status == 404
    assert ada.submit("/account/notices", notices="off").status == 404
