"""What all pages share: the frame around a template, forms that only this browser can send, and where they lead."""

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, urlencode, urlsplit

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.images import Image
from chalicelib.web import fleet_notice, form_token, outcomes
from chalicelib.web.addresses import root_of, rooted
from chalicelib.web.fleet_notice import ServingNodes
from chalicelib.web.http import ErrorAnswer
from chalicelib.web.looks import THEMES, Looks, looks_of
from chalicelib.web.rendering import address, page, redirect
from chalicelib.web.request_form import MAX_FIELDS, RequestForm, form_of, query_of
from chalicelib.web.session import principal_of, visitor_seen

# Answers of the server itself come from any depth, where there is no stage; all others from a page of known depth.
_SERVERS_OWN = ("no-such-page", "wrong-method")


def error_page(answer: ErrorAnswer, looks: Looks) -> Response:
    """The error as a page: what happened, and what can be done next."""
    root = "" if answer.slug in _SERVERS_OWN else "."
    return page("error.html", root, {"answer": answer, "looks": looks}, answer.status)


def deeper_error_page(answer: ErrorAnswer, looks: Looks) -> Response:
    """The error as a page, for routes two levels deep."""
    return page("error.html", "..", {"answer": answer, "looks": looks}, answer.status)


class PageFrame:
    """The pages' ways in and out. `request` gives the request that is being answered."""

    def __init__(self, services: Callable[[], Services], request: Callable[[], Request]) -> None:
        self._services = services
        self._request = request
        self._serving = ServingNodes(lambda: len(services().fleet.map().nodes), lambda: services().clock.monotonic())

    def page(
        self,
        template: str,
        values: Mapping[str, object],
        status: int = 200,
        images: Iterable[Image] = (),
        uploads: bool = False,
        from_bucket: bool = False,
        posts_to_bucket: bool = False,
        timing: str = "",
    ) -> Response:
        """The template as an answer, with a form token, and with the notice of a resize if there was one.

        `uploads` lets its script send files to the object store, `posts_to_bucket` its forms; `from_bucket` lets it
        show any image from there, also one that is not among `images`; `timing` is the Server-Timing, without the
        total.
        """
        request = self._request()
        known = form_token.visitor_of(request)
        visitor = known or form_token.new_visitor()
        seen, serving = fleet_notice.seen_by(request), self._serving.now()
        answer = page(
            template,
            root_of(request),
            {
                **values,
                "form_token": form_token.token_of(visitor, self._services().form_key()),
                "me": visitor_seen(request),
                "stale": self._services().images.staleness.noted,
                "blocked": self._services().admin.uploads.now(),
                "undo": self._undo(query_of(request)),
                "outcome": outcomes.words_of(query_of(request)),
                "looks": looks_of(request),
                "themes": THEMES,
                "back": _path_and_query(request),
                "timing": timing,
                "resized": None if serving is None else fleet_notice.in_words(seen, serving),
            },
            status,
            self._origins_of(images) if not from_bucket else {self._bucket_origin()},
            {self._bucket_origin()} if uploads else (),
            {self._bucket_origin()} if posts_to_bucket else (),
        )
        answer.headers["Server-Timing"] = timing or 'rows;desc="primary"'
        # One cookie an answer: a browser that is new here has seen nothing that could have changed.
        if known is None:
            answer.headers["Set-Cookie"] = form_token.cookie_of(request, visitor)
        elif serving is not None and serving != seen:
            answer.headers["Set-Cookie"] = fleet_notice.cookie_of(request, serving)
        return answer

    def own_form(self, more_fields: int = 0) -> RequestForm:
        """The form that was sent, with so many fields more. Raises ForgedFormError if this browser was not given it."""
        most_bytes = self._services().config.max_upload_bytes
        form = form_of(self._request(), most_bytes, MAX_FIELDS + more_fields)
        form_token.check(self._request(), form, self._services().form_key())
        return form

    def onward(self, path: str, set_cookie: str | None = None, **query: str | bytes) -> Response:
        """Leads the browser on to one of our own paths, which may have a query already."""
        path, _, kept = path.partition("?")
        location, _, added = address(rooted(self._request(), ""), path, **query).partition("?")
        asked = "&".join(filter(None, (kept, added)))
        answer = redirect(f"{location}?{asked}" if asked else location)
        if set_cookie is not None:
            answer.headers["Set-Cookie"] = set_cookie
        return answer

    def _undo(self, query: RequestForm) -> outcomes.Undo | None:
        """What the page offers to undo: what the action that its address names put into the trash."""
        batch_id = outcomes.batch_in(query)
        if batch_id is None or visitor_seen(self._request()) is None:
            return None
        count = self._services().trash.in_batch(principal_of(self._request()), batch_id)
        back = outcomes.back_of(_path_and_query(self._request()))
        return outcomes.Undo(batch_id.hex(), count, back) if count else None

    def _bucket_origin(self) -> str:
        return _origin_of(self._services().uploads.form_address())

    def _origins_of(self, images: Iterable[Image]) -> set[str]:
        """Where the browser is sent for images that are too large for an answer of ours."""
        limit = self._services().config.inline_bytes
        large = next((image for image in images if image.size > limit), None)
        if large is None:
            return set()
        return {_origin_of(self._services().images.signed_address(large))}


def _path_and_query(request: Request) -> str:
    """The address of the page, to come back to; of one that a form made, the first page's."""
    if request.method not in ("GET", "HEAD"):
        return "/"
    values = {name: value for name, value in (request.query_params or {}).items() if name not in outcomes.SAID}
    query = urlencode(values, errors="replace", quote_via=quote)
    return f"{request.path}?{query}" if query else str(request.path)


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
