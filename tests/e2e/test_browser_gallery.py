"""A person's browser on the gallery: the lightbox, choosing, looks, by mouse, touch and keyboard.

What is promised of it by number is in test_acceptance_gallery.py.
"""

import re
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.sample_images import hills, name_of
from tests.e2e.store_client import StoreClient, image_path
from tests.e2e.ten_thousand import UPLOADED, Opened, chosen, database, shifts, shown_key, tile, tiles
from tests.e2e.test_browser import CHROMIUM
from tests.local_cloud import LocalCloud

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")


def test_without_script_the_pages_hold_every_image_once(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    seen: list[str] = []
    for _ in range(3):
        seen += page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.key)")
        page.get_by_role("link", name="Older images").click()
    assert len(seen) == len(set(seen)) == 180
    page.locator(".tile > a").first.click()
    expect(page.locator("h1")).to_contain_text("old ")


def test_without_script_images_are_chosen_moved_to_the_trash_and_brought_back(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    page.get_by_role("link", name="Older images").click()
    keys = [tiles(page).nth(number).get_attribute("data-key") or "" for number in (3, 4)]
    for key in keys:
        page.get_by_label(f"Choose {key}").check(force=True)
    expect(page.get_by_role("button", name="Choose all shown")).to_be_hidden()  # it needs a script
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("2 moved to Trash")).to_be_visible()
    assert "after=" in page.url
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("2 images restored.")).to_be_visible()
    assert tiles(page).nth(3).get_attribute("data-key") == keys[0]


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
    with database(gallery) as connection, connection.cursor() as cursor:
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
