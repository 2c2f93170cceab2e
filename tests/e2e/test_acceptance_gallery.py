"""What a person sees of their gallery: the acceptance checks 8 to 13, each by its number, in a real browser."""

import io
import json
import re
import secrets
import zipfile
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.e2e.sample_images import hills, name_of
from tests.e2e.store_client import StoreClient, image_path
from tests.e2e.ten_thousand import UPLOADED, Opened, chosen, database, shifts, shown_key, tile, tiles
from tests.e2e.test_accounts import PASSWORD, signed_up
from tests.e2e.test_browser import CHROMIUM
from tests.local_cloud import LocalCloud, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")
STORED = 60_000  # ms; a busy machine


@pytest.mark.parametrize("width", [320, 1280, 2600])
def test_check_8_the_first_screen_of_ten_thousand_images_is_light_and_nothing_shifts(
    opened: Opened, width: int
) -> None:
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


def test_check_8_scrolling_far_shifts_nothing_and_back_comes_to_the_same_place(opened: Opened) -> None:
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


def test_check_8_an_address_in_the_middle_opens_there_and_leads_to_the_newest(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    page.get_by_role("link", name="Older images").click()
    page.get_by_role("link", name="Older images").click()
    address = page.url
    first = tiles(page).first.get_attribute("data-key")
    again = opened(address)
    expect(tiles(again).first).to_have_attribute("data-key", first or "")
    again.get_by_role("link", name="Newest images").click()
    expect(tiles(again).first).to_have_attribute("data-key", name_of(UPLOADED - 1))


def test_check_9_the_keyboard_alone_opens_steps_closes_and_returns_to_the_thumbnail(opened: Opened) -> None:
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


def test_check_10_thirty_chosen_on_the_grid_are_moved_to_the_trash_and_undo_brings_them_back(opened: Opened) -> None:
    page = opened("/?show=edits")
    expect(tiles(page).nth(50)).to_be_attached()
    page.locator(".pick input").nth(10).click()
    page.locator(".pick input").nth(39).click(modifiers=["Shift"])
    gone = chosen(page)
    assert len(gone) == 30
    expect(page.locator("[data-count]")).to_have_text("30 chosen")
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("30 moved to Trash")).to_be_visible()
    assert not set(gone) & set(_keys(page))
    assert "show=edits" in page.url  # one is where one was
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("30 images restored.")).to_be_visible()
    assert set(gone) <= set(_keys(page))
    assert "show=edits" in page.url


def _keys(page: Page) -> list[str]:
    found: list[str] = page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.key)")
    return found


def test_check_11_a_tag_filters_own_and_found_ones_differ_and_one_that_was_removed_stays_away(
    opened: Opened, gallery: LocalCloud
) -> None:
    key = f"check 11 {secrets.token_hex(4)}.jpg"
    store = StoreClient(gallery.address)
    assert store.put(key, hills(60)).status == 201

    def looked_at() -> bool:
        return any(one["automatic"] for one in store("GET", _metadata(key)).json["tags"])

    assert until(looked_at, timeout_seconds=60)
    page = opened(f"/image?key={quote(key)}")
    page.get_by_label("New tag").fill("Beach")
    page.get_by_role("button", name="Add the tag").click()
    own, found = page.locator("#tags li", has_text="beach"), page.locator("#tags li.found").first
    borders = [one.evaluate("tag => getComputedStyle(tag).borderTopStyle") for one in (own, found)]
    assert borders == ["solid", "dashed"]
    expect(found).to_contain_text("found")
    expect(own).not_to_contain_text("found")
    removed = (found.locator("a").text_content() or "").strip()
    page.get_by_role("button", name=f"Remove the tag {removed}", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("The tag is off the image.")
    assert store.put(key, hills(60)).status == 200  # the same image once more: it is looked at again
    assert until(lambda: b'"due"' not in store("GET", _metadata(key)).body, timeout_seconds=60)
    page.goto("/")
    box = page.get_by_label("Find images")
    box.fill("tag:beach")
    box.press("Enter")
    expect(tiles(page)).to_have_count(1)
    assert page.url.endswith("/?q=tag%3Abeach")
    tile(page, 0).click()
    expect(page.locator("#lightbox #tags")).to_contain_text("beach")
    shown = page.locator("#lightbox #tags li a").all_text_contents()
    assert removed not in [words.strip() for words in shown]
    store("DELETE", image_path(key))


def _metadata(key: str) -> str:
    return f"/api/v1/image/metadata?key={quote(key)}"


# 200 % is what a window of half its pixels is, at twice the density.
@pytest.mark.parametrize(
    ("width", "options"),
    [(320, {"height": 640}), (640, {"height": 450, "device_scale_factor": 2})],
    ids=["320 pixels", "200 percent"],
)
def test_check_12_on_a_narrow_screen_zoomed_and_dark_nothing_is_lost_and_axe_finds_nothing(
    opened: Opened, width: int, options: dict[str, Any]
) -> None:
    page = opened("/", width, color_scheme="dark", **options)
    _fine(page, "the gallery", width)
    page.locator(".pick input").nth(1).check(force=True)
    page.locator("#uploader > summary").click()
    for name in ("Move to trash", "Download", "Tag", "Upload"):
        button = page.get_by_role("button", name=name, exact=True).first
        button.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport()
    _fine(page, "choosing and uploading", width)
    page.goto("/")
    tile(page, 0).click()
    if page.locator("[data-about]").get_attribute("aria-expanded") == "false":
        page.locator("[data-about]").click()
    side = page.locator("#box-about")
    for name in ("Save the caption", "Add the tag"):
        button = side.get_by_role("button", name=name)
        button.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport()
    expect(page.locator("#lightbox [data-frame] img")).to_be_in_viewport()
    _fine(page, "the lightbox", width)
    page.goto(f"/image?key={quote(name_of(1))}")
    for name in ("Download", "Share…"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    _fine(page, "an image", width)


def _fine(page: Page, what: str, width: int) -> None:
    found = Axe().run(page).response["violations"]
    assert [(what, one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width, what


def test_check_13_everything_is_exported_and_the_account_ends_with_a_receipt(
    browser: Browser, gallery: LocalCloud
) -> None:
    email = f"leaving-{secrets.token_hex(4)}@example.org"
    session = signed_up(gallery, email)
    with browser.new_context(base_url=gallery.address) as context:
        context.add_cookies(
            [{"name": name, "value": value, "url": gallery.address} for name, value in session.cookies.items()]
        )
        page = context.new_page()
        page.goto("/upload")
        page.get_by_label("Image", exact=True).set_input_files(
            [FilePayload(name=name_of(each), mimeType="image/jpeg", buffer=hills(each)) for each in (1, 2, 3)]
        )
        page.locator("form[data-upload]").get_by_role("button", name="Upload", exact=True).click()
        expect(page.locator("[data-total-words]")).to_have_text("3 of 3 stored", timeout=STORED)
        page.goto(f"/album/choose?key={quote(name_of(1))}")
        page.get_by_label("Title").fill("By the lake")
        page.get_by_role("button", name="Make it and add").click()
        page.goto(f"/image?key={quote(name_of(2))}")
        page.get_by_label("Caption").fill("Dusk")
        page.get_by_role("button", name="Save the caption").click()
        _trash_one(page)
        page.goto("/account/erase")
        page.get_by_role("button", name="Export everything first").click()
        link = page.locator(".downloads li").first.get_by_role("link", name="Download")
        expect(link).to_be_visible(timeout=STORED)  # without a reload
        archive = context.request.get(link.get_attribute("href") or "")
        with zipfile.ZipFile(io.BytesIO(archive.body())) as found:
            assert found.testzip() is None
            told = {one["key"]: one for one in json.loads(found.read("images.json"))["images"]}
            assert set(told) == {name_of(1), name_of(2)}
            assert [found.read(told[name_of(each)]["file"]) for each in (1, 2)] == [hills(1), hills(2)]
        assert told[name_of(2)]["caption"] == "Dusk"
        assert [one["title"] for one in told[name_of(1)]["albums"]] == ["By the lake"]
        where = context.request.get(link.get_attribute("href") or "", max_redirects=0).headers["location"]
        owner_id = _owner_of(gallery, name_of(1))
        page.goto("/account/erase")
        page.get_by_label("password").fill("not it, I fear")
        page.get_by_role("button", name="Erase my account").click()
        expect(page.get_by_role("alert")).to_contain_text("password")
        page.get_by_label("password").fill(PASSWORD)
        page.get_by_role("button", name="Erase my account").click()
        expect(page.get_by_role("heading", name="Receipt of an erasure")).to_be_visible()
        receipt = page.url
        told_all = page.get_by_text("The account is erased")
        assert until(lambda: page.goto(receipt) is not None and told_all.count() == 1, timeout_seconds=90)
        expect(page.get_by_role("main")).to_contain_text(re.compile(r"Images\s*2"))
        expect(page.get_by_role("main")).to_contain_text(re.compile("versions of objects", re.IGNORECASE))
        assert _rows_of(gallery, owner_id) == {}
        page.goto("/sign-in")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("wrong")
        assert context.request.get(where).status in (403, 404)  # the zip is gone from the object store


def _trash_one(page: Page) -> None:
    page.goto(f"/delete?key={quote(name_of(3))}")
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("1 moved to Trash")).to_be_visible()


def _owner_of(cloud: LocalCloud, key: str) -> bytes:
    """Whoever has that image, and is not the built-in owner."""
    with database(cloud) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.owner_id FROM images i JOIN accounts a ON a.owner_id = i.owner_id WHERE i.image_key = %s",
            (key.encode(),),
        )
        (found,) = cursor.fetchall()
        return bytes(found[0])


def _rows_of(cloud: LocalCloud, owner_id: bytes) -> dict[str, int]:
    """How many rows each table still has of the owner's, where there are any; receipts and the audit log apart."""
    with database(cloud) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND column_name = 'owner_id' AND table_name <> 'erasures'"
        )
        counts = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT COUNT(*) FROM `{table}` WHERE owner_id = %s", (owner_id,))  # noqa: S608 - a name
            (count,) = cursor.fetchone() or (0,)
            counts[str(table)] = int(count)
        assert len(counts) > 8
        return {table: count for table, count in counts.items() if count}
