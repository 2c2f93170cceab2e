"""The REST face of what belongs to an image: renditions, tags, caption, key. Keys travel in query or body."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError
from chalicelib.web.addresses import rooted
from chalicelib.web.image_answers import precondition_of, rendition_answer
from chalicelib.web.json_answers import json_answer
from chalicelib.web.rendering import address
from chalicelib.web.rendition_values import told_about
from chalicelib.web.request_form import RequestForm, form_of, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes below /api/v1/image that are about what belongs to an image."""
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

    @route("/api/v1/image/caption", "PUT")
    def describe() -> Response:
        form = _form()
        services().image_details.describe(
            principal_of(request()), form.key(), _given(form, "caption"), precondition_of(request())
        )
        return _about(form.key())

    @route("/api/v1/image/rename", "POST")
    def rename() -> Response:
        form = _form()
        new_key = services().image_details.rename(
            principal_of(request()), form.key(), _given(form, "new_key"), precondition_of(request())
        )
        answer = _about(new_key)
        answer.headers["Location"] = address(rooted(request(), ""), "/api/v1/image", key=new_key)
        return answer

    @route("/api/v1/image/tags", "POST")
    def add_tag() -> Response:
        form = _form()
        services().renditions.add_tag(principal_of(request()), form.key(), _given(form, "tag"))
        return _about(form.key())

    @route("/api/v1/image/tags", "DELETE")
    def remove_tag() -> Response:
        query = query_of(request())
        services().renditions.remove_tag(principal_of(request()), query.key(), _given(query, "tag"))
        return _about(query.key())

    def _form() -> RequestForm:
        return form_of(request(), 0)

    def _about(key: bytes, status: int = 200) -> Response:
        return json_answer(told_about(services().renditions.about(principal_of(request()), key)), status=status)

    return routes


def _given(form: RequestForm, name: str) -> str:
    if name not in form.values:
        raise InvalidValueError(name, f"The field “{name}” is missing.")
    return form.text(name)
