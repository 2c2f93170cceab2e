"""The part of the OpenAPI document that is about the fleet: /api/v1/fleet and below."""

from chalicelib.domain.assignments import KINDS
from chalicelib.domain.cache_settings import MAX_CAPACITY_MB, MOST_NODES
from chalicelib.domain.fleet_report import ENDING, FAILING, LAUNCHING, LEAVING, SERVING
from chalicelib.domain.partitions import PARTITIONS
from chalicelib.services.fleet_console import CONTENTS_LIMIT
from chalicelib.web.limits import DEFAULT_LIMIT, MAX_LIMIT, MOST_ID
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_YES_NO: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
_RATE: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_INSTANT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
_PARTITION: Schema = {"type": "integer", "minimum": 1, "maximum": PARTITIONS}
_NODES: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_NODES}
_FRACTION: Schema = {"type": "number", "minimum": 0, "maximum": 1}

_SETTINGS: dict[str, Schema] = {
    "mode": {"enum": ["manual", "auto"]},
    "numNodes": {**_NODES, "description": "The target: chosen by hand, or by the last decision."},
    "cacheSize": {"type": "integer", "minimum": 1, "maximum": MAX_CAPACITY_MB, "description": "MiB of each node."},
    "policy": {"enum": ["LRU", "RR"]},
    "expRatio": {"type": "number", "exclusiveMinimum": 1, "maximum": MOST_NODES},
    "shrinkRatio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "maxMiss": {**_FRACTION, "description": "Above this miss rate the fleet grows."},
    "minMiss": {**_FRACTION, "description": "Below this miss rate the fleet shrinks; must be below maxMiss."},
    "minNodes": _NODES,
    "maxNodes": _NODES,
    "cooldownMinutes": {"type": "integer", "minimum": 0, "maximum": 60},
    "idleMinutes": {"type": "integer", "minimum": 0, "maximum": 24 * 60, "description": "0: never shrink when idle."},
    "assignment": {"enum": list(KINDS)},
}


def fleet_paths() -> Schema:
    """The paths of the fleet."""
    changed = {"200": json_content("FleetChange", "The settings after the change."), **errors("400", "413")}
    return {
        "/api/v1/fleet": {
            "get": operation(
                "getFleet",
                "The cache fleet: target, nodes, what moves, and what was counted in the last minute.",
                {"200": json_content("Fleet", "The fleet.")},
            )
        },
        "/api/v1/fleet/notice": {
            "get": operation(
                "getFleetNotice",
                "What a page needs to learn of a resize.",
                {"200": json_content("FleetNotice", "The map's version, and how many nodes serve.")},
            )
        },
        "/api/v1/fleet/settings": {
            "get": operation(
                "getFleetSettings", "The settings.", {"200": json_content("FleetSettings", "The settings.")}
            ),
            "patch": operation(
                "changeFleetSettings",
                "Changes the settings that are given, all or none of them.",
                changed,
                body={
                    "application/json": {
                        "schema": {"type": "object", "properties": _SETTINGS, "additionalProperties": False}
                    }
                },
            ),
        },
        "/api/v1/fleet/size": {
            "post": operation(
                "changeFleetSize",
                "One node more or fewer, or so many. Refused in automatic mode, where the scaler decides.",
                changed,
                body={
                    "application/json": {
                        "schema": {
                            "oneOf": [object_of(change={"enum": [1, -1]}), object_of(nodes=_NODES)],
                        }
                    }
                },
            )
        },
        "/api/v1/fleet/history": {
            "get": operation(
                "getFleetHistory",
                "The last 30 closed minutes. A minute that nobody reported is a gap: all null.",
                {"200": json_content("FleetHistory", "Minutes, oldest first.")},
            )
        },
        "/api/v1/fleet/decisions": {
            "get": operation(
                "getFleetDecisions",
                "The log of decisions, newest first.",
                {"200": json_content("FleetDecisions", "A page of it."), **errors("400")},
                parameters=[
                    _query("before", {"type": "integer", "minimum": 1, "maximum": MOST_ID}),
                    _query("limit", _limit(DEFAULT_LIMIT)),
                ],
            )
        },
        "/api/v1/fleet/preview": {
            "get": operation(
                "previewFleet",
                "Which partitions a change to so many nodes would move. Nothing is changed.",
                {"200": json_content("FleetPreview", "What would move."), **errors("400")},
                parameters=[{**_query("nodes", _NODES), "required": True}],
            )
        },
        "/api/v1/fleet/nodes/{node_id}/contents": {
            "get": operation(
                "getNodeContents",
                "A page of what a node holds: the caller's own images, for an admin everybody's.",
                {"200": json_content("NodeContents", "A page of it."), **errors("400", "404")},
                parameters=[
                    {"name": "node_id", "in": "path", "required": True, "schema": {**_TEXT, "pattern": "^[a-z0-9-]+$"}},
                    {**_query("after", _TEXT), "description": "`next_after` of the page before."},
                    _query("limit", _limit(CONTENTS_LIMIT)),
                ],
            )
        },
        "/api/v1/fleet/clear": {
            "post": operation(
                "clearFleet", "Empties every node.", {"200": json_content("FleetCleared", "What became of it.")}
            )
        },
    }


def fleet_schemas() -> Schema:
    """The schemas that the paths of the fleet name."""
    told: Schema = {"type": "array", "items": object_of(node=_TEXT, done=_YES_NO, why=_TEXT)}
    settings = object_of(**_SETTINGS)
    return {
        "Fleet": object_of(
            map_version=_COUNT,
            mode=_SETTINGS["mode"],
            target=_NODES,
            serving=_COUNT,
            moved_at=_INSTANT_OR_NULL,
            moving={
                "type": "array",
                "description": "Partitions whose handoff is under way, and the nodes they moved from, nearest first.",
                "items": object_of(
                    **{"partition": _PARTITION, "from": _TEXTS, "to": _TEXT, "copies_last_minute": _COUNT_OR_NULL}
                ),
            },
            nodes={"type": "array", "items": _node()},
            last_minute=object_of(
                requests=_COUNT,
                origin_reads=_COUNT,
                waits=_COUNT,
                copies=_COUNT,
                oversize=_COUNT,
                miss_rate=_RATE,
                hit_rate=_RATE,
                silent_nodes={
                    **_TEXTS,
                    "description": "Nodes that could not be asked; what they counted is missing in these figures.",
                },
            ),
            scaler=object_of(run=_COUNT_OR_NULL, ran_at=_INSTANT_OR_NULL, notes=_TEXTS),
        ),
        "FleetNotice": object_of(version=_COUNT, nodes=_COUNT, moved_at=_INSTANT_OR_NULL),
        "FleetSettings": settings,
        "FleetChange": object_of(settings=settings, scaler_woken=_YES_NO, orders=told),
        "FleetCleared": object_of(nodes=told),
        "FleetHistory": object_of(
            minutes={
                "type": "array",
                "items": object_of(
                    minute=_INSTANT,
                    nodes=_COUNT_OR_NULL,
                    requests=_COUNT_OR_NULL,
                    hit_rate=_RATE,
                    miss_rate=_RATE,
                    items=_COUNT_OR_NULL,
                    bytes=_COUNT_OR_NULL,
                ),
            }
        ),
        "FleetDecisions": object_of(
            decisions={"type": "array", "items": _decision()}, next_before={"type": ["integer", "null"]}
        ),
        "FleetPreview": object_of(
            nodes=_NODES,
            assignment=_SETTINGS["assignment"],
            moves={
                "type": "array",
                "items": object_of(**{"partition": _PARTITION, "from": _TEXT_OR_NULL, "to": _TEXT}),
            },
            owners=_TEXTS,
            joining=_TEXTS,
            leaving=_TEXTS,
        ),
        "NodeContents": object_of(
            node=_TEXT,
            items={
                "type": "array",
                "items": object_of(
                    key=_TEXT, mine=_YES_NO, partition=_PARTITION, bytes=_COUNT, used_at=_INSTANT_OR_NULL
                ),
            },
            hidden={**_COUNT, "description": "Objects of this page that belong to others."},
            removed={**_COUNT, "description": "Objects of this page that no image names any more."},
            listed={**_COUNT, "description": "How many objects the node named in all."},
            more={**_YES_NO, "description": "Whether it holds more than it was asked to name."},
            next_after=_TEXT_OR_NULL,
        ),
    }


def _node() -> Schema:
    return object_of(
        id=_TEXT,
        address=_TEXT,
        state={"enum": [LAUNCHING, SERVING, LEAVING, FAILING, ENDING]},
        answers={"type": ["boolean", "null"], "description": "Whether it answered just now; null: it was not asked."},
        why={**_TEXT, "description": "Why it is not simply serving."},
        partitions={"type": "array", "items": _PARTITION},
        joined_at=_INSTANT_OR_NULL,
        items=_COUNT_OR_NULL,
        bytes=_COUNT_OR_NULL,
        capacity_bytes=_COUNT_OR_NULL,
        evictions=_COUNT_OR_NULL,
        connections=_COUNT_OR_NULL,
        uptime_seconds=_COUNT_OR_NULL,
        version=_TEXT_OR_NULL,
        requests=_COUNT_OR_NULL,
        miss_rate=_RATE,
        hit_rate=_RATE,
    )


def _decision() -> Schema:
    return object_of(
        id=_COUNT,
        minute={**_INSTANT_OR_NULL, "description": "null for a change by hand."},
        decided_at=_INSTANT,
        run=_COUNT,
        rule=_TEXT,
        reason=_TEXT,
        before=_NODES,
        target=_NODES,
        outcome=_TEXT,
        samples={
            "type": "array",
            "items": object_of(
                node=_TEXT, requests=_COUNT, hits=_COUNT, misses=_COUNT, copies=_COUNT, items=_COUNT, bytes=_COUNT
            ),
        },
        left_out={"type": "object", "additionalProperties": _TEXT},
    )


def _query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "schema": schema}


def _limit(default: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": default}
