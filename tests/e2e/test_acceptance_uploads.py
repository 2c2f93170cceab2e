"""What a person sees when they upload: the acceptance checks 1 to 6, each by its number, in a real browser."""

import os
import re
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e import acceptance
from tests.e2e.acceptance import STORED, all_stored, choose, drop, row, total
from tests.e2e.cut_network import cut_network
from tests.e2e.store_client import StoreClient
from tests.e2e.ten_thousand import database
from tests.e2e.test_browser import CHROMIUM
from tests.local_cloud import LocalCloud

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")

# ms: a message that was on its way to who was held comes again once it is visible again, after three minutes.
AFTER_THE_HOLD = 240_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with acceptance.launched() as launched:
        yield launched


@pytest.fixture
def page(browser: Browser, cloud: LocalCloud) -> Iterator[Page]:
    with acceptance.opened(browser, cloud) as page:
        page.goto("/upload")
        yield page


def object_store(cloud: LocalCloud) -> re.Pattern[str]:
    """Where browsers send files."""
    return re.compile(re.escape(cloud.environ["AWS_ENDPOINT_URL"]))


def image_page(key: str) -> str:
    return f"/image?key={quote(key)}"


def test_check_1_fifty_files_dropped_anywhere_on_the_gallery_have_a_bar_each_and_the_page_stays_usable(
    page: Page, cloud: LocalCloud, tmp_path: Path
) -> None:
    store = StoreClient(cloud.address)
    there = f"before {secrets.token_hex(4)}.png"
    assert store.put(there, acceptance.image()).status == 201
    page.goto("/")
    dropped = acceptance.files(tmp_path, 50)
    held: list[Route] = []
    page.route(object_store(cloud), lambda route: held.append(route))
    drop(page, dropped, page.get_by_role("contentinfo"))  # at the far end of the page
    bars = page.get_by_role("listitem").get_by_role("progressbar")
    expect(bars).to_have_count(50, timeout=STORED)
    expect(page.get_by_role("progressbar", name="All uploads")).to_be_visible()
    page.get_by_label("Find images").first.fill("typed while files are on their way")
    expect(page.get_by_label("Find images").first).to_have_value("typed while files are on their way")
    page.get_by_role("link", name=there).first.click()  # an image that was there before is looked at meanwhile
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    for number in range(3, 0, -1):  # three go at once: let them wait long enough that a pace can be told
        page.wait_for_timeout(250 * number)
        while held:
            held.pop().continue_()
    expect(page.get_by_text(re.compile(r"^About \d+ (s|min) left$"))).to_be_visible(timeout=STORED)
    page.unroute(object_store(cloud))
    while held:
        held.pop().continue_()
    all_stored(page, 50)
    expect(page.get_by_text(re.compile("left$"))).to_be_hidden()
    expect(page.get_by_role("link", name=dropped[0].name).first).to_be_attached()
    assert all(store.get(path.name).body == path.read_bytes() for path in dropped)


def test_check_2_a_file_that_is_there_already_is_named_with_a_link(
    page: Page, cloud: LocalCloud, tmp_path: Path
) -> None:
    first, other = acceptance.files(tmp_path, 2)
    choose(page, [first, other])
    all_stored(page, 2)
    twin = first.with_name(f"twin of {first.name}")
    twin.write_bytes(first.read_bytes())
    choose(page, [twin, other])
    expect(total(page)).to_have_text("3 of 4 stored, 1 there already", timeout=STORED)
    expect(row(page, twin).filter(has_text="twin of")).to_contain_text("Already in your gallery")
    expect(row(page, other).last).to_contain_text("Not stored again. Already in your gallery")  # the same file
    row(page, twin).get_by_role("link", name=first.name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first.name)


def test_check_3_a_connection_lost_at_sixty_percent_pauses_resumes_and_sends_no_finished_file_again(
    browser: Browser, cloud: LocalCloud, tmp_path: Path
) -> None:
    chosen = acceptance.files(tmp_path, 8, noise=560)  # about 1 MB each
    bytes_of_all = sum(path.stat().st_size for path in chosen)
    with (
        cut_network(cloud.environ["AWS_ENDPOINT_URL"], bytes_of_all * 6 // 10) as network,
        acceptance.opened(browser, cloud, proxy=network.address) as page,
    ):
        page.goto("/upload")
        choose(page, chosen)
        expect(page.get_by_text("Paused: the connection was lost").first).to_be_visible(timeout=STORED)
        assert network.lost.is_set()
        assert 0.6 <= network.passed / bytes_of_all < 0.95
        finished = {one.name for one in network.sent if one.whole}
        cut = [one for one in network.sent if not one.whole]
        assert cut
        assert any(one.length // 4 < one.passed for one in cut), "in the middle of a file"
        assert len(finished) >= 2
        before = len(network.sent)
        network.mend()  # nobody presses anything
        all_stored(page, 8)
    again = [one.name for one in network.sent[before:]]
    assert sorted(again) == sorted({path.name for path in chosen} - finished)
    store = StoreClient(cloud.address)
    assert all(store.get(path.name).body == path.read_bytes() for path in chosen)


def test_check_3_what_a_person_paused_stays_paused_when_the_connection_is_back(
    page: Page, cloud: LocalCloud, tmp_path: Path
) -> None:
    chosen = acceptance.files(tmp_path, 2)
    page.route(object_store(cloud), lambda route: route.abort("connectionreset"))
    choose(page, chosen)
    expect(total(page)).to_have_text("0 of 2 stored, 2 paused", timeout=STORED)
    page.get_by_role("button", name="Pause all").click()
    page.unroute(object_store(cloud))
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_timeout(500)
    expect(total(page)).to_contain_text("0 of 2 stored")
    page.get_by_role("button", name="Resume all").click()
    all_stored(page, 2)


def test_check_4_a_renamed_program_is_refused_by_name_and_forty_megabytes_beside_it_are_stored(
    page: Page, tmp_path: Path
) -> None:
    program = tmp_path / f"holiday {secrets.token_hex(4)}.png"
    program.write_bytes(b"MZ\x90\x00" + secrets.token_bytes(4000))
    large = acceptance.photograph(tmp_path)
    choose(page, [program, large])
    expect(total(page)).to_have_text("1 of 2 stored, 1 refused", timeout=2 * STORED)
    expect(row(page, program)).to_contain_text(re.compile("no image|not an image|JPEG, PNG, GIF", re.IGNORECASE))
    row(page, large).get_by_role("link", name="Stored").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(large.name)


def test_check_5_without_script_an_image_is_chosen_sent_and_in_the_gallery(
    browser: Browser, cloud: LocalCloud, tmp_path: Path
) -> None:
    (chosen,) = acceptance.files(tmp_path, 1)
    with acceptance.opened(browser, cloud, script=False) as page:
        page.goto("/upload")
        page.get_by_label("Image", exact=True).set_input_files(chosen)
        page.get_by_label("Key", exact=True).first.fill(f"! {chosen.name}")
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Images")  # the gallery
        expect(page.get_by_role("status").filter(has_text="is stored")).to_be_visible()
        shown = page.get_by_role("img", name=f"! {chosen.name}", exact=True)
        expect(shown.first).to_be_visible()
        assert shown.first.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 90


def test_check_5_without_script_six_megabytes_go_straight_to_the_object_store_and_are_in_the_gallery(
    browser: Browser, cloud: LocalCloud, tmp_path: Path
) -> None:
    (chosen,) = acceptance.files(tmp_path, 1, noise=1450)
    assert chosen.stat().st_size > 6_000_000
    with acceptance.opened(browser, cloud, script=False) as page:
        page.goto("/upload")
        expect(page.get_by_text("at most 4.0 MiB")).to_be_visible()
        page.get_by_role("link", name="goes another way").click()
        page.get_by_label("Key", exact=True).first.fill(f"! {chosen.name}")
        page.get_by_role("button", name="Choose the image").click()
        page.get_by_label("Image", exact=True).set_input_files(chosen)
        posts: list[str] = []
        page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Images", timeout=STORED)  # the gallery
        assert [object_store(cloud).match(url) is not None for url in posts] == [True]
        expect(page.get_by_role("status").filter(has_text="is stored")).to_be_visible()
        expect(page.get_by_role("img", name=f"! {chosen.name}", exact=True).first).to_be_visible()
    assert StoreClient(cloud.address).get(f"! {chosen.name}").status == 302  # too large for an answer


def test_check_6_renditions_are_processing_and_fill_in_without_a_reload(
    page: Page, cloud: LocalCloud, tmp_path: Path
) -> None:
    (chosen,) = acceptance.files(tmp_path, 1)
    with worker_held(cloud):
        choose(page, [chosen])
        expect(page.get_by_role("heading", level=1)).to_have_text(chosen.name, timeout=STORED)
        assert page.locator("#image").evaluate("async one => { await one.decode(); return one.naturalWidth; }") == 90
        expect(page.get_by_text(re.compile("^processing$", re.IGNORECASE))).to_have_count(3)
        page.evaluate("window.sameDocument = true")  # lost with the document
    expect(page.get_by_text(re.compile("^Preview · 90 × 60$"))).to_be_visible(timeout=AFTER_THE_HOLD)
    expect(page.get_by_text(re.compile("^processing$", re.IGNORECASE))).to_have_count(0)
    assert page.evaluate("window.sameDocument") is True


def test_check_6_a_failed_rendition_says_why_and_offers_retry_without_a_reload(
    page: Page, cloud: LocalCloud, tmp_path: Path
) -> None:
    (chosen,) = acceptance.files(tmp_path, 1)
    with worker_held(cloud):
        choose(page, [chosen])
        expect(page.get_by_text(re.compile("^processing$", re.IGNORECASE))).to_have_count(3, timeout=STORED)
        page.evaluate("window.sameDocument = true")
        _fail(cloud, chosen.name, "The machine was out of memory.")
        expect(page.get_by_text("The machine was out of memory.").first).to_be_visible(timeout=STORED)
        expect(page.get_by_text(re.compile("^failed$", re.IGNORECASE)).first).to_be_visible()
        assert page.evaluate("window.sameDocument") is True
        page.get_by_role("button", name=re.compile("Retry")).first.click()
    expect(page.get_by_text(re.compile("^Preview · 90 × 60$"))).to_be_visible(timeout=AFTER_THE_HOLD)
    expect(page.get_by_text("The machine was out of memory.")).to_have_count(0)


@contextmanager
def worker_held(cloud: LocalCloud) -> Iterator[None]:
    """Whatever brings jobs to the worker stands still meanwhile."""
    events = cloud.pid("events")
    os.kill(events, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(events, signal.SIGCONT)


def _fail(cloud: LocalCloud, key: str, why: str) -> None:
    """Makes an image's renditions what they are after a failure."""
    with database(cloud) as connection, connection.cursor() as cursor:
        count = cursor.execute(
            "UPDATE renditions SET state = 'failed', why = %s WHERE image_key = %s", (why, key.encode())
        )
        assert count == 3
