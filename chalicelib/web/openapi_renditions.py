"""What the OpenAPI document says of renditions, tags, caption and another key."""

from chalicelib.domain.image_details import MOST_CAPTION_CHARACTERS
from chalicelib.domain.images import MAX_BYTES
from chalicelib.domain.renditions import EDITS, KINDS, MEDIA_TYPE
from chalicelib.domain.stored_renditions import State
from chalicelib.domain.tags import MOST_CHARACTERS
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation

_KIND: Schema = {"enum": list(KINDS)}
_TAG: Schema = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}


def rendition_paths(key_query: Schema, key: Schema, conditions: list[Schema]) -> Schema:
    """The paths, given the parameter that names an image, the schema of a key, and If-Match and If-None-Match."""
    kind_query: Schema = {"name": "kind", "in": "query", "required": True, "schema": _KIND}
    content: Schema = {
        "200": {
            "description": "The rendition's bytes.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary", "maxLength": MAX_BYTES}}},
        },
        "302": {"description": "It is too large for an answer; a signed address gives it for five minutes."},
        "304": {"description": "The caller has these bytes."},
        **errors("400", "404"),
    }
    headless: Schema = {**content, "200": {"description": "It is ready."}}
    tag_query: Schema = {"name": "tag", "in": "query", "required": True, "schema": _TAG}
    return {
        "/api/v1/image/rendition": {
            "parameters": [key_query, kind_query],
            "get": operation("getRendition", "The bytes of a rendition that is ready.", content),
            "head": operation("headRendition", "As GET, without the bytes.", headless),
        },
        "/api/v1/image/edits": {
            "post": operation(
                "editImage",
                "Has an edit made of an image; it becomes one of its renditions.",
                {"202": json_content("About", "It will be made, or is there already."), **errors("400", "404", "413")},
                body=_body(key=key, kind={"enum": [kind.name for kind in EDITS]}),
            )
        },
        "/api/v1/image/retry": {
            "post": operation(
                "retryRenditions",
                "Has the renditions of an image made again that failed.",
                {"202": json_content("About", "They will be made."), **errors("400", "404", "413")},
                body=_body(key=key),
            )
        },
        "/api/v1/image/caption": {
            "put": operation(
                "describeImage",
                "Makes the text the image's caption; an empty one takes it away.",
                {"200": json_content("About", "The image has the caption."), **errors("400", "404", "412")},
                parameters=conditions,
                body=_body(key=key, caption={"type": "string", "maxLength": MOST_CAPTION_CHARACTERS}),
            )
        },
        "/api/v1/image/rename": {
            "post": operation(
                "renameImage",
                "Gives the image another key, with all that belongs to it. Its bytes and its ETag stay as they are. A "
                "second call finds no image under the first key.",
                {
                    "200": {
                        **json_content("About", "The image has the new key."),
                        "headers": {"Location": {"description": "Its new address.", "schema": {"type": "string"}}},
                    },
                    **errors("400", "404", "409", "412"),
                },
                parameters=conditions,
                body=_body(key=key, new_key=key),
            )
        },
        "/api/v1/image/tags": {
            "post": operation(
                "addTag",
                "Puts a tag on an image, as it is spelled when case and spaces are made alike.",
                {"200": json_content("About", "The tag is on the image."), **errors("400", "404")},
                body=_body(key=key, tag={"type": "string"}),
            ),
            "delete": operation(
                "removeTag",
                "Takes a tag off an image. An automatic one stays off.",
                {"200": json_content("About", "The tag is off the image."), **errors("400", "404")},
                parameters=[key_query, tag_query],
            ),
        },
    }


def rendition_schemas() -> dict[str, Schema]:
    """The schemas that the paths name."""
    return {"About": object_of(**of_metadata())}


def of_metadata() -> dict[str, Schema]:
    """What an image's metadata says of caption, renditions and tags."""
    pixels: Schema = {"type": ["integer", "null"], "minimum": 1}
    rendition = object_of(
        kind=_KIND,
        state={"enum": [state.value for state in State]},
        width=pixels,
        height=pixels,
        why={"type": ["string", "null"], "description": "Why it failed."},
    )
    return {
        "caption": {"type": "string", "description": "Empty if there is none."},
        "renditions": {"type": "array", "items": rendition},
        "tags": {"type": "array", "items": object_of(tag=_TAG, automatic={"type": "boolean"})},
    }


def _body(**fields: Schema) -> Schema:
    return {"application/json": {"schema": object_of(**fields)}}
