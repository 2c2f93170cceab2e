"""Everything that a person may have, and how each route is asked for it by its names."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from chalicelib.web.access import TABLE, Access
from chalicelib.web.form_token import token_of
from tests.answer import Answer
from tests.fakes import MemoryParts
from tests.web.caller import JSON, VISITOR
from tests.web.html_page import urlencoded
from tests.web.people import SECRET, Person, joined, people_app
from tests.web.sharing import path_in, persons_album, work

IMAGE = b"\x89PNG the inspector is a fake here"
CSRF = {"X-CSRF-Token": token_of(VISITOR, SECRET)}
TITLE, TAG = "Summer", "adastag"  # an album's, and an image's


@dataclass(frozen=True)
class Names:
    """What requests name: one of each that a person may have."""

    key: str = "nobody-k9"
    trash: str = "0" * 32
    batch: str = "0" * 32
    upload: str = "0" * 32
    album: str = "0" * 32
    share: str = "0" * 32
    shared_image: str = "0" * 32
    download: str = "0" * 32
    token: str = "0" * 32


NOBODY_S = Names()


@dataclass(frozen=True)
class Ask:
    """What a route is sent: fields whose {names} are filled in, as a query, a form or JSON as the route takes them.

    `status` answers who names what is another's, or nobody's.
    """

    fields: Mapping[str, str | list[str]] = field(default_factory=dict)
    status: int = 404


def routes_of(*who: Access) -> set[tuple[str, str]]:
    """Path and method of each route that these may call. HEAD is left out: it is asked wherever GET is."""
    asked = {(path, method) for path, methods in TABLE.items() for method, access in methods.items() if access in who}
    return {(path, method) for path, method in asked if method != "HEAD" or (path, "GET") not in asked}


def asked(person: Person, path: str, method: str, ask: Ask, names: Names, link: str = "") -> Answer:
    """The route's answer to the person; `link` is the token of a link to share, for paths that have one."""
    known = {**asdict(names), "kind": "thumbnail", "number": "1", "link": link}
    known |= {f"{name}_id": known[name] for name in ("upload", "album", "share", "download")}
    places = {**known, "token": link, "image_id": names.shared_image}  # in paths `token` is a link's
    at = path.format_map(places)
    fields = {name: _filled(value, known) for name, value in ask.fields.items()}
    if method in ("GET", "HEAD", "DELETE"):
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        return person(method, f"{at}?{urlencoded(**texts).decode()}", CSRF)
    if path.startswith("/api"):
        return person(method, at, {**CSRF, **JSON}, json.dumps(fields).encode())
    return person.submit(at, **{name: value for name, value in fields.items() if isinstance(value, str)})


def _filled(value: str | list[str], known: Mapping[str, str]) -> str | list[str]:
    return [one.format_map(known) for one in value] if isinstance(value, list) else value.format_map(known)


def without_names(answer: Answer, names: Names) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, body and headers, as they are for nobody's names: without the request's number and its times."""
    number = answer.headers["x-request-id"].encode()
    body = answer.body.replace(number, b"")
    for name, nobody_s in zip(asdict(names).values(), asdict(NOBODY_S).values(), strict=True):
        body = body.replace(name.encode(), nobody_s.encode())
    own = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "server-timing")}
    return answer.status, body, own


def ada_s(parts: MemoryParts) -> tuple[Person, Names]:
    """Somebody who has one of everything, and the names of it: everything is made and ready, the upload has arrived."""
    ada = joined(people_app(parts), "ada@example.org")
    assert ada.put("ada-k1", IMAGE).status == ada.put("ada-k2", IMAGE + b"2").status == 303
    assert ada.submit("/tag", key="ada-k1", tag=TAG).status == 303
    album = persons_album(ada, "ada-k1")
    path_in(ada.submit("/shares", album=album))
    begun = ada("POST", "/api/v1/uploads", {**JSON, **CSRF}, _json(key="ada-k3", media_type="image/png", size="33"))
    parts.objects.arrive(begun.json["fields"]["key"], IMAGE)
    asked_for = ada("POST", "/api/v1/downloads", {**JSON, **CSRF}, _json(keys=["ada-k1"]))
    assert ada.submit("/delete", key="ada-k2").status == 303
    ada.token("read")
    work(ada.call)
    ((trash_id, trashed),) = parts.store.trashed.items()
    (token,) = parts.store.tokens.values()
    shared = [one for one, row in parts.store.album_images.items() if row.key == b"ada-k1"]
    return ada, Names(
        key="ada-k1",
        trash=trash_id.hex(),
        batch=trashed.batch_id.hex(),
        upload=begun.json["id"],
        album=album,
        share=next(iter(parts.store.shares)).hex(),
        shared_image=shared[0].hex(),
        download=asked_for.json["id"],
        token=token.token.id.hex(),
    )


def _json(**values: object) -> bytes:
    return json.dumps(values).encode()
