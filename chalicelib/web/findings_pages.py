"""What the sweeper found, as a page: /admin/findings."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.web import finding_values
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.request_form import query_of
from chalicelib.web.views import Views

LIST_LIMIT = 50


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The one route."""
    routes = Views()
    frame = PageFrame(services, request)

    @routes.route("/admin/findings", "GET", "HEAD")
    def findings() -> Response:
        before, limit = finding_values.asked_for(query_of(request()), LIST_LIMIT)
        found = services().sweeping.findings(before, limit)
        values = {
            "sweep": finding_values.sweep_words(services().sweeping.last()),
            "findings": [finding_values.shown_finding(one) for one in found.findings],
            "next_before": None if found.next_before is None else str(found.next_before),
            "first": before is None,
        }
        return frame.page("admin_findings.html", values)

    return routes
