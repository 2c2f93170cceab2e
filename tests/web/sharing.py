"""Albums and links made by the pages and the API, on fakes."""

import re

from tests.answer import Answer
from tests.web.caller import URLENCODED, Caller
from tests.web.html_page import urlencoded
from tests.web.people import Person


def work(caller: Caller) -> None:
    """The worker does what is owed."""
    worker, queue = caller.parts.services().worker, caller.parts.queue
    while queue.messages:
        worker.perform(queue.messages.pop(0))


def album_of(caller: Caller, *keys: str, title: str = "Summer") -> str:
    """An album of these images, which are there; its id."""
    made = caller.submit("/albums", URLENCODED, urlencoded(title=title))
    album_id = id_in(made)
    for key in keys:
        assert caller.submit("/album/add", URLENCODED, urlencoded(id=album_id, key=key)).status == 303
    return album_id


def id_in(answer: Answer) -> str:
    """The id that a redirect leads to."""
    assert answer.status == 303, answer.body
    found = re.search(r"id=([0-9a-f]{32})", answer.headers["location"])
    assert found is not None
    return found[1]


def share(caller: Caller, **fields: str) -> str:
    """A link; its path."""
    return path_in(caller.submit("/shares", URLENCODED, urlencoded(**fields)))


def path_in(answer: Answer) -> str:
    """The path of the link that the page shows."""
    assert answer.status == 200, answer.body
    found = re.search(r'href="(/share/[\w-]{43})"', answer.body.decode())
    assert found is not None
    return found[1]


def persons_album(person: Person, *keys: str) -> str:
    """An album of somebody's; its id."""
    album_id = id_in(person.submit("/albums", title="Summer"))
    for key in keys:
        assert person.submit("/album/add", id=album_id, key=key).status == 303
    return album_id


def keys_in(caller: Caller, album_id: str) -> list[str]:
    """The keys of the album's images, in order."""
    keys: list[str] = caller("GET", f"/api/v1/albums/{album_id}").json["keys"]
    return keys
