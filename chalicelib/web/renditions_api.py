"""The REST face of renditions and tags. Keys travel in the query or in the body."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError
from chalicelib.web.image_answers import rendition_answer
from chalicelib.web.json_answers import json_answer
from chalicelib.web.rendition_values import told_about
from chalicelib.web.request_form import RequestForm, form_of, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes below /api/v1/image that are about renditions and tags."""
    routes = Views()
    route = routes.route

    @route("/api/v1/image/rendition", "GET", "HEAD")
    def get_rendition() -> Response:
        query, current = query_of(request()), services()
        return rendition_answer(
            current.renditions,
            principal_of(request()),
            query.key(),
            query.text("kind"),
            request(),
            current.config.inline_bytes,
        )

    @route("/api/v1/image/edits", "POST")
    def edit() -> Response:
        form = _form()
        services().renditions.edit(principal_of(request()), form.key(), form.text("kind"))
        return _about(form.key(), 202)

    @route("/api/v1/image/retry", "POST")
    def retry() -> Response:
        form = _form()
        services().renditions.retry(principal_of(request()), form.key())
        return _about(form.key(), 202)

    @route("/api/v1/image/tags", "POST")
    def add_tag() -> Response:
        form = _form()
        services().renditions.add_tag(principal_of(request()), form.key(), _tag(form))
        return _about(form.key())

    @route("/api/v1/image/tags", "DELETE")
    def remove_tag() -> Response:
        query = query_of(request())
        services().renditions.remove_tag(principal_of(request()), query.key(), _tag(query))
        return _about(query.key())

    def _form() -> RequestForm:
        return form_of(request(), 0)

    def _about(key: bytes, status: int = 200) -> Response:
        return json_answer(told_about(services().renditions.about(principal_of(request()), key)), status=status)

    return routes


def _tag(form: RequestForm) -> str:
    if "tag" not in form.values:
        raise InvalidValueError("tag", "The field “tag” is missing.")
    return form.text("tag")
