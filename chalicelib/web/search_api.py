"""The REST face of searching: what a piece of a query may become, and the pages of what a query finds."""

from collections.abc import Callable
from urllib.parse import urlencode

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.gallery import cursor_of, cursor_text
from chalicelib.domain.images import Image
from chalicelib.domain.search import query_of as query_from_text
from chalicelib.web.addresses import rooted
from chalicelib.web.json_answers import json_answer
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation
from chalicelib.web.request_form import RequestForm, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

_MOST_OFFERED = 20


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The route of suggestions."""
    routes = Views()
    route = routes.route

    @route("/api/v1/suggestions", "GET")
    def suggestions() -> Response:
        piece = query_of(request()).text("prefix")
        found = services().gallery.suggestions(principal_of(request()), piece)
        return json_answer({"suggestions": [{"text": each.text, "images": each.images} for each in found]})

    return routes


def found_images(
    services: Services, request: Request, asked: RequestForm, limit: int, described: Callable[[Image], object]
) -> Response:
    """A page of what the query `q` finds, newest first, as GET /api/v1/images answers it."""
    query = query_from_text(asked.text("q"))
    cursor = asked.text("cursor")
    after = cursor_of(cursor, "cursor") if cursor else None
    images, behind = services.gallery.found(principal_of(request), after, limit, query)
    following = None if behind is None else cursor_text(behind)
    headers = {}
    if following is not None:
        query_text = urlencode({"q": query.text, "cursor": following, "limit": limit})
        headers["Link"] = f'<{rooted(request, "/api/v1/images")}?{query_text}>; rel="next"'
    return json_answer({"images": [described(image) for image in images], "next_cursor": following}, headers)


def search_paths() -> Schema:
    """The paths of this module."""
    return {
        "/api/v1/suggestions": {
            "get": operation(
                "suggest",
                "What the last piece of a search, still being written, may become: tags, words and filters.",
                {"200": json_content("Suggestions", "The most frequent first."), **errors("400")},
                parameters=[{"name": "prefix", "in": "query", "schema": {"type": "string"}}],
            )
        }
    }


def search_schemas() -> dict[str, Schema]:
    """The schemas that the paths name."""
    suggestion = object_of(
        text={"type": "string", "description": "The whole piece, to stand in the place of what was written."},
        images={"type": ["integer", "null"], "description": "How many images have it; null if that is not counted."},
    )
    return {"Suggestions": object_of(suggestions={"type": "array", "items": suggestion, "maxItems": _MOST_OFFERED})}
