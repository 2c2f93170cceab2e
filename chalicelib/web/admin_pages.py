"""What admins do, as pages: users, sign-up, uploads, dumps, deleting all data, the log. They work without script."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError, LastAdminError, RequestError, TooManyTriesError
from chalicelib.services.admin import By
from chalicelib.services.dumps import LINK_SECONDS
from chalicelib.web import admin_forms, admin_values
from chalicelib.web.addresses import came_from, site_of
from chalicelib.web.http import error_answer
from chalicelib.web.ids import dump_id_of, user_id_of
from chalicelib.web.limits import MOST_ID
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.request_form import RequestForm, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

LIST_LIMIT = 50
REFUSALS = (InvalidValueError, LastAdminError, TooManyTriesError)


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /admin and below."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/admin", "GET", "HEAD")
    def admin() -> Response:
        return _admin()

    @route("/admin/sign-up", "POST")
    def sign_up() -> Response:
        is_open = _chosen(frame.own_form(), "sign_up", admin_forms.SIGN_UP)
        services().admin.set_sign_up(_by(), is_open)
        return frame.onward("/admin", notice="open" if is_open else "closed")

    @route("/admin/uploads", "POST")
    def uploads() -> Response:
        form = frame.own_form()
        try:
            blocked = _chosen(form, "uploads", admin_forms.UPLOADS)
            services().admin.block_uploads(_by(), blocked, form.text("note"))
        except InvalidValueError as error:
            return _admin(error)
        return frame.onward("/admin", notice="blocked" if blocked else "unblocked")

    @route("/admin/user", "GET", "HEAD")
    def user() -> Response:
        return _user(query_of(request()).text("id"))

    @route("/admin/user", "POST")
    def change_user() -> Response:
        form = frame.own_form()
        user_id = form.text("id")
        owner_id = user_id_of(user_id)
        try:
            if form.text("mail") == "reset":
                services().admin.mail_reset(_by(), owner_id, _site())
                return frame.onward("/admin/user", id=user_id, notice="reset")
            change = admin_forms.user_change_of(form)
            services().admin.change_user(_by(), owner_id, change)
        except REFUSALS as error:
            return _user(user_id, error)
        status = "disable" if change.disabled else "enable"
        notice = status if change.disabled is not None else "role" if change.admin is not None else "quota"
        return frame.onward("/admin/user", id=user_id, notice=notice)

    @route("/admin/dump", "GET", "HEAD")
    def dump() -> Response:
        return _dump()

    @route("/admin/dump", "POST")
    def ask_dump() -> Response:
        form = frame.own_form()
        try:
            services().dumps.ask(_by(), form.text("password"))
        except REFUSALS as error:
            return _dump(error)
        return frame.onward("/admin/dump", notice="dump")

    @route("/admin/dump-link", "POST")
    def dump_link() -> Response:
        dump_id = dump_id_of(frame.own_form().text("id"))
        return _dump(link=services().dumps.link(_by(), dump_id))

    @route("/admin/delete-all", "GET", "HEAD")
    def delete_all_question() -> Response:
        return _delete_all()

    @route("/admin/delete-all", "POST")
    def delete_all() -> Response:
        form = frame.own_form()
        try:
            services().data_removal.ask(_by(), form.text("environment"), form.text("accounts") == "delete")
        except REFUSALS as error:
            return _delete_all(error)
        return frame.onward("/admin/delete-all", notice="deleting")

    @route("/admin/audit", "GET", "HEAD")
    def audit() -> Response:
        text = query_of(request()).text("before")
        if text and not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_ID))):
            raise InvalidValueError("before", "before must be a whole number.")
        found = services().admin.audit(int(text) if text else None, LIST_LIMIT)
        values = {
            "entries": [admin_values.shown_entry(entry) for entry in found.entries],
            "next_before": None if found.next_before is None else str(found.next_before),
            "first": not text,
        }
        return frame.page("admin_audit.html", values)

    def _admin(error: RequestError | None = None) -> Response:
        query = query_of(request())
        found = services().admin.users(admin_forms.cursor_of(query.text("after")), LIST_LIMIT)
        values = {
            "users": [admin_values.shown_user(user) for user in found.users],
            "first": not query.text("after"),
            "next_after": None if found.next_after is None else found.next_after.hex(),
            "sign_up_open": services().accounts.sign_up_open(),
            "uploads": services().admin.uploads.read(),
        }
        return _page("admin.html", values, error)

    def _user(user_id: str, error: RequestError | None = None) -> Response:
        found = services().admin.user(user_id_of(user_id))
        return _page("admin_user.html", {"user": admin_values.shown_user(found)}, error)

    def _dump(error: RequestError | None = None, link: str | None = None) -> Response:
        dumps = [admin_values.shown_dump(one) for one in services().dumps.list()]
        return _page("admin_dump.html", {"dumps": dumps, "link": link, "minutes": LINK_SECONDS // 60}, error)

    def _delete_all(error: RequestError | None = None) -> Response:
        counts = admin_values.shown_counts(services().admin.counts())
        return _page("admin_delete_all.html", {"counts": counts, "environment": services().config.environment}, error)

    def _page(template: str, values: dict[str, object], error: RequestError | None) -> Response:
        answer = None if error is None else error_answer(error)
        notice = admin_values.NOTICES.get(query_of(request()).text("notice")) if error is None else None
        field = error.field if isinstance(error, InvalidValueError) else None
        shown = {**values, "problem": answer, "field": field, "notice": notice}
        return frame.page(template, shown, 200 if answer is None else answer.status)

    def _chosen(form: RequestForm, name: str, choices: dict[str, bool]) -> bool:
        chosen = admin_forms.choice_of(form, name, choices)
        if chosen is None:
            raise InvalidValueError(name, f"{name} must be {' or '.join(choices)}.")
        return chosen

    def _by() -> By:
        return By(principal_of(request()), came_from(request()))

    def _site() -> str:
        return site_of(request(), services().config.site_address)

    return routes
