"""A person's browser on the gallery: ten thousand images, the lightbox, choosing, looks, by mouse, touch and keyboard.

One owner has images that were really uploaded; another's ten thousand are rows alone, so they show as placeholders.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pymysql
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.sample_images import hills, name_of
from tests.e2e.store_client import StoreClient, image_path
from tests.e2e.test_browser import ARGUMENTS, CHROMIUM
from tests.local_cloud import LocalCloud, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")
UPLOADED, ROWS = 8, 10_000
PATIENCE_MS = 30_000  # a busy machine

# Before anything else on a page: every shift of its layout, and what moved.
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    window.shifts.push([entry.value, entry.sources.map((one) => one.node?.outerHTML?.slice(0, 200) ?? "")]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A store of its own: the tests count what it holds."""
    started = LocalCloud(tmp_path_factory.mktemp("gallery"), extra_environ={"CACHE_TIMEOUT_MS": "2000"})
    started.start()
    store = StoreClient(started.address)
    for number in range(UPLOADED):
        assert store.put(name_of(number), hills(number)).status == 201
    assert until(lambda: _due(started) == 0, timeout_seconds=90)
    _insert_rows(started)
    yield started
    started.stop()


def _database(cloud: LocalCloud) -> "pymysql.Connection[Any]":
    environ = cloud.environ
    return pymysql.connect(
        host=environ["DATABASE_HOST"],
        port=int(environ["DATABASE_PORT"]),
        user=environ["DATABASE_USER"],
        password=environ["DATABASE_PASSWORD"],
        database=environ["DATABASE_NAME"],
        autocommit=True,
    )


def _due(cloud: LocalCloud) -> int:
    with _database(cloud) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM renditions WHERE state = 'due'")
        found = cursor.fetchone()
        assert found is not None
        return int(found[0])


DIGITS = " ".join(["(SELECT 0 AS d", *(f"UNION ALL SELECT {digit}" for digit in range(1, 10))]) + ")"
# Older than those uploaded, one a second.
OLD_IMAGES = f"""
INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, created_at)
SELECT i.owner_id, CONCAT('old ', LPAD(n.n, 5, '0')), CONCAT('originals/rows/', n.n), i.sha256, i.size, i.media_type,
    600 + (n.n * 37) MOD 900, 700, 1, '2020-01-01' + INTERVAL n.n SECOND
FROM images i
JOIN (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM {DIGITS} a, {DIGITS} b, {DIGITS} c, {DIGITS} e) n
WHERE i.image_key = %s
"""  # noqa: S608 - of constants
# They show what was made of the image that was uploaded first.
OLD_RENDITIONS = """
INSERT INTO renditions (owner_id, image_key, kind, source_object_key, object_key, sha256, width, height, size,
    media_type, state, created_at)
SELECT i.owner_id, i.image_key, r.kind, i.object_key, r.object_key, r.sha256, r.width, r.height, r.size,
    r.media_type, r.state, r.created_at
FROM images i JOIN renditions r ON r.owner_id = i.owner_id AND r.image_key = %s
WHERE i.image_key LIKE 'old %%'
"""


def _insert_rows(cloud: LocalCloud) -> None:
    with _database(cloud) as connection, connection.cursor() as cursor:
        assert cursor.execute(OLD_IMAGES, (name_of(0),)) == ROWS
        cursor.execute(OLD_RENDITIONS, (name_of(0),))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, gallery: LocalCloud) -> Iterator[Opened]:
    """Opens a page in a browser of its own; the test fails if the browser complains."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str = "/", width: int = 1280, **options: Any) -> Page:
        height = options.pop("height", 900)
        contexts.append(
            browser.new_context(base_url=gallery.address, viewport={"width": width, "height": height}, **options)
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if options.get("java_script_enabled", True):
            page.add_init_script(SHIFTS)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [words for words in complaints if "the server responded with a status of" not in words] == []


def tiles(page: Page) -> Any:
    return page.locator(".tile:not(.held)")


def tile(page: Page, number: int) -> Any:
    return page.locator(".tile > a[data-open]").nth(number)


def shown_key(page: Page) -> str:
    return page.locator("#lightbox [data-title]").text_content() or ""


def shifts(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate("window.shifts")
    return found


@pytest.mark.parametrize("width", [320, 1280, 2600])
def test_the_first_screen_of_ten_thousand_is_light_and_nothing_shifts(opened: Opened, width: int) -> None:
    page = opened("about:blank", width)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    origins: set[str] = set()

    def began(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]
        origins.add(urlsplit(event["request"]["url"]).netloc)

    network.on("Network.requestWillBeSent", began)
    network.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto("/", wait_until="networkidle")
    pictures = {one for one, kind in kinds.items() if kind == "Image"}
    others = {one: sizes.get(one, 0) for one in kinds if one not in pictures}
    assert len(others) <= 12, kinds
    assert sum(others.values()) <= 150_000, others
    assert len(origins) == 1
    assert tiles(page).count() >= 20
    assert shifts(page) == []


def test_scrolling_far_shifts_nothing_and_back_comes_to_the_same_place(opened: Opened) -> None:
    page = opened()
    for _ in range(12):
        before = tiles(page).count()
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(250)
        if before > 300:
            break
    expect(tiles(page).nth(200)).to_be_attached()
    page.wait_for_timeout(400)
    assert [moved for value, moved in shifts(page) if value > 0] == []
    assert "after=" in page.url
    address = page.url
    seen = page.evaluate(
        "() => [...document.querySelectorAll('.tile')].filter(one => one.getBoundingClientRect().bottom > 0)"
        ".slice(0, 3).map(one => [one.dataset.key, Math.round(one.getBoundingClientRect().top)])"
    )
    page.goto("/keys")
    page.go_back()
    assert page.url == address
    key, top = seen[0]
    place = f"() => document.querySelector('.tile[data-key=\"{key}\"]')?.getBoundingClientRect().top ?? 1e9"
    assert until(lambda: abs(page.evaluate(place) - top) < 40, timeout_seconds=20), (seen, page.evaluate(place))
    # what is above comes back too
    page.mouse.wheel(0, -3000)
    page.wait_for_timeout(300)
    page.mouse.wheel(0, -3000)
    newest = page.locator(f'.tile[data-key="{name_of(UPLOADED - 1)}"]')

    def goes_up() -> bool:
        page.mouse.wheel(0, -5000)
        page.wait_for_timeout(200)
        return bool(newest.count() == 1)

    assert until(goes_up, timeout_seconds=30)


def test_an_address_in_the_middle_opens_there_and_leads_to_the_newest(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    page.get_by_role("link", name="Older images").click()
    page.get_by_role("link", name="Older images").click()
    address = page.url
    first = tiles(page).first.get_attribute("data-key")
    again = opened(address)
    expect(tiles(again).first).to_have_attribute("data-key", first or "")
    again.get_by_role("link", name="Newest images").click()
    expect(tiles(again).first).to_have_attribute("data-key", name_of(UPLOADED - 1))


def test_without_script_the_pages_hold_every_image_once(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    seen: list[str] = []
    for _ in range(3):
        seen += page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.key)")
        page.get_by_role("link", name="Older images").click()
    assert len(seen) == len(set(seen)) == 180
    page.locator(".tile > a").first.click()
    expect(page.locator("h1")).to_contain_text("old ")


def test_rows_are_full_and_of_one_height(opened: Opened) -> None:
    page = opened()
    boxes = page.locator(".tile:not(.held) > a").evaluate_all(
        "all => all.map(one => { const b = one.getBoundingClientRect(); return [b.top, b.left, b.right, b.height]; })"
    )
    rows: dict[float, list[list[float]]] = {}
    for box in boxes:
        rows.setdefault(round(box[0]), []).append(box)
    width = page.locator("ul.grid").evaluate("one => one.getBoundingClientRect().right")
    for row in list(rows.values())[:-1]:
        assert max(box[3] for box in row) - min(box[3] for box in row) < 1.5
        assert abs(max(box[2] for box in row) - width) < 2


def test_the_keyboard_alone_opens_steps_closes_and_returns(opened: Opened) -> None:
    page = opened()
    tile(page, 0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(tile(page, 2)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    expect(tile(page, 0)).to_be_focused()
    page.keyboard.press("Enter")
    box = page.locator("#lightbox")
    expect(box).to_be_visible()
    assert shown_key(page) == name_of(UPLOADED - 1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert shown_key(page) == name_of(UPLOADED - 2)
    assert quote(name_of(UPLOADED - 2), safe="") in page.url
    page.keyboard.press("z")
    expect(page.locator("#lightbox .zoomed img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(tile(page, 1)).to_be_focused()
    assert urlsplit(page.url).path == "/"


def test_a_reload_in_the_lightbox_is_the_images_page_and_back_is_the_gallery(opened: Opened) -> None:
    page = opened()
    tile(page, 1).click()
    expect(page.locator("#lightbox #about")).to_be_visible()
    page.reload()
    expect(page.locator("h1")).to_have_text(name_of(UPLOADED - 2))
    page.go_back()
    expect(tiles(page).first).to_be_visible()


def test_the_lightbox_tells_the_details_and_where_it_came_from(opened: Opened) -> None:
    page = opened()
    tile(page, 0).click()
    side = page.locator("#box-about")
    for words in ("pixels", "KiB", "of 16", "example model", "SHA-256", "Download"):
        expect(side).to_contain_text(words)
    expect(side.locator("[data-source]")).to_have_text(
        re.compile(r"^Served from (node \S+|origin|your own copy), partition \d+, in [\d.]+ ms\.$")
    )
    preloaded = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    assert any("kind=preview" in name and quote(name_of(UPLOADED - 2), safe="") in name for name in preloaded)
    with page.expect_download() as download:
        side.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == hills(UPLOADED - 1)


def test_caption_key_tags_and_edits_are_changed_in_the_lightbox(opened: Opened, gallery: LocalCloud) -> None:
    StoreClient(gallery.address).put("to rename.jpg", hills(40))
    page = opened()
    tile(page, 0).click()
    side = page.locator("#box-about")
    side.get_by_label("Caption").fill("Hills <b>at</b> dawn")
    side.get_by_role("button", name="Save the caption").click()
    expect(page.locator(".tile").first.locator(".caption")).to_have_text("Hills <b>at</b> dawn")
    side.locator("summary", has_text="Change the key").click()
    side.get_by_label("New key").fill("renamed & moved.jpg")
    side.get_by_role("button", name="Change the key").click()
    expect(page.locator("#lightbox [data-title]")).to_have_text("renamed & moved.jpg")
    side.get_by_label("New tag").fill("Beach")
    side.get_by_role("button", name="Add the tag").click()
    expect(side.locator("#tags")).to_contain_text("beach")
    side.get_by_role("button", name="Make: Greyscale").click()
    expect(side.locator("#renditions")).to_contain_text("Greyscale ·", timeout=60_000)
    assert "renamed%20%26%20moved.jpg" in page.url or "renamed+%26+moved.jpg" in page.url
    page.get_by_role("button", name="Close").click()
    link = page.get_by_role("link", name="Hills <b>at</b> dawn")
    assert "renamed" in (link.get_attribute("href") or "")
    page.reload()
    expect(tiles(page).first).to_have_attribute("data-key", "renamed & moved.jpg")
    assert StoreClient(gallery.address).get("to rename.jpg").status == 404
    assert StoreClient(gallery.address).get("renamed & moved.jpg").body == hills(40)
    StoreClient(gallery.address)("DELETE", image_path("renamed & moved.jpg"))


def test_a_key_that_is_taken_is_refused_in_words_in_the_lightbox(opened: Opened) -> None:
    page = opened()
    tile(page, 0).click()
    side = page.locator("#box-about")
    side.locator("summary", has_text="Change the key").click()
    side.get_by_label("New key").fill(name_of(0))
    side.get_by_role("button", name="Change the key").click()
    expect(side.get_by_role("alert")).to_contain_text("already")
    assert shown_key(page) == name_of(UPLOADED - 1)


def test_swipes_and_taps_do_what_arrows_and_clicks_do(opened: Opened) -> None:
    page = opened(width=390, height=800, has_touch=True, is_mobile=True)
    tile(page, 0).tap()
    frame = page.locator("#lightbox [data-frame]")
    expect(frame.locator("img")).to_be_visible()
    swipe = """(frame, by) => {
      const at = (x) => ({ clientX: x, clientY: 300, isPrimary: true, pointerType: "touch", bubbles: true });
      frame.dispatchEvent(new PointerEvent("pointerdown", at(200)));
      frame.dispatchEvent(new PointerEvent("pointerup", at(200 + by)));
    }"""
    frame.evaluate(swipe, -120)
    assert shown_key(page) == name_of(UPLOADED - 2)
    frame.evaluate(swipe, 120)
    assert shown_key(page) == name_of(UPLOADED - 1)


def chosen(page: Page) -> list[str]:
    found: list[str] = page.evaluate("[...new FormData(document.getElementById('gallery')).getAll('key')]")
    return found


def test_images_are_chosen_by_click_by_range_and_by_keyboard(opened: Opened) -> None:
    page = opened()
    keys = page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.key)")
    page.locator(".pick input").nth(1).click()
    page.locator(".pick input").nth(4).click(modifiers=["Shift"])
    assert chosen(page) == keys[1:5]
    expect(page.locator("[data-count]")).to_have_text("4 chosen")
    tile(page, 6).click()  # a click chooses once one is chosen
    assert chosen(page) == [*keys[1:5], keys[6]]
    page.get_by_role("button", name="Choose none").click()
    assert chosen(page) == []
    expect(page.locator("[data-chosen]")).to_be_hidden()
    tile(page, 2).focus()
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Space")
    assert chosen(page) == keys[2:6]
    page.keyboard.press("Escape")
    assert chosen(page) == []


def test_an_image_that_is_processing_fills_in_without_a_reload(opened: Opened, gallery: LocalCloud) -> None:
    with _database(gallery) as connection, connection.cursor() as cursor:
        changed = "UPDATE owners SET version = version + 1"  # as every transaction does that changes what a page shows
        cursor.execute("UPDATE renditions SET state = 'due' WHERE image_key = %s", (name_of(3),))
        cursor.execute(changed)
        page = opened()
        one = page.locator(f'.tile[data-key="{name_of(3)}"]')
        expect(one).to_contain_text("Processing")
        box = one.bounding_box()
        cursor.execute("UPDATE renditions SET state = 'ready' WHERE image_key = %s", (name_of(3),))
        cursor.execute(changed)
        expect(one).not_to_contain_text("Processing")
        expect(one.locator("img")).to_have_attribute("srcset", re.compile("kind=thumbnail"))
        assert one.bounding_box() == box
        assert shifts(page) == []


def test_originals_and_edits_stand_side_by_side(opened: Opened) -> None:
    page = opened()
    page.get_by_role("link", name="With edits").click()
    captions = page.locator(".tile .caption").all_text_contents()
    key = name_of(UPLOADED - 1)
    assert [words.strip() for words in captions[:2]] == [f"{key}, original", f"{key}, flipped"]


def test_a_dropped_file_comes_into_the_gallery(opened: Opened, gallery: LocalCloud) -> None:
    page = opened()
    carried = page.evaluate_handle(
        """bytes => {
          const carried = new DataTransfer();
          carried.items.add(new File([new Uint8Array(bytes)], "dropped on the page.jpg", {type: "image/jpeg"}));
          return carried;
        }""",
        list(hills(50)),
    )
    page.dispatch_event("main", "drop", {"dataTransfer": carried})
    expect(page.locator('.tile[data-key="dropped on the page.jpg"]')).to_be_visible()
    StoreClient(gallery.address)("DELETE", image_path("dropped on the page.jpg"))


def test_the_theme_and_the_badge_are_kept(opened: Opened) -> None:
    page = opened(color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(paper) != light
    page.goto("/keys")
    assert page.evaluate(paper) != light
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Show a badge").click()
    expect(page.locator("#served")).to_have_text(re.compile(r"^Rows from the primary, [\d.]+ ms$"))
    assert urlsplit(page.url).path == "/keys"
    page.goto("/")
    expect(page.locator(".tile .from").first).to_have_text(re.compile(r"· p \d+ · [\d.]+ ms$"))
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="As the system").click()
    assert page.evaluate(paper) == light


PAGES = [
    "/",
    "/?show=edits",
    f"/image?key={quote(name_of(1))}",
    "/upload",
    "/?after=0.a",
    "/nothing/here",
    "/image?key=none",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_and_nothing_is_lost(opened: Opened, scheme: str, width: int) -> None:
    page = opened("about:blank", width, color_scheme=scheme)
    axe = Axe()
    for path in PAGES:
        page.goto(path)
        _assert_fine(axe, page, path, width)
    page.goto("/")
    page.locator(".menu > summary").click()
    _assert_fine(axe, page, "the menu", width)
    page.keyboard.press("Escape")
    page.goto("/")
    page.locator(".pick input").nth(1).check(force=True)
    page.locator("#uploader > summary").click()
    _assert_fine(axe, page, "choosing and uploading", width)
    page.goto("/")
    tile(page, 0).click()
    if page.locator("[data-about]").get_attribute("aria-expanded") == "false":
        page.locator("[data-about]").click()
    expect(page.locator("#lightbox #tags")).to_be_visible()
    _assert_fine(axe, page, "the lightbox", width)


def _assert_fine(axe: Axe, page: Page, what: str, width: int) -> None:
    found = axe.run(page).response["violations"]
    assert [(what, one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width, what
