"""A browser that searches: by filter and by word, with script and without, by mouse and by keyboard."""

import secrets
from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from chalicelib.domain.accounts import Principal
from chalicelib.domain.jobs import Render
from tests.e2e.acceptance import launched
from tests.e2e.browser import browser_path, served
from tests.fakes import MemoryParts, NullStopwatch

DEMO = Principal("demo")

pytestmark = pytest.mark.skipif(browser_path() is None, reason="no browser is installed: ops/setup.sh --browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def parts() -> MemoryParts:
    """Three images, newest last; the sea is tagged beach by its owner, and blue as it was seen."""
    made = MemoryParts()
    images = made.services().images
    for key, colour in (("sea 1", "teal"), ("sea side", "navy"), ("old town", "brown")):
        out = BytesIO()
        Image.new("RGB", (120, 80), colour).save(out, "PNG")
        images.put(DEMO, key.encode(), out.getvalue(), lambda image: None, NullStopwatch())
        made.clock.advance(60.0)
    see(made, "sea 1", "blue")
    assert made.rendition_rows.add_tag(DEMO, b"sea 1", "beach", 50)
    return made


def see(parts: MemoryParts, key: str, tag: str) -> None:
    """What the worker does when it has looked at the image."""
    image = parts.image_rows.row(DEMO, key.encode()).image
    assert image is not None
    order = Render(image.owner_id, image.key, image.object_key, ())
    parts.render_rows.complete(order, secrets.token_bytes(16), secrets.token_bytes(16), [], [tag])


@pytest.fixture
def address(parts: MemoryParts) -> Iterator[str]:
    """The application on fakes, served on loopback."""
    with served(parts) as address:
        yield address


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test if the browser complains."""
    with browser.new_context(base_url=address, java_script_enabled=request.param) as context:
        complaints: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/")
        yield page
        assert [words for words in complaints if "status of 4" not in words] == []


def expect_found(page: Page, *keys: str) -> None:
    expect(page.locator("#gallery .tile")).to_have_count(len(keys))
    shown = page.locator("#gallery .tile").evaluate_all("tiles => tiles.map((tile) => tile.dataset.key)")
    assert shown == list(keys)


def search(page: Page, text: str) -> None:
    box = page.get_by_label("Find images")
    box.fill(text)
    box.press("Enter")


def test_a_tag_filters_and_the_search_is_kept_in_the_address(page: Page) -> None:
    expect_found(page, "old town", "sea side", "sea 1")
    search(page, "tag:beach")
    expect_found(page, "sea 1")
    assert page.url.endswith("/?q=tag%3Abeach")
    expect(page.get_by_label("Find images")).to_have_value("tag:beach")
    page.reload()
    expect_found(page, "sea 1")
    page.go_back()
    expect_found(page, "old town", "sea side", "sea 1")
    page.go_forward()
    page.get_by_role("link", name="tag beach").click()
    expect_found(page, "old town", "sea side", "sea 1")


def test_words_and_filters_together_and_what_is_left_out(page: Page) -> None:
    search(page, "sea -tag:beach")
    expect_found(page, "sea side")
    page.get_by_role("link", name="not tag beach").click()
    expect_found(page, "sea side", "sea 1")
    search(page, "colour:blue se")
    expect_found(page, "sea 1")


def test_what_cannot_be_understood_or_found_says_so(page: Page) -> None:
    search(page, "place:rome")
    expect(page.get_by_role("alert")).to_contain_text("There is no filter “place:”")
    expect(page.get_by_label("Find images")).to_have_value("place:rome")
    search(page, "zebra")
    expect(page.get_by_text("No image is found.")).to_be_visible()
    page.get_by_role("link", name="See all images").click()
    expect_found(page, "old town", "sea side", "sea 1")


def test_tags_of_one_s_own_look_different_and_a_removed_automatic_one_stays_removed(
    page: Page, parts: MemoryParts
) -> None:
    page.goto("/image?key=sea%201")
    own, found = (page.locator(".tags li", has_text=tag) for tag in ("beach", "blue"))
    expect(found).to_contain_text("found")
    expect(own).not_to_contain_text("found")
    borders = [each.evaluate("tag => getComputedStyle(tag).borderTopStyle") for each in (own, found)]
    assert borders == ["solid", "dashed"]
    page.get_by_role("button", name="Remove the tag blue").click()
    expect(page.get_by_role("status").first).to_contain_text("The tag is off the image.")
    see(parts, "sea 1", "blue")
    search_from_home(page, "tag:blue")
    expect(page.get_by_text("No image is found.")).to_be_visible()
    page.goto("/image?key=sea%201")
    page.locator(".tags").get_by_role("link", name="beach").click()
    expect_found(page, "sea 1")


def search_from_home(page: Page, text: str) -> None:
    page.goto("/")
    search(page, text)


@pytest.mark.parametrize("page", [True], indirect=True, ids=["with script"])
def test_what_is_being_written_is_completed(page: Page) -> None:
    page.get_by_label("Find images").press_sequentially("sid be")
    option = page.locator("#q-suggestions option").first
    expect(option).to_have_attribute("value", "sid tag:beach")
    expect(option).to_have_text("1 image")


@pytest.mark.parametrize("page", [True], indirect=True, ids=["with script"])
def test_nothing_is_lost_on_a_narrow_screen(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    search(page, f"-tag:{'w' * 50} {'w' * 20}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
