"""The HTML face of the gallery: its pages, what an owner says of an image, and how the pages look."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import PreconditionError
from chalicelib.domain.gallery import GalleryPage, cursor_of
from chalicelib.domain.images import Image
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.ports import Precondition
from chalicelib.domain.search import EVERYTHING
from chalicelib.services.gallery import FirstPage
from chalicelib.services.images import no_precondition
from chalicelib.web.gallery_values import shown_tiles
from chalicelib.web.image_answers import etag_of
from chalicelib.web.looks import chosen, own_path
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.request_form import RequestForm, query_of
from chalicelib.web.search_values import SearchAsked, search_values
from chalicelib.web.session import principal_of
from chalicelib.web.timing import RequestTimer, served_by
from chalicelib.web.upload_values import form_values, notice_in
from chalicelib.web.views import Views

PAGE_LIMIT = 60
WITH_EDITS = "edits"


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes; each form leads back to where it stood."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/", "GET", "HEAD")
    def home() -> Response:
        query, timer = query_of(request()), RequestTimer()
        after, show, asked = query.text("after"), query.text("show"), SearchAsked.of(query.text("q"))
        cursor = cursor_of(after) if after else None
        principal, shown = principal_of(request()), FirstPage(GalleryPage((), None), ListSource.PRIMARY.server)
        if cursor is None and asked.query == EVERYTHING:
            shown = services().gallery.first_page(principal, PAGE_LIMIT, timer)
        elif asked.query is not None:
            with timer.part("select"):
                page, source = services().gallery.page(principal, cursor, PAGE_LIMIT, asked.query)
            shown = FirstPage(page, source.server)
        page = shown.page
        with timer.part("suggestions"):
            offered = services().gallery.suggestions(principal, asked.piece) if asked.written else []
        values = {
            **search_values(asked, offered),
            "tiles": shown_tiles(page, show == WITH_EDITS),
            "after": after,
            "next_after": page.next_after,
            "show": show if show == WITH_EDITS else "",
            "notice": notice_in(query),
            **form_values(services().config),
        }
        status = 200 if asked.problem is None else 400
        timing = timer.entries(shown.source, served_by(shown.node.id, shown.partition) if shown.node else None)
        return frame.page("home.html", values, status, uploads=True, from_bucket=True, timing=timing)

    @route("/caption", "POST")
    def describe() -> Response:
        form = frame.own_form()
        key = form.key()
        services().image_details.describe(principal_of(request()), key, form.text("caption"), _as_seen(form))
        return frame.onward("/image", key=key, notice="captioned")

    @route("/rename", "POST")
    def rename() -> Response:
        form = frame.own_form()
        new_key = services().image_details.rename(
            principal_of(request()), form.key(), form.text("new_key"), _as_seen(form)
        )
        return frame.onward("/image", key=new_key, notice="renamed")

    @route("/looks", "POST")
    def look() -> Response:
        form = frame.own_form()
        theme = form.text("theme") if "theme" in form.values else None
        badge = form.text("badge") if "badge" in form.values else None
        return frame.onward(own_path(form.text("back")), set_cookie=chosen(request(), theme, badge))

    return routes


def _as_seen(form: RequestForm) -> Precondition:
    """That the image is the one that the form was shown beside, if the form says which: If-Match for forms."""
    seen = form.text("etag")
    if not seen:
        return no_precondition

    def precondition(image: Image | None) -> None:
        if image is None or etag_of(image) != seen:
            raise PreconditionError("Another image has taken this one's place since the page was loaded. Look again.")

    return precondition
