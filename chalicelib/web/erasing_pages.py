"""The pages of erasing an account: what would go, the asking, the withdrawing, the receipt."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import (
    InvalidValueError,
    LastAdminError,
    NotSignedInError,
    RequestError,
    TooManyTriesError,
    UnknownReceiptError,
)
from chalicelib.web.access import MODULES
from chalicelib.web.addresses import came_from, site_of
from chalicelib.web.erasing_values import shown_receipt, shown_rows
from chalicelib.web.http import error_answer
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.request_form import query_of
from chalicelib.web.session import ended, principal_of
from chalicelib.web.views import Views

REFUSALS = (InvalidValueError, LastAdminError, NotSignedInError, TooManyTriesError)
_EXPORT = "/downloads/export"


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes."""
    routes = Views()
    route = routes.route
    frame = PageFrame(services, request)

    @route("/account/erase", "GET", "HEAD")
    def erase_page() -> Response:
        return _erase_page()

    @route("/account/erase", "POST")
    def erase() -> Response:
        form, principal = frame.own_form(), principal_of(request())
        try:
            asked = services().erasing.ask(principal, form.text("password"), _site())
        except REFUSALS as error:
            return _erase_page(error)
        return frame.onward("/erasure", ended(request()), receipt=asked.receipt)

    @route("/withdraw", "GET", "HEAD")
    def withdraw_page() -> Response:
        return _form("withdraw.html", None, email="")

    @route("/withdraw", "POST")
    def withdraw() -> Response:
        form = frame.own_form()
        try:
            services().erasing.withdraw(form.text("email"), form.text("password"), came_from(request()))
        except REFUSALS as error:
            return _form("withdraw.html", error, email=form.text("email"))
        return frame.onward("/sign-in", notice="withdrawn")

    @route("/erasure", "GET", "HEAD")
    def receipt_page() -> Response:
        receipt = query_of(request()).text("receipt")
        try:
            erasure = services().erasing.of_receipt(receipt)
        except UnknownReceiptError as error:
            return _form("erasure.html", error, receipt=None)
        return _form("erasure.html", None, receipt=shown_receipt(erasure))

    def _erase_page(error: RequestError | None = None) -> Response:
        holdings = services().erasing.holdings(principal_of(request()))
        return _form(
            "account_erase.html",
            error,
            rows=shown_rows(holdings.rows),
            bytes=f"{holdings.bytes:,}",
            days=services().config.erase_grace_days,
            export=any(_EXPORT in paths for paths in MODULES.values()),
        )

    def _form(template: str, error: RequestError | None, **values: object) -> Response:
        answer = None if error is None else error_answer(error)
        field = error.field if isinstance(error, InvalidValueError) else None
        status = 200 if answer is None else 422 if answer.slug == "not-signed-in" else answer.status
        return frame.page(template, {**values, "problem": answer, "field": field}, status)

    def _site() -> str:
        return site_of(request(), services().config.site_address)

    return routes
