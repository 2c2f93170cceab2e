"""Every page that a person can come to, held against the routes, on a store that has some of everything.

`who` is whose browser it is: the admin, whose store is full; a person who has nothing; one who goes; nobody known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from urllib.parse import quote, urlsplit

from PIL import Image
from playwright.sync_api import Page

from chalicelib.bootstrap import Services
from chalicelib.domain.accounts import Principal, Way
from chalicelib.domain.decisions import Decision, Sample, minute_of
from chalicelib.domain.errors import RowsUnavailableError
from chalicelib.domain.images import ImageFacts
from chalicelib.domain.ports import Row
from chalicelib.domain.renditions import Kind, Rendered, Seen
from chalicelib.domain.shares import Target
from chalicelib.services.images import no_precondition
from chalicelib.services.shares import Asked
from chalicelib.web.access import TABLE
from tests.e2e.sample_images import hills, name_of
from tests.fakes import MemoryImageRows, MemoryParts, NullStopwatch
from tests.fakes.parts import memory_config
from tests.unit.swept_store import ORPHAN
from tests.web.people import Person, joined, people_app, session_hash

ADMIN, NEWCOMER, LEAVING, NOBODY = "admin", "newcomer", "leaving", "nobody"
IMAGES = 20
DOWN = "down"  # whoever asks for this key finds no database
NO_PAGES = {  # addresses that a browser is sent to, and what they are
    "/content": "an image's bytes",
    "/rendition": "a rendition's bytes",
    "/trash/image": "an image's bytes",
    "/share/{token}/{image_id}/{kind}": "an image's bytes",
    "/static/{name}": "styles, scripts and icons",
    "/downloads/zip": "leads to a zip",
    "/fleet": "leads to /manager",
    "/notice": "a part of other pages",
}


@dataclass(frozen=True)
class Shown:
    """One page; `then` is what is done on it before it is looked at."""

    name: str
    path: str
    who: str = ADMIN
    then: Callable[[Page], None] | None = None


class _DownForOne(MemoryImageRows):
    def row(self, principal: Principal, key: bytes) -> Row:
        if key == DOWN.encode():
            raise RowsUnavailableError("The database does not answer.")
        return super().row(principal, key)


class _Looking:
    def inspect(self, data: bytes) -> ImageFacts:
        with Image.open(BytesIO(data)) as image:
            return ImageFacts(f"image/{(image.format or '').lower()}", image.width, image.height, 1)


class _Copying:
    """Renditions that are the image itself: a browser can show them."""

    def render(self, data: bytes, media_type: str, kinds: Sequence[Kind]) -> tuple[Seen, list[Rendered]]:
        facts = _Looking().inspect(data)
        seen = Seen(facts.width, facts.height, ((208, 128, 28, 1.0),), taken="2024:05:17 08:30:00")
        return seen, [Rendered(kind, facts.width, facts.height, data) for kind in kinds]


class World:
    """The store on fakes, its people, and the pages that it shows."""

    def __init__(self) -> None:
        self.parts = MemoryParts()
        self.parts.image_rows = _DownForOne(self.parts.store)
        self.parts.inspector, self.parts.renderer = _Looking(), _Copying()  # type: ignore[assignment]
        self.services: Services = self.parts.services(config=memory_config(open_to="compatible-api"))
        call = people_app(self.parts)
        self.people = {
            ADMIN: joined(call, "ada@example.org", admin=True),
            NEWCOMER: joined(call, "grace@example.org"),
            LEAVING: joined(call, "alan@example.org"),
        }
        self.me = Principal("ada@example.org", True, Way.SESSION, session_hash(self.people[ADMIN]))
        self._fill()
        self.pages = self._pages()

    def session(self, who: str) -> str | None:
        """The cookie of that person's session."""
        person: Person | None = self.people.get(who)
        return None if person is None else person.session

    def _fill(self) -> None:
        services, me = self.services, self.me
        for number in range(IMAGES):
            services.images.put(me, name_of(number).encode(), hills(number), no_precondition, NullStopwatch())
            self.parts.clock.advance(1.0)
        self._work()
        self.keys = [name_of(number).encode() for number in range(IMAGES)]
        services.many.add_tag(me, self.keys[:3], "by hand")
        services.image_details.describe(me, self.keys[0], "Boats <at> noon")
        services.trash.put_away(me, self.keys[3:5])
        self.album, _ = services.albums.create_with(me, "By the <lake>", self.keys[:3])
        services.albums.create(me, "Nothing in it")
        asked = Asked("By the lake", downloads=True, days="7")
        _, self.token = services.shares.create(me, Target(album_id=self.album), asked)
        _, self.locked = services.shares.create(me, Target(key=self.keys[0]), Asked(password="open sesame", days="0"))
        services.downloads.export(me)
        self._work()
        services.downloads.ask(me, self.keys[:2])  # under way
        self.people[ADMIN].submit("/admin/dump", password="correct horse battery")
        self.parts.objects.stored[ORPHAN] = (b"nobody's", "image/png")
        while services.sweeping.run().phase.value != "done":
            pass
        self._decide()
        upload = services.uploads.begin(me, b"no image", "image/png", 9).upload
        self.parts.objects.arrive(upload.incoming_key, b"MZ, a program")
        self.refused = services.uploads.complete(me, upload.id).id

    def _work(self) -> None:
        queue = self.parts.queue
        while queue.messages:
            self.services.worker.perform(queue.messages.pop(0))

    def _decide(self) -> None:
        """A decision for each of the last minutes but one that nobody reported: it grows once, and shrinks once."""
        now, nodes = self.parts.clock.now(), 2
        for ago in (*range(24, 14, -1), *range(13, 0, -1)):
            missed_percent = {18: 85, 8: 15}.get(ago, 30 + ago % 4 * 5)
            rule, target, words = "within-thresholds", nodes, "is within 20 % to 80 %"
            if missed_percent > 80:
                rule, target, words = "above-maximum", 3, "is above 80 %"
            elif missed_percent < 20:
                rule, target, words = "below-minimum", 2, "is below 20 %"
            minute = minute_of(now) - ago
            self.parts.store.decisions.append(
                Decision(
                    minute,
                    now - timedelta(minutes=ago - 1),
                    7,
                    rule,
                    f"Miss rate {missed_percent}.0 % of {nodes * 300} requests {words}.",
                    nodes,
                    target,
                    tuple(_sample(f"node-{each}", minute, missed_percent, 40 - ago) for each in "abc"[:nodes]),
                    id=len(self.parts.store.decisions) + 1,
                )
            )
            nodes = target

    def _pages(self) -> list[Shown]:
        key = quote(self.keys[0], safe="")
        album = self.album.hex()
        item = self.services.albums.page(self.me, self.album, -1, 9).images[0].id.hex()
        user = self.services.accounts.of(self.me).owner_id.hex()
        grown = next(one for one in self.parts.store.decisions if one.rule == "above-maximum")
        return [
            Shown("gallery", "/"),
            Shown("gallery with edits", "/?show=edits"),
            Shown("lightbox", "/", then=open_lightbox),
            Shown("choosing", "/", then=choose_two),
            Shown("looks", "/", then=lambda page: page.locator(".menu > summary").click()),
            Shown("uploader", "/", then=lambda page: page.locator("#uploader > summary").click()),
            Shown("search", "/?q=tag%3A%22by%20hand%22%20-old", then=open_search_help),
            Shown("search without result", "/?q=zebra"),
            Shown("search not understood", "/?q=place%3Arome"),
            Shown("behind the last", "/?after=0.YQ"),
            Shown("empty gallery", "/", NEWCOMER),
            Shown("image", f"/image?key={key}", then=lambda page: page.locator("#about summary").click()),
            Shown("no image", "/image?key=none"),
            Shown("retrieving none", "/retrieve?key=none%20such"),
            Shown("upload", "/upload"),
            Shown("large upload", "/upload/large"),
            Shown("upload refused", f"/upload/sent?id={self.refused.hex()}"),
            Shown("keys", "/keys", then=lambda page: page.locator(".keys input").first.check()),
            Shown("no keys", "/keys", NEWCOMER),
            Shown("delete", f"/delete?key={key}"),
            Shown("delete all", "/delete-all"),
            Shown("trash", "/trash", then=lambda page: page.locator(".put-away input").first.check()),
            Shown("empty trash", "/trash", NEWCOMER),
            Shown("empty the trash", "/trash/empty"),
            Shown("downloads", "/downloads"),
            Shown("no downloads", "/downloads", NEWCOMER),
            Shown("albums", "/albums"),
            Shown("no albums", "/albums", NEWCOMER),
            Shown("album", f"/album?id={album}", then=lambda page: page.locator(".album-images summary").first.click()),
            Shown("choose an album", f"/album/choose?key={key}"),
            Shown("delete an album", f"/album/delete?id={album}"),
            Shown("no album", f"/album?id={'0' * 32}"),
            Shown("links", "/shares"),
            Shown("no links", "/shares", NEWCOMER),
            Shown("new link", f"/shares/new?key={key}"),
            Shown("link made", f"/shares/new?album={album}", then=make_link),
            Shown("shared album", f"/share/{self.token}", NOBODY),
            Shown("shared image", f"/share/{self.token}/{item}", NOBODY),
            Shown("shared with a password", f"/share/{self.locked}", NOBODY),
            Shown("wrong password", f"/share/{self.locked}", NOBODY, try_a_password),
            Shown("no link", f"/share/{'a' * 43}", NOBODY),
            Shown("sign in", "/sign-in", NOBODY),
            Shown("sign in refused", "/sign-in", NOBODY, sign_in_wrongly),
            Shown("sign up", "/sign-up", NOBODY),
            Shown("mail sent", "/reset", NOBODY, ask_for_mail),
            Shown("verify", f"/verify?link={'a' * 43}", NOBODY),
            Shown("reset", "/reset", NOBODY),
            Shown("new password", f"/reset?link={'a' * 43}", NOBODY),
            Shown("first admin", f"/first-admin?link={'a' * 43}", NOBODY),
            Shown("not signed in", "/", NOBODY),
            Shown("account", "/account"),
            Shown("token made", "/account", NEWCOMER, make_token),
            Shown("erase the account", "/account/erase"),
            Shown("receipt", "/account/erase", LEAVING, erase),
            Shown("no receipt", "/erasure?receipt=none", NOBODY),
            Shown("withdraw", "/withdraw", NOBODY),
            Shown("manager", "/manager?nodes=3", then=lambda page: page.locator("#minutes-summary").click()),
            Shown("clear the cache", "/manager/clear"),
            Shown("node", "/manager/node?id=node-a"),
            Shown("decisions", "/manager/decisions"),
            Shown("decision", f"/manager/decision?id={grown.id}"),
            Shown("admin", "/admin"),
            Shown("user", f"/admin/user?id={user}"),
            Shown("dump", "/admin/dump"),
            Shown("delete all data", "/admin/delete-all"),
            Shown("audit", "/admin/audit"),
            Shown("findings", "/admin/findings"),
            Shown("error 400", "/manager/decision?id=x"),
            Shown("error 403", "/manager", NEWCOMER),
            Shown("error 404", "/nothing/is/here"),
            Shown("error 503", f"/image?key={DOWN}"),
        ]


def _sample(node_id: str, minute: int, missed_percent: int, items: int) -> Sample:
    misses = 3 * missed_percent
    return Sample(
        node_id,
        minute,
        requests=300,
        hits=300 - misses,
        misses=misses,
        copies=7,
        items=items,
        bytes=items * 40_000,
        capacity_bytes=64 << 20,
        connections=1,
    )


def unlisted(pages: list[Shown]) -> set[str]:
    """The routes with pages, or with something to look at, that nobody has listed or named as no page."""
    listed = {urlsplit(one.path).path for one in pages}
    faces = {path for path, methods in TABLE.items() if "GET" in methods and not path.startswith(("/api/", "/health"))}
    shared = {"/share/{token}" for path in listed if path.count("/") == 2 and path.startswith("/share/")}
    shared |= {"/share/{token}/{image_id}" for path in listed if path.count("/") == 3 and path.startswith("/share/")}
    return faces - listed - shared - set(NO_PAGES) - {"/readyz"}


def open_lightbox(page: Page, number: int = 0) -> None:
    page.locator(".tile > a[data-open]").nth(number).click()
    if page.locator("[data-about]").get_attribute("aria-expanded") == "false":
        page.locator("[data-about]").click()
    page.locator("#lightbox #tags").wait_for(state="visible")


def choose_two(page: Page) -> None:
    for number in (1, 2):
        page.locator(".pick input").nth(number).check(force=True)
    page.locator("[data-chosen]").wait_for(state="visible")


def open_search_help(page: Page) -> None:
    page.locator(".search-help summary").click()


def make_link(page: Page) -> None:
    page.get_by_role("button", name="Make the link").click()
    page.get_by_label("Link", exact=True).wait_for()


def try_a_password(page: Page) -> None:
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("alert").wait_for()


def sign_in_wrongly(page: Page) -> None:
    page.get_by_label("E-mail").fill("nobody@example.org")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()


def ask_for_mail(page: Page) -> None:
    page.get_by_label("E-mail").fill("nobody@example.org")
    page.get_by_role("main").get_by_role("button").first.click()
    page.get_by_text("mail").first.wait_for()


def make_token(page: Page) -> None:
    page.locator("#label").fill("a script")
    page.get_by_role("button", name="Make a token").click()
    page.locator(".code").first.wait_for()


def erase(page: Page) -> None:
    page.get_by_label("password").first.fill("correct horse battery")
    page.get_by_role("button", name="Erase my account").click()
    page.get_by_role("heading", name="Receipt of an erasure").wait_for()
