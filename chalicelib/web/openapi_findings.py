"""The part of the OpenAPI document that is about what the sweeper found."""

from chalicelib.domain.sweeping import Kind, Outcome, Phase
from chalicelib.web.limits import DEFAULT_LIMIT, MAX_LIMIT, MOST_ID
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_MOMENT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}


def finding_paths() -> Schema:
    """The one path."""
    return {
        "/api/v1/admin/findings": {
            "get": operation(
                "getFindings",
                "What did not belong together among objects and rows, newest first, and what became of it.",
                {"200": json_content("FindingPage", "A page, and how far the sweep is."), **errors("400")},
                parameters=[
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
                    },
                    {
                        "name": "before",
                        "in": "query",
                        "description": "`next_before` of the page before.",
                        "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ID},
                    },
                ],
            )
        },
    }


def finding_schemas() -> Schema:
    """The schemas of findings and of the sweep."""
    return {
        "Sweep": object_of(
            number=_COUNT,
            phase={"enum": [phase.value for phase in Phase]},
            begun_at=_MOMENT_OR_NULL,
            ended_at=_MOMENT_OR_NULL,
            objects=_COUNT,
            rows=_COUNT,
            uploads_ended=_COUNT,
        ),
        "Finding": object_of(
            id=_COUNT,
            kind={"enum": [kind.value for kind in Kind]},
            object=_TEXT,
            owner=_TEXT_OR_NULL,
            key=_TEXT_OR_NULL,
            outcome={"enum": [outcome.value for outcome in Outcome]},
            words=_TEXT,
            found_at=_MOMENT,
            changed_at=_MOMENT,
        ),
        "FindingPage": object_of(
            sweep={"$ref": "#/components/schemas/Sweep"},
            findings={"type": "array", "items": {"$ref": "#/components/schemas/Finding"}},
            next_before={"type": ["integer", "null"], "minimum": 0},
        ),
    }
