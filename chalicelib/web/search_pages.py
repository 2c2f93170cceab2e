"""The page of a search. The query is in its address, so Back, a reload and a bookmark come to the same images."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.keys import text_of
from chalicelib.domain.search_ports import place_of
from chalicelib.services.search import Found
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.page_values import shown
from chalicelib.web.request_form import query_of
from chalicelib.web.search_values import SearchAsked, search_values
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

GRID_LIMIT = 48


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The route of the search page."""
    routes = Views()
    route = routes.route
    frame = PageFrame(services, request)

    @route("/search", "GET", "HEAD")
    def search() -> Response:
        asked = query_of(request())
        written, after, me = asked.text("q"), asked.text("after"), principal_of(request())
        read = SearchAsked.of(written)
        found = Found([], None)
        if read.query is not None:
            try:
                place = place_of(after) if after else None
            except InvalidValueError:
                return frame.onward("/search", q=read.query.text)  # an address that was cut: the first page
            found = services().search.page(me, read.query, place, GRID_LIMIT)
        thumbnails = services().renditions.thumbnails(me, found.images)
        values = {
            **search_values(read, services().search.suggestions(me, read.piece)),
            "images": [shown(image) for image in found.images],
            "thumbnails": {text_of(key) for key in thumbnails},
            "next_after": None if found.next_after is None else found.next_after.text,
            "first": not after,
        }
        return frame.page("search.html", values, 400 if read.problem else 200, images=found.images)

    return routes
