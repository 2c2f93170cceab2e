"""The notice of a resize: once for each browser, in words, and never at the cost of a page."""

import pytest

from chalicelib.domain import fleet
from chalicelib.domain.errors import RowsUnavailableError
from chalicelib.domain.fleet import Node
from chalicelib.web.fleet_notice import KEPT_SECONDS, ServingNodes, in_words
from tests.web.caller import VISITOR, Caller
from tests.web.html_page import page_of

FOUR = tuple(Node(f"node-{letter}", f"10.0.0.{index}", 11211) for index, letter in enumerate("abcd", 1))
KNOWN = {"Cookie": f"visitor={VISITOR}; nodes=2"}


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (None, 2, None),
        (2, 2, None),
        (2, 4, "The cache grew from 2 to 4 nodes."),
        (2, 1, "The cache shrank from 2 to 1 node."),
        (2, 0, "The cache has no nodes just now; images come from the origin."),
    ],
)
def test_what_is_told(before: int | None, now: int, words: str | None) -> None:
    assert in_words(before, now) == words


def grow(caller: Caller) -> None:
    caller.parts.store.fleet_map = fleet.with_nodes(caller.parts.fleet_map, FOUR)
    caller.parts.clock.advance(KEPT_SECONDS)


@pytest.mark.parametrize("path", ["/", "/keys", "/upload", "/manager", "/notice"])
def test_a_browser_that_saw_two_nodes_is_told_of_four_once(path: str) -> None:
    caller = Caller()
    caller("GET", path, KNOWN)
    grow(caller)
    answer = caller("GET", path, KNOWN)
    assert "The cache grew from 2 to 4 nodes." in page_of(answer).text
    assert answer.headers["set-cookie"] == "nodes=4; Path=/; HttpOnly; SameSite=Lax"
    again = caller("GET", path, {"Cookie": f"visitor={VISITOR}; nodes=4"})
    assert "The cache grew" not in page_of(again).text
    assert "set-cookie" not in again.headers


def test_over_tls_the_cookie_is_as_safe_as_the_other() -> None:
    secure = {"X-Forwarded-Proto": "https", "Cookie": f"__Host-visitor={VISITOR}"}
    answer = Caller()("GET", "/", secure)
    assert answer.headers["set-cookie"] == "__Host-nodes=2; Path=/; HttpOnly; SameSite=Lax; Secure"


@pytest.mark.parametrize("seen", ["", "x", "-1", "99", "2" * 5000, "²", '"<b>"'])
def test_a_cookie_that_is_not_ours_tells_nothing(seen: str) -> None:
    caller = Caller()
    answer = caller("GET", "/", {"Cookie": f"visitor={VISITOR}; nodes={seen}".encode().decode("latin-1")})
    assert "The cache" not in page_of(answer).text


def test_the_number_is_asked_for_once_in_a_while_and_its_absence_is_no_failure() -> None:
    asked: list[float] = []
    moment = 0.0
    down = False

    def count() -> int:
        asked.append(moment)
        if down:
            raise RowsUnavailableError("The database does not answer.")
        return 2

    serving = ServingNodes(count, lambda: moment)
    assert [serving.now(), serving.now()] == [2, 2]
    assert asked == [0.0]
    moment, down = KEPT_SECONDS, True
    assert [serving.now(), serving.now()] == [None, None]
    moment, down = 2 * KEPT_SECONDS, False
    assert serving.now() == 2
    assert len(asked) == 3
