"""The part of the OpenAPI document on actions on many images, on the trash and on downloads."""

from chalicelib.domain.downloads import LINK_SECONDS, State, What
from chalicelib.domain.images import MEDIA_TYPES
from chalicelib.domain.trash import KEPT_DAYS, MOST_AT_ONCE
from chalicelib.web.limits import DEFAULT_LIMIT, MAX_LIMIT
from chalicelib.web.many_api import ACTIONS, TRASH_ACTIONS
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation
from chalicelib.web.openapi_uploads import IDEMPOTENCY_KEY

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_ID_OR_NULL: Schema = {"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$"}
_DOWNLOAD_PATH: Schema = {"name": "download_id", "in": "path", "required": True, "schema": _ID}
_NUMBER_PATH: Schema = {
    "name": "number",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 1, "maximum": 99999},
}
_OUTCOMES = ("done", "not-found", "too-many-tags")


def many_paths(key: Schema) -> Schema:
    """The paths; `key` is the schema of an image's key."""
    return {
        "/api/v1/actions": {
            "post": operation(
                "actOnMany",
                "One action on many images, in one transaction. Those that it cannot be done to are told one by one.",
                {"200": json_content("ActedOn", "What was done."), **errors("400", "413", "422")},
                parameters=[IDEMPOTENCY_KEY],
                body=_body(
                    required=["action", "keys"],
                    action={
                        "enum": list(ACTIONS),
                        "description": f"trash puts images away for {KEPT_DAYS} days; delete removes them for ever.",
                    },
                    keys=_many(key),
                    tag={**_TEXT, "description": "For tag and untag."},
                ),
            )
        },
        "/api/v1/trash": {
            "get": operation(
                "listTrash",
                "What is in the trash, put away last first.",
                {"200": json_content("TrashPage", "A page."), **errors("400")},
                parameters=[
                    {"name": "cursor", "in": "query", "schema": _TEXT},
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
                    },
                ],
            ),
            "delete": operation(
                "emptyTrash",
                "Deletes everything in the trash for ever.",
                {"200": json_content("Deleted", "How many images."), **errors("400")},
                parameters=[{"name": "all", "in": "query", "required": True, "schema": {"const": "true"}}],
            ),
        },
        "/api/v1/trash/actions": {
            "post": operation(
                "actOnTrash",
                "Restores images, each under its key or, where that is taken, under one with a number; or deletes them "
                "for ever.",
                {"200": json_content("ActedOn", "What was done."), **errors("400", "413", "422")},
                parameters=[IDEMPOTENCY_KEY],
                body=_body(required=["action", "ids"], action={"enum": list(TRASH_ACTIONS)}, ids=_many(_ID)),
            )
        },
        **_download_paths(key),
    }


def _download_paths(key: Schema) -> Schema:
    return {
        "/api/v1/downloads": {
            "get": operation(
                "listDownloads",
                "The downloads of the last days, newest first.",
                {"200": json_content("DownloadList", "The downloads.")},
            ),
            "post": operation(
                "askDownload",
                "Has zips made of these images, or of everything with metadata. A zip holds at most 2 GiB and 2,000 "
                "images; what does not fit into one is several. They are kept for a day.",
                {"202": json_content("Download", "It is being made."), **errors("400", "404", "409", "413", "422")},
                parameters=[IDEMPOTENCY_KEY],
                body=_body(required=[], keys=_many(key), everything={"type": "boolean"}),
            ),
        },
        "/api/v1/downloads/{download_id}": {
            "parameters": [_DOWNLOAD_PATH],
            "get": operation(
                "getDownload",
                "How far a download is.",
                {"200": json_content("Download", "The download."), **errors("404")},
            ),
        },
        "/api/v1/downloads/{download_id}/zips/{number}": {
            "parameters": [_DOWNLOAD_PATH, _NUMBER_PATH],
            "get": operation(
                "getZip",
                "Leads to one of a download's zips.",
                {"302": {"description": f"A signed address is good for {LINK_SECONDS} seconds."}, **errors("404")},
            ),
        },
    }


def many_schemas(key: Schema) -> Schema:
    """The schemas that the paths name."""
    key_or_null: Schema = {**key, "type": ["string", "null"]}
    return {
        "ActedOn": object_of(
            done={**_COUNT, "description": "To how many it was done."},
            batch_id={**_ID_OR_NULL, "description": "What was put into the trash together."},
            results={
                "type": "array",
                "items": object_of(
                    id={**_ID_OR_NULL, "description": "The image's id in the trash."},
                    key=key_or_null,
                    outcome={"enum": list(_OUTCOMES)},
                ),
            },
        ),
        "TrashPage": object_of(
            trash={
                "type": "array",
                "items": object_of(
                    id=_ID,
                    key={**key, "description": "The key that the image had."},
                    media_type={"enum": list(MEDIA_TYPES)},
                    size=_COUNT,
                    width=_COUNT,
                    height=_COUNT,
                    sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    batch_id=_ID,
                    trashed_at=_INSTANT,
                    ends_at={**_INSTANT, "description": "When it is deleted for ever."},
                ),
            },
            next_cursor={"type": ["string", "null"]},
        ),
        "DownloadList": object_of(downloads={"type": "array", "items": {"$ref": "#/components/schemas/Download"}}),
        "Download": object_of(
            id=_ID,
            what={"enum": [what.value for what in What]},
            state={"enum": [state.value for state in State]},
            images={**_COUNT, "description": "How many there were when it was asked for."},
            bytes=_COUNT,
            images_done=_COUNT,
            bytes_done=_COUNT,
            missing={**_COUNT, "description": "Images that were gone before they were put in."},
            why={"type": ["string", "null"], "description": "Why it failed, in words."},
            asked_at=_INSTANT,
            zips={
                "type": "array",
                "items": object_of(number=_COUNT, images=_COUNT, size=_COUNT, ends_at=_INSTANT, content=_TEXT),
            },
        ),
    }


def _many(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "maxItems": MOST_AT_ONCE, "items": item}


def _body(required: list[str], **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "required": required, "properties": properties}
    return {"application/json": {"schema": schema}}
