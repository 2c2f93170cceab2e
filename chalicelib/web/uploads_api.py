"""The REST face of uploads straight from the browser to the object store: /api/v1/uploads..."""

from collections.abc import Callable
from urllib.parse import quote

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.images import MAX_BYTES
from chalicelib.domain.keys import IfTaken, text_of
from chalicelib.domain.uploads import Upload, UploadState
from chalicelib.web.addresses import rooted
from chalicelib.web.idempotency import asked_of
from chalicelib.web.ids import upload_id_of
from chalicelib.web.json_answers import instant, json_answer
from chalicelib.web.request_form import RequestForm, form_of
from chalicelib.web.session import principal_of
from chalicelib.web.upload_values import if_taken_in
from chalicelib.web.views import Views

NO_FILE = 0  # bytes, beside the fields of a form
_MOST_SIZE = MAX_BYTES * 1000  # what is no size of a file at all; a file that is too large is told so


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /api/v1/uploads and below."""
    routes = Views()
    route = routes.route

    @route("/api/v1/uploads", "POST")
    def begin_upload() -> Response:
        form = form_of(request(), NO_FILE)
        key, media_type, size = form.key(), form.text("media_type"), _size(form)
        if_taken = _if_taken(form, request())
        parts = [key, media_type.encode(), str(size).encode()]
        if if_taken is not IfTaken.REPLACE:
            parts.append(if_taken.value.encode())
        asked = asked_of(request(), b"begin upload", *parts)
        begun = services().uploads.begin(principal_of(request()), key, media_type, size, asked, if_taken)
        body = {
            "id": begun.upload.id.hex(),
            "url": begun.form.url,
            "fields": dict(begun.form.fields),
            "expires": instant(begun.expires_at),
        }
        return json_answer(body, {"Location": _address(request(), begun.upload)}, 201)

    @route("/api/v1/uploads/{upload_id}", "GET")
    def get_upload(upload_id: str) -> Response:
        return _answer(services().uploads.find(principal_of(request()), upload_id_of(upload_id)))

    @route("/api/v1/uploads/{upload_id}/complete", "POST")
    def complete_upload(upload_id: str) -> Response:
        return _answer(services().uploads.complete(principal_of(request()), upload_id_of(upload_id)))

    def _answer(upload: Upload) -> Response:
        done = upload.state is UploadState.DONE
        return json_answer(
            {
                "id": upload.id.hex(),
                "state": upload.state.value,
                "key": text_of(upload.image_key),
                "asked_key": text_of(upload.key),
                "stored": upload.object_key is not None,
                "refusal": upload.refusal,
                "sha256": None if upload.sha256 is None else upload.sha256.hex(),
                "duplicate_of": None if upload.duplicate_of is None else text_of(upload.duplicate_of),
                "content": _content(request(), upload.image_key) if done else None,
                "created_at": instant(upload.created_at),
            }
        )

    return routes


def _address(request: Request, upload: Upload) -> str:
    return rooted(request, f"/api/v1/uploads/{upload.id.hex()}")


def _content(request: Request, key: bytes) -> str:
    return f"{rooted(request, '/api/v1/image')}?key={quote(key, safe='')}"


def _if_taken(form: RequestForm, request: Request) -> IfTaken:
    condition = request.headers.get("if-none-match")
    if condition is not None or "if-match" in request.headers:
        if condition != "*" or "if-match" in request.headers:
            raise InvalidValueError(
                "If-None-Match", "An upload is begun with “If-None-Match: *” or without conditions."
            )
        return IfTaken.REFUSE
    return if_taken_in(form)


def _size(form: RequestForm) -> int:
    text = form.text("size")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_SIZE))):
        raise InvalidValueError("size", "size must be the file's size in bytes.")
    return int(text)
