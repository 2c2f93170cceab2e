"""The REST face of links: /api/v1/shares... for their owner, /api/v1/shared/... for whoever has one."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.albums import MOST_IMAGES
from chalicelib.domain.errors import ShareLockedError
from chalicelib.domain.shares import lets_in, pass_for
from chalicelib.services.shares import Shares
from chalicelib.web.addresses import came_from, rooted, site_of
from chalicelib.web.ids import share_id_of
from chalicelib.web.json_answers import json_answer
from chalicelib.web.request_form import form_of
from chalicelib.web.session import principal_of
from chalicelib.web.share_pages import asked_of, target_of
from chalicelib.web.shared_frame import HEADERS, pass_kept, pass_shown
from chalicelib.web.sharing_values import told_share, told_shared
from chalicelib.web.views import Views

PASSWORD_HEADER = "X-Share-Password"  # noqa: S105  # a header's name


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /api/v1/shares and /api/v1/shared."""
    routes = Views()
    route = routes.route

    def shares() -> Shares:
        return services().shares

    @route("/api/v1/shares", "GET")
    def list_shares() -> Response:
        return json_answer({"shares": [told_share(share) for share in shares().all(principal_of(request()))]})

    @route("/api/v1/shares", "POST")
    def create() -> Response:
        form = form_of(request(), 0)
        share_id, token = shares().create(principal_of(request()), target_of(form), asked_of(form))
        link = f"{site_of(request(), services().config.site_address)}/share/{token}"
        return json_answer(
            {"id": share_id.hex(), "token": token, "link": link},
            {"Location": rooted(request(), f"/api/v1/shares/{share_id.hex()}")},
            201,
        )

    @route("/api/v1/shares/{share_id}", "DELETE")
    def revoke(share_id: str) -> Response:
        shares().revoke(principal_of(request()), share_id_of(share_id))
        return Response(b"", {}, 204)

    @route("/api/v1/shared/{token}", "GET")
    def shared(token: str) -> Response:
        opened, form_key, now = shares().opened(token), services().form_key(), services().clock.now()
        headers = dict(HEADERS)
        if not lets_in(opened, pass_shown(request(), opened), now, form_key):
            password = request().headers.get(PASSWORD_HEADER.lower())
            if password is None:
                raise ShareLockedError(f"This link asks for a password: send it in the header {PASSWORD_HEADER}.")
            opened = shares().unlock(token, password, came_from(request()))
            # The addresses in the answer are opened by it.
            headers["Set-Cookie"] = pass_kept(request(), opened, pass_for(opened, now, form_key))
        found = shares().page(opened, -1, MOST_IMAGES)
        shares().count_view(opened)
        return json_answer(told_shared(opened, found.images, rooted(request(), f"/share/{token}")), headers)

    return routes
