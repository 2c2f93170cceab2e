"""The REST face of albums: /api/v1/albums..."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.albums import title_of
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.keys import text_of
from chalicelib.services.albums import Albums
from chalicelib.web.addresses import rooted
from chalicelib.web.ids import album_id_of
from chalicelib.web.json_answers import json_answer
from chalicelib.web.limits import limit_in, whole_in
from chalicelib.web.request_form import RequestForm, form_of, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.sharing_values import told_album
from chalicelib.web.views import Views

MOST_POSITION = 1_000_000


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /api/v1/albums and below."""
    routes = Views()
    route = routes.route

    def albums() -> Albums:
        return services().albums

    @route("/api/v1/albums", "GET")
    def list_albums() -> Response:
        return json_answer({"albums": [told_album(album) for album in albums().all(principal_of(request()))]})

    @route("/api/v1/albums", "POST")
    def create() -> Response:
        album_id = albums().create(principal_of(request()), form_of(request(), 0).text("title"))
        location = rooted(request(), f"/api/v1/albums/{album_id.hex()}")
        return _told(album_id, 201, {"Location": location})

    @route("/api/v1/albums/{album_id}", "GET")
    def get_album(album_id: str) -> Response:
        query = query_of(request())
        limit = limit_in(query)
        after = whole_in(query, "cursor", 0, MOST_POSITION) if "cursor" in query.values else -1
        page = albums().page(principal_of(request()), album_id_of(album_id), after, limit)
        return json_answer(
            {
                "album": told_album(page.album),
                "keys": [text_of(item.image.key) for item in page.images],
                "next_cursor": None if page.next_after is None else str(page.next_after),
            }
        )

    @route("/api/v1/albums/{album_id}", "PATCH")
    def change(album_id: str) -> Response:
        form, principal, own_id = form_of(request(), 0), principal_of(request()), album_id_of(album_id)
        if not {"title", "cover"} & form.values.keys():
            raise InvalidValueError("title", "Give a title, or a cover: the key of an image in the album.")
        title = title_of(form.text("title")) if "title" in form.values else None  # refused before anything is changed
        if "cover" in form.values:
            albums().choose_cover(principal, own_id, RequestForm({"key": form.values["cover"]}).key())
        if title is not None:
            albums().rename(principal, own_id, title)
        return _told(own_id)

    @route("/api/v1/albums/{album_id}", "DELETE")
    def delete(album_id: str) -> Response:
        albums().delete(principal_of(request()), album_id_of(album_id))
        return Response(b"", {}, 204)

    @route("/api/v1/albums/{album_id}/images", "POST")
    def add(album_id: str) -> Response:
        key = form_of(request(), 0).key()
        albums().add(principal_of(request()), album_id_of(album_id), [key])
        return _told(album_id_of(album_id))

    @route("/api/v1/albums/{album_id}/images", "DELETE")
    def remove(album_id: str) -> Response:
        albums().remove(principal_of(request()), album_id_of(album_id), query_of(request()).key())
        return _told(album_id_of(album_id))

    @route("/api/v1/albums/{album_id}/order", "POST")
    def move(album_id: str) -> Response:
        form = form_of(request(), 0)
        position = whole_in(form, "position", 1, MOST_POSITION)
        albums().move(principal_of(request()), album_id_of(album_id), form.key(), lambda at: position - 1)
        return _told(album_id_of(album_id))

    def _told(album_id: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return json_answer(told_album(albums().find(principal_of(request()), album_id)), headers, status)

    return routes
