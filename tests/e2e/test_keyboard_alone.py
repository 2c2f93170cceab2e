"""The main things done with the keyboard alone."""

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.sample_images import hills
from tests.e2e.store_client import StoreClient, image_path
from tests.e2e.ten_thousand import Opened, tile, tiles
from tests.e2e.test_browser import CHROMIUM
from tests.local_cloud import LocalCloud

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")
STORED = 60_000  # ms; a busy machine


def test_with_the_keyboard_alone_one_uploads_finds_tags_trashes_undoes_and_shares(
    opened: Opened, gallery: LocalCloud
) -> None:
    """Nothing here is clicked, focused or filled by the test: every step is a key that was pressed."""
    name = f"keyboard {secrets.token_hex(4)}.jpg"
    page = opened("/upload")
    _tab_to(page, page.get_by_label("Image", exact=True))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files({"name": name, "mimeType": "image/jpeg", "buffer": hills(70)})
    _tab_to(page, page.locator("form[data-upload]").get_by_role("button", name="Upload", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name, timeout=STORED)
    _tab_to(page, page.get_by_label("New tag"))
    page.keyboard.type("By Hand")
    page.keyboard.press("Enter")
    expect(page.locator("#tags")).to_contain_text("by hand")
    _tab_to(page, page.get_by_role("navigation", name="Pages").get_by_role("link", name="Images"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/$"))
    _tab_to(page, page.get_by_label("Find images"))
    page.keyboard.type('tag:"by hand" ' + name.split()[1].removesuffix(".jpg"))
    page.keyboard.press("Enter")
    expect(tiles(page)).to_have_count(1)
    _tab_to(page, tile(page, 0))
    page.keyboard.press("Space")
    expect(page.locator("[data-count]")).to_have_text("1 chosen")
    _tab_to(page, page.get_by_role("button", name="Move to trash"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 moved to Trash")).to_be_visible()
    _tab_to(page, page.get_by_role("button", name="Undo"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 image restored.")).to_be_visible()
    expect(tiles(page)).to_have_count(1)
    _tab_to(page, tile(page, 0))
    page.keyboard.press("Enter")
    expect(page.locator("#lightbox #about")).to_be_visible()
    _tab_to(page, page.locator("#lightbox").get_by_role("link", name="Share…"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Share an image")
    _tab_to(page, page.get_by_role("button", name="Make the link"))
    page.keyboard.press("Enter")
    link = page.get_by_label("Link", exact=True).input_value()
    stranger = opened(urlsplit(link).path)
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Shared image")
    StoreClient(gallery.address)("DELETE", image_path(name))


def _tab_to(page: Page, wanted: Any) -> None:
    """Presses Tab, or Shift and Tab if it lies behind, until it has the focus."""
    expect(wanted).to_be_visible()
    behind = "one => Boolean(one.compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_FOLLOWING)"
    pressed = "Shift+Tab" if wanted.evaluate(behind) else "Tab"
    for _ in range(150):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press(pressed)
    raise AssertionError(f"Tab does not lead to {wanted}.")
