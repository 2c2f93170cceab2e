"""The REST face: /api/v1. Keys that a path cannot carry travel in the query, under /api/v1/image."""

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes, urlencode

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.idempotency import Asked, Note
from chalicelib.domain.images import Image
from chalicelib.domain.keys import IfTaken, key_from_bytes, text_of
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Written
from chalicelib.services.idempotency import once
from chalicelib.web.addresses import rooted
from chalicelib.web.idempotency import asked_of, from_text, to_text
from chalicelib.web.image_answers import content_answer, etag_of, precondition_of
from chalicelib.web.json_answers import instant, json_answer
from chalicelib.web.limits import limit_in
from chalicelib.web.openapi import document
from chalicelib.web.rendition_values import told_about
from chalicelib.web.request_form import body_of, form_of, query_of
from chalicelib.web.search_api import found_images
from chalicelib.web.session import principal_of
from chalicelib.web.timing import RequestTimer
from chalicelib.web.upload_values import if_taken_in
from chalicelib.web.views import Views


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /api/v1, of the API's document, and of health."""
    routes = Views()
    route = routes.route

    @route("/health", "GET")
    def health() -> Response:
        fleet_map = services().fleet.map()
        return json_answer(
            {"status": "ok" if fleet_map.nodes else "no nodes", "nodes": len(fleet_map.nodes)},
            status=200 if fleet_map.nodes else 503,
        )

    @route("/api/openapi.json", "GET")
    def openapi() -> Response:
        return json_answer(document())

    @route("/api/v1/images", "GET")
    def list_images() -> Response:
        query = query_of(request())
        limit = limit_in(query)
        if "q" in query.values:
            return found_images(services(), request(), query, limit, lambda image: _described(request(), image))
        page = services().images.page(principal_of(request()), _after(query.text("cursor")), limit)
        following = None if page.next_after is None else _cursor(page.next_after)
        headers = {}
        if following is not None:
            query_text = urlencode({"cursor": following, "limit": limit})
            headers["Link"] = f'<{rooted(request(), "/api/v1/images")}?{query_text}>; rel="next"'
        return json_answer(
            {"images": [_described(request(), image) for image in page.images], "next_cursor": following}, headers
        )

    @route("/api/v1/images", "POST")
    def create_image() -> Response:
        form = form_of(request(), services().config.max_upload_bytes)
        key, data, if_taken = form.key(), form.file(), if_taken_in(form)
        conditions = [request().headers.get(name, "").encode() for name in ("if-match", "if-none-match")]
        if if_taken is not IfTaken.REPLACE:
            conditions.append(if_taken.value.encode())
        asked = asked_of(request(), b"create image", key, data, *conditions)
        return _put(key, data, if_taken) if asked is None else _put_once(key, data, if_taken, asked)

    @route("/api/v1/images", "DELETE")
    def delete_images() -> Response:
        if query_of(request()).text("all") != "true":
            raise InvalidValueError("all", "Deleting every image must be asked for with all=true.")
        return json_answer({"deleted": services().images.delete_all(principal_of(request()))})

    @route("/api/v1/images/{key}", "GET", "HEAD")
    def get_image(key: str) -> Response:
        return _content(_key_in_path(key))

    @route("/api/v1/images/{key}", "PUT")
    def put_image(key: str) -> Response:
        return _put(_key_in_path(key), body_of(request(), services().config.max_upload_bytes))

    @route("/api/v1/images/{key}", "DELETE")
    def delete_image(key: str) -> Response:
        return _delete(_key_in_path(key))

    @route("/api/v1/image", "GET", "HEAD")
    def get_image_by_query() -> Response:
        return _content(query_of(request()).key())

    @route("/api/v1/image", "PUT")
    def put_image_by_query() -> Response:
        return _put(query_of(request()).key(), body_of(request(), services().config.max_upload_bytes))

    @route("/api/v1/image", "DELETE")
    def delete_image_by_query() -> Response:
        return _delete(query_of(request()).key())

    @route("/api/v1/image/metadata", "GET")
    def get_metadata() -> Response:
        image = services().images.find(principal_of(request()), query_of(request()).key(), RequestTimer())
        about = services().renditions.about(principal_of(request()), image.key)
        return json_answer({**_described(request(), image), **told_about(about)}, {"ETag": etag_of(image)})

    def _content(key: bytes) -> Response:
        current = services()
        return content_answer(current.images, principal_of(request()), key, request(), current.config.inline_bytes)

    def _put(key: bytes, data: bytes, if_taken: IfTaken = IfTaken.REPLACE) -> Response:
        timer, principal = RequestTimer(), principal_of(request())
        written = services().images.put(principal, key, data, precondition_of(request()), timer, if_taken=if_taken)
        body, headers, status = _stored(request(), written)
        return json_answer(body, {**headers, "Server-Timing": timer.header()}, status)

    def _put_once(key: bytes, data: bytes, if_taken: IfTaken, asked: Asked) -> Response:
        now = request()

        def answer_of(written: Written) -> str:
            return to_text(*_stored(now, written))

        def perform() -> str:
            note, timer, principal = Note(asked, answer_of), RequestTimer(), principal_of(now)
            put = services().images.put
            return answer_of(put(principal, key, data, precondition_of(now), timer, note, if_taken=if_taken))

        return from_text(once(services().answers, principal_of(now), asked, perform))

    def _delete(key: bytes) -> Response:
        services().images.delete(principal_of(request()), key, precondition_of(request()))
        return Response(b"", {}, 204)

    return routes


def _stored(request: Request, written: Written) -> tuple[dict[str, object], dict[str, str], int]:
    """The answer to a write: body, headers and status."""
    image, twin = written.image, written.duplicate_of
    headers = {"ETag": etag_of(image)}
    if written.created:
        headers["Location"] = _address(request, image)
    told = {"duplicate_of": None if twin is None else text_of(twin), "stored": written.stored}
    body = {**_described(request, image), **told}
    return body, headers, 201 if written.created else 200


def _described(request: Request, image: Image) -> dict[str, object]:
    return {
        "key": text_of(image.key),
        "media_type": image.facts.media_type,
        "size": image.size,
        "width": image.facts.width,
        "height": image.facts.height,
        "frames": image.facts.frames,
        "sha256": image.sha256.hex(),
        "partition": partition_of(image.key) + 1,
        "created_at": instant(image.created_at),
        "content": _address(request, image),
    }


def _address(request: Request, image: Image) -> str:
    return f"{rooted(request, '/api/v1/image')}?key={quote(image.key, safe='')}"


def _key_in_path(segment: str) -> bytes:
    return key_from_bytes(unquote_to_bytes(segment))


def _cursor(after: bytes) -> str:
    return base64.urlsafe_b64encode(after).decode().rstrip("=")


def _after(cursor: str) -> bytes | None:
    if not cursor:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValueError("cursor", "The cursor is not one that this list gave.") from None
