"""What whoever has a link sees: an album's images or one image, as renditions without metadata, without script."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError, TooManyTriesError
from chalicelib.domain.shares import DOWNLOAD, Opened, lets_in, pass_for
from chalicelib.services.shares import Shares
from chalicelib.web import form_token
from chalicelib.web.addresses import came_from, root_of
from chalicelib.web.http import error_answer
from chalicelib.web.ids import shared_image_id_of
from chalicelib.web.image_answers import rendition_of_share
from chalicelib.web.page_values import day_and_minute
from chalicelib.web.rendering import address, redirect
from chalicelib.web.request_form import form_of, query_of
from chalicelib.web.shared_frame import HEADERS, pass_kept, pass_shown, shared_page
from chalicelib.web.sharing_values import shown_shared
from chalicelib.web.views import Views

PAGE_LIMIT = 60


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /share and below."""
    routes = Views()
    route = routes.route

    def shares() -> Shares:
        return services().shares

    @route("/share/{token}", "GET", "HEAD")
    def shared(token: str) -> Response:
        opened = shares().opened(token)
        if not _may_see(opened):
            return _ask(token, opened)
        after = _place(query_of(request()).text("after"))
        found = shares().page(opened, after, PAGE_LIMIT)
        if request().method == "GET" and after < 0:
            shares().count_view(opened)
        limit = services().config.inline_bytes
        values = {
            **_told(token, opened),
            "images": [shown_shared(one, one.place + 1, opened.downloads, limit) for one in found.images],
            "first": after < 0,
            "next_after": None if found.next_after is None else str(found.next_after),
        }
        return _page("shared_album.html" if opened.album else "shared_image.html", values)

    @route("/share/{token}", "POST")
    def unlock(token: str) -> Response:
        form, form_key = form_of(request(), 0), services().form_key()
        form_token.check(request(), form, form_key)
        try:
            opened = shares().unlock(token, form.text("password"), came_from(request()))
        except (InvalidValueError, TooManyTriesError) as error:
            answer = error_answer(error)
            return _ask(token, shares().opened(token), str(error), 422 if answer.status == 400 else answer.status)
        onward = redirect(address(root_of(request()), f"/share/{token}"))
        kept = pass_for(opened, services().clock.now(), form_key)
        onward.headers.update({**HEADERS, "Set-Cookie": pass_kept(request(), opened, kept)})
        return onward

    @route("/share/{token}/{image_id}", "GET", "HEAD")
    def one_image(token: str, image_id: str) -> Response:
        opened = shares().opened(token)
        if not _may_see(opened):
            return _ask(token, opened)
        found = shares().image(opened, shared_image_id_of(image_id))
        values = {
            **_told(token, opened),
            "images": [shown_shared(found, found.place + 1, opened.downloads, services().config.inline_bytes)],
            "previous": None if found.previous is None else found.previous.hex(),
            "following": None if found.following is None else found.following.hex(),
        }
        return _page("shared_image.html", values)

    @route("/share/{token}/{image_id}/{kind}", "GET", "HEAD")
    def content(token: str, image_id: str, kind: str) -> Response:
        answer = rendition_of_share(shares(), token, shared_image_id_of(image_id), kind, _may_see, request())
        name = f'attachment; filename="{_file_name(image_id)}"' if kind == DOWNLOAD else "inline"
        answer.headers.update({**HEADERS, "Content-Disposition": name})
        return answer

    def _may_see(opened: Opened) -> bool:
        shown = pass_shown(request(), opened)
        return lets_in(opened, shown, services().clock.now(), services().form_key())

    def _told(token: str, opened: Opened) -> dict[str, object]:
        until = None if opened.ends_at is None else day_and_minute(opened.ends_at)
        return {"token": token, "shared": opened, "until": until, "previous": None, "following": None}

    def _ask(token: str, opened: Opened, problem: str | None = None, status: int = 200) -> Response:
        """The form for the password, which tells nothing of what is behind it."""
        known = form_token.visitor_of(request())
        visitor = known or form_token.new_visitor()
        own = form_token.token_of(visitor, services().form_key())
        answer = _page("shared_locked.html", {"token": token, "form_token": own, "problem": problem}, status)
        # With no-referrer a browser would send the form as from nowhere, which is refused; this page links nowhere.
        answer.headers["Referrer-Policy"] = "same-origin"
        if known is None:
            answer.headers["Set-Cookie"] = form_token.cookie_of(request(), visitor)
        return answer

    def _page(template: str, values: dict[str, object], status: int = 200) -> Response:
        return shared_page(template, root_of(request()), values, status)

    return routes


def _file_name(image_id: str) -> str:
    return f"image-{image_id[:8]}.webp"


def _place(text: str) -> int:
    if not text:
        return -1
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidValueError("after", "after must be a place that a page of this album gave.")
    return int(text)
