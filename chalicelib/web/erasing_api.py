"""Erasing one's account, as REST; and what the OpenAPI document says of it."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.erasing import State
from chalicelib.web.addresses import rooted, site_of
from chalicelib.web.erasing_values import holdings_body, receipt_body
from chalicelib.web.json_answers import json_answer
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation
from chalicelib.web.request_form import form_of, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

NO_FILE = 0  # bytes, beside the fields of a form


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes."""
    routes = Views()

    @routes.route("/api/v1/account/erasure", "GET")
    def count() -> Response:
        holdings = services().erasing.holdings(principal_of(request()))
        return json_answer(holdings_body(holdings, services().config.erase_grace_days))

    @routes.route("/api/v1/account/erasure", "POST")
    def ask() -> Response:
        form = form_of(request(), NO_FILE)
        site = site_of(request(), services().config.site_address)
        asked = services().erasing.ask(principal_of(request()), form.text("password"), site)
        address = rooted(request(), f"/api/v1/erasure?receipt={asked.receipt}")
        return json_answer({**receipt_body(asked.erasure), "receipt": address}, status=202)

    @routes.route("/api/v1/erasure", "GET")
    def receipt() -> Response:
        return json_answer(receipt_body(services().erasing.of_receipt(query_of(request()).text("receipt"))))

    return routes


_COUNT: Schema = {"type": "integer", "minimum": 0}
_COUNTS: Schema = {"type": "object", "additionalProperties": _COUNT}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_RECEIPT: dict[str, Schema] = {
    "state": {"enum": [state.value for state in State]},
    "asked_at": _MOMENT,
    "due_at": _MOMENT,
    "done_at": {"type": ["string", "null"], "format": "date-time"},
    "rows": _COUNTS,
    "bytes": _COUNT,
    "outside": _COUNTS,
    "silent_nodes": _COUNT,
}


def erasing_paths() -> Schema:
    """The paths."""
    password: Schema = {"type": "object", "required": ["password"], "properties": {"password": {"type": "string"}}}
    return {
        "/api/v1/account/erasure": {
            "get": operation(
                "countForErasure",
                "What erasing the account would delete: rows by table, and bytes.",
                {"200": json_content("Holdings", "The counts."), **errors("404")},
            ),
            "post": operation(
                "eraseAccount",
                "Signs the account out everywhere, and erases it after the days of grace.",
                {"202": json_content("AskedErasure", "When, and where the receipt is."), **errors("400", "409", "429")},
            )
            | {"requestBody": {"required": True, "content": {"application/json": {"schema": password}}}},
        },
        "/api/v1/erasure": {
            "get": operation(
                "getErasureReceipt",
                "What was erased. Whoever has the address may ask; it tells nothing of whose account it was.",
                {"200": json_content("ErasureReceipt", "The receipt."), **errors("404")},
                parameters=[{"name": "receipt", "in": "query", "required": True, "schema": {"type": "string"}}],
            )
        },
    }


def erasing_schemas() -> Schema:
    """The schemas."""
    return {
        "Holdings": object_of(rows=_COUNTS, bytes=_COUNT, grace_days=_COUNT),
        "ErasureReceipt": object_of(**_RECEIPT),
        "AskedErasure": object_of(**_RECEIPT, receipt={"type": "string"}),
    }
