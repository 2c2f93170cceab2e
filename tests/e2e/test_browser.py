"""A person's browser on the whole store: upload, look, retrieve, delete, with script and without."""

import secrets
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import quote, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.e2e.browser import browser_path
from tests.local_cloud import LocalCloud, until

CHROMIUM = browser_path()
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


def opened(browser: Browser, cloud: LocalCloud, *, script: bool, width: int = 1280) -> BrowserContext:
    return browser.new_context(
        base_url=cloud.address, java_script_enabled=script, viewport={"width": width, "height": 900}
    )


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(request: pytest.FixtureRequest, browser: Browser, cloud: LocalCloud) -> Iterator[Page]:
    """A page that fails the test if the browser complains, of a blocked style or script for instance."""
    with opened(browser, cloud, script=request.param) as context:
        complaints: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert [words for words in complaints if "status of 4" not in words] == []


def png(width: int, height: int, colour: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def upload(page: Page, key: str, data: bytes, name: str = "file.png") -> None:
    page.goto("/upload")
    page.get_by_label("Image", exact=True).set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
    form(page).get_by_label("Key").fill(key)
    with page.expect_event("framenavigated"):
        page.get_by_role("button", name="Upload").click()
    where = urlsplit(page.url)
    if where.path == "/":  # without script it leads to the gallery
        page.goto(f"/image?key={quote(key)}&{where.query}")


def form(page: Page) -> Locator:
    return page.locator("form[data-upload]")


def natural_size(page: Page) -> list[int]:
    size: list[int] = page.locator("#image").evaluate(
        "async image => { await image.decode(); return [image.naturalWidth, image.naturalHeight]; }"
    )
    return size


@pytest.mark.parametrize(
    "key",
    [
        "browser/a ../b%2F+c?d&e#f",
        "browser <script>alert(1)</script> \"'",
        "browser \u202eصورة 🌊 cafe\u0301 ",
        "browser " + "é" * 247,
    ],
    ids=["address", "markup", "unicode", "longest"],
)
def test_an_image_goes_in_and_is_seen_found_and_deleted(page: Page, key: str) -> None:
    data = png(120, 80, "teal")
    upload(page, key, data)
    expect(page.get_by_role("status").first).to_contain_text("is stored")
    assert page.locator("h1").text_content() == key
    expect(page.locator("dl")).to_contain_text("120 × 80 pixels")
    assert natural_size(page) == [120, 80]
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert download.value.path().read_bytes() == data

    page.goto("/keys")
    page.get_by_role("search", name="By key").get_by_role("textbox").fill(key)
    page.get_by_role("button", name="Retrieve").click()
    assert page.locator("h1").text_content() == key

    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_role("status").filter(has_text="1 moved to Trash")).to_be_visible()
    page.goto("/image?key=" + quote(key, safe=""))
    expect(page.locator("h1")).to_have_text("No such image")
    assert page.get_by_role("textbox").input_value() == key


def test_one_chosen_file_replaces_nothing_unless_its_key_is_written_and_names_the_same_bytes(page: Page) -> None:
    name = f"IMG {secrets.token_hex(4)}.png"

    def chosen(data: bytes, key: str | None = None) -> Locator:
        page.goto("/upload")
        page.get_by_label("Image", exact=True).set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
        if key is not None:
            form(page).get_by_label("Key").fill(key)
        page.get_by_role("button", name="Upload").click()
        return page.get_by_role("status").first

    colour = f"#{secrets.token_hex(3)}"  # other bytes each time
    first, other = png(11, 12, colour), png(13, 14, colour)
    expect(chosen(first)).to_have_text("The image is stored.")
    kept = name.replace(".png", " (2).png")
    said = chosen(other)
    expect(said).to_have_text(f"The image is stored as {kept}: another image is called {name}.")
    said.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("dl")).to_contain_text("11 × 12 pixels")
    expect(chosen(other)).to_have_text(f"Nothing was stored: this image is in your gallery already, as {kept}.")
    expect(chosen(first, f"twin of {name}")).to_contain_text(f"The same image is in your gallery already: {name}.")
    expect(chosen(other, name)).to_contain_text("The one that had this key before is gone.")
    page.goto("/image?key=" + quote(name))
    expect(page.locator("dl")).to_contain_text("13 × 14 pixels")


def test_a_file_that_is_no_image_is_refused_and_the_key_stays(page: Page) -> None:
    upload(page, "browser program", b"MZ\x90\x00" * 100, "holiday.png")
    expect(page.locator("h1")).to_have_text("The image was not uploaded")
    expect(page.get_by_role("alert")).to_be_visible()
    assert form(page).get_by_label("Key").input_value() == "browser program"
    page.goto("/image?key=browser%20program")
    expect(page.locator("h1")).to_have_text("No such image")


def test_the_chosen_file_is_previewed_and_suggests_a_key(browser: Browser, cloud: LocalCloud) -> None:
    with opened(browser, cloud, script=True) as context:
        page = context.new_page()
        page.goto("/upload")
        file, key = page.get_by_label("Image", exact=True), form(page).get_by_label("Key")
        file.set_input_files({"name": "first.png", "mimeType": "image/png", "buffer": png(30, 20, "navy")})
        expect(page.get_by_alt_text("Preview of the chosen image")).to_be_visible()
        expect(page.locator("[data-preview]")).to_contain_text("30 × 20 pixels")
        expect(key).to_have_value("first.png")
        file.set_input_files({"name": "second.png", "mimeType": "image/png", "buffer": png(3, 2, "navy")})
        expect(key).to_have_value("second.png")
        key.fill("mine")
        file.set_input_files({"name": "third.png", "mimeType": "image/png", "buffer": png(3, 2, "navy")})
        expect(page.locator("[data-preview]")).to_contain_text("third.png")
        expect(key).to_have_value("mine")


def test_a_dropped_file_is_chosen(browser: Browser, cloud: LocalCloud) -> None:
    with opened(browser, cloud, script=True) as context:
        page = context.new_page()
        page.goto("/upload")
        carried = page.evaluate_handle(
            """bytes => {
              const carried = new DataTransfer();
              carried.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
              return carried;
            }""",
            list(png(12, 34, "olive")),
        )
        page.dispatch_event("[data-drop]", "drop", {"dataTransfer": carried})
        expect(form(page).get_by_label("Key")).to_have_value("dropped.png")
        form(page).get_by_label("Key").fill("browser dropped")
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("dl")).to_contain_text("12 × 34 pixels")


def test_the_images_page_says_where_its_bytes_came_from(browser: Browser, cloud: LocalCloud) -> None:
    with opened(browser, cloud, script=True) as context:
        page = context.new_page()
        upload(page, "browser k1", png(50, 50, "maroon"))
        expect(page.locator("#source")).to_contain_text("Served from origin, partition")
    with opened(browser, cloud, script=True) as context:  # with nothing in its own cache
        page = context.new_page()
        page.goto("/image?key=browser%20k1")
        expect(page.locator("#source")).to_contain_text("Served from node")


def test_an_image_too_large_for_an_answer_is_shown_from_the_bucket(page: Page) -> None:
    noise = BytesIO()
    Image.effect_noise((2300, 2300), 100).save(noise, "PNG")
    assert noise.tell() > 4 * 1024 * 1024
    upload(page, "browser large", noise.getvalue())
    assert natural_size(page) == [2300, 2300]


@pytest.mark.parametrize("width", [320, 1280, 3840])
def test_no_page_is_wider_than_its_window_and_targets_are_large_enough(
    browser: Browser, cloud: LocalCloud, width: int
) -> None:
    with opened(browser, cloud, script=True, width=width) as context:
        page = context.new_page()
        key = "browser " + "w" * 247
        upload(page, key, png(400, 10, "gray"))
        keyed = [f"{path}?key={key}" for path in ("/image", "/delete", "/upload")]
        for path in ("/", "/keys", "/manager", "/upload", "/delete-all", "/nothing/is/here", *keyed):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            heights = page.locator("button, nav a, .button, input:not([type=hidden])").evaluate_all(
                "found => found.filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect().height)"
            )
            assert min(heights) >= 24, path


def test_the_keyboard_reaches_the_content_first_and_focus_is_seen(browser: Browser, cloud: LocalCloud) -> None:
    with opened(browser, cloud, script=True) as context:
        page = context.new_page()
        page.goto("/upload")
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        assert skip.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Image", exact=True)).to_be_focused()


def test_an_edit_and_a_tag_are_asked_for_on_the_images_page(page: Page, request: pytest.FixtureRequest) -> None:
    key = f"edited in a browser {secrets.token_hex(4)}"
    upload(page, key, png(60, 40, "teal"))
    page.goto(f"/image?key={quote(key)}")
    page.get_by_role("button", name="Make: Greyscale").click()
    made = page.locator("#renditions .caption", has_text="Greyscale · 60 × 40")
    if "without script" in request.node.name:
        assert until(lambda: page.reload() is not None and made.count() == 1, timeout_seconds=60)
    expect(made).to_be_visible(timeout=60_000)  # with script it appears by itself
    page.get_by_label("New tag").fill("  By Hand ")
    page.get_by_role("button", name="Add the tag").click()
    expect(page.locator("#tags")).to_contain_text("by hand")
    page.get_by_role("button", name="Remove the tag by hand").click()
    expect(page.locator("#tags")).not_to_contain_text("by hand")
