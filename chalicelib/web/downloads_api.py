"""The REST face of downloads: /api/v1/downloads..."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.downloads import Download
from chalicelib.domain.errors import InvalidValueError, UnknownDownloadError
from chalicelib.domain.idempotency import Note
from chalicelib.web.addresses import rooted
from chalicelib.web.download_pages import zip_of
from chalicelib.web.ids import known_id_of
from chalicelib.web.json_answers import instant, json_answer
from chalicelib.web.json_lists import answered_once, keys_in, object_in
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes."""
    routes = Views()
    route = routes.route

    @route("/api/v1/downloads", "GET")
    def list_downloads() -> Response:
        found = services().downloads.list(principal_of(request()))
        return json_answer({"downloads": [_described(request(), one) for one in found]})

    @route("/api/v1/downloads", "POST")
    def ask_download() -> Response:
        given = object_in(request())
        everything = given.get("everything") is True
        if everything == ("keys" in given):
            raise InvalidValueError("keys", "Give keys, or everything as true, and not both.")
        keys = [] if everything else keys_in(given)

        def perform(note: Note[Download] | None) -> Download:
            current = services().downloads
            who = principal_of(request())
            return current.export(who, note) if everything else current.ask(who, keys, note)

        def told(one: Download) -> tuple[object, dict[str, str], int]:
            return _described(request(), one), {"Location": _address(request(), one)}, 202

        return answered_once(services(), request(), [b"download", str(everything).encode(), *keys], perform, told)

    @route("/api/v1/downloads/{download_id}", "GET")
    def get_download(download_id: str) -> Response:
        found = known_id_of(download_id, UnknownDownloadError("There is no such download."))
        return json_answer(_described(request(), services().downloads.find(principal_of(request()), found)))

    @route("/api/v1/downloads/{download_id}/zips/{number}", "GET")
    def get_zip(download_id: str, number: str) -> Response:
        address = services().downloads.link(principal_of(request()), *zip_of(download_id, number))
        return Response(b"", {"Location": address, "Content-Type": "application/json"}, 302)

    return routes


def _described(request: Request, one: Download) -> dict[str, object]:
    return {
        "id": one.id.hex(),
        "what": one.what.value,
        "state": one.state.value,
        "images": one.images,
        "bytes": one.bytes,
        "images_done": one.images_done,
        "bytes_done": one.bytes_done,
        "missing": one.missing,
        "why": one.why,
        "asked_at": instant(one.asked_at),
        "zips": [
            {
                "number": archive.number,
                "images": archive.images,
                "size": archive.size,
                "ends_at": instant(archive.ends_at),
                "content": f"{_address(request, one)}/zips/{archive.number}",
            }
            for archive in one.zips
            if archive.made_at is not None
        ],
    }


def _address(request: Request, one: Download) -> str:
    return rooted(request, f"/api/v1/downloads/{one.id.hex()}")
