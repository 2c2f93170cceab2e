"""The REST face of actions on many images and of the trash."""

from collections.abc import Callable, Mapping, Sequence

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.keys import text_of
from chalicelib.domain.trash import TrashedImage
from chalicelib.domain.trash_ports import Back, Gone, Refused
from chalicelib.web.json_answers import instant, json_answer
from chalicelib.web.json_lists import answered_once, ids_in, keys_in, object_in, text_in
from chalicelib.web.limits import limit_in
from chalicelib.web.request_form import query_of
from chalicelib.web.session import principal_of
from chalicelib.web.trash_cursors import behind_of, cursor_of
from chalicelib.web.views import Views

ACTIONS = ("trash", "delete", "tag", "untag")
TRASH_ACTIONS = ("restore", "delete")
Told = tuple[object, dict[str, str], int]


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes."""
    routes = Views()
    route = routes.route

    @route("/api/v1/actions", "POST")
    def act() -> Response:
        given = object_in(request())
        action, keys = text_in(given, "action", ACTIONS), keys_in(given)
        tag = text_in(given, "tag") if action in ("tag", "untag") else ""
        parts = [b"act on many", action.encode(), tag.encode(errors="replace"), *keys]
        if action == "trash":
            return answered_once(services(), request(), parts, _trash(keys), lambda found: _trashed(keys, found))
        if action == "delete":
            return answered_once(services(), request(), parts, _delete(keys), lambda gone: _deleted(keys, gone))
        change = _tag(keys, tag) if action == "tag" else _untag(keys, tag)
        return answered_once(services(), request(), parts, change, lambda refused: _changed(keys, refused))

    @route("/api/v1/trash", "GET")
    def list_trash() -> Response:
        query = query_of(request())
        limit = limit_in(query)
        found = services().trash.page(principal_of(request()), behind_of(query.text("cursor")), limit)
        return json_answer(
            {"trash": [_described(one) for one in found.trashed], "next_cursor": cursor_of(found.next_behind)}
        )

    @route("/api/v1/trash", "DELETE")
    def empty_trash() -> Response:
        if query_of(request()).text("all") != "true":
            raise InvalidValueError("all", "Emptying the trash must be asked for with all=true.")
        return json_answer({"deleted": services().trash.empty(principal_of(request()))})

    @route("/api/v1/trash/actions", "POST")
    def act_on_trash() -> Response:
        given = object_in(request())
        action, ids = text_in(given, "action", TRASH_ACTIONS), ids_in(given)
        parts = [b"act on trash", action.encode(), *ids]
        if action == "restore":
            return answered_once(services(), request(), parts, _restore(ids), lambda back: _restored(ids, back))
        return answered_once(services(), request(), parts, _delete_trashed(ids), lambda gone: _ended(ids, gone))

    def _trash(keys: Sequence[bytes]) -> Callable[[Note[tuple[TrashedImage, ...]] | None], tuple[TrashedImage, ...]]:
        return lambda note: services().trash.put_away(principal_of(request()), keys, note)

    def _delete(keys: Sequence[bytes]) -> Callable[[Note[Gone] | None], Gone]:
        return lambda note: services().many.delete(principal_of(request()), keys, note)

    def _tag(
        keys: Sequence[bytes], tag: str
    ) -> Callable[[Note[Mapping[bytes, Refused]] | None], Mapping[bytes, Refused]]:
        return lambda note: services().many.add_tag(principal_of(request()), keys, tag, note)

    def _untag(
        keys: Sequence[bytes], tag: str
    ) -> Callable[[Note[Mapping[bytes, Refused]] | None], Mapping[bytes, Refused]]:
        return lambda note: services().many.remove_tag(principal_of(request()), keys, tag, note)

    def _restore(ids: Sequence[bytes]) -> Callable[[Note[Back] | None], Back]:
        return lambda note: services().trash.restore(principal_of(request()), ids, note)

    def _delete_trashed(ids: Sequence[bytes]) -> Callable[[Note[Gone] | None], Gone]:
        return lambda note: services().trash.delete(principal_of(request()), ids, note)

    return routes


def _trashed(keys: Sequence[bytes], found: Sequence[TrashedImage]) -> Told:
    ids = {one.image.key: one.id.hex() for one in found}
    results = [_of_key(key, "done" if key in ids else "not-found", ids.get(key)) for key in keys]
    return _told(results, found[0].batch_id.hex() if found else None)


def _deleted(keys: Sequence[bytes], gone: Gone) -> Told:
    names = set(gone.names)
    return _told([_of_key(key, "done" if key in names else "not-found") for key in keys])


def _changed(keys: Sequence[bytes], refused: Mapping[bytes, Refused]) -> Told:
    return _told([_of_key(key, refused.get(key, "done")) for key in keys])


def _restored(ids: Sequence[bytes], back: Back) -> Told:
    keys = {one.id: text_of(one.key) for one in back.restored}
    return _told([{"id": one.hex(), "key": keys.get(one), "outcome": _outcome(one in keys)} for one in ids])


def _ended(ids: Sequence[bytes], gone: Gone) -> Told:
    names = set(gone.names)
    return _told([{"id": one.hex(), "key": None, "outcome": _outcome(one in names)} for one in ids])


def _outcome(done: bool) -> str:
    return "done" if done else "not-found"


def _of_key(key: bytes, outcome: str, trash_id: str | None = None) -> dict[str, object]:
    return {"id": trash_id, "key": text_of(key), "outcome": outcome}


def _told(results: list[dict[str, object]], batch_id: str | None = None) -> Told:
    done = sum(1 for one in results if one["outcome"] == "done")
    return {"done": done, "batch_id": batch_id, "results": results}, {}, 200


def _described(one: TrashedImage) -> dict[str, object]:
    image = one.image
    return {
        "id": one.id.hex(),
        "key": text_of(image.key),
        "media_type": image.facts.media_type,
        "size": image.size,
        "width": image.facts.width,
        "height": image.facts.height,
        "sha256": image.sha256.hex(),
        "batch_id": one.batch_id.hex(),
        "trashed_at": instant(one.trashed_at),
        "ends_at": instant(one.ends_at),
    }
