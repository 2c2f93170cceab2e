"""What the sweeper found, as a page: /admin/findings. A sweep that stopped is allowed to act there, once."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError, RequestError, TooManyTriesError
from chalicelib.domain.sweeping import may_go_anyway
from chalicelib.services.admin import By
from chalicelib.web import finding_values
from chalicelib.web.addresses import came_from
from chalicelib.web.http import error_answer
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.request_form import query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

LIST_LIMIT = 50
NOTICES = {"anyway": "The next sweep begins within ten minutes, and acts on all that it finds."}


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of the page."""
    routes = Views()
    frame = PageFrame(services, request)

    @routes.route("/admin/findings", "GET", "HEAD")
    def findings() -> Response:
        return _page()

    @routes.route("/admin/findings", "POST")
    def sweep_anyway() -> Response:
        form = frame.own_form()
        try:
            by = By(principal_of(request()), came_from(request()))
            services().sweep_override.allow(by, form.text("password"))
        except (InvalidValueError, TooManyTriesError) as error:
            return _page(error)
        return frame.onward("/admin/findings", notice="anyway")

    def _page(error: RequestError | None = None) -> Response:
        before, limit = finding_values.asked_for(query_of(request()), LIST_LIMIT)
        found = services().sweeping.findings(before, limit)
        sweep, problem = services().sweeping.last(), None if error is None else error_answer(error)
        values = {
            "sweep": finding_values.sweep_words(sweep),
            "stopped": may_go_anyway(sweep) and not sweep.next_anyway,
            "suspected": f"{sweep.objects_suspected:,} objects and {sweep.rows_suspected:,} rows",
            "notice": NOTICES.get(query_of(request()).text("notice")),
            "problem": problem,
            "field": error.field if isinstance(error, InvalidValueError) else None,
            "findings": [finding_values.shown_finding(one) for one in found.findings],
            "next_before": None if found.next_before is None else str(found.next_before),
            "first": before is None,
        }
        return frame.page("admin_findings.html", values, 200 if problem is None else problem.status)

    return routes
