"""A person's browser uploads many images at once, and large ones, straight to the object store."""

import re
import secrets
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image
from playwright.sync_api import Browser, Dialog, Locator, Page, Route, expect, sync_playwright

from tests.e2e.store_client import StoreClient
from tests.e2e.test_browser import ARGUMENTS, CHROMIUM, form
from tests.local_cloud import LocalCloud

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")
STORED = 30_000  # ms; a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, cloud: LocalCloud) -> Iterator[Page]:
    """The upload page; the test fails if the browser complains of something blocked."""
    with browser.new_context(base_url=cloud.address) as context:
        complaints: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/upload")
        yield page
        assert [words for words in complaints if "Content Security" in words or "Error:" in words] == []


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Five images, none like another, with names that no other test has."""
    run = secrets.token_hex(4)
    made = [tmp_path / f"{run} {number} é.png" for number in range(5)]
    for number, path in enumerate(made):
        noise = BytesIO()
        Image.frombytes("RGB", (9, 9), secrets.token_bytes(243)).resize((90 + number, 90)).save(noise, "PNG")
        path.write_bytes(noise.getvalue())
    return made


def send(page: Page, files: list[Path]) -> None:
    page.get_by_label("Image", exact=True).set_input_files(files)
    form(page).get_by_role("button", name="Upload", exact=True).click()


def row(page: Page, path: Path) -> Locator:
    return page.locator("[data-rows] li").filter(has_text=path.name)


def total(page: Page) -> Locator:
    return page.locator("[data-total-words]")


def bytes_of(cloud: LocalCloud, key: str) -> bytes:
    return StoreClient(cloud.address).get(key).body


def test_many_images_go_at_once_each_by_its_file_s_name(page: Page, cloud: LocalCloud, files: list[Path]) -> None:
    page.get_by_label("Image", exact=True).set_input_files(files)
    expect(form(page).get_by_label("Key")).to_be_hidden()
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    form(page).get_by_role("button", name="Upload", exact=True).click()
    expect(total(page)).to_have_text("5 of 5 stored", timeout=STORED)
    expect(page.locator("[data-rows] progress")).to_have_count(5)
    assert len([url for url in posts if url.startswith(cloud.environ["AWS_ENDPOINT_URL"])]) == 5  # each was sent once
    assert len(posts) == 15
    for path in files:
        bar = row(page, path).get_by_role("progressbar")
        assert bar.evaluate("bar => bar.value === bar.max")
        assert bytes_of(cloud, path.name) == path.read_bytes()
    row(page, files[0]).get_by_role("link", name="Stored").click()
    expect(page.locator("h1")).to_have_text(files[0].name)


def test_a_large_image_goes_straight_to_the_store_and_ends_on_its_page(page: Page, tmp_path: Path) -> None:
    large = tmp_path / f"large {secrets.token_hex(4)}.png"
    Image.effect_noise((2300, 2300), 100).save(large)
    assert large.stat().st_size > 4 * 1024 * 1024
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    send(page, [large])
    expect(page.locator("h1")).to_have_text(large.name, timeout=STORED)
    expect(page.get_by_role("status").first).to_contain_text("is stored")
    assert not [url for url in posts if url.endswith("/upload")]


def test_what_is_refused_says_why_and_the_others_are_stored(page: Page, files: list[Path]) -> None:
    files[1].write_bytes(files[1].read_bytes()[:60])
    files[2].write_bytes(b"MZ just a program")
    send(page, files)
    expect(total(page)).to_have_text("3 of 5 stored, 2 refused", timeout=STORED)
    for path in files[1:3]:
        expect(row(page, path).locator(".hint")).not_to_be_empty()
        expect(row(page, path).get_by_role("button")).to_be_hidden()


def test_files_whose_names_are_taken_replace_nothing_and_say_where_they_are(
    page: Page, cloud: LocalCloud, files: list[Path]
) -> None:
    store = StoreClient(cloud.address)
    old, same, _, new, _ = files
    before = StoreClient(cloud.address).put(old.name, (data := new.read_bytes()))
    assert (before.status, store.put(same.name, same.read_bytes()).status) == (201, 201)
    new.unlink()
    send(page, [old, same, files[2]])
    expect(total(page)).to_have_text("2 of 3 stored, 1 there already", timeout=STORED)
    kept = old.name.replace(".png", " (2).png")
    expect(row(page, old).locator(".hint")).to_have_text(f"Stored as {kept}: another image is called {old.name}")
    expect(row(page, same).locator(".hint")).to_have_text(f"Not stored again. Already in your gallery: {same.name}")
    assert (bytes_of(cloud, old.name), bytes_of(cloud, kept)) == (data, old.read_bytes())
    for name in (old.name, kept):
        address = row(page, old).get_by_role("link", name=name, exact=True).get_attribute("href")
        assert address is not None
        assert unquote(address).endswith(f"key={name}")
    send(page, [old, files[2]])  # the same folder once more
    expect(total(page)).to_have_text("2 of 5 stored, 3 there already", timeout=STORED)
    assert store.get(old.name.replace(".png", " (3).png")).status == 404


def test_an_upload_that_failed_is_sent_again_by_retry(page: Page, cloud: LocalCloud, files: list[Path]) -> None:
    bucket = re.compile(re.escape(cloud.environ["AWS_ENDPOINT_URL"]))
    failures = [500]

    def answer(route: Route) -> None:
        if failures and route.request.method == "POST":
            route.fulfill(status=failures.pop(), headers={"Access-Control-Allow-Origin": "*"}, body="InternalError")
        else:
            route.continue_()

    page.route(bucket, answer)
    send(page, files[:2])
    expect(total(page)).to_have_text("1 of 2 stored, 1 failed", timeout=STORED)
    failed = page.locator("[data-rows] li[data-state=failed]")
    expect(failed.locator(".hint")).to_have_text("The object store answered 500.")
    failed.get_by_role("button", name="Retry").click()
    expect(total(page)).to_have_text("2 of 2 stored", timeout=STORED)
    for path in files[:2]:
        assert bytes_of(cloud, path.name) == path.read_bytes()


def test_who_is_signed_out_meanwhile_signs_in_and_goes_on(page: Page, cloud: LocalCloud, files: list[Path]) -> None:
    problem = '{"type": "urn:elastic-images:problem:not-signed-in", "detail": "You are not signed in any more."}'
    page.route("**/api/v1/uploads", lambda route: route.fulfill(status=401, body=problem))
    send(page, files)
    banner = page.locator("[data-queue]").get_by_role("alert")
    expect(banner).to_contain_text("You are signed out. Sign in there, then resume here", timeout=STORED)
    expect(total(page)).to_have_text("0 of 5 stored, 5 paused", timeout=STORED)
    with page.context.expect_page() as opened:
        banner.get_by_role("link", name="Sign in").click()
    opened.value.close()
    page.unroute("**/api/v1/uploads")
    page.get_by_role("button", name="Resume all").click()
    expect(banner).to_be_hidden()
    expect(total(page)).to_have_text("5 of 5 stored", timeout=STORED)


def test_what_there_is_no_room_for_waits_for_a_retry(page: Page, files: list[Path]) -> None:
    problem = '{"type": "urn:elastic-images:problem:over-quota", "detail": "There is room for 3 bytes."}'
    page.route("**/api/v1/uploads", lambda route: route.fulfill(status=413, body=problem), times=1)
    send(page, files[:2])
    expect(total(page)).to_have_text("1 of 2 stored, 1 failed", timeout=STORED)
    failed = page.locator("[data-rows] li[data-state=failed]")
    expect(failed.locator(".hint")).to_have_text("There is room for 3 bytes.")
    failed.get_by_role("button", name="Retry").click()
    expect(total(page)).to_have_text("2 of 2 stored", timeout=STORED)


@pytest.mark.parametrize("how", ["paused", "lost", "failed"])
def test_leaving_is_asked_about_as_long_as_an_upload_has_not_ended(
    page: Page, cloud: LocalCloud, files: list[Path], how: str
) -> None:
    bucket = re.compile(re.escape(cloud.environ["AWS_ENDPOINT_URL"]))
    held: list[Route] = []
    handlers: dict[str, Callable[[Route], None]] = {
        "paused": lambda route: held.append(route),
        "lost": lambda route: route.abort("connectionreset"),
        "failed": lambda route: route.fulfill(status=500, headers={"Access-Control-Allow-Origin": "*"}),
    }
    page.route(bucket, handlers[how])
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    send(page, files[:2])
    if how == "paused":
        page.get_by_role("button", name="Pause all").click()
    state = "failed" if how == "failed" else "paused"
    expect(page.locator(f"[data-rows] li[data-state={state}]")).to_have_count(2, timeout=STORED)
    page.get_by_role("link", name="Keys", exact=True).first.click(no_wait_after=True)
    expect(page.locator(f"[data-rows] li[data-state={state}]")).to_have_count(2)
    assert asked == ["beforeunload"]
    page.unroute(bucket)
    for button in page.locator("[data-rows]").get_by_role("button").all():
        button.click()
    if how == "paused":
        page.get_by_role("button", name="Resume all").click()
    expect(total(page)).to_have_text("2 of 2 stored", timeout=STORED)
    page.get_by_role("link", name="Keys", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Keys")
    assert asked == ["beforeunload"]  # nothing is left to ask about


def test_uploads_pause_and_resume_by_file_and_all_together(page: Page, cloud: LocalCloud, files: list[Path]) -> None:
    bucket = re.compile(re.escape(cloud.environ["AWS_ENDPOINT_URL"]))
    held: list[Route] = []
    page.route(bucket, lambda route: held.append(route))  # nothing goes on until it is let
    send(page, files)
    expect(page.locator("[data-rows] li[data-state=sending]")).to_have_count(3, timeout=STORED)
    row(page, files[0]).get_by_role("button", name="Pause").click()
    expect(row(page, files[0])).to_contain_text("Paused")
    expect(page.locator("[data-rows] li[data-state=sending]")).to_have_count(3)  # another took its turn
    page.get_by_role("button", name="Pause all").click()
    expect(page.locator("[data-rows] li[data-state=sending]")).to_have_count(0)
    page.unroute(bucket)
    page.get_by_role("button", name="Resume all").click()
    expect(total(page)).to_have_text("5 of 5 stored", timeout=STORED)
    assert len(held) <= 4  # none was sent twice meanwhile
    for path in files:
        assert bytes_of(cloud, path.name) == path.read_bytes()


def test_a_page_that_is_gone_before_it_could_say_so_loses_nothing(
    page: Page, cloud: LocalCloud, files: list[Path]
) -> None:
    page.route(re.compile("/complete$"), lambda route: route.abort())  # the store is told by the object store alone
    send(page, files[:2])
    store = StoreClient(cloud.address)
    for path in files[:2]:
        page.wait_for_timeout(100)
        for _ in range(300):
            if store.get(path.name).status == 200:
                break
            page.wait_for_timeout(100)
        assert store.get(path.name).body == path.read_bytes()


@pytest.mark.parametrize("width", [320, 1280])
def test_the_list_is_no_wider_than_its_window(
    browser: Browser, cloud: LocalCloud, files: list[Path], width: int
) -> None:
    with browser.new_context(base_url=cloud.address, viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        page.goto("/upload")
        long = [path.rename(path.with_name(f"{'w' * 200} {path.name}")) for path in files[:3]]
        send(page, long)
        expect(total(page)).to_have_text("3 of 3 stored", timeout=STORED)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
