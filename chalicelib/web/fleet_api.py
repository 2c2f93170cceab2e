"""The REST face of the fleet: /api/v1/fleet..."""

from collections.abc import Callable
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.cache_settings import MOST_NODES, by_name
from chalicelib.domain.errors import InvalidValueError
from chalicelib.services.fleet_console import CONTENTS_LIMIT
from chalicelib.services.fleet_views import Changed
from chalicelib.web import fleet_answers
from chalicelib.web.json_answers import json_answer
from chalicelib.web.limits import MAX_LIMIT, MOST_ID, limit_in, whole_in
from chalicelib.web.request_form import RequestForm, form_of, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

NO_FILE = 0  # bytes, beside the fields of a form


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /api/v1/fleet and below."""
    routes = Views()
    route = routes.route

    @route("/api/v1/fleet", "GET")
    def get_fleet() -> Response:
        return json_answer(fleet_answers.fleet_answer(services().console.view()))

    @route("/api/v1/fleet/notice", "GET")
    def get_notice() -> Response:
        return json_answer(fleet_answers.notice_answer(services().console.notice()))

    @route("/api/v1/fleet/settings", "GET")
    def get_settings() -> Response:
        return json_answer(fleet_answers.settings_answer(services().cache_configuration.current()))

    @route("/api/v1/fleet/settings", "PATCH")
    def change_settings() -> Response:
        current = services()
        given = form_of(request(), NO_FILE).texts()
        known = by_name(current.cache_configuration.defaults)
        for name in given:
            if name not in known:
                raise InvalidValueError(name, f"There is no setting “{name}”; there are {', '.join(known)}.")
        return _changed(current.console.change(principal_of(request()), given))

    @route("/api/v1/fleet/size", "POST")
    def change_size() -> Response:
        form = form_of(request(), NO_FILE)
        console, principal = services().console, principal_of(request())
        match "change" in form.values, "nodes" in form.values:
            case True, False:
                return _changed(console.step(principal, _step(form)))
            case False, True:
                return _changed(console.resize(principal, whole_in(form, "nodes", 1, MOST_NODES)))
        raise InvalidValueError("nodes", "Give either change (1 or -1) or nodes.")

    @route("/api/v1/fleet/history", "GET")
    def get_history() -> Response:
        return json_answer(fleet_answers.history_answer(services().console.history()))

    @route("/api/v1/fleet/decisions", "GET")
    def get_decisions() -> Response:
        query = query_of(request())
        before = whole_in(query, "before", 1, MOST_ID) if "before" in query.values else None
        limit = limit_in(query)
        return json_answer(fleet_answers.decisions_answer(services().console.decisions(limit, before)))

    @route("/api/v1/fleet/preview", "GET")
    def get_preview() -> Response:
        nodes = whole_in(query_of(request()), "nodes", 1, MOST_NODES)
        return json_answer(fleet_answers.preview_answer(services().console.preview(nodes)))

    @route("/api/v1/fleet/nodes/{node_id}/contents", "GET")
    def get_contents(node_id: str) -> Response:
        query = query_of(request())
        limit = whole_in(query, "limit", 1, MAX_LIMIT, CONTENTS_LIMIT)
        page = services().console.contents(principal_of(request()), unquote(node_id), query.text("after"), limit)
        return json_answer(fleet_answers.contents_answer(page))

    @route("/api/v1/fleet/clear", "POST")
    def clear() -> Response:
        return json_answer(fleet_answers.cleared_answer(services().console.clear_cache(principal_of(request()))))

    return routes


def _changed(changed: Changed) -> Response:
    return json_answer(fleet_answers.changed_answer(changed))


def _step(form: RequestForm) -> int:
    text = form.text("change")
    if text not in ("1", "+1", "-1"):
        raise InvalidValueError("change", "change must be 1 or -1.")
    return int(text)
