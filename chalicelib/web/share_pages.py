"""The pages of links for those who own what is shared: make one, see them, take them back. They work without script."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError, RequestError
from chalicelib.domain.keys import key_from_bytes, text_of
from chalicelib.domain.shares import DEFAULT_DAYS, Target
from chalicelib.services.shares import Asked
from chalicelib.web.addresses import site_of
from chalicelib.web.http import error_answer
from chalicelib.web.ids import album_id_of, share_id_of
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.request_form import RequestForm, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.sharing_values import DAYS, shown_share
from chalicelib.web.timing import RequestTimer
from chalicelib.web.views import Views

NOTICES = {"revoked": "The link is taken back: it leads nowhere any more."}


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /shares and below."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/shares", "GET", "HEAD")
    def shares() -> Response:
        found = services().shares.all(principal_of(request()))
        notice = NOTICES.get(query_of(request()).text("notice"))
        return frame.page("shares.html", {"shares": [shown_share(share) for share in found], "notice": notice})

    @route("/shares/new", "GET", "HEAD")
    def new_share() -> Response:
        return _form(query_of(request()))

    @route("/shares", "POST")
    def create() -> Response:
        form = frame.own_form()
        target, asked = target_of(form), asked_of(form)
        try:
            _, token = services().shares.create(principal_of(request()), target, asked)
        except InvalidValueError as error:
            return _form(form, error)
        link = f"{site_of(request(), services().config.site_address)}/share/{token}"
        values = {
            "link": link,
            "path": f"/share/{token}",
            "has_password": bool(asked.password),
            "album_id": "" if target.album_id is None else target.album_id.hex(),
            "key": "" if target.key is None else text_of(target.key),
        }
        return frame.page("share_made.html", values)

    @route("/shares/revoke", "POST")
    def revoke() -> Response:
        form = frame.own_form()
        services().shares.revoke(principal_of(request()), share_id_of(form.text("id")))
        if form.text("album"):
            return frame.onward("/album", id=form.text("album"))
        return frame.onward("/shares", notice="revoked")

    def _form(given: RequestForm, error: RequestError | None = None) -> Response:
        target, principal = target_of(given), principal_of(request())
        if target.album_id is not None:
            name = services().albums.find(principal, target.album_id).title
        else:
            name = text_of(services().images.find(principal, target.key or b"", RequestTimer()).key)
        answer = None if error is None else error_answer(error)
        values = {
            "name": name,
            "album_id": "" if target.album_id is None else target.album_id.hex(),
            "key": "" if target.key is None else text_of(target.key),
            "title": given.text("title"),
            "days": given.text("days", str(DEFAULT_DAYS)),
            "choices": DAYS,
            "downloads": given.text("downloads") == "yes",
            "problem": answer,
            "field": error.field if isinstance(error, InvalidValueError) else None,
        }
        return frame.page("share_new.html", values, 200 if answer is None else answer.status)

    return routes


def target_of(form: RequestForm) -> Target:
    """What is to be shared: the album that `album` names, or the image that `key` names.

    Raises InvalidValueError, InvalidKeyError or UnknownAlbumError.
    """
    album, key = form.values.get("album", b""), form.values.get("key", b"")
    if bool(album) == bool(key):
        raise InvalidValueError("album", "Name either an album or an image's key to share.")
    if album:
        return Target(album_id=album_id_of(form.text("album")))
    return Target(key=key_from_bytes(key))


def asked_of(form: RequestForm) -> Asked:
    """What is asked of the link. Raises InvalidValueError."""
    downloads = form.text("downloads", "no")
    if downloads not in ("yes", "no"):
        raise InvalidValueError("downloads", "downloads must be yes or no.")
    days = form.text("days", str(DEFAULT_DAYS))
    return Asked(form.text("title"), form.text("password"), downloads == "yes", days)
