"""A person shares an album and an image; somebody else opens the links in a browser that has nothing of theirs."""

import re
import secrets
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import quote, quote_plus, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from tests.e2e.test_accounts import signed_up
from tests.e2e.test_browser import ARGUMENTS, CHROMIUM
from tests.local_cloud import LocalCloud, until
from tests.renderable_images import SECRETS, exif_of, quarters, saved

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")

SECONDS = 90  # of two shared cores; a second or two alone
PASSWORD = "open sesame"
PLACE = ("52.52", "52,52", "13.405", "13,405", "52/1", "31/1")  # as decimals and as EXIF's fractions


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


class Owner:
    """Somebody with an account and images that tell much, in a browser where they are signed in."""

    def __init__(self, browser: Browser, cloud: LocalCloud) -> None:
        self.word = f"wanda{secrets.token_hex(4)}"
        self.email = f"{self.word}@hidden.example.org"
        self.keys = [f"home of {self.word}/IMG {number}.jpg" for number in (1, 2, 3)]
        session = signed_up(cloud, self.email)
        self.context = browser.new_context(base_url=cloud.address, viewport={"width": 1280, "height": 900})
        self.context.add_cookies(
            [{"name": name, "value": value, "url": cloud.address} for name, value in session.cookies.items()]
        )
        self.page = self.context.new_page()

    def upload(self, key: str) -> None:
        told = exif_of(1, make="Tellmaker", model=self.word, taken="2024:05:17 08:30:00")
        data = saved(quarters(1700, 900), "JPEG", quality=90, exif=told)
        self.page.goto("/upload")
        self.page.locator("#file").set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": data})
        self.page.locator("form[data-upload] #key").fill(key)
        self.page.get_by_role("button", name="Upload").click()
        expect(self.page.locator("h1")).to_have_text(key)

    def rendered(self, key: str, kind: str) -> bool:
        def ready() -> bool:
            answer = self.context.request.get(f"/api/v1/image/metadata?key={quote(key, safe='')}")
            return any(one["kind"] == kind and one["state"] == "ready" for one in answer.json()["renditions"])

        return until(ready, timeout_seconds=SECONDS)

    def secrets(self) -> list[str]:
        """What nobody may be told, as it may be spelled."""
        keys = [spelled for key in self.keys for spelled in (key, quote(key, safe=""), quote(key), quote_plus(key))]
        return [self.word, self.email, "hidden.example", "Tellmaker", "IMG", *keys, *PLACE, "originals/", "renditions/"]


@pytest.fixture(scope="module")
def owner(browser: Browser, cloud: LocalCloud) -> Iterator[Owner]:
    made = Owner(browser, cloud)
    for key in made.keys:
        made.upload(key)
    for key in made.keys:
        assert made.rendered(key, "preview")
    yield made
    made.context.close()


@pytest.fixture
def stranger(browser: Browser, cloud: LocalCloud) -> Iterator[BrowserContext]:
    """A clean browser without script, at 320 px."""
    with browser.new_context(
        base_url=cloud.address, java_script_enabled=False, viewport={"width": 320, "height": 700}
    ) as context:
        yield context


class Received:
    """Every answer that a page got, bytes and headers, but those of styles and icons, which are everybody's."""

    def __init__(self, page: Page) -> None:
        self.answers: list[tuple[str, dict[str, str], bytes]] = []
        page.route("**/*", self._pass_on)

    def _pass_on(self, route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        if "/static/" not in urlsplit(route.request.url).path:
            self.answers.append((route.request.url, answer.headers, answer.body()))
        route.fulfill(response=answer)

    def checked(self, told: list[str], least: int) -> None:
        """Asserts that nothing in them is told, and that there were at least so many."""
        assert len(self.answers) >= least
        for url, headers, body in self.answers:
            whole = url.encode() + repr(headers).encode() + body
            assert [secret for secret in told if secret.encode() in whole] == [], (url, headers)
            assert headers["referrer-policy"] == ("same-origin" if b"A password is needed" in body else "no-referrer")
            assert "noindex" in headers["x-robots-tag"]
            if headers.get("content-type", "").startswith("image/"):
                plain(body)


def plain(body: bytes) -> tuple[int, int]:
    """The size of an image that carries nothing but pixels."""
    assert [secret for secret in SECRETS if secret in body] == []
    with Image.open(BytesIO(body)) as image:
        assert image.format == "WEBP"
        assert dict(image.getexif()) == {}
        assert not {"exif", "xmp", "icc_profile"} & image.info.keys()
        return (image.width, image.height)


def link_made(page: Page, *, password: str = "", downloads: bool = False) -> str:
    """Fills the form for a link; the link."""
    if password:
        page.get_by_label("Password").fill(password)
    if downloads:
        page.get_by_label("Let others download").check()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("Link", exact=True).input_value()
    return urlsplit(link).path


def test_an_album_is_made_ordered_shared_seen_by_a_stranger_and_taken_back(
    owner: Owner, stranger: BrowserContext
) -> None:
    page = owner.page
    page.goto(f"/image?key={quote(owner.keys[0], safe='')}")
    page.get_by_role("link", name="Add to an album").click()
    page.get_by_label("Title").fill("By the lake")
    page.get_by_role("button", name="Make it and add").click()
    expect(page.locator("h1")).to_have_text("By the lake")
    album = page.url
    for key in owner.keys[1:]:
        page.goto(f"/album/choose?key={quote(key, safe='')}")
        page.get_by_label("Album").select_option(label=f"By the lake ({owner.keys.index(key)})")
        page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".album-images li")).to_have_count(3)
    third = page.locator(".album-images li").nth(2)
    third.locator("summary").click()
    third.get_by_role("button", name="To the front").click()
    expect(page.locator(".album-images li").first).to_contain_text(owner.keys[2])

    page.get_by_role("link", name="Share…").click()
    link = link_made(page, downloads=True)
    for key in owner.keys:
        assert owner.rendered(key, "full")

    visit = stranger.new_page()
    received = Received(visit)
    visit.goto(link)
    expect(visit.locator("h1")).to_have_text("By the lake")
    expect(visit.locator(".shared-grid img")).to_have_count(3)
    assert visit.evaluate("document.documentElement.scrollWidth") <= 320
    widths = visit.locator(".shared-grid img").evaluate_all("found => found.map(one => one.naturalWidth)")
    assert min(widths) > 0
    visit.locator(".shared-grid a").first.click()
    expect(visit.locator("h1")).to_have_text("Image 1")
    visit.get_by_role("link", name="Next").click()
    expect(visit.locator("h1")).to_have_text("Image 2")
    file = visit.get_by_role("link", name="Download").get_attribute("href")
    assert file is not None
    downloaded = stranger.request.get(file)
    assert plain(downloaded.body()) == (1700, 900)
    assert re.search(r'filename="image-\w{8}\.webp"', downloaded.headers["content-disposition"])
    whole = repr(downloaded.headers).encode() + downloaded.body()
    assert [secret for secret in owner.secrets() if secret.encode() in whole] == []
    told = stranger.request.get(f"/api/v1/shared/{link.rpartition('/')[2]}")
    assert len(told.json()["images"]) == 3
    assert [secret for secret in owner.secrets() if secret in told.text() + repr(told.headers)] == []
    received.checked(owner.secrets(), least=8)
    assert stranger.cookies() == []

    page.goto(album)
    expect(page.locator("#links-heading + ul")).to_contain_text("opened 2 times")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Nobody but you can see it.")).to_be_visible()
    received = Received(visit)
    visit.goto(link)
    expect(visit.locator("h1")).to_have_text("This link leads nowhere")
    assert stranger.request.get(file).status == 404
    received.checked(owner.secrets(), least=1)


def test_a_link_with_a_password_opens_after_it_was_given(owner: Owner, stranger: BrowserContext) -> None:
    page = owner.page
    page.goto(f"/image?key={quote(owner.keys[0], safe='')}")
    page.get_by_role("link", name="Share…").click()
    link = link_made(page, password=PASSWORD)
    visit = stranger.new_page()
    received = Received(visit)
    visit.goto(link)
    expect(visit.locator("h1")).to_have_text("A password is needed")
    visit.get_by_label("Password").fill("wrong password")
    visit.get_by_role("button", name="Open").click()
    expect(visit.get_by_role("alert")).to_contain_text("not the password")
    visit.get_by_label("Password").fill(PASSWORD)
    visit.get_by_role("button", name="Open").click()
    expect(visit.locator("h1")).to_have_text("Shared image")
    visit.goto(link)  # where a redirect leads is not seen by whoever looks at what is received
    assert visit.locator(".stage img").evaluate("image => image.naturalWidth") == 1600
    expect(visit.get_by_role("link", name="Download")).to_have_count(0)
    names = sorted(cookie["name"] for cookie in stranger.cookies())
    assert (len(names), names[0][:6], names[1]) == (2, "share-", "visitor")
    received.checked(owner.secrets(), least=5)
    page.goto(f"/delete?key={quote(owner.keys[0], safe='')}")
    page.get_by_role("button", name="Move to trash").click()
    visit.goto(link)
    expect(visit.locator("h1")).to_have_text("This link leads nowhere")


def test_the_owner_of_the_link_sees_it_as_everybody_does(owner: Owner) -> None:
    page = owner.page
    page.goto(f"/image?key={quote(owner.keys[1], safe='')}")
    page.get_by_role("link", name="Share…").click()
    link = link_made(page)
    received = Received(page)
    page.goto(link)
    expect(page.locator("h1")).to_have_text("Shared image")
    expect(page.get_by_role("navigation", name="Pages")).to_have_count(0)
    received.checked(owner.secrets(), least=2)
