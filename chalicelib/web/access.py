"""Every route: the module that answers it, and who may call it. What is not in the table is not routed at all."""

from collections.abc import Mapping
from enum import Enum

GET, HEAD, POST, PUT, PATCH, DELETE = "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"


class Access(Enum):
    """Who may call a route."""

    ANYONE = "anyone"
    OWNER = "the owner"  # whoever is signed in, on images of their own
    BY_ROW = "the owner, as the row says"  # whether the session is in force is asked in the SELECT that finds the image
    ADMIN = "an admin"


def _of(access: Access, *methods: str) -> dict[str, Access]:
    return dict.fromkeys(methods, access)


# Modules are imported when the first request for a route of theirs comes (web/application.py).
MODULES: Mapping[str, Mapping[str, Mapping[str, Access]]] = {
    "gallery_pages": {
        "/": _of(Access.OWNER, GET, HEAD),
        "/caption": _of(Access.OWNER, POST),
        "/rename": _of(Access.OWNER, POST),
        "/looks": _of(Access.OWNER, POST),
    },
    "pages": {
        "/upload": _of(Access.OWNER, GET, HEAD, POST),
        "/image": _of(Access.OWNER, GET, HEAD),
        "/retrieve": _of(Access.OWNER, GET, HEAD),
        "/content": _of(Access.BY_ROW, GET, HEAD),
        "/keys": _of(Access.OWNER, GET, HEAD),
        "/delete": _of(Access.OWNER, GET, HEAD, POST),
        "/delete-all": _of(Access.OWNER, GET, HEAD, POST),
        "/fleet": _of(Access.ADMIN, GET, HEAD),
        "/notice": _of(Access.OWNER, GET, HEAD),
        "/static/{name}": _of(Access.ANYONE, GET, HEAD),
    },
    "upload_pages": {
        "/upload/large": _of(Access.OWNER, GET, HEAD, POST),
        "/upload/sent": _of(Access.OWNER, GET, HEAD, POST),
    },
    "rendition_pages": {
        "/rendition": _of(Access.BY_ROW, GET, HEAD),
        "/edit": _of(Access.OWNER, POST),
        "/retry": _of(Access.OWNER, POST),
        "/tag": _of(Access.OWNER, POST),
        "/untag": _of(Access.OWNER, POST),
    },
    "trash_pages": {
        "/selection": _of(Access.OWNER, POST),
        "/trash": _of(Access.OWNER, GET, HEAD, POST),
        "/trash/undo": _of(Access.OWNER, POST),
        "/trash/empty": _of(Access.OWNER, GET, HEAD, POST),
        "/trash/image": _of(Access.BY_ROW, GET, HEAD),
    },
    "download_pages": {
        "/downloads": _of(Access.OWNER, GET, HEAD),
        "/downloads/export": _of(Access.OWNER, POST),
        "/downloads/zip": _of(Access.OWNER, GET, HEAD),
    },
    "album_pages": {
        "/albums": _of(Access.OWNER, GET, HEAD, POST),
        "/album": _of(Access.OWNER, GET, HEAD),
        "/album/choose": _of(Access.OWNER, GET, HEAD, POST),
        "/album/add": _of(Access.OWNER, POST),
        "/album/rename": _of(Access.OWNER, POST),
        "/album/image": _of(Access.OWNER, POST),
        "/album/delete": _of(Access.OWNER, GET, HEAD, POST),
    },
    "share_pages": {
        "/shares": _of(Access.OWNER, GET, HEAD, POST),
        "/shares/new": _of(Access.OWNER, GET, HEAD),
        "/shares/revoke": _of(Access.OWNER, POST),
    },
    "shared_pages": {  # whoever has a link: the link's own row says whether it is in force
        "/share/{token}": _of(Access.ANYONE, GET, HEAD, POST),
        "/share/{token}/{image_id}": _of(Access.ANYONE, GET, HEAD),
        "/share/{token}/{image_id}/{kind}": _of(Access.ANYONE, GET, HEAD),
    },
    "account_pages": {
        "/sign-in": _of(Access.ANYONE, GET, HEAD, POST),
        "/sign-up": _of(Access.ANYONE, GET, HEAD, POST),
        "/verify": _of(Access.ANYONE, GET, HEAD, POST),
        "/reset": _of(Access.ANYONE, GET, HEAD, POST),
        "/first-admin": _of(Access.ANYONE, GET, HEAD, POST),
        "/sign-out": _of(Access.OWNER, POST),
        "/account": _of(Access.OWNER, GET, HEAD),
        "/account/password": _of(Access.OWNER, POST),
        "/account/sessions": _of(Access.OWNER, POST),
        "/account/notices": _of(Access.OWNER, POST),
        "/account/tokens": _of(Access.OWNER, POST),
        "/account/revoke": _of(Access.OWNER, POST),
    },
    "erasing_pages": {
        "/account/erase": _of(Access.OWNER, GET, HEAD, POST),
        "/withdraw": _of(Access.ANYONE, GET, HEAD, POST),
        "/erasure": _of(Access.ANYONE, GET, HEAD),
    },
    "console": {
        "/manager": _of(Access.ADMIN, GET, HEAD),
        "/manager/settings": _of(Access.ADMIN, POST),
        "/manager/nodes": _of(Access.ADMIN, POST),
        "/manager/clear": _of(Access.ADMIN, GET, HEAD, POST),
        "/manager/node": _of(Access.ADMIN, GET, HEAD),
        "/manager/decisions": _of(Access.ADMIN, GET, HEAD),
        "/manager/decision": _of(Access.ADMIN, GET, HEAD),
    },
    "admin_pages": {
        "/admin": _of(Access.ADMIN, GET, HEAD),
        "/admin/sign-up": _of(Access.ADMIN, POST),
        "/admin/uploads": _of(Access.ADMIN, POST),
        "/admin/user": _of(Access.ADMIN, GET, HEAD, POST),
        "/admin/dump": _of(Access.ADMIN, GET, HEAD, POST),
        "/admin/dump-link": _of(Access.ADMIN, POST),
        "/admin/delete-all": _of(Access.ADMIN, GET, HEAD, POST),
        "/admin/audit": _of(Access.ADMIN, GET, HEAD),
    },
    "findings_pages": {
        "/admin/findings": _of(Access.ADMIN, GET, HEAD, POST),
    },
    "health_api": {
        "/healthz": _of(Access.ANYONE, GET),
        "/readyz": _of(Access.ANYONE, GET),
    },
    "api": {
        "/health": _of(Access.ANYONE, GET),
        "/api/openapi.json": _of(Access.ANYONE, GET),
        "/api/v1/images": _of(Access.OWNER, GET, POST, DELETE),
        "/api/v1/images/{key}": _of(Access.BY_ROW, GET, HEAD) | _of(Access.OWNER, PUT, DELETE),
        "/api/v1/image": _of(Access.BY_ROW, GET, HEAD) | _of(Access.OWNER, PUT, DELETE),
        "/api/v1/image/metadata": _of(Access.BY_ROW, GET),
    },
    "uploads_api": {
        "/api/v1/uploads": _of(Access.OWNER, POST),
        "/api/v1/uploads/{upload_id}": _of(Access.OWNER, GET),
        "/api/v1/uploads/{upload_id}/complete": _of(Access.OWNER, POST),
    },
    "renditions_api": {
        "/api/v1/image/rendition": _of(Access.BY_ROW, GET, HEAD),
        "/api/v1/image/edits": _of(Access.OWNER, POST),
        "/api/v1/image/retry": _of(Access.OWNER, POST),
        "/api/v1/image/tags": _of(Access.OWNER, POST, DELETE),
        "/api/v1/image/caption": _of(Access.OWNER, PUT),
        "/api/v1/image/rename": _of(Access.OWNER, POST),
    },
    "many_api": {
        "/api/v1/actions": _of(Access.OWNER, POST),
        "/api/v1/trash": _of(Access.OWNER, GET, DELETE),
        "/api/v1/trash/actions": _of(Access.OWNER, POST),
    },
    "downloads_api": {
        "/api/v1/downloads": _of(Access.OWNER, GET, POST),
        "/api/v1/downloads/{download_id}": _of(Access.OWNER, GET),
        "/api/v1/downloads/{download_id}/zips/{number}": _of(Access.OWNER, GET),
    },
    "albums_api": {
        "/api/v1/albums": _of(Access.OWNER, GET, POST),
        "/api/v1/albums/{album_id}": _of(Access.OWNER, GET, PATCH, DELETE),
        "/api/v1/albums/{album_id}/images": _of(Access.OWNER, POST, DELETE),
        "/api/v1/albums/{album_id}/order": _of(Access.OWNER, POST),
    },
    "shares_api": {
        "/api/v1/shares": _of(Access.OWNER, GET, POST),
        "/api/v1/shares/{share_id}": _of(Access.OWNER, DELETE),
        "/api/v1/shared/{token}": _of(Access.ANYONE, GET),
    },
    "search_api": {
        "/api/v1/suggestions": _of(Access.OWNER, GET),
    },
    "erasing_api": {
        "/api/v1/account/erasure": _of(Access.OWNER, GET, POST),
        "/api/v1/erasure": _of(Access.ANYONE, GET),
    },
    "fleet_api": {
        "/api/v1/fleet": _of(Access.ADMIN, GET),
        "/api/v1/fleet/notice": _of(Access.OWNER, GET),
        "/api/v1/fleet/settings": _of(Access.ADMIN, GET, PATCH),
        "/api/v1/fleet/size": _of(Access.ADMIN, POST),
        "/api/v1/fleet/history": _of(Access.ADMIN, GET),
        "/api/v1/fleet/decisions": _of(Access.ADMIN, GET),
        "/api/v1/fleet/preview": _of(Access.ADMIN, GET),
        "/api/v1/fleet/nodes/{node_id}/contents": _of(Access.ADMIN, GET),
        "/api/v1/fleet/clear": _of(Access.ADMIN, POST),
    },
    "admin_api": {
        "/api/v1/admin/users": _of(Access.ADMIN, GET),
        "/api/v1/admin/users/{user_id}": _of(Access.ADMIN, GET, PATCH),
        "/api/v1/admin/users/{user_id}/reset": _of(Access.ADMIN, POST),
        "/api/v1/admin/settings": _of(Access.ADMIN, GET, PATCH),
        "/api/v1/admin/dumps": _of(Access.ADMIN, GET, POST),
        "/api/v1/admin/dumps/{dump_id}/link": _of(Access.ADMIN, POST),
        "/api/v1/admin/data": _of(Access.ADMIN, GET, DELETE),
        "/api/v1/admin/audit": _of(Access.ADMIN, GET),
    },
    "findings_api": {
        "/api/v1/admin/findings": _of(Access.ADMIN, GET),
    },
    "replica_api": {
        "/api/v1/replica": _of(Access.ADMIN, GET),
    },
    "compat": {
        "/api/upload": _of(Access.OWNER, POST),
        "/api/key/{key}": _of(Access.BY_ROW, GET, POST),
        "/api/key": _of(Access.BY_ROW, GET, POST),
        "/api/list_keys": _of(Access.OWNER, GET, POST),
        "/api/delete_all": _of(Access.OWNER, POST),
        "/api/configure_cache": _of(Access.ADMIN, POST),
        "/api/getNumNodes": _of(Access.OWNER, GET, POST),
        "/api/getRate": _of(Access.OWNER, GET, POST),
    },
}


# The course's contract has these by POST too, though they change nothing: a token that may read is enough for them.
READING_POSTS = frozenset({"/api/key/{key}", "/api/key", "/api/list_keys", "/api/getNumNodes", "/api/getRate"})

TABLE: Mapping[str, Mapping[str, Access]] = {path: who for paths in MODULES.values() for path, who in paths.items()}


def may_change(route: str, method: str) -> bool:
    """Whether the route may change something when it is called by the method."""
    return method not in (GET, HEAD) and not (method == POST and route in READING_POSTS)


def access_to(route: str, method: str) -> Access | None:
    """Who may call the route by the method; None if nobody has said so."""
    return TABLE.get(route, {}).get(method)
