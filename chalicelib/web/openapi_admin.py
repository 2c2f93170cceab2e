"""The part of the OpenAPI document that is about what admins do: /api/v1/admin and below."""

from chalicelib.domain.admin import BEGUN, DONE, FAILED, MOST_NOTE_CHARACTERS, MOST_QUOTA_MIB, REFUSED
from chalicelib.web.admin_forms import ROLES, SIGN_UP, STATUSES, UPLOADS
from chalicelib.web.limits import DEFAULT_LIMIT, MAX_LIMIT, MOST_ID
from chalicelib.web.openapi_pieces import Schema, errors, json_content, object_of, operation

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_LIMIT: Schema = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
}


def admin_paths() -> Schema:
    """The paths of what admins do."""
    user: Schema = {"200": json_content("User", "The user."), **errors("404")}
    changed: Schema = {**user, **errors("400", "409", "413")}
    dump_id: Schema = {"name": "dump_id", "in": "path", "required": True, "schema": _ID}
    settings: Schema = {"200": json_content("AdminSettings", "The settings.")}
    return {
        "/api/v1/admin/users": {
            "get": operation(
                "listUsers",
                "A page of the users, by address.",
                {"200": json_content("UserPage", "A page."), **errors("400")},
                parameters=[
                    _LIMIT,
                    {
                        "name": "cursor",
                        "in": "query",
                        "description": "`next_cursor` of the page before.",
                        "schema": _ID,
                    },
                ],
            )
        },
        "/api/v1/admin/users/{user_id}": {
            "parameters": [_user_id()],
            "get": operation("getUser", "One user.", user),
            "patch": operation(
                "changeUser",
                "Changes what is given. Disabling ends every session, token and link; there is always an admin left.",
                changed,
                body=_json(
                    status={"enum": list(STATUSES)},
                    role={"enum": list(ROLES)},
                    quota_mib={
                        "description": "MiB that the images may take; empty text for no quota.",
                        "anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_QUOTA_MIB}, {"const": ""}],
                    },
                ),
            ),
        },
        "/api/v1/admin/users/{user_id}/reset": {
            "parameters": [_user_id()],
            "post": operation("mailReset", "Mails the user a link that sets a new password.", changed),
        },
        "/api/v1/admin/settings": {
            "get": operation("getAdminSettings", "Whether sign-up is open and uploads are taken.", settings),
            "patch": operation(
                "changeAdminSettings",
                "Opens or closes sign-up; blocks uploads, those under way too, or takes them again.",
                {**settings, **errors("400", "413")},
                body=_json(
                    sign_up={"enum": list(SIGN_UP)},
                    uploads={"enum": list(UPLOADS)},
                    note={
                        "type": "string",
                        "maxLength": MOST_NOTE_CHARACTERS,
                        "description": "What people are told while uploads are blocked.",
                    },
                ),
            ),
        },
        "/api/v1/admin/dumps": {
            "get": operation(
                "listDumps", "The dumps that are not removed yet.", {"200": json_content("DumpList", "The dumps.")}
            ),
            "post": operation(
                "askDump",
                "Makes a dump of the database, in the background. It has no credentials in it. One that takes longer "
                "than ten seconds is made in stretches: rows are as they were when theirs began, which the dump tells.",
                {"202": json_content("Dump", "It is being made."), **errors("400", "413", "429")},
                body=_json(password={"type": "string", "description": "The caller's own, again."}),
            ),
        },
        "/api/v1/admin/dumps/{dump_id}/link": {
            "parameters": [dump_id],
            "post": operation(
                "linkDump",
                "An address that gives the dump to anyone who has it.",
                {"200": json_content("DumpLink", "The address."), **errors("400", "404", "413")},
            ),
        },
        "/api/v1/admin/data": {
            "get": operation("countData", "What there is in all.", {"200": json_content("DataCounts", "The counts.")}),
            "delete": operation(
                "deleteData",
                "Deletes every image there is, in the background, and the accounts that are no admin's if so asked.",
                {"202": json_content("Begun", "It is under way."), **errors("400", "413")},
                parameters=[
                    {
                        "name": "environment",
                        "in": "query",
                        "required": True,
                        "description": "The name of this store.",
                        "schema": _TEXT,
                    },
                    {"name": "accounts", "in": "query", "schema": {"enum": ["keep", "delete"], "default": "keep"}},
                ],
            ),
        },
        "/api/v1/admin/audit": {
            "get": operation(
                "getAudit",
                "What admins did, newest first.",
                {"200": json_content("AuditPage", "A page."), **errors("400")},
                parameters=[
                    _LIMIT,
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


def admin_schemas() -> Schema:
    """The schemas of what admins see."""
    return {
        "User": object_of(
            id=_ID,
            email=_TEXT,
            role={"enum": list(ROLES)},
            status={"enum": list(STATUSES)},
            images=_COUNT,
            bytes=_COUNT,
            quota_mib=_COUNT_OR_NULL,
            created_at=_MOMENT,
        ),
        "UserPage": object_of(users=_list_of("User"), next_cursor={"type": ["string", "null"]}),
        "AdminSettings": object_of(sign_up={"enum": list(SIGN_UP)}, uploads={"enum": list(UPLOADS)}, note=_TEXT),
        "Dump": object_of(
            id=_ID,
            state={"enum": ["being made", "ready", "failed"]},
            why={"type": ["string", "null"], "description": "Why it failed."},
            asked_by=_TEXT,
            asked_at=_MOMENT,
            ends_at=_MOMENT,
            rows={**_COUNT_OR_NULL, "description": "In the dump by now; null while none was counted."},
            bytes={**_COUNT_OR_NULL, "description": "Stored by now."},
        ),
        "DumpList": object_of(dumps=_list_of("Dump")),
        "DumpLink": object_of(address=_TEXT, seconds=_COUNT),
        "DataCounts": object_of(environment=_TEXT, accounts=_COUNT, admins=_COUNT, images=_COUNT, bytes=_COUNT),
        "Begun": object_of(begun={"const": True}),
        "AuditEntry": object_of(
            id=_COUNT,
            at=_MOMENT,
            actor=_TEXT,
            what=_TEXT,
            about=_TEXT,
            outcome={"enum": [BEGUN, DONE, FAILED, REFUSED]},
            address=_TEXT,
        ),
        "AuditPage": object_of(entries=_list_of("AuditEntry"), next_before=_COUNT_OR_NULL),
    }


def _user_id() -> Schema:
    return {"name": "user_id", "in": "path", "required": True, "schema": _ID}


def _list_of(schema: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}


def _json(**properties: Schema) -> Schema:
    return {"application/json": {"schema": {"type": "object", "properties": properties, "additionalProperties": False}}}
