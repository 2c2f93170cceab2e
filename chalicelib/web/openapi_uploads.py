"""The part of the OpenAPI document on uploads straight from the browser to the object store."""

from chalicelib.domain.idempotency import HEADER, KEPT_SECONDS, MOST_CHARACTERS
from chalicelib.domain.images import MAX_BYTES, MEDIA_TYPES
from chalicelib.domain.keys import IfTaken
from chalicelib.domain.uploads import FORM_SECONDS, UploadState
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}

IDEMPOTENCY_KEY: Schema = {
    "name": HEADER,
    "in": "header",
    "description": f"Names this request. Sent again within {KEPT_SECONDS // 3600} hours, it is answered as the first "
    "time and done no second time; another request with the same name is refused.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS},
}
DUPLICATE_OF: Schema = {
    **_TEXT_OR_NULL,
    "description": "The key of an image that had the same bytes already; this very key if no other has.",
}
IF_TAKEN: Schema = {
    "enum": [one.value for one in IfTaken],
    "default": IfTaken.REPLACE.value,
    "description": "What is done if there is an image under the key, when the bytes are there; with `refuse` also "
    "when an upload begins. `keep-both` stores it under the next free key, such as `a (2).jpg`; if the owner has an "
    "image of the same bytes, nothing.",
}
_NONE_THERE: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "description": "As `if_taken` with `refuse`.",
    "schema": {"const": "*"},
}
_UPLOAD_PATH: Schema = {"name": "upload_id", "in": "path", "required": True, "schema": _ID}


def upload_paths(key: Schema) -> Schema:
    """The paths; `key` is the schema of an image's key."""
    return {
        "/api/v1/uploads": {
            "post": operation(
                "beginUpload",
                "Begins an upload that goes straight to the object store: post the file to the form in the answer.",
                {"201": json_content("UploadBegun", "The form."), **errors("400", "412", "413", "415", "422")},
                parameters=[IDEMPOTENCY_KEY, _NONE_THERE],
                body={
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["key", "media_type", "size"],
                            "properties": {
                                "key": key,
                                "media_type": {"enum": list(MEDIA_TYPES)},
                                "size": {
                                    "type": "integer",
                                    "minimum": 1,
                                    "maximum": MAX_BYTES,
                                    "description": "Bytes.",
                                },
                                "if_taken": IF_TAKEN,
                            },
                        }
                    }
                },
            )
        },
        "/api/v1/uploads/{upload_id}": {
            "parameters": [_UPLOAD_PATH],
            "get": operation(
                "getUpload",
                "What became of an upload.",
                {"200": json_content("Upload", "The upload."), **errors("404")},
            ),
        },
        "/api/v1/uploads/{upload_id}/complete": {
            "parameters": [_UPLOAD_PATH],
            "post": operation(
                "completeUpload",
                "Makes the image of what was posted, at once. It is made without this call too, a moment later, and "
                "once however often this is called.",
                {"200": json_content("Upload", "The upload, done or refused."), **errors("404", "409")},
            ),
        },
    }


def upload_schemas(key: Schema) -> Schema:
    """The schemas that the paths of uploads name."""
    return {
        "UploadBegun": object_of(
            id=_ID,
            url={**_TEXT, "description": "Where to post the file, as multipart/form-data."},
            fields={
                "type": "object",
                "additionalProperties": _TEXT,
                "description": "Fields of the form, to go before the file, whose own field is called `file`.",
            },
            expires={**_INSTANT, "description": f"Until when the form is good: {FORM_SECONDS} seconds."},
        ),
        "Upload": object_of(
            id=_ID,
            state={"enum": [state.value for state in UploadState]},
            key={**key, "description": "The key of the image; until the upload is done, the one that was asked for."},
            asked_key={**key, "description": "The key that was asked for."},
            stored={
                "type": "boolean",
                "description": "Whether the bytes were stored. An upload that is done without has found its key taken "
                "and the same bytes there: `key` and `duplicate_of` name their image.",
            },
            refusal={**_TEXT_OR_NULL, "description": "Why it was refused, in words."},
            sha256={"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"},
            duplicate_of=DUPLICATE_OF,
            content={**_TEXT_OR_NULL, "description": "The address of the image's bytes."},
            created_at=_INSTANT,
        ),
    }
