"""The trash and actions on many images, as pages. A form leads back to where it stood, and says there what was done."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.keys import key_from_bytes
from chalicelib.domain.trash import KEPT_DAYS, MOST_AT_ONCE, TrashedImage
from chalicelib.domain.trash_ports import Back
from chalicelib.web.ids import id_of
from chalicelib.web.image_answers import trashed_answer
from chalicelib.web.outcomes import back_of
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.page_values import day, shown, size_in_words
from chalicelib.web.request_form import RequestForm, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.trash_cursors import behind_of, cursor_of
from chalicelib.web.views import Views

LIST_LIMIT = 48
_NONE = bytes(16)  # nothing has this id: whether the session is in force is asked with it all the same


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of the trash, and that of the forms around images."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/selection", "POST")
    def selection() -> Response:
        form = frame.own_form(MOST_AT_ONCE)
        keys = [key_from_bytes(key) for key in form.each("key")]
        action = form.text("action")
        if action not in ("trash", "tag", "untag", "download"):
            raise InvalidValueError("action", "action must be trash, tag, untag or download.")
        if not keys:
            return _back(form, outcome="none")
        if action == "download":
            services().downloads.ask(principal_of(request()), keys)
            return frame.onward("/downloads", outcome="downloading")
        if action == "trash":
            trashed = services().trash.put_away(principal_of(request()), keys)
            return _back(form, trashed=trashed[0].batch_id.hex()) if trashed else _back(form, outcome="none")
        many = services().many
        change = many.add_tag if action == "tag" else many.remove_tag
        refused = change(principal_of(request()), keys, form.text("tag"))
        counts = {"count": str(len(keys) - len(refused)), "refused": str(len(refused))}
        return _back(form, outcome="tagged" if action == "tag" else "untagged", **counts)

    @route("/trash", "GET", "HEAD")
    def trash() -> Response:
        query = query_of(request())
        found = services().trash.page(principal_of(request()), behind_of(query.text("behind")), LIST_LIMIT)
        count, size = services().trash.count(principal_of(request()))
        values = {
            "trashed": [_shown(one) for one in found.trashed],
            "count": count,
            "size": size_in_words(size),
            "days": KEPT_DAYS,
            "next_behind": cursor_of(found.next_behind),
            "first": not query.text("behind"),
        }
        return frame.page("trash.html", values, images=[one.image for one in found.trashed])

    @route("/trash", "POST")
    def act() -> Response:
        form = frame.own_form(MOST_AT_ONCE)
        action = form.text("action")
        if action not in ("restore", "delete"):
            raise InvalidValueError("action", "action must be restore or delete.")
        ids = [found for found in map(_id_in_form, form.each("id")) if found is not None]
        if not ids:
            return frame.onward("/trash", outcome="none")
        if action == "restore":
            return _restored("/trash", services().trash.restore(principal_of(request()), ids))
        if form.text("confirm") != "yes":
            return frame.page("trash_question.html", {"ids": [one.hex() for one in ids], "count": len(ids)})
        gone = services().trash.delete(principal_of(request()), ids)
        return frame.onward("/trash", outcome="gone", count=str(len(gone.names)))

    @route("/trash/undo", "POST")
    def undo() -> Response:
        form = frame.own_form()
        batch_id = id_of(form.text("batch"))
        if batch_id is None:
            raise InvalidValueError("batch", "Say what is to be undone.")
        return _restored(back_of(form.text("back")), services().trash.undo(principal_of(request()), batch_id))

    @route("/trash/empty", "GET", "HEAD")
    def empty_question() -> Response:
        count, _ = services().trash.count(principal_of(request()))
        return frame.page("trash_question.html", {"ids": [], "count": count})

    @route("/trash/empty", "POST")
    def empty() -> Response:
        if frame.own_form().text("confirm") != "yes":
            return empty_question()
        services().trash.empty(principal_of(request()))
        return frame.onward("/trash", outcome="emptied")

    @route("/trash/image", "GET", "HEAD")
    def image() -> Response:
        current, trash_id = services(), id_of(query_of(request()).text("id")) or _NONE
        return trashed_answer(current.trash, principal_of(request()), trash_id, request(), current.config.inline_bytes)

    def _back(form: RequestForm, **query: str) -> Response:
        return frame.onward(back_of(form.text("back")), after=form.text("after"), q=form.text("q"), **query)

    def _restored(path: str, back: Back) -> Response:
        if not back.restored:
            return frame.onward(path, outcome="none")
        renamed = any(one.key != one.key_before for one in back.restored)
        return frame.onward(path, outcome="renamed" if renamed else "restored", count=str(len(back.restored)))

    return routes


def _shown(one: TrashedImage) -> dict[str, object]:
    return {"id": one.id.hex(), "image": shown(one.image), "ends": day(one.ends_at)}


def _id_in_form(raw: bytes) -> bytes | None:
    return id_of(raw.decode(errors="replace"))
