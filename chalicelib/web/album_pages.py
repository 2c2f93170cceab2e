"""The pages of albums: all of them, one of them, and choosing one for images. They work without script."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.albums import MOST_IMAGES, Album
from chalicelib.domain.errors import InvalidKeyError, InvalidValueError, NotFoundError, RequestError
from chalicelib.domain.images import Image
from chalicelib.domain.keys import key_from_bytes, text_of
from chalicelib.services.albums import Albums
from chalicelib.web.http import error_answer
from chalicelib.web.ids import album_id_of
from chalicelib.web.page_frame import PageFrame
from chalicelib.web.request_form import RequestForm, query_of
from chalicelib.web.session import principal_of
from chalicelib.web.sharing_values import shown_album, shown_item, shown_share
from chalicelib.web.timing import RequestTimer
from chalicelib.web.views import Views

PAGE_LIMIT = 60
NEW = "new"  # in place of an album's id
NOTICES = {
    "made": "The album is made. Add images to it from your gallery, or from an image's page.",
    "added": "Added to the album.",
    "there": "That is in the album already.",
    "renamed": "The album has its new title.",
    "moved": "The image is moved.",
    "cover": "The image is the album's cover now.",
    "removed": "The image is out of the album, and still in your gallery.",
    "deleted": "The album is deleted. Its images are in your gallery as before.",
}
MOVES: dict[str, Callable[[int], int]] = {
    "first": lambda at: 0,
    "earlier": lambda at: at - 1,
    "later": lambda at: at + 1,
    "last": lambda at: 1 << 31,
}


def views(services: Callable[[], Services], request: Callable[[], Request]) -> Views:
    """The routes of /albums, /album and below."""
    routes = Views()
    route = routes.route

    frame = PageFrame(services, request)

    def albums() -> Albums:
        return services().albums

    @route("/albums", "GET", "HEAD")
    def all_albums() -> Response:
        return _all()

    @route("/albums", "POST")
    def create() -> Response:
        form = frame.own_form()
        try:
            album_id = albums().create(principal_of(request()), form.text("title"))
        except InvalidValueError as error:
            return _all(error, form.text("title"))
        return _onward(album_id, "made")

    @route("/album", "GET", "HEAD")
    def one_album() -> Response:
        return _one(album_id_of(query_of(request()).text("id")))

    @route("/album/choose", "GET", "HEAD")
    def choose_for_one() -> Response:
        return _choose([query_of(request()).key()])

    @route("/album/choose", "POST")
    def choose_for_many() -> Response:
        return _choose(_keys_in(frame.own_form(MOST_IMAGES)))

    @route("/album/add", "POST")
    def add() -> Response:
        form = frame.own_form(MOST_IMAGES)
        keys, principal, wanted = _keys_in(form), principal_of(request()), form.text("id")
        try:
            _refuse_none(keys)
            if wanted == NEW:
                album_id, count = albums().create_with(principal, form.text("title"), keys)
            else:
                album_id = album_id_of(wanted)
                count = albums().add(principal, album_id, keys)
        except (InvalidValueError, NotFoundError) as error:
            return _choose(keys, error, form.text("title"))
        return _onward(album_id, "added" if count else "there")

    @route("/album/rename", "POST")
    def rename() -> Response:
        form = frame.own_form()
        album_id = album_id_of(form.text("id"))
        try:
            albums().rename(principal_of(request()), album_id, form.text("title"))
        except InvalidValueError as error:
            return _one(album_id, error, form.text("title"))
        return _onward(album_id, "renamed")

    @route("/album/image", "POST")
    def change_image() -> Response:
        form = frame.own_form()
        album_id, key, what = album_id_of(form.text("id")), form.key(), form.text("what")
        principal = principal_of(request())
        if what in MOVES:
            albums().move(principal, album_id, key, MOVES[what])
        elif what == "cover":
            albums().choose_cover(principal, album_id, key)
        elif what == "remove":
            albums().remove(principal, album_id, key)
        else:
            raise InvalidValueError("what", f"what must be one of: {', '.join([*MOVES, 'cover', 'remove'])}.")
        notice = {"cover": "cover", "remove": "removed"}.get(what, "moved")
        return _onward(album_id, notice, after=form.text("after"))

    @route("/album/delete", "GET", "HEAD")
    def delete_question() -> Response:
        album = albums().find(principal_of(request()), album_id_of(query_of(request()).text("id")))
        shares = services().shares.all(principal_of(request()))
        links = sum(share.target.album_id == album.id and not share.ended for share in shares)
        return frame.page("album_delete.html", {"album": shown_album(album), "links": links}, images=_covers([album]))

    @route("/album/delete", "POST")
    def delete() -> Response:
        albums().delete(principal_of(request()), album_id_of(frame.own_form().text("id")))
        return frame.onward("/albums", notice="deleted")

    def _all(error: RequestError | None = None, title: str = "") -> Response:
        found = albums().all(principal_of(request()))
        answer = None if error is None else error_answer(error)
        values = {
            "albums": [shown_album(album) for album in found],
            "title": title,
            "problem": answer,
            "notice": NOTICES.get(query_of(request()).text("notice")),
        }
        return frame.page("albums.html", values, 200 if answer is None else answer.status, _covers(found))

    def _one(album_id: bytes, error: RequestError | None = None, title: str | None = None) -> Response:
        query, principal = query_of(request()), principal_of(request())
        after = _place(query.text("after"))
        page = albums().page(principal, album_id, after, PAGE_LIMIT)
        shares = [share for share in services().shares.all(principal) if share.target.album_id == album_id]
        answer = None if error is None else error_answer(error)
        values = {
            "album": shown_album(page.album),
            "title": page.album.title if title is None else title,
            "items": [shown_item(item) for item in page.images],
            "after": "" if after < 0 else str(after),
            "next_after": None if page.next_after is None else str(page.next_after),
            "shares": [shown_share(share) for share in shares],
            "problem": answer,
            "notice": NOTICES.get(query.text("notice")),
        }
        unmade = [item.image for item in page.images if item.thumbnail is None]
        return frame.page("album.html", values, 200 if answer is None else answer.status, unmade)

    def _choose(keys: list[bytes], error: RequestError | None = None, title: str = "") -> Response:
        if error is None:
            _refuse_none(keys)
        if len(keys) == 1 and error is None:
            services().images.find(principal_of(request()), keys[0], RequestTimer())
        found = albums().all(principal_of(request()))
        answer = None if error is None else error_answer(error)
        values = {
            "keys": [text_of(key) for key in keys],
            "albums": [shown_album(album) for album in found],
            "title": title,
            "problem": answer,
        }
        return frame.page("album_choose.html", values, 200 if answer is None else answer.status)

    def _onward(album_id: bytes, notice: str, after: str = "") -> Response:
        return frame.onward("/album", id=album_id.hex(), after=after, notice=notice)

    return routes


def _covers(albums: list[Album]) -> list[Image]:
    """Covers that are shown as they were uploaded, their thumbnails not being made yet."""
    covers = [album.cover for album in albums]
    return [cover.image for cover in covers if cover is not None and cover.thumbnail is None]


def _keys_in(form: RequestForm) -> list[bytes]:
    return [key_from_bytes(key) for key in form.each("key")]


def _refuse_none(keys: list[bytes]) -> None:
    if not keys:
        raise InvalidKeyError("No image was chosen. Go back, and tick at least one.")


def _place(text: str) -> int:
    if not text:
        return -1
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidValueError("after", "after must be a place that a page of this album gave.")
    return int(text)
