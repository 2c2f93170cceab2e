"""The pages of accounts: sign up, verify, sign in and out, passwords, sessions, tokens for scripts."""

from collections.abc import Callable, Mapping

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.accounts import Principal, Way
from chalicelib.domain.errors import (
    InvalidValueError,
    NotFoundError,
    NoticeRefusedError,
    NoticesUnavailableError,
    NotSignedInError,
    RequestError,
    ToBeErasedError,
    TooManyTriesError,
)
from chalicelib.domain.notices import Told
from chalicelib.services.accounts import Accounts, SignedIn
from chalicelib.web.addresses import came_from, site_of
from chalicelib.web.http import ErrorAnswer, error_answer
from chalicelib.web.ids import known_id_of
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.page_values import day_and_minute
from chalicelib.web.request_form import query_of
from chalicelib.web.session import begun, ended, principal_of, token_of
from chalicelib.web.views import Views

REFUSALS = (InvalidValueError, NotFoundError, NotSignedInError, ToBeErasedError, TooManyTriesError)
NOTICES = {
    "password": "Your password is changed. Every other session is ended.",
    "revoked": "The token is revoked.",
    "reset": "Your new password is set, and every session is ended. Sign in with it.",
    "admin": "You are the first admin. Sign in.",
    "ended": "You are signed out everywhere.",
    "out": "You are signed out.",
    "withdrawn": "The erasure is withdrawn, and nothing was erased. Sign in as usual.",
    "asked": "A mail is on its way that asks whether you want to be told. Answer it, and you are.",
    "told": "You are told by mail when an edit is ready.",
    "untold": "You are not told of edits by mail any more.",
}


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of the accounts' pages."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    def accounts() -> Accounts:
        return services().accounts

    @route("/sign-in", "GET", "HEAD")
    def sign_in_page() -> Response:
        return _form("sign_in.html", notice=NOTICES.get(query_of(request()).text("notice")))

    @route("/sign-in", "POST")
    def sign_in() -> Response:
        form = frame.own_form()
        email = form.text("email")
        try:
            signed_in = accounts().sign_in(email, form.text("password"), _address(), token_of(request()))
        except REFUSALS as error:
            return _form("sign_in.html", error, email=email)
        return _signed_in(signed_in)

    @route("/sign-up", "GET", "HEAD")
    def sign_up_page() -> Response:
        return _form("sign_up.html", open=accounts().sign_up_open())

    @route("/sign-up", "POST")
    def sign_up() -> Response:
        form = frame.own_form()
        email = form.text("email")
        try:
            accounts().sign_up(email, form.text("password"), _site(), _address())
        except REFUSALS as error:
            return _form("sign_up.html", error, email=email, open=accounts().sign_up_open())
        return frame.page("mailed.html", {"email": email.strip(), "what": "sign-up"})

    @route("/verify", "GET", "HEAD")
    def verify_page() -> Response:
        return _form("verify.html", link=query_of(request()).text("link"))

    @route("/verify", "POST")
    def verify() -> Response:
        form = frame.own_form()
        try:
            signed_in = accounts().verify(form.text("link"), form.text("password"), token_of(request()))
        except REFUSALS as error:
            return _form("verify.html", error, link=form.text("link"))
        return _signed_in(signed_in)

    @route("/reset", "GET", "HEAD")
    def reset_page() -> Response:
        return _form("reset.html", link=query_of(request()).text("link"))

    @route("/reset", "POST")
    def reset() -> Response:
        form = frame.own_form()
        link, email = form.text("link"), form.text("email")
        try:
            if not link:
                accounts().ask_reset(email, _site(), _address())
                return frame.page("mailed.html", {"email": email.strip(), "what": "reset"})
            accounts().reset(link, form.text("new_password"))
        except REFUSALS as error:
            return _form("reset.html", error, link=link, email=email)
        return frame.onward("/sign-in", notice="reset")

    @route("/first-admin", "GET", "HEAD")
    def first_admin_page() -> Response:
        return _form("first_admin.html", link=query_of(request()).text("link"))

    @route("/first-admin", "POST")
    def first_admin() -> Response:
        form = frame.own_form()
        link, email = form.text("link"), form.text("email")
        try:
            accounts().become_first_admin(link, email, form.text("password"))
        except REFUSALS as error:
            return _form("first_admin.html", error, link=link, email=email)
        return frame.onward("/sign-in", notice="admin")

    @route("/sign-out", "POST")
    def sign_out() -> Response:
        frame.own_form()
        accounts().sign_out(principal_of(request()))
        return frame.onward("/sign-in", ended(request()), notice="out")

    @route("/account", "GET", "HEAD")
    def account() -> Response:
        return _account(notice=NOTICES.get(query_of(request()).text("notice")))

    @route("/account/password", "POST")
    def change_password() -> Response:
        form = frame.own_form()
        try:
            accounts().change_password(principal_of(request()), form.text("old_password"), form.text("new_password"))
        except REFUSALS as error:
            return _account(error)
        return frame.onward("/account", notice="password")

    @route("/account/sessions", "POST")
    def sign_out_everywhere() -> Response:
        frame.own_form()
        accounts().sign_out_everywhere(principal_of(request()))
        return frame.onward("/sign-in", ended(request()), notice="ended")

    @route("/account/tokens", "POST")
    def make_token() -> Response:
        form = frame.own_form()
        try:
            _, secret = accounts().make_token(principal_of(request()), form.text("label"), form.text("scope"))
        except REFUSALS as error:
            return _account(error)
        return _account(secret=secret)

    @route("/account/revoke", "POST")
    def revoke_token() -> Response:
        token_id = frame.own_form().text("id")
        known = known_id_of(token_id, NotFoundError("You have no such token."))
        accounts().revoke_token(principal_of(request()), known)
        return frame.onward("/account", notice="revoked")

    @route("/account/notices", "POST")
    def turn_notices() -> Response:
        form = frame.own_form()
        switch, principal = services().notice_switch, _person()
        try:
            if form.text("notices") != "on":
                switch.turn_off(principal)
                return frame.onward("/account", notice="untold")
            told = switch.turn_on(principal)
        except NoticeRefusedError as error:
            raise NoticesUnavailableError("Your address was not taken for notices. Try again later.") from error
        return frame.onward("/account", notice="told" if told is Told.ON else "asked")

    def _form(template: str, error: RequestError | None = None, **values: object) -> Response:
        answer = None if error is None else error_answer(error)
        blank: Mapping[str, object] = {"email": "", "link": "", "notice": None}
        shown = {**blank, **values, "problem": answer, "field": _field_of(error)}
        return frame.page(template, shown, 200 if answer is None else _status_of(answer))

    def _account(error: RequestError | None = None, secret: str | None = None, notice: str | None = None) -> Response:
        principal = _person()
        tokens = [
            {
                "id": token.id.hex(),
                "label": token.label,
                "scope": token.scope.value,
                "created": day_and_minute(token.created_at),
            }
            for token in accounts().tokens(principal)
        ]
        told = _told(principal) if services().notice_switch.offered else None
        return _form("account.html", error, tokens=tokens, secret=secret, notice=notice, told=told)

    def _person() -> Principal:
        principal = principal_of(request())
        if principal.way is Way.NAME:
            raise NotFoundError("Whoever comes here without signing in has no account.")
        return principal

    def _told(principal: Principal) -> str:
        """Whether the person is told of edits; "unknown" while that cannot be asked, which is no reason to fail."""
        try:
            return services().notice_switch.state(principal).value
        except (NoticesUnavailableError, NoticeRefusedError):
            return "unknown"

    def _signed_in(signed_in: SignedIn) -> Response:
        return frame.onward("/", begun(request(), signed_in.token))

    def _site() -> str:
        return site_of(request(), services().config.site_address)

    def _address() -> str:
        return came_from(request())

    return routes


def _status_of(answer: ErrorAnswer) -> int:
    """A form that is shown again because of what was typed into it is no failed authentication of the request."""
    return 422 if answer.slug == "not-signed-in" else answer.status


def _field_of(error: RequestError | None) -> str | None:
    return error.field if isinstance(error, InvalidValueError) else None
