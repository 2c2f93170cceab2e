"""Downloads as pages: what is being made and what is ready, and the export of everything."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.downloads import Download, State, What
from chalicelib.domain.errors import DownloadsUnderWayError, NotFoundError, RequestError, UnknownDownloadError
from chalicelib.web.charts import bytes_in_words
from chalicelib.web.http import error_answer
from chalicelib.web.ids import id_of
from chalicelib.web.outcomes import images_in_words
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.page_values import day_and_minute
from chalicelib.web.request_form import query_of
from chalicelib.web.session import principal_of
from chalicelib.web.views import Views

_MOST_NUMBER = 5  # digits


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /downloads and below."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    @route("/downloads", "GET", "HEAD")
    def downloads() -> Response:
        return _downloads()

    @route("/downloads/export", "POST")
    def export() -> Response:
        frame.own_form()
        try:
            services().downloads.export(principal_of(request()))
        except (NotFoundError, DownloadsUnderWayError) as error:
            return _downloads(error)
        return frame.onward("/downloads", outcome="downloading")

    @route("/downloads/zip", "GET", "HEAD")
    def archive() -> Response:
        query = query_of(request())
        address = services().downloads.link(principal_of(request()), *zip_of(query.text("id"), query.text("number")))
        return Response(b"", {"Location": address, "Content-Type": "text/html; charset=utf-8"}, 302)

    def _downloads(error: RequestError | None = None) -> Response:
        found = services().downloads.list(principal_of(request()))
        answer = None if error is None else error_answer(error)
        values = {
            "downloads": [_shown(one) for one in found],
            "making": any(one.state is State.MAKING for one in found),
            "problem": answer,
        }
        return frame.page("downloads.html", values, 200 if answer is None else answer.status)

    return routes


def zip_of(download_id: str, number: str) -> tuple[bytes, int]:
    """The archive that these name. Raises UnknownDownloadError."""
    found = id_of(download_id)
    if found is None or not (number.isascii() and number.isdigit() and len(number) <= _MOST_NUMBER):
        raise UnknownDownloadError("There is no such zip.")
    return found, int(number)


def _shown(one: Download) -> dict[str, object]:
    archives = [archive for archive in one.zips if archive.made_at is not None]
    return {
        "id": one.id.hex(),
        "title": "Everything" if one.what is What.EXPORT else images_in_words(one.images),
        "asked": day_and_minute(one.asked_at),
        "state": one.state.value,
        "why": one.why,
        "images": one.images,
        "images_done": min(one.images_done, one.images),
        "progress": f"{one.images_done:,} of {images_in_words(one.images)}, {bytes_in_words(one.bytes_done)} so far",
        "missing": images_in_words(one.missing) if one.missing else None,
        "removed": one.state is State.READY and not archives,
        "zips": [
            {
                "number": str(archive.number),
                "place": place,
                "size": bytes_in_words(archive.size),
                "images": images_in_words(archive.images),
                "ends": day_and_minute(archive.ends_at),
            }
            for place, archive in enumerate(archives, start=1)
        ],
        "count": len(archives),
    }
