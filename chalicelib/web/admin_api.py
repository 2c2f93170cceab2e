"""What admins do, as REST: /api/v1/admin/..."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.admin import MIB, AuditEntry, Dump, User
from chalicelib.domain.errors import InvalidValueError
from chalicelib.services.admin import By
from chalicelib.services.dumps import LINK_SECONDS
from chalicelib.web import admin_forms
from chalicelib.web.addresses import came_from, site_of
from chalicelib.web.ids import dump_id_of, user_id_of
from chalicelib.web.json_answers import instant, json_answer
from chalicelib.web.limits import MOST_ID, limit_in, whole_in
from chalicelib.web.request_form import form_of, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

NO_FILE = 0  # bytes, beside the fields of a form


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /api/v1/admin and below."""
    routes = Views()
    route = routes.route

    @route("/api/v1/admin/users", "GET")
    def list_users() -> Response:
        query = query_of(request())
        limit = limit_in(query)
        found = services().admin.users(admin_forms.cursor_of(query.text("cursor")), limit)
        following = None if found.next_after is None else found.next_after.hex()
        return json_answer({"users": [_user(user) for user in found.users], "next_cursor": following})

    @route("/api/v1/admin/users/{user_id}", "GET")
    def get_user(user_id: str) -> Response:
        return json_answer(_user(services().admin.user(user_id_of(user_id))))

    @route("/api/v1/admin/users/{user_id}", "PATCH")
    def change_user(user_id: str) -> Response:
        form = form_of(request(), NO_FILE)
        owner_id = user_id_of(user_id)
        return json_answer(_user(services().admin.change_user(_by(), owner_id, admin_forms.user_change_of(form))))

    @route("/api/v1/admin/users/{user_id}/reset", "POST")
    def mail_reset(user_id: str) -> Response:
        form_of(request(), NO_FILE)
        site = site_of(request(), services().config.site_address)
        return json_answer(_user(services().admin.mail_reset(_by(), user_id_of(user_id), site)))

    @route("/api/v1/admin/settings", "GET")
    def get_settings() -> Response:
        return _settings()

    @route("/api/v1/admin/settings", "PATCH")
    def change_settings() -> Response:
        form = form_of(request(), NO_FILE)
        sign_up = admin_forms.choice_of(form, "sign_up", admin_forms.SIGN_UP)
        blocked = admin_forms.choice_of(form, "uploads", admin_forms.UPLOADS)
        if sign_up is None and blocked is None:
            raise InvalidValueError("uploads", "Say what is to change: sign_up or uploads.")
        if blocked is not None:
            services().admin.block_uploads(_by(), blocked, form.text("note"))
        if sign_up is not None:
            services().admin.set_sign_up(_by(), sign_up)
        return _settings()

    @route("/api/v1/admin/dumps", "GET")
    def list_dumps() -> Response:
        return json_answer({"dumps": [_dump(one) for one in services().dumps.list()]})

    @route("/api/v1/admin/dumps", "POST")
    def ask_dump() -> Response:
        form = form_of(request(), NO_FILE)
        return json_answer(_dump(services().dumps.ask(_by(), form.text("password"))), status=202)

    @route("/api/v1/admin/dumps/{dump_id}/link", "POST")
    def link_dump(dump_id: str) -> Response:
        form_of(request(), NO_FILE)
        address = services().dumps.link(_by(), dump_id_of(dump_id))
        return json_answer({"address": address, "seconds": LINK_SECONDS})

    @route("/api/v1/admin/data", "GET")
    def count_data() -> Response:
        counts = services().admin.counts()
        told = {name: getattr(counts, name) for name in ("accounts", "admins", "images", "bytes")}
        return json_answer({"environment": services().config.environment, **told})

    @route("/api/v1/admin/data", "DELETE")
    def delete_data() -> Response:
        form = form_of(request(), NO_FILE)
        services().data_removal.ask(_by(), form.text("environment"), form.text("accounts") == "delete")
        return json_answer({"begun": True}, status=202)

    @route("/api/v1/admin/audit", "GET")
    def get_audit() -> Response:
        query = query_of(request())
        before = whole_in(query, "before", 1, MOST_ID) if "before" in query.values else None
        found = services().admin.audit(before, limit_in(query))
        return json_answer({"entries": [_entry(one) for one in found.entries], "next_before": found.next_before})

    def _settings() -> Response:
        uploads = services().admin.uploads.read()
        return json_answer(
            {
                "sign_up": "open" if services().accounts.sign_up_open() else "closed",
                "uploads": "blocked" if uploads.blocked else "open",
                "note": uploads.note,
            }
        )

    def _by() -> By:
        return By(principal_of(request()), came_from(request()))

    return routes


def _user(user: User) -> dict[str, object]:
    return {
        "id": user.owner_id.hex(),
        "email": user.email,
        "role": "admin" if user.admin else "user",
        "status": "disabled" if user.disabled else "enabled",
        "images": user.images,
        "bytes": user.bytes,
        "quota_mib": None if user.quota_bytes is None else user.quota_bytes // MIB,
        "created_at": instant(user.created_at),
    }


def _dump(dump: Dump) -> dict[str, object]:
    return {
        "id": dump.id.hex(),
        "state": dump.state,
        "why": dump.why,
        "asked_by": dump.actor,
        "asked_at": instant(dump.asked_at),
        "ends_at": instant(dump.ends_at),
        "rows": dump.rows,
        "bytes": dump.size,
    }


def _entry(entry: AuditEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": instant(entry.at),
        "actor": entry.actor,
        "what": entry.what,
        "about": entry.about,
        "outcome": entry.outcome,
        "address": entry.address,
    }
