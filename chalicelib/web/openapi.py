"""The OpenAPI 3.1 document of /api/v1, of the API's document and of health. A test holds it against the routes."""

from chalicelib.domain.images import MAX_BYTES, MEDIA_TYPES
from chalicelib.domain.keys import MAX_CHARACTERS
from chalicelib.domain.search import MOST_CHARACTERS as MOST_QUERY_CHARACTERS
from chalicelib.web.erasing_api import erasing_paths, erasing_schemas
from chalicelib.web.health_api import health_paths, health_schemas
from chalicelib.web.limits import DEFAULT_LIMIT, MAX_LIMIT
from chalicelib.web.openapi_admin import admin_paths, admin_schemas
from chalicelib.web.openapi_findings import finding_paths, finding_schemas
from chalicelib.web.openapi_fleet import fleet_paths, fleet_schemas
from chalicelib.web.openapi_many import many_paths, many_schemas
from chalicelib.web.openapi_pieces import Schema, content_of, errors, json_content, object_of, operation
from chalicelib.web.openapi_renditions import of_metadata, rendition_paths, rendition_schemas
from chalicelib.web.openapi_sharing import sharing_paths, sharing_schemas
from chalicelib.web.openapi_uploads import DUPLICATE_OF, IDEMPOTENCY_KEY, IF_TAKEN, upload_paths, upload_schemas
from chalicelib.web.replica_api import replica_paths, replica_schemas
from chalicelib.web.search_api import search_paths, search_schemas

_KEY: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS}
_KEY_QUERY: Schema = {
    "name": "key",
    "in": "query",
    "required": True,
    "description": "The image's key, byte for byte. Control characters are refused.",
    "schema": _KEY,
}
_KEY_PATH: Schema = {
    **_KEY_QUERY,
    "in": "path",
    "description": "The image's key, percent-encoded once. A key with `/`, `..` or `%` travels in the query instead: "
    "/api/v1/image.",
}
_IF_MATCH: Schema = {
    "name": "If-Match",
    "in": "header",
    "description": "Write only if the image's ETag is one of these; `*` for any image.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "description": "On reads: answer 304 if the image's ETag is one of these. On writes: `*` writes only a new key.",
    "schema": {"type": "string"},
}
_BINARY: Schema = {"type": "string", "format": "binary", "maxLength": MAX_BYTES}
_IMAGE: dict[str, Schema] = {
    "key": _KEY,
    "media_type": {"enum": list(MEDIA_TYPES)},
    "size": {"type": "integer", "minimum": 1, "maximum": MAX_BYTES, "description": "Bytes."},
    "width": {"type": "integer", "minimum": 1},
    "height": {"type": "integer", "minimum": 1},
    "frames": {"type": "integer", "minimum": 1},
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "partition": {"type": "integer", "minimum": 1, "maximum": 16},
    "created_at": {"type": "string", "format": "date-time"},
    "content": {"type": "string", "description": "The address of the bytes."},
}


def document() -> Schema:
    """The document, as plain values for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Elastic images",
            "version": "1.0.0",
            "summary": "Put images in by key and get them back fast.",
            "description": "While the database's primary is down, answers to reads may be old if there is a replica: "
            "they carry `X-Stale: replica` and `Cache-Control: no-store`, and are never 304 or 404. "
            "Changes answer 503.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": _paths(),
        "components": {"schemas": _schemas(), "responses": _responses()},
    }


def _paths() -> Schema:
    return {
        "/health": {
            "get": operation(
                "health",
                "Whether the database answers and the fleet has nodes.",
                {"200": json_content("Health", "Healthy."), "503": _unhealthy()},
                closed=False,
            )
        },
        **health_paths(),
        "/api/openapi.json": {
            "get": operation("openapi", "This document.", {"200": json_content(None, "The document.")}),
        },
        "/api/v1/images": {
            "get": operation(
                "listImages",
                "A page of the images, in byte order of their keys; with `q`, of those that it finds, newest first.",
                {
                    "200": {
                        **json_content("ImagePage", "A page."),
                        "headers": {
                            "Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}
                        },
                    },
                    **errors("400"),
                },
                parameters=[
                    {
                        "name": "q",
                        "in": "query",
                        "description": "Words (beginnings of words of key and caption) and filters, which must all "
                        'hold: `tag:beach`, `tag:"old town"`, `taken:2026-05`, `uploaded:2026-11-01..2026-11-20`, '
                        "`orientation:portrait`, `colour:blue`; with `-` before it one must not. Empty: all images.",
                        "schema": {"type": "string", "maxLength": MOST_QUERY_CHARACTERS},
                    },
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
                    },
                    {
                        "name": "cursor",
                        "in": "query",
                        "description": "`next_cursor` of the page before.",
                        "schema": {"type": "string"},
                    },
                ],
            ),
            "post": operation(
                "createImage",
                "Stores an image from a form.",
                _written(),
                parameters=[_IF_MATCH, _IF_NONE_MATCH, IDEMPOTENCY_KEY],
                body={
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["key", "file"],
                            "properties": {"key": _KEY, "file": _BINARY, "if_taken": IF_TAKEN},
                        }
                    }
                },
            ),
            "delete": operation(
                "deleteImages",
                "Deletes every image of the owner's.",
                {"200": json_content("Deleted", "How many were deleted."), **errors("400")},
                parameters=[{"name": "all", "in": "query", "required": True, "schema": {"const": "true"}}],
            ),
        },
        "/api/v1/images/{key}": _one_image(_KEY_PATH, ""),
        "/api/v1/image": _one_image(_KEY_QUERY, "ByQuery"),
        "/api/v1/image/metadata": {
            "get": operation(
                "getMetadata",
                "What is known of an image, without its bytes.",
                {"200": json_content("ImageMetadata", "The image."), **errors("400", "404")},
                parameters=[_KEY_QUERY],
            )
        },
        **upload_paths(_KEY),
        **rendition_paths(_KEY_QUERY, _KEY, [_IF_MATCH, _IF_NONE_MATCH]),
        **many_paths(_KEY),
        **sharing_paths(_KEY_QUERY, _KEY),
        **search_paths(),
        **fleet_paths(),
        **replica_paths(),
        **admin_paths(),
        **finding_paths(),
        **erasing_paths(),
    }


def _one_image(key: Schema, suffix: str) -> Schema:
    content: Schema = {
        "200": {
            "description": "The bytes as they were stored.",
            "headers": {
                "ETag": {"description": "SHA-256 of the bytes.", "schema": {"type": "string"}},
                "Server-Timing": {
                    "description": "Where the bytes came from and how long each part took.",
                    "schema": {"type": "string"},
                },
            },
            "content": {media_type: {"schema": _BINARY} for media_type in MEDIA_TYPES},
        },
        "302": {"description": "The image is too large for an answer; a signed address gives it for five minutes."},
        "304": {"description": "The caller has these bytes."},
        **errors("400", "404"),
    }
    headless: Schema = {
        status: {name: value for name, value in answer.items() if name != "content"} if status == "200" else answer
        for status, answer in content.items()
        if isinstance(answer, dict)
    }
    return {
        "parameters": [key],
        "get": operation(f"getImage{suffix}", "An image's bytes.", content, parameters=[_IF_NONE_MATCH]),
        "head": operation(f"headImage{suffix}", "As GET, without the bytes.", headless, parameters=[_IF_NONE_MATCH]),
        "put": operation(
            f"putImage{suffix}",
            "Stores the body as the image under the key; its bytes decide the type.",
            _written(),
            parameters=[_IF_MATCH, _IF_NONE_MATCH],
            body={"*/*": {"schema": _BINARY}},
        ),
        "delete": operation(
            f"deleteImage{suffix}",
            "Deletes an image.",
            {"204": {"description": "Deleted."}, **errors("400", "404", "412")},
            parameters=[_IF_MATCH],
        ),
    }


def _unhealthy() -> Schema:
    return {
        "description": "The fleet has no nodes, or, as a problem, the database does not answer.",
        "content": {"application/json": content_of("Health"), "application/problem+json": content_of("Problem")},
    }


def _written() -> Schema:
    return {
        "200": json_content("ImageStored", "The image replaced the one under its key."),
        "201": json_content("ImageStored", "The image is new."),
        **errors("400", "412", "413", "415", "422"),
    }


def _responses() -> Schema:
    return {
        "Problem": {
            "description": "What is wrong, as RFC 9457 has it. `type` never changes.",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }


def _schemas() -> Schema:
    text: Schema = {"type": "string"}
    count: Schema = {"type": "integer", "minimum": 0}
    return {
        "Health": object_of(status=text, nodes=count),
        "Deleted": object_of(deleted=count),
        "Image": object_of(**_IMAGE),
        "ImageStored": object_of(**_IMAGE, duplicate_of=DUPLICATE_OF, stored={"type": "boolean"}),
        "ImageMetadata": object_of(**_IMAGE, **of_metadata()),
        **rendition_schemas(),
        "ImagePage": object_of(
            images={"type": "array", "items": {"$ref": "#/components/schemas/Image"}},
            next_cursor={"type": ["string", "null"]},
        ),
        **upload_schemas(_KEY),
        **many_schemas(_KEY),
        **sharing_schemas(_KEY),
        **search_schemas(),
        **fleet_schemas(),
        **replica_schemas(),
        **health_schemas(),
        **admin_schemas(),
        **finding_schemas(),
        **erasing_schemas(),
        "Problem": object_of(
            type=text,
            title=text,
            status={"type": "integer"},
            detail=text,
            errors={"type": "array", "items": object_of(field=text, detail=text)},
            request_id=text,
        ),
    }
