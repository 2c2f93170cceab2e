"""What somebody new meets: an empty gallery, a first batch of files, and the way on by keyboard or without script."""

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e import acceptance
from tests.e2e.acceptance import STORED, row, total
from tests.e2e.test_accounts import signed_up
from tests.e2e.test_browser import CHROMIUM
from tests.local_cloud import LocalCloud

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with acceptance.launched() as launched:
        yield launched


@pytest.fixture(scope="module")
def cookies(cloud: LocalCloud) -> dict[str, str]:
    """Of an account that was just made."""
    return signed_up(cloud, f"{secrets.token_hex(6)}@example.org").cookies


def opened(browser: Browser, cloud: LocalCloud, cookies: dict[str, str], *, script: bool = True) -> BrowserContext:
    context = browser.new_context(base_url=cloud.address, java_script_enabled=script)
    context.add_cookies([{"name": name, "value": value, "url": cloud.address} for name, value in cookies.items()])
    return context


@pytest.fixture(scope="module")
def keys(
    browser: Browser, cloud: LocalCloud, cookies: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """A first batch of five is chosen in the empty gallery, three of them refused; the keys of those that are kept."""
    folder = tmp_path_factory.mktemp("newcomer")
    good = acceptance.files(folder, 2)
    refused = [folder / name for name in ("empty.png", "program.png", "too large.png")]
    refused[0].touch()
    refused[1].write_bytes(b"MZ\x90\x00" + secrets.token_bytes(2000))
    with refused[2].open("wb") as large:
        large.truncate(64 * 1024 * 1024 + 1)
    with opened(browser, cloud, cookies) as context:
        page = context.new_page()
        page.goto("/")
        expect(page.get_by_text("No images yet.")).to_be_visible()
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
        page.locator("#file").set_input_files([refused[2], good[0], refused[0], refused[1], good[1]])
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(total(page)).to_have_text("2 of 5 stored, 3 refused", timeout=STORED)
        for path in good:
            expect(page.locator(".tile", has_text=path.name)).to_be_visible(timeout=STORED)
        # The first images came beside the list of what was refused, which is not lost with them.
        expect(page.get_by_text("No images yet.")).to_have_count(0)
        for path, words in zip(refused, ("empty", "not an image", "at most 64 MiB"), strict=True):
            expect(row(page, path)).to_contain_text(words)
        assert not [words for words in sent if "too large" in words or "empty.png" in words]
    return [path.name for path in good]


@pytest.fixture
def page(browser: Browser, cloud: LocalCloud, cookies: dict[str, str]) -> Iterator[Page]:
    """The gallery of that account."""
    with opened(browser, cloud, cookies) as context:
        page = context.new_page()
        page.goto("/")
        yield page


def test_a_first_batch_comes_into_the_gallery_and_what_was_refused_stays_listed(page: Page, keys: list[str]) -> None:
    page.reload()
    assert sorted(page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.key)")) == sorted(keys)


def test_from_a_chosen_image_keys_lead_to_the_tag_and_to_the_trash(page: Page, keys: list[str]) -> None:
    page.locator(".tile > a").first.focus()
    page.keyboard.press("t")
    page.keyboard.press("Delete")  # nothing is chosen: nothing happens
    page.keyboard.press("Space")
    expect(page.get_by_text("1 chosen")).to_be_visible()
    page.keyboard.press("t")
    expect(page.get_by_label("Tag for the chosen images")).to_be_focused()
    page.keyboard.type("seaside")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 image tagged")).to_be_visible()
    page.goto("/?q=seas")  # no word, but the beginning of a tag
    page.get_by_role("link", name="tag:seaside 1 image").click()
    expect(page.locator(".tile")).to_have_count(1)
    page.locator(".tile > a").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 image restored")).to_be_visible()


def test_without_script_many_are_put_in_the_trash_and_back(
    browser: Browser, cloud: LocalCloud, cookies: dict[str, str], keys: list[str]
) -> None:
    with opened(browser, cloud, cookies, script=False) as context:
        plain = context.new_page()
        plain.goto("/")
        for key in keys:
            plain.get_by_role("checkbox", name=f"Choose {key}").check()
        plain.get_by_role("button", name="Move to trash").click()
        expect(plain.get_by_text("2 moved to Trash")).to_be_visible()
        plain.get_by_role("button", name="Undo").click()
        expect(plain.locator(".tile")).to_have_count(2)
