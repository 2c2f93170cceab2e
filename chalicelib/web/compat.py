"""The course's published contract, /api/...: its names, its words, its strings "true" and "false".

Calls that change something are POST; the others may also be GET. Parameters come in a query, a form or JSON.
"""

import base64
import json
from collections.abc import Callable, Mapping
from urllib.parse import unquote_to_bytes

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.errors import InvalidValueError, TooLargeError
from chalicelib.domain.keys import key_from_bytes, text_of
from chalicelib.services.images import no_precondition
from chalicelib.web.http import ErrorAnswer
from chalicelib.web.request_form import RequestForm, form_of
from chalicelib.web.session import principal_of
from chalicelib.web.timing import RequestTimer, source_of
from chalicelib.web.views import Views

# An answer through Lambda has at most 6 MB and is base64 there; the content inside is base64 once more.
CONTENT_BYTES = 3 * 1024 * 1024


def failure(answer: ErrorAnswer) -> Response:
    """An error in the contract's form."""
    return _json({"success": "false", "error": {"code": answer.status, "message": answer.detail}}, {}, answer.status)


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The seven calls of the contract."""
    routes = Views()
    route = routes.route

    @route("/api/upload", "POST")
    def upload() -> Response:
        form = _form()
        timer = RequestTimer()
        written = services().images.put(principal_of(request()), form.key(), form.file(), no_precondition, timer)
        return _success({"key": text_of(written.image.key)}, {"Server-Timing": timer.header()})

    @route("/api/key/{key}", "GET", "POST")
    def key_in_path(key: str) -> Response:
        return _content(key_from_bytes(unquote_to_bytes(key)))

    @route("/api/key", "GET", "POST")
    def key_in_form() -> Response:
        return _content(_form().key())

    @route("/api/list_keys", "GET", "POST")
    def list_keys() -> Response:
        return _success({"keys": [text_of(key) for key in services().images.keys(principal_of(request()))]})

    @route("/api/delete_all", "POST")
    def delete_all() -> Response:
        services().images.delete_all(principal_of(request()))
        return _success({})

    @route("/api/configure_cache", "POST")
    def configure_cache() -> Response:
        # Answers with what was accepted; the scaler, woken at once, makes the fleet follow.
        return _success(_settings(services().console.change(principal_of(request()), _form().texts()).settings))

    @route("/api/getNumNodes", "GET", "POST")
    def get_num_nodes() -> Response:
        return _success({"numNodes": services().cache_configuration.current().num_nodes})

    @route("/api/getRate", "GET", "POST")
    def get_rate() -> Response:
        rate = _form().text("rate")
        if rate not in ("miss", "hit"):
            raise InvalidValueError("rate", "rate must be miss or hit.")
        fleet = services().fleet
        rates = fleet.last_minute(fleet.map())
        value = rates.miss if rate == "miss" else rates.hit
        # The contract has a number even when there was nothing to count; /api/v1/fleet tells the two apart.
        return _success({"rate": rate, "value": 0.0 if value is None else value})

    def _form() -> RequestForm:
        return form_of(request(), services().config.max_upload_bytes)

    def _content(key: bytes) -> Response:
        timer = RequestTimer()
        image, served = services().images.get(
            principal_of(request()), key, timer, wanted=lambda image: image.size <= CONTENT_BYTES
        )
        if served is None:
            raise TooLargeError(
                f"The image has {image.size} bytes; this call gives at most {CONTENT_BYTES}. "
                "GET /api/v1/image?key=... gives all of it."
            )
        content = base64.b64encode(served.data).decode("ascii")
        return _success(
            {"key": text_of(image.key), "content": content}, {"Server-Timing": timer.header(source_of(served))}
        )

    return routes


def _settings(settings: CacheSettings) -> dict[str, object]:
    return {
        "mode": settings.mode,
        "numNodes": settings.num_nodes,
        "cacheSize": settings.capacity_mb,
        "policy": settings.policy,
    }


def _success(values: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    return _json({"success": "true", **values}, headers or {}, 200)


def _json(body: Mapping[str, object], headers: Mapping[str, str], status: int) -> Response:
    return Response(json.dumps(body), {"Content-Type": "application/json", **headers}, status)
