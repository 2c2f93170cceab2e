"""Answers that carry an image, for every face that gives its bytes."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import PreconditionError
from chalicelib.domain.images import Image
from chalicelib.domain.ports import Precondition
from chalicelib.domain.shares import Opened
from chalicelib.services.images import Images, no_precondition
from chalicelib.services.read_through import Served
from chalicelib.services.renditions import Renditions
from chalicelib.services.shares import Shares
from chalicelib.services.trash import Trash
from chalicelib.web.timing import RequestTimer, signed_source_of, source_of, unchanged_source_of


def etag_of(image: Image) -> str:
    """The image's strong entity tag: the SHA-256 of its bytes."""
    return f'"{image.sha256.hex()}"'


def content_answer(images: Images, principal: Principal, key: bytes, request: Request, inline_bytes: int) -> Response:
    """The image's bytes, 304 if the caller has them, or a redirect to a signed address if they are too many.

    Raises NotFoundError, RowsUnavailableError or ObjectsUnavailableError.
    """
    timer = RequestTimer()
    return _bytes_answer(images, lambda wanted: images.get(principal, key, timer, wanted), timer, request, inline_bytes)


def rendition_answer(
    renditions: Renditions, principal: Principal, key: bytes, kind: str, request: Request, inline_bytes: int
) -> Response:
    """The rendition's bytes, as content_answer gives an image's. Raises InvalidValueError for a kind that is none."""
    timer = RequestTimer()
    return _bytes_answer(
        renditions.images,
        lambda wanted: renditions.get(principal, key, kind, timer, wanted),
        timer,
        request,
        inline_bytes,
    )


def trashed_answer(
    trash: Trash, principal: Principal, trash_id: bytes, request: Request, inline_bytes: int
) -> Response:
    """What is shown of an image in the trash, as content_answer gives an image's bytes."""
    timer = RequestTimer()
    return _bytes_answer(
        trash.images, lambda wanted: trash.get(principal, trash_id, timer, wanted), timer, request, inline_bytes
    )


def rendition_of_share(
    shares: Shares, token: str, image_id: bytes, kind: str, lets_in: Callable[[Opened], bool], request: Request
) -> Response:
    """The bytes of a rendition behind a link. Neither where they came from nor where they lie is told.

    Raises UnknownShareError, ShareLockedError or ObjectsUnavailableError.
    """
    known = request.headers.get("if-none-match", "")
    image, served = shares.get(token, image_id, kind, lets_in, RequestTimer(), lambda image: not _matches(known, image))
    headers = {"ETag": etag_of(image), "Cache-Control": "private, no-cache"}  # asked again each time: it may be revoked
    if served is None:
        return Response(b"", {**headers}, 304)
    return Response(served.data, {**headers, "Content-Type": image.facts.media_type})


def _bytes_answer(
    images: Images,
    get: Callable[[Callable[[Image], bool]], tuple[Image, Served | None]],
    timer: RequestTimer,
    request: Request,
    inline_bytes: int,
) -> Response:
    known = request.headers.get("if-none-match", "")

    def unchanged(image: Image) -> bool:
        # 304 would tell that the caller's copy is the newest, which a row that may be old cannot know.
        return not images.staleness.noted and _matches(known, image)

    # The row is read first, by itself: it says whether the bytes are needed at all, and whether they fit an answer.
    image, served = get(lambda image: not unchanged(image) and image.size <= inline_bytes)
    headers = {"ETag": etag_of(image), "Cache-Control": "private, no-cache"}
    if served is None and unchanged(image):
        return Response(b"", {**headers, "Server-Timing": timer.header(unchanged_source_of(image))}, 304)
    if served is None:
        address = images.signed_address(image)
        return Response(
            b"", {**headers, "Location": address, "Server-Timing": timer.header(signed_source_of(image))}, 302
        )
    return Response(
        served.data,
        {
            **headers,
            "Content-Type": image.facts.media_type,
            "Content-Disposition": "inline",
            "Server-Timing": timer.header(source_of(served)),
        },
    )


def precondition_of(request: Request) -> Precondition:
    """What If-Match and If-None-Match ask of the image before it may be written."""
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")
    if wanted is None and unwanted is None:
        return no_precondition

    def precondition(image: Image | None) -> None:
        if wanted is not None and (image is None or not _matches(wanted, image, weakly=False)):
            raise PreconditionError("The image is not, or no longer, the one that If-Match names.")
        if unwanted is not None and image is not None and _matches(unwanted, image):
            raise PreconditionError("There is such an image already, and If-None-Match asks that there be none.")

    return precondition


def _matches(header: str, image: Image, *, weakly: bool = True) -> bool:
    """Whether one of the header's tags is the image's; If-None-Match compares weakly, If-Match does not (RFC 9110)."""
    tags = {tag.strip().removeprefix("W/") if weakly else tag.strip() for tag in header.split(",")}
    return "*" in tags or etag_of(image) in tags
