"""Whether this process lives, and whether it can serve: /healthz and /readyz, for whoever watches the store."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.services.readiness import Readiness
from chalicelib.web.json_answers import json_answer
from chalicelib.web.openapi_pieces import Schema, json_content, object_of, operation
from chalicelib.web.views import Views


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The two routes. They name no address and no error, since anyone may ask."""
    routes = Views()

    @routes.route("/healthz", "GET")
    def healthz() -> Response:
        return json_answer({"status": "ok"})

    @routes.route("/readyz", "GET")
    def readyz() -> Response:
        readiness = services().readiness.now()
        return json_answer(answer_of(readiness), status=200 if readiness.ready else 503)

    return routes


def answer_of(readiness: Readiness) -> dict[str, object]:
    """The parts as plain values."""
    return {
        "status": "ready" if readiness.whole else "degraded" if readiness.ready else "not ready",
        "parts": {
            name: {
                "state": part.state.value,
                "milliseconds": round(part.milliseconds, 1),
                "needed": part.needed,
            }
            for name, part in readiness.parts.items()
        },
    }


def health_paths() -> Schema:
    """The two paths in the OpenAPI document."""
    ready = json_content("Readiness", "Requests can be served; `degraded` if a part that is not needed is away.")
    return {
        "/healthz": {
            "get": operation(
                "healthz",
                "Whether the application answers at all. Nothing else is asked.",
                {"200": json_content("Alive", "It does.")},
                closed=False,
            )
        },
        "/readyz": {
            "get": operation(
                "readyz",
                "Whether database, bucket, queue and fleet answer, each within a time of its own.",
                {"200": ready, "503": json_content("Readiness", "A part is away without which nothing is served.")},
                closed=False,
            )
        },
    }


def health_schemas() -> Schema:
    """The schemas that they name."""
    part = object_of(
        state={"type": "string", "enum": ["answers", "refuses", "silent"]},
        milliseconds={"type": "number", "minimum": 0},
        needed={"type": "boolean"},
    )
    return {
        "Alive": object_of(status={"const": "ok"}),
        "Readiness": object_of(
            status={"type": "string", "enum": ["ready", "degraded", "not ready"]},
            parts=object_of(database=part, bucket=part, queue=part, fleet=part),
        ),
    }
