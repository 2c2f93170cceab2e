"""What the OpenAPI document says of albums and links."""

from chalicelib.domain.albums import MOST_ALBUMS, MOST_IMAGES, MOST_TITLE_CHARACTERS
from chalicelib.domain.shares import DEFAULT_DAYS, LEAST_PASSWORD_CHARACTERS, MOST_DAYS
from chalicelib.web.limits import DEFAULT_LIMIT, MAX_LIMIT
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation

_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_TITLE: Schema = {"type": "string", "minLength": 1, "maxLength": MOST_TITLE_CHARACTERS}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_INSTANT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_ALBUM_PATH: Schema = {"name": "album_id", "in": "path", "required": True, "schema": _ID}


def sharing_paths(key_query: Schema, key: Schema) -> Schema:
    """The paths, given the parameter that names an image and the schema of a key."""
    album = json_content("Album", "The album.")
    return {
        "/api/v1/albums": {
            "get": operation(
                "listAlbums",
                f"Every album, newest first; there are at most {MOST_ALBUMS}.",
                {"200": json_content("Albums", "The albums.")},
            ),
            "post": operation(
                "createAlbum", "Makes an album.", {"201": album, **errors("400")}, body=_body(["title"], title=_TITLE)
            ),
        },
        "/api/v1/albums/{album_id}": {
            "parameters": [_ALBUM_PATH],
            "get": operation(
                "getAlbum",
                "An album and the keys of its images, in its order, page by page.",
                {"200": json_content("AlbumPage", "A page."), **errors("400", "404")},
                parameters=[
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
            "patch": operation(
                "changeAlbum",
                "Gives an album another title, or one of its images as its cover.",
                {"200": album, **errors("400", "404")},
                body=_body([], title=_TITLE, cover=key),
            ),
            "delete": operation(
                "deleteAlbum",
                "Deletes an album and the links to it. Its images stay.",
                {"204": {"description": "Deleted."}, **errors("404")},
            ),
        },
        "/api/v1/albums/{album_id}/images": {
            "parameters": [_ALBUM_PATH],
            "post": operation(
                "addToAlbum",
                f"Puts an image at an album's end, if it is not in it. An album has at most {MOST_IMAGES}.",
                {"200": album, **errors("400", "404")},
                body=_body(["key"], key=key),
            ),
            "delete": operation(
                "removeFromAlbum",
                "Takes an image out of an album. The image stays.",
                {"200": album, **errors("400", "404")},
                parameters=[key_query],
            ),
        },
        "/api/v1/albums/{album_id}/order": {
            "parameters": [_ALBUM_PATH],
            "post": operation(
                "moveInAlbum",
                "Puts an image of an album at a position in its order, counted from 1; beyond the end, at the end.",
                {"200": album, **errors("400", "404")},
                body=_body(["key", "position"], key=key, position={"type": "integer", "minimum": 1}),
            ),
        },
        **_share_paths(key),
    }


def _share_paths(key: Schema) -> Schema:
    return {
        "/api/v1/shares": {
            "get": operation("listShares", "Every link, newest first.", {"200": json_content("Shares", "The links.")}),
            "post": operation(
                "createShare",
                "Makes a link to an album or to an image: name one of the two. Its token is told this once.",
                {"201": json_content("ShareMade", "The link."), **errors("400", "404")},
                body=_body(
                    [],
                    album=_ID,
                    key=key,
                    title={"type": "string", "maxLength": MOST_TITLE_CHARACTERS},
                    password={
                        "type": "string",
                        "description": f"At least {LEAST_PASSWORD_CHARACTERS} characters; empty: none is asked for.",
                    },
                    downloads={"enum": ["yes", "no"], "default": "no"},
                    days={
                        "type": "integer",
                        "minimum": 0,
                        "maximum": MOST_DAYS,
                        "default": DEFAULT_DAYS,
                        "description": "How long it is good for; 0: until it is revoked.",
                    },
                ),
            ),
        },
        "/api/v1/shares/{share_id}": {
            "parameters": [{"name": "share_id", "in": "path", "required": True, "schema": _ID}],
            "delete": operation(
                "revokeShare",
                "Ends a link: it leads nowhere any more.",
                {"204": {"description": "Ended."}, **errors("404")},
            ),
        },
        "/api/v1/shared/{token}": {
            "parameters": [{"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": operation(
                "getShared",
                "What a link shares, for anybody who has it. Images are named by random ids and given as renditions "
                "without metadata.",
                {"200": json_content("Shared", "What is shared."), **errors("400", "403", "404", "429", "503")},
                parameters=[
                    {
                        "name": "X-Share-Password",
                        "in": "header",
                        "description": "The link's password, if it asks for one. The answer's cookie opens the images.",
                        "schema": {"type": "string"},
                    }
                ],
                closed=False,
            ),
        },
    }


def sharing_schemas(key: Schema) -> dict[str, Schema]:
    """The schemas that the paths name."""
    pixels: Schema = {"type": ["integer", "null"], "minimum": 1}
    album: dict[str, Schema] = {
        "id": _ID,
        "title": _TITLE,
        "images": _COUNT,
        "cover": {"type": ["string", "null"], "description": "The key of the image that stands for it."},
        "created_at": _INSTANT,
    }
    share: dict[str, Schema] = {
        "id": _ID,
        "album_id": _TEXT_OR_NULL,
        "key": _TEXT_OR_NULL,
        "title": {"type": "string"},
        "password": {"type": "boolean", "description": "Whether it asks for one."},
        "downloads": {"type": "boolean"},
        "created_at": _INSTANT,
        "ends_at": _INSTANT_OR_NULL,
        "ended": {"type": "boolean"},
        "views": _COUNT,
        "viewed_at": _INSTANT_OR_NULL,
    }
    image = object_of(
        id=_ID, width=pixels, height=pixels, thumbnail=_TEXT_OR_NULL, preview=_TEXT_OR_NULL, download=_TEXT_OR_NULL
    )
    return {
        "Album": object_of(**album),
        "Albums": object_of(albums=_list_of("Album")),
        "AlbumPage": object_of(
            album={"$ref": "#/components/schemas/Album"},
            keys={"type": "array", "items": key},
            next_cursor=_TEXT_OR_NULL,
        ),
        "Share": object_of(**share),
        "Shares": object_of(shares=_list_of("Share")),
        "ShareMade": object_of(id=_ID, token={"type": "string"}, link={"type": "string"}),
        "Shared": object_of(
            title={"type": "string"},
            album={"type": "boolean"},
            ends_at=_INSTANT_OR_NULL,
            images={"type": "array", "items": image},
        ),
    }


def _list_of(schema: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}


def _body(required: list[str], **fields: Schema) -> Schema:
    schema: Schema = {**object_of(**fields), "required": required}
    return {"application/json": {"schema": schema}}
