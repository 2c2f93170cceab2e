"""The HTML face: pages for people, which work without script. Keys travel in queries and forms only."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidKeyError, InvalidValueError, NotFoundError, RequestError
from chalicelib.domain.images import Image
from chalicelib.domain.keys import IfTaken, key_from_text
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.stored_renditions import as_image
from chalicelib.services.images import no_precondition
from chalicelib.web.http import error_answer
from chalicelib.web.image_answers import content_answer, etag_of
from chalicelib.web.outcomes import back_of
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.page_values import NOTICES, file_name, node_serving, shown
from chalicelib.web.rendition_values import shown_about
from chalicelib.web.request_form import RequestForm, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.static_files import cache_control, static_files
from chalicelib.web.timing import RequestTimer, served_by
from chalicelib.web.upload_values import form_values, notice_in, outcome_of, wanted_in
from chalicelib.web.views import Views

LIST_LIMIT = 50


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of the pages, of the bytes they show, and of their styles and scripts."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/upload", "GET", "HEAD")
    def upload_form() -> Response:
        return frame.page("upload.html", form_values(services().config, query_of(request()).text("key")), uploads=True)

    @route("/upload", "POST")
    def upload() -> Response:
        form = RequestForm({})
        try:
            form = frame.own_form()
            (key, if_taken), data = wanted_in(form), form.file()
            if not data:
                raise InvalidValueError("file", "No image was chosen, or the chosen file is empty.")
            written = services().images.put(
                principal_of(request()), key, data, no_precondition, RequestTimer(), if_taken=if_taken
            )
        except RequestError as error:
            answer = error_answer(error)
            # A key that nobody wrote is not kept: it would be taken for the person's own for the next file.
            by_name = form.values.get("if_taken") == IfTaken.KEEP_BOTH.value.encode()
            kept = "" if by_name else form.values.get("key", b"").decode(errors="replace")
            values = form_values(services().config, kept, answer, _field_of(error))
            return frame.page("upload.html", values, answer.status, uploads=True)
        outcome = outcome_of(key, written)
        if form.values.get("lead") == b"gallery":  # as the form says where no script has changed it
            return frame.onward("/", **outcome)
        outcome.pop("stored", None)
        return frame.onward("/image", key=written.image.key, **outcome)

    @route("/image", "GET", "HEAD")
    def one_image() -> Response:
        query = query_of(request())
        image = _found(query)
        if isinstance(image, Response):
            return image
        timer = RequestTimer()
        with timer.part("select"):
            about = services().renditions.about(principal_of(request()), image.key)
        node = node_serving(services().fleet.map(), image.key)
        values = {
            "image": shown(image),
            **shown_about(about),
            "sha256": image.sha256.hex(),
            "bytes": image.size,
            "partition": partition_of(image.key) + 1,
            "node": node,
            "etag": etag_of(image),
            "file_name": file_name(image),
            "notice": notice_in(query),
        }
        made = [as_image(image, one) for one in about.renditions]
        timing = timer.entries("primary", served_by(node.id if node else None, partition_of(image.key)))
        return frame.page("image.html", values, images=[image, *made], timing=timing)

    @route("/retrieve", "GET", "HEAD")
    def retrieve() -> Response:
        query = query_of(request())
        image = _found(query)
        if isinstance(image, Response):
            return image
        return frame.onward("/image", key=image.key)

    @route("/content", "GET", "HEAD")
    def content() -> Response:
        current = services()
        key = query_of(request()).key()
        return content_answer(current.images, principal_of(request()), key, request(), current.config.inline_bytes)

    @route("/keys", "GET", "HEAD")
    def keys() -> Response:
        query = query_of(request())
        found = services().images.page(principal_of(request()), _after(query), LIST_LIMIT)
        values = {
            "images": [shown(image) for image in found.images],
            "after": query.text("after"),
            "next_after": found.next_after,
            "notice": _notice(query),
        }
        return frame.page("keys.html", values)

    @route("/delete", "GET", "HEAD")
    def delete_question() -> Response:
        query = query_of(request())
        image = services().images.find(principal_of(request()), query.key(), RequestTimer())
        values = {"image": shown(image), "led_from": back_of(query.text("back"))}
        return frame.page("delete.html", values, images=[image])

    @route("/delete", "POST")
    def delete() -> Response:
        form = frame.own_form()
        trashed = services().trash.put_one_away(principal_of(request()), form.key())
        return frame.onward(back_of(form.text("back")), trashed=trashed.batch_id.hex())

    @route("/delete-all", "GET", "HEAD")
    def delete_all_question() -> Response:
        return _delete_all_page(None)

    @route("/delete-all", "POST")
    def delete_all() -> Response:
        if frame.own_form().text("confirm") != "yes":
            return _delete_all_page("Nothing was deleted: tick the box to say that you mean it.", 400)
        services().images.delete_all(principal_of(request()))
        return frame.onward("/keys", notice="deleted-all")

    @route("/fleet", "GET", "HEAD")
    def fleet() -> Response:
        return frame.onward("/manager")

    @route("/notice", "GET", "HEAD")
    def resize_notice() -> Response:
        """The notice alone, for pages that stay open; nothing but a line feed if there is nothing new."""
        return frame.page("notice.html", {})

    @route("/static/{name}", "GET", "HEAD")
    def static(name: str) -> Response:
        file = static_files().get(name)
        if file is None:
            return Response("There is no such file.\n", {"Content-Type": "text/plain; charset=utf-8"}, 404)
        sent = file.encoded_for(request().headers.get("accept-encoding", ""))
        caching = {
            "ETag": sent.etag,
            "Cache-Control": cache_control(file, query_of(request()).text("v")),
            "Vary": "Accept-Encoding",
        }
        if request().headers.get("if-none-match") in (sent.etag, file.etag):
            return Response(b"", {**caching}, 304)
        return Response(sent.data, {**caching, **sent.headers, "Content-Type": file.media_type})

    def _found(query: RequestForm) -> Image | Response:
        """The image that the query's key names, or the page that says why there is none."""
        try:
            return services().images.find(principal_of(request()), query.key(), RequestTimer())
        except (NotFoundError, InvalidKeyError, InvalidValueError) as error:
            return _missing(query, error)

    def _missing(query: RequestForm, error: RequestError) -> Response:
        answer = error_answer(error)
        asked = query.values.get("key", b"").decode(errors="replace")
        return frame.page("missing.html", {"answer": answer, "asked": asked}, answer.status)

    def _delete_all_page(problem: str | None, status: int = 200) -> Response:
        count = len(services().images.keys(principal_of(request())))
        return frame.page("delete_all.html", {"count": count, "problem": problem}, status)

    return routes


def _after(query: RequestForm) -> bytes | None:
    text = query.text("after")
    return key_from_text(text) if text else None


def _notice(query: RequestForm) -> str | None:
    return NOTICES.get(query.text("notice"))


def _field_of(error: RequestError) -> str:
    """The field of the upload form that the error is about."""
    if isinstance(error, InvalidKeyError):
        return "key"
    return error.field if isinstance(error, InvalidValueError) else "file"
