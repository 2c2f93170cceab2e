"""Large images without script: a form that leads straight to the object store, and from there back to the gallery.

What goes through the application has a few MiB at most on AWS. The script's uploads know no such limit; these pages are
for browsers that run none.
"""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidKeyError, QuotaError, RequestError
from chalicelib.domain.images import MEDIA_TYPES
from chalicelib.domain.keys import text_of
from chalicelib.domain.uploads import FORM_SECONDS, Upload, UploadForm, UploadState
from chalicelib.web.addresses import root_of, site_of
from chalicelib.web.http import error_answer
from chalicelib.web.ids import upload_id_of
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.page_values import size_in_words
from chalicelib.web.request_form import query_of
from chalicelib.web.session import principal_of
from chalicelib.web.upload_values import outcome_of_upload
from chalicelib.web.views import Views

_DECLARED = MEDIA_TYPES[0]  # the file is not chosen yet, and its bytes decide what it is
_NO_ROOM = (
    "An upload in this way sets {size} aside while it is on its way, and there is no room for that. Uploads by script "
    "ask for as much as the file has."
)


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes below /upload."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/upload/large", "GET", "HEAD")
    def key_form() -> Response:
        return _large(query_of(request()).text("key"))

    @route("/upload/large", "POST")
    def file_form() -> Response:
        form = frame.own_form()
        try:
            key, most = form.key(), services().config.max_upload_bytes
            upload = services().uploads.begin(principal_of(request()), key, _DECLARED, most).upload
        except QuotaError:
            return _large(text_of(key), QuotaError(_NO_ROOM.format(size=size_in_words(most))))
        except RequestError as error:
            return _large(form.values.get("key", b"").decode(errors="replace"), error)
        # Where the person is, which was looked at already: the store may be known by several names.
        here = request().headers.get("origin", "")
        known = f"{here}{root_of(request())}" if "://" in here else services().config.site_address
        back = f"{site_of(request(), known)}/upload/sent?id={upload.id.hex()}"
        return _large(text_of(key), form=services().uploads.form_leading_to(upload, back))

    @route("/upload/sent", "GET", "HEAD")
    def sent() -> Response:
        # The object store leads here and tells of the bytes as well: nothing has to be changed by looking.
        return _ended(services().uploads.find(principal_of(request()), upload_id_of(query_of(request()).text("id"))))

    @route("/upload/sent", "POST")
    def look_now() -> Response:
        upload_id = upload_id_of(frame.own_form().text("id"))
        services().uploads.complete(principal_of(request()), upload_id)
        return frame.onward("/upload/sent", id=upload_id.hex())

    def _large(key: str, error: RequestError | None = None, form: UploadForm | None = None) -> Response:
        answer = None if error is None else error_answer(error)
        values = {
            "key": key,
            "form": form,
            "problem": answer,
            "field": "key" if isinstance(error, InvalidKeyError) else None,
            "max_size": size_in_words(services().config.max_upload_bytes),
            "minutes": FORM_SECONDS // 60,
        }
        status = 200 if answer is None else answer.status
        return frame.page("upload_large.html", values, status, posts_to_bucket=form is not None)

    def _ended(upload: Upload) -> Response:
        if upload.state is UploadState.DONE:
            return frame.onward("/", **outcome_of_upload(upload))
        values = {"id": upload.id.hex(), "key": text_of(upload.key), "refusal": upload.refusal}
        return frame.page("upload_sent.html", values)

    return routes
