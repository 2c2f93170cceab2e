"""Requests that the CDN passed on: they are to look as they did where the person sent them.

The CDN asks the API under the API's own name and stage, so without this links would lead to a stage that the CDN does
not have, a form's origin would be another site's, and everybody would come from the CDN's address.
"""

import hashlib
import hmac
from collections.abc import Callable

from chalice.app import Request

from chalicelib.web.addresses import root_of

HEADER = "x-elastic-images-cdn"  # which the CDN puts on each request, over what a client may have sent
_PURPOSE = b"the CDN's own header"


def token_of(form_key: str) -> str:
    """What the CDN says to be known as such.

    Whoever could make it up could choose the address by which tries are counted.
    """
    return hmac.new(form_key.encode(), _PURPOSE, hashlib.sha256).hexdigest()


def arrive(request: Request, site_address: str | None, form_key: Callable[[], str]) -> None:
    """Changes a request that the CDN passed on; leaves others alone. May raise UnavailableError.

    `site_address` is where people reach the CDN. The gateway adds the CDN's address to those that the request came by;
    the one before it is whom the CDN itself saw, and what stands before that anybody may have written.
    """
    said = request.headers.get(HEADER)
    if said is None or site_address is None or not hmac.compare_digest(said.encode(), token_of(form_key()).encode()):
        return
    path = str(request.context.get("path", request.path))
    request.context["path"] = path.removeprefix(root_of(request))
    request.headers._dict["host"] = site_address.partition("://")[2]
    by = [address.strip() for address in request.headers.get("x-forwarded-for", "").split(",")]
    if len(by) > 1:
        request.context["identity"] = {**(request.context.get("identity") or {}), "sourceIp": by[-2]}
