"""A person's browser on many images at once: chosen, moved to the trash, undone, tagged, downloaded, exported."""

import json
import secrets
import urllib.request
import zipfile
from collections.abc import Iterator
from io import BytesIO

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.store_client import StoreClient, image_path
from tests.e2e.test_browser import CHROMIUM, browser, opened, page, png
from tests.local_cloud import LocalCloud, until

__all__ = ["browser", "page"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")


@pytest.fixture
def keys(cloud: LocalCloud) -> Iterator[list[str]]:
    """Six images of this test's own, and their pictures."""
    store = StoreClient(cloud.address)
    run = secrets.token_hex(4)
    names = [f"! many {run} {number}.png" for number in range(6)]  # on the first page, whatever other tests left
    for number, name in enumerate(names):
        assert store("PUT", image_path(name), png(30 + number, 20, "teal")).status == 201
    yield names
    for name in names:
        store("DELETE", image_path(name))
    store("DELETE", "/api/v1/trash?all=true")


def choose(page: Page, keys: list[str]) -> None:
    for key in keys:
        page.get_by_label(f"Choose {key}").check()


def test_chosen_images_go_to_the_trash_come_back_by_undo_and_end_for_ever(page: Page, keys: list[str]) -> None:
    page.goto("keys")
    choose(page, keys[:4])
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("4 moved to Trash")).to_be_visible()
    expect(page.get_by_role("link", name=keys[0], exact=True)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("4 images restored.")).to_be_visible()
    expect(page.get_by_role("link", name=keys[0], exact=True)).to_be_visible()
    choose(page, keys[:2])
    page.get_by_role("button", name="Move to trash").click()
    page.get_by_role("link", name="Trash", exact=True).first.click()
    expect(page.get_by_role("heading", name="Trash")).to_be_visible()
    shown = page.locator(".put-away img").first
    shown.scroll_into_view_if_needed()
    assert until(lambda: bool(shown.evaluate("image => image.complete && image.naturalWidth > 0")), timeout_seconds=20)
    page.get_by_label(keys[0]).check()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("1 image restored.")).to_be_visible()
    page.get_by_label(keys[1]).check()
    page.get_by_role("button", name="Delete for ever…").click()
    page.get_by_role("button", name="Delete for ever").click()
    expect(page.get_by_text("1 image deleted for ever.")).to_be_visible()


def test_with_the_keyboard_alone(browser: Browser, cloud: LocalCloud, keys: list[str]) -> None:
    with opened(browser, cloud, script=True) as context:
        page = context.new_page()
        page.goto("keys")
        page.get_by_label(f"Choose {keys[0]}").focus()
        page.keyboard.press("Space")
        expect(page.get_by_text("1 chosen")).to_be_visible()
        page.get_by_role("button", name="Move to trash").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("1 moved to Trash")).to_be_visible()
        page.get_by_role("button", name="Undo").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("1 image restored.")).to_be_visible()


def test_everything_is_exported_and_fetched(page: Page, keys: list[str]) -> None:
    page.goto("keys")
    choose(page, keys[:3])
    page.get_by_label("Tag for the chosen images").fill("Harbour")
    page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.get_by_text("3 images tagged.")).to_be_visible()
    page.goto("downloads")
    page.get_by_role("button", name="Export everything").click()
    expect(page.get_by_role("heading", name="Downloads", exact=True)).to_be_visible()
    first = page.locator(".downloads li").first

    def is_ready() -> bool:
        page.goto("downloads")
        return first.get_by_text("ready", exact=True).is_visible()

    assert until(is_ready, timeout_seconds=60)
    link = first.get_by_role("link", name="Download").get_attribute("href")
    assert link is not None
    address = page.url.split("/downloads")[0] + link
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  # our own http address
        data = answer.read()
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        told = {one["key"]: one for one in json.loads(archive.read("images.json"))["images"]}
        assert set(keys) <= set(told)
        assert archive.read(told[keys[0]]["file"]) == png(30, 20, "teal")
        assert {"tag": "harbour", "automatic": False} in told[keys[0]]["tags"]
