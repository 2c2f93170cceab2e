"""What a person sees when they upload: the acceptance checks 1 to 6, each by its number, in a real browser."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e import acceptance
from tests.e2e.acceptance import STORED, all_stored, choose, drop, row, total
from tests.e2e.store_client import StoreClient
from tests.e2e.ten_thousand import database
from tests.e2e.test_browser import CHROMIUM
from tests.local_cloud import LocalCloud

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")


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


def test_check_1_fifty_dropped_files_have_a_bar_each_and_the_page_stays_usable(
    page: Page, cloud: LocalCloud, tmp_path: Path
) -> None:
    dropped = acceptance.files(tmp_path, 50)
    held: list[Route] = []
    page.route(object_store(cloud), lambda route: held.append(route))
    drop(page, dropped)
    bars = page.get_by_role("listitem").get_by_role("progressbar")
    expect(bars).to_have_count(50, timeout=STORED)
    expect(page.get_by_role("progressbar", name="All uploads")).to_be_visible()
    page.get_by_label("Key", exact=True).first.fill("typed while files are on their way")
    expect(page.get_by_label("Key", exact=True).first).to_have_value("typed while files are on their way")
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
    store = StoreClient(cloud.address)
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
    all_stored(page, 4)
    expect(row(page, twin).filter(has_text="twin of")).to_contain_text("Already in your gallery")
    expect(row(page, other).last).to_contain_text("Already in your gallery")  # the same file once more
    row(page, twin).get_by_role("link", name=first.name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first.name)


def test_check_3_a_lost_connection_pauses_and_resumes(page: Page, cloud: LocalCloud, tmp_path: Path) -> None:
    chosen = acceptance.files(tmp_path, 10)
    sent: list[str] = []
    lost = False

    def network(route: Route) -> None:
        sent.append(route.request.post_data or "")
        if lost or len(sent) > 6:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(object_store(cloud), network)
    choose(page, chosen)
    expect(total(page)).to_contain_text("6 of 10 stored", timeout=STORED)
    expect(page.get_by_text("Paused: the connection was lost").first).to_be_visible(timeout=STORED)
    finished = [path for path in chosen if row(page, path).get_by_role("link", name="Stored").count() == 1]
    assert len(finished) == 6
    again: list[str] = []
    page.unroute(object_store(cloud))
    page.on("request", lambda request: again.append(request.url + (request.post_data or "")))
    page.evaluate("window.dispatchEvent(new Event('online'))")  # nobody presses anything
    all_stored(page, 10)
    begun = [words for words in again if words.endswith("}") and '"key":' in words]
    assert not [words for words in begun if any(path.name in words for path in finished)]
    assert len([words for words in again if words.startswith(cloud.environ["AWS_ENDPOINT_URL"])]) == 4
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
        expect(page.get_by_role("status").first).to_contain_text("is stored")
        page.goto("/")
        shown = page.get_by_role("img", name=f"! {chosen.name}", exact=True)
        expect(shown.first).to_be_visible()
        assert shown.first.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 90


def test_check_6_renditions_are_processing_and_fill_in_without_a_reload(
    page: Page, cloud: LocalCloud, tmp_path: Path
) -> None:
    (chosen,) = acceptance.files(tmp_path, 1)
    choose(page, [chosen])
    expect(page.get_by_role("heading", level=1)).to_have_text(chosen.name, timeout=STORED)
    page.get_by_role("button", name="Make: Greyscale").click()
    page.evaluate("window.sameDocument = true")  # lost with the document
    expect(page.get_by_text(re.compile("^Greyscale · 90 × 60$"))).to_be_visible(timeout=STORED)
    assert page.evaluate("window.sameDocument") is True


def test_check_6_a_failed_rendition_says_why_and_its_retry_makes_it_without_a_reload(
    page: Page, cloud: LocalCloud, tmp_path: Path
) -> None:
    (chosen,) = acceptance.files(tmp_path, 1)
    choose(page, [chosen])
    expect(page.get_by_text(re.compile("^Preview · 90 × 60$"))).to_be_visible(timeout=STORED)
    _fail(cloud, chosen.name, "The machine was out of memory.")
    page.goto(image_page(chosen.name))
    expect(page.get_by_text("The machine was out of memory.").first).to_be_visible()
    expect(page.get_by_text(re.compile("^failed$", re.IGNORECASE)).first).to_be_visible()
    page.get_by_role("button", name=re.compile("Retry")).click()
    expect(page.get_by_text(re.compile("^Preview · 90 × 60$"))).to_be_visible(timeout=STORED)
    expect(page.get_by_text("The machine was out of memory.")).to_have_count(0)


def _fail(cloud: LocalCloud, key: str, why: str) -> None:
    """Makes an image's renditions what they are after a failure."""
    with database(cloud) as connection, connection.cursor() as cursor:
        count = cursor.execute(
            "UPDATE renditions SET state = 'failed', why = %s WHERE image_key = %s", (why, key.encode())
        )
        assert count == 3
