"""The manager's console as pages: they work without script, and renew their live parts where there is some."""

from collections.abc import Callable, Mapping
from datetime import UTC

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError, NodeError, NotFoundError
from chalicelib.domain.keys import text_of
from chalicelib.services.fleet_views import FleetView, MinuteView
from chalicelib.web import charts, console_values, settings_form
from chalicelib.web.charts import Kind, chart
from chalicelib.web.decision_values import shown_decision
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.page_values import rate_in_words
from chalicelib.web.request_form import RequestForm, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

LATEST, LOG_LIMIT = 8, 50
UNDECIDED_MINUTES = 2  # at the end of the history: a minute is decided two minutes on at the latest
MOST_DIGITS = 18  # of an id; more is no id of ours

NOTICES = {
    "changed": "The settings are changed; the scaler follows now.",
    "changed-later": "The settings are changed; the scaler follows within a minute.",
    "same": "Nothing was changed: that is how it was already.",
    "grow": "One node more is wanted; the scaler starts now.",
    "shrink": "One node fewer is wanted; the scaler starts now.",
    "cleared": "The cache is cleared. Images come from the origin until they are cached again.",
    "cleared-partly": "The cache is cleared, but for nodes that did not answer: the decision log names them.",
}


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of the console."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/manager", "GET", "HEAD")
    def manager() -> Response:
        query = query_of(request())
        wanted = query.text("nodes")
        try:
            preview = services().console.preview(_number(query, "nodes")) if wanted else None
        except InvalidValueError as error:
            return _manager(query, {"nodes": wanted}, error)
        view = services().console.view()
        shown = None
        if preview is not None:
            names = console_values.names_of(view)
            shown = {
                "nodes": preview.nodes,
                "words": console_values.preview_in_words(preview, view.serving, names),
                "cells": console_values.preview_cells(preview, names),
            }
        return _manager(query, {"nodes": wanted} if wanted else {}, None, view, shown)

    @route("/manager/settings", "POST")
    def change_settings() -> Response:
        form = frame.own_form()
        group = settings_form.group_named(form.text("group"))
        if group is None:
            raise InvalidValueError("group", "The form does not say which settings it changes.")
        typed = {field.name: form.values.get(field.name, b"").decode(errors="replace") for field in group.fields}
        try:
            given = settings_form.given_in(group, form.texts())
            changed = services().console.change(principal_of(request()), given)
        except InvalidValueError as error:
            return _manager(form, typed, error)
        if changed.settings == changed.before:
            return frame.onward("/manager", notice="same")
        return frame.onward("/manager", notice="changed" if changed.woken else "changed-later")

    @route("/manager/nodes", "POST")
    def step() -> Response:
        form = frame.own_form()
        by = {"+1": 1, "1": 1, "-1": -1}.get(form.text("change").strip(), 0)
        try:
            changed = services().console.step(principal_of(request()), by)
        except InvalidValueError as error:
            return _manager(form, {}, error)
        if not changed.woken:
            return frame.onward("/manager", notice="changed-later")
        return frame.onward("/manager", notice="grow" if by > 0 else "shrink")

    @route("/manager/clear", "GET", "HEAD")
    def clear_question() -> Response:
        return _clear_page(None)

    @route("/manager/clear", "POST")
    def clear() -> Response:
        if frame.own_form().text("confirm") != "yes":
            return _clear_page("Nothing was cleared: tick the box to say that you mean it.", 400)
        cleared = services().console.clear_cache(principal_of(request()))
        partly = any(not node.done for node in cleared.nodes)
        return frame.onward("/manager", notice="cleared-partly" if partly else "cleared")

    @route("/manager/node", "GET", "HEAD")
    def node() -> Response:
        query = query_of(request())
        node_id, after = query.text("id"), query.text("after")
        try:
            contents = services().console.contents(principal_of(request()), node_id, after)
        except NotFoundError as error:
            return frame.page("manager_node.html", {"id": node_id, "contents": None, "problem": str(error)}, 404)
        except NodeError:
            words = "The node does not answer just now, so what it holds is not known. Images come from the origin."
            return frame.page("manager_node.html", {"id": node_id, "contents": None, "problem": words}, 503)
        now = services().clock.now().timestamp()
        items = [
            {
                "key": text_of(item.image.key),
                "what": console_values.part_of_image(item.kind),
                "mine": item.mine,
                "size": charts.bytes_in_words(item.bytes),
                "used": console_values.ago(now - item.used_at),
                "partition": item.partition + 1,
            }
            for item in contents.items
        ]
        values = {
            "id": node_id,
            "contents": contents,
            "items": items,
            "notes": console_values.contents_notes(contents),
            "after": after,
            "problem": None,
        }
        return frame.page("manager_node.html", values)

    @route("/manager/decisions", "GET", "HEAD")
    def decisions() -> Response:
        query = query_of(request())
        before = _number(query, "before") if query.text("before") else None
        found = services().console.decisions(LOG_LIMIT, before)
        values = {
            "decisions": [shown_decision(one) for one in found.decisions],
            "next_before": None if found.next_before is None else str(found.next_before),
            "first": before is None,
        }
        return frame.page("manager_decisions.html", values)

    @route("/manager/decision", "GET", "HEAD")
    def decision() -> Response:
        wanted = _number(query_of(request()), "id")
        found = services().console.decisions(1, wanted + 1).decisions
        if not found or found[0].id != wanted:
            return frame.page("manager_decision.html", {"decision": None}, 404)
        names = console_values.Names({})
        values = {
            "decision": shown_decision(found[0]),
            "samples": console_values.sample_rows(found[0].samples, names),
        }
        return frame.page("manager_decision.html", values)

    def _manager(
        query: RequestForm,
        typed: Mapping[str, str],
        error: InvalidValueError | None,
        view: FleetView | None = None,
        preview: Mapping[str, object] | None = None,
    ) -> Response:
        console = services().console
        view = view or console.view()
        names = console_values.names_of(view)
        now = services().clock.now()
        history = console.history()
        values = {
            "view": view,
            "notes": view.notes,
            "hit_rate": rate_in_words(view.rates.hit),
            "nodes": [console_values.shown_node(one, names) for one in view.nodes],
            "cells": console_values.cells(view, names),
            "moves": [console_values.shown_move(one, names) for one in view.moving],
            "moved": console_values.ago(now.timestamp() - view.moved_at) if view.moved_at else None,
            "ran": None if view.reported_at is None else console_values.ago(now.timestamp() - view.reported_at),
            "replica": console_values.replica_in_words(services().replica.view()),
            "charts": _charts(history),
            "minutes": console_values.minute_rows(history),
            "decisions": [shown_decision(one) for one in console.decisions(LATEST).decisions],
            "groups": settings_form.GROUPS,
            "values": {**settings_form.values_of(view.settings), **typed},
            "wanted": typed.get("nodes", str(view.target)),
            "preview": preview,
            "field": None if error is None else error.field,
            "problem": None if error is None else settings_form.in_page_words(str(error)),
            "notice": NOTICES.get(query.text("notice")) if error is None else None,
            "updated": f"{now.astimezone(UTC):%H:%M:%S} UTC",
            "updated_iso": now.astimezone(UTC).isoformat(timespec="seconds"),
        }
        return frame.page("manager.html", values, 200 if error is None else 400)

    def _clear_page(problem: str | None, status: int = 200) -> Response:
        view = services().console.view()
        items = sum(node.told.items for node in view.nodes if node.told)
        return frame.page("manager_clear.html", {"count": items, "nodes": len(view.nodes), "problem": problem}, status)

    return routes


def _charts(history: tuple[MinuteView, ...]) -> list[dict[str, object]]:
    """Each chart with its title and its newest value in words; the last minute or two may not be decided yet."""
    wanted: tuple[tuple[str, str, Kind, Callable[[MinuteView], float | None]], ...] = (
        ("nodes", "Nodes", charts.STEPS, lambda one: one.nodes),
        ("hit", "Hit rate", charts.RATE, lambda one: one.hit_rate),
        ("miss", "Miss rate", charts.RATE, lambda one: one.miss_rate),
        ("requests", "Requests a minute", charts.COUNT, lambda one: one.requests),
        ("items", "Items", charts.COUNT, lambda one: one.items),
        ("size", "Size", charts.BYTES, lambda one: one.bytes),
    )
    shown: list[dict[str, object]] = []
    for name, title, kind, value_of in wanted:
        points = [(one.minute, value_of(one)) for one in history]
        last = next((value for _, value in reversed(points[-UNDECIDED_MINUTES - 1 :]) if value is not None), None)
        words = None if last is None else kind.told(last)
        shown.append({"title": title, "last": words, "svg": chart(f"chart-{name}", title, points, kind)})
    return shown


def _number(form: RequestForm, name: str) -> int:
    text = form.text(name).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise InvalidValueError(name, f"{name} must be a whole number.")
    return int(text)
