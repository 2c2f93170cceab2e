"""From errors and answers to HTTP, for every face: one table of statuses, and what every answer carries."""

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalice.app import Request, Response

from chalicelib.domain.accounts import TRIES_SECONDS
from chalicelib.domain.errors import (
    AccountLinkError,
    DownloadsUnderWayError,
    IdempotencyKeyReusedError,
    InvalidKeyError,
    InvalidValueError,
    KeyTakenError,
    LastAdminError,
    NotArrivedError,
    NotFoundError,
    NotSignedInError,
    PreconditionError,
    QuotaError,
    ShareLockedError,
    StoreError,
    ToBeErasedError,
    TooLargeError,
    TooManyTriesError,
    UnavailableError,
    UnknownAlbumError,
    UnknownDownloadError,
    UnknownDumpError,
    UnknownNodeError,
    UnknownReceiptError,
    UnknownShareError,
    UnknownUploadError,
    UnknownUserError,
    UnreadableImageError,
    UnsupportedTypeError,
    UploadsBlockedError,
    UploadsClosedError,
)
from chalicelib.services.staleness import Staleness
from chalicelib.services.tracing import request_id
from chalicelib.web.base64_response import Base64Response
from chalicelib.web.looks import Looks, looks_of
from chalicelib.web.refusals import ForeignOriginError, ForgedFormError, NotAllowedError
from chalicelib.web.session import Door, admit
from chalicelib.web.timing import with_stale_rows, with_total

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2
BLOCKED_SECONDS = 60  # a person blocked uploads, and does not unblock them at once
STALE_HEADER = "X-Stale"  # our own: RFC 9111 did away with Warning, which said this, and put nothing in its place

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error as every face tells it. `slug` never changes; scripts may look at it."""

    status: int
    slug: str
    title: str
    detail: str
    field: str | None
    request_id: str


Face = Callable[[ErrorAnswer], Response]

_TABLE: tuple[tuple[type[StoreError], int, str, str], ...] = (
    (InvalidKeyError, 400, "invalid-key", "Not a key"),
    (InvalidValueError, 400, "invalid-value", "A value is missing or wrong"),
    (AccountLinkError, 404, "no-such-link", "This link leads nowhere"),
    (NotFoundError, 404, "not-found", "No such image"),
    (UnknownNodeError, 404, "no-such-node", "No such node"),
    (UnknownUserError, 404, "no-such-user", "No such user"),
    (UnknownDumpError, 404, "no-such-dump", "No such dump"),
    (UnknownReceiptError, 404, "no-such-receipt", "No such receipt"),
    (UnknownDownloadError, 404, "no-such-download", "No such download"),
    (DownloadsUnderWayError, 409, "downloads-under-way", "Too many at once"),
    (UnknownAlbumError, 404, "no-such-album", "No such album"),
    (UnknownShareError, 404, "no-such-link", "This link leads nowhere"),
    (ShareLockedError, 403, "link-locked", "This link asks for a password"),
    (UnknownUploadError, 404, "no-such-upload", "No such upload"),
    (NotArrivedError, 409, "not-arrived", "Not uploaded yet"),
    (IdempotencyKeyReusedError, 422, "idempotency-key-reused", "Not the same request"),
    (UploadsClosedError, 403, "uploads-closed", "Nothing is taken"),
    (PreconditionError, 412, "precondition-failed", "The image has changed"),
    (KeyTakenError, 409, "key-taken", "The key is taken"),
    (UnsupportedTypeError, 415, "unsupported-type", "Not a kind of image that is kept"),
    (QuotaError, 413, "over-quota", "No room left"),
    (UploadsBlockedError, 503, "uploads-blocked", "Uploads are blocked"),
    (ToBeErasedError, 409, "to-be-erased", "This account is to be erased"),
    (LastAdminError, 409, "last-admin", "There must be an admin"),
    (TooLargeError, 413, "too-large", "Too large"),
    (UnreadableImageError, 422, "unreadable-image", "The image cannot be read"),
    (NotSignedInError, 401, "not-signed-in", "Not signed in"),
    (TooManyTriesError, 429, "too-many-tries", "Too many tries"),
    (NotAllowedError, 403, "not-allowed", "Not allowed"),
    (ForeignOriginError, 403, "foreign-origin", "Sent by another site"),
    (ForgedFormError, 403, "forged-form", "Not a form of this browser"),
    (UnavailableError, 503, "unavailable", "Not available just now"),
)
_BY_STATUS = {
    403: ("forbidden", "Not allowed"),
    404: ("no-such-page", "Nothing is here"),
    405: ("wrong-method", "That cannot be done here"),
    411: ("length-required", "The length must be given"),
    413: ("too-large", "Too large"),
}


def error_answer(error: StoreError) -> ErrorAnswer:
    """How an error is told; statuses come from the one table. Raises the error itself if it is not in it."""
    for kind, status, slug, title in _TABLE:
        if isinstance(error, kind):
            field = error.field if isinstance(error, InvalidValueError) else None
            return ErrorAnswer(status, slug, title, str(error), field, request_id())
    raise error


def status_answer(status: int, detail: str) -> ErrorAnswer:
    """How an error is told that only has a status, such as a server's own."""
    slug, title = _BY_STATUS.get(status, ("bad-request", "The request is not right"))
    return ErrorAnswer(status, slug, title, detail, None, request_id())


def answering_as(face: Face) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a view answer its errors in the face's own form."""

    def guarded(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded_view(*args: Any, **kwargs: Any) -> Any:
            try:
                return view(*args, **kwargs)
            except StoreError as error:
                answer = error_answer(error)
                if answer.status >= 500:
                    logger.warning("request %s: %s (%s)", answer.request_id, error, error.__cause__)
            except Exception:
                answer = ErrorAnswer(
                    500,
                    "internal",
                    "Something went wrong here",
                    "The request could not be completed because of a fault on our side; it has been noted.",
                    None,
                    request_id(),
                )
                logger.exception("request %s failed", answer.request_id)
            response = face(answer)
            if answer.status in (429, 503):
                seconds = RETRY_AFTER_SECONDS if answer.status == 503 else TRIES_SECONDS
                seconds = BLOCKED_SECONDS if answer.slug == "uploads-blocked" else seconds
                response.headers["Retry-After"] = str(seconds)
            if answer.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
            return response

        return guarded_view

    return guarded


def finishing(
    face_of: Callable[[str, Callable[[], Looks]], Face],
    door: Callable[[], Door],
    has_route: Callable[[str, str], bool],
    staleness: Callable[[], Staleness],
    arrive: Callable[[Request], None],
) -> Callable[[Request, Callable[[Request], Response]], Response]:
    """The outermost middleware: what every answer must have, whoever made it."""

    def finish(request: Request, get_response: Callable[[Request], Response]) -> Response:
        # Chalice matches Accept against its binary types and answers 400 without the header.
        request.headers._dict.setdefault("accept", "*/*")
        face = face_of(request.path, functools.partial(looks_of, request))
        noticed: Staleness | None = None
        started = time.perf_counter()

        def answered() -> Response:
            nonlocal noticed
            noticed = staleness()
            noticed.begin()
            arrive(request)
            _refuse_foreign_origin(request)
            if has_route(request.path, request.method):  # otherwise Chalice answers 405
                admit(request, door())
            return get_response(request)

        response = answering_as(face)(answered)()
        if response.status_code == 405 and isinstance(response.body, dict):  # Chalice's own
            response = _refused_method(face, request, response)
        if noticed is not None and noticed.noted:
            _say_stale(response)
        timing = str(response.headers.get("Server-Timing", ""))
        response.headers["Server-Timing"] = with_total(timing, time.perf_counter() - started)
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if request.headers.get("x-forwarded-proto") == "https":
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        # Chalice itself would fail on a text body with a binary type, outside all error handling.
        return Base64Response(response.body, response.headers, response.status_code)

    return finish


def _say_stale(response: Response) -> None:
    """The answer was made from rows that may be old: it says so, and nobody keeps it."""
    response.headers[STALE_HEADER] = "replica"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Server-Timing"] = with_stale_rows(str(response.headers.get("Server-Timing", "")))


def _refused_method(face: Face, request: Request, response: Response) -> Response:
    allowed = response.headers.get("Allow", "")
    refused = face(status_answer(405, f"{request.method} cannot be used here; what can: {allowed}."))
    refused.headers["Allow"] = allowed
    return refused


def _refuse_foreign_origin(request: Request) -> None:
    """Stops changes that another site's page sends in a person's name. Scripts send neither header."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and origin.partition("://")[2] != request.headers.get("host")
    if foreign:
        raise ForeignOriginError("This was sent by a page of another site, so it was not done.")
