"""The REST face of the database's replica: /api/v1/replica."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.services.replica_status import ReplicaView
from chalicelib.web.json_answers import json_answer
from chalicelib.web.openapi_pieces import Schema, json_content, object_of, operation
from chalicelib.web.views import Views

ADDRESS = "/api/v1/replica"


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The route of the replica."""
    routes = Views()

    @routes.route(ADDRESS, "GET")
    def get_replica() -> Response:
        return json_answer(answer_of(services().replica.view()))

    return routes


def answer_of(view: ReplicaView) -> dict[str, object]:
    """The replica as plain values. What nobody could say is null."""
    return {
        "configured": view.configured,
        "lag_seconds": None if view.lag is None else round(view.lag.at_most, 3),
        "lag_seconds_at_least": None if view.lag is None else round(view.lag.at_least, 3),
        "serving_reads": view.serving_reads,
    }


def replica_paths() -> Schema:
    """The path of the replica in the OpenAPI document."""
    return {
        ADDRESS: {
            "get": operation(
                "getReplica",
                "How far the database's replica is behind, and how much it takes off the primary.",
                {"200": json_content("Replica", "The replica.")},
            )
        }
    }


def replica_schemas() -> Schema:
    """The schema that it names."""
    seconds: Schema = {"type": ["number", "null"], "minimum": 0}
    return {
        "Replica": object_of(
            configured={"type": "boolean", "description": "Whether there is one."},
            lag_seconds={
                **seconds,
                "description": "The replica is behind by at most this: by the primary's clock, the age of the newest "
                "beat that the replica shows. Beats come once a minute. null: nobody could say.",
            },
            lag_seconds_at_least={
                **seconds,
                "description": "The age of the newest beat of all if the replica does not show it yet, otherwise 0.",
            },
            serving_reads={
                "type": ["number", "null"],
                "minimum": 0,
                "maximum": 1,
                "description": "The share of this process's lists that the replica gave; null: there was none yet.",
            },
        )
    }
