"""The HTML face of renditions and tags: their bytes, and the forms on an image's page."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.web.image_answers import rendition_answer
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.request_form import query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes; each form leads back to the image's page."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/rendition", "GET", "HEAD")
    def rendition() -> Response:
        query, current = query_of(request()), services()
        return rendition_answer(
            current.renditions,
            principal_of(request()),
            query.key(),
            query.text("kind"),
            request(),
            current.config.inline_bytes,
        )

    @route("/edit", "POST")
    def edit() -> Response:
        form = frame.own_form()
        services().renditions.edit(principal_of(request()), form.key(), form.text("kind"))
        return frame.onward("/image", key=form.key(), notice="asked")

    @route("/retry", "POST")
    def retry() -> Response:
        form = frame.own_form()
        services().renditions.retry(principal_of(request()), form.key())
        return frame.onward("/image", key=form.key(), notice="retried")

    @route("/tag", "POST")
    def add_tag() -> Response:
        form = frame.own_form()
        services().renditions.add_tag(principal_of(request()), form.key(), form.text("tag"))
        return frame.onward("/image", key=form.key(), notice="tagged")

    @route("/untag", "POST")
    def remove_tag() -> Response:
        form = frame.own_form()
        services().renditions.remove_tag(principal_of(request()), form.key(), form.text("tag"))
        return frame.onward("/image", key=form.key(), notice="untagged")

    return routes
