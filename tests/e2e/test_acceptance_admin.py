"""What a person and an admin see of uploads blocked and of data deleted: the acceptance checks 7 and 18."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e import acceptance
from tests.e2e.acceptance import STORED, all_stored, choose, row, total
from tests.e2e.test_browser import CHROMIUM
from tests.local_cloud import LocalCloud, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed: ops/setup.sh --browser")
EMAIL, PASSWORD = "admin@example.org", "correct horse battery"


@pytest.fixture(scope="module")
def cloud_of_admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The store as `make run` starts it: nobody is signed in."""
    running = LocalCloud(tmp_path_factory.mktemp("acceptance") / "state", open_to="compatible-api")
    running.start(timeout_seconds=180)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with acceptance.launched() as launched:
        yield launched


@pytest.fixture(scope="module")
def admin(browser: Browser, cloud_of_admin: LocalCloud) -> Iterator[Page]:
    """The first admin's page, made by the link that the run prints."""
    (told,) = [line for line in cloud_of_admin.said if "/first-admin?link=" in line]
    with acceptance.opened(browser, cloud_of_admin) as page:
        page.goto(told.rpartition(" ")[2])
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()
        sign_in(page, EMAIL)
        yield page


@pytest.fixture
def person(browser: Browser, cloud_of_admin: LocalCloud, admin: Page) -> Iterator[Page]:
    """Another browser, of the same person: what is theirs can then be looked at from the first."""
    with acceptance.opened(browser, cloud_of_admin) as page:
        page.goto("/sign-in")
        sign_in(page, EMAIL)
        page.goto("/upload")
        yield page


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name=re.compile("Account|" + re.escape(email))).first).to_be_visible()


def test_check_7_uploads_blocked_in_the_midst_of_a_batch_are_told_and_leave_nothing_half_saved(
    person: Page, admin: Page, cloud_of_admin: LocalCloud, tmp_path: Path
) -> None:
    chosen = acceptance.files(tmp_path, 6)
    bucket = re.compile(re.escape(cloud_of_admin.environ["AWS_ENDPOINT_URL"]))
    held: list[Route] = []
    sent: list[str] = []

    def network(route: Route) -> None:
        sent.append(route.request.url)
        if len(sent) <= 2:
            route.continue_()
        else:
            held.append(route)

    person.route(bucket, network)
    choose(person, chosen)
    expect(total(person)).to_contain_text("2 of 6 stored", timeout=STORED)
    admin.goto("/admin")
    admin.get_by_label("What to tell people").fill("Back at six.")
    admin.get_by_role("button", name="Block uploads").click()
    expect(admin.get_by_text("Uploads are blocked, those under way too.")).to_be_visible()
    while held:
        held.pop().continue_()
    banner = person.get_by_role("alert").filter(has_text="Back at six.")
    expect(banner).to_be_visible(timeout=STORED)
    expect(banner).to_contain_text("What was stored stays")
    stored = [path for path in chosen if row(person, path).get_by_role("link", name="Stored").count() == 1]
    assert len(stored) == 2
    assert _kept(admin, chosen) == {path.name for path in stored}
    admin.goto("/admin")
    admin.get_by_role("button", name="Take uploads again").click()
    expect(admin.get_by_text("Uploads are taken again.")).to_be_visible()
    person.unroute(bucket)
    person.get_by_role("button", name="Resume all").click()
    all_stored(person, 6)
    expect(banner).to_be_hidden()
    assert _kept(admin, chosen) == {path.name for path in chosen}


def test_check_18_all_data_is_deleted_by_name_with_counts_and_a_dump_first_and_is_in_the_log(
    person: Page, admin: Page, cloud_of_admin: LocalCloud, tmp_path: Path
) -> None:
    chosen = acceptance.files(tmp_path, 2)
    choose(person, chosen)
    all_stored(person, 2)
    admin.goto("/admin/delete-all")
    counts = admin.get_by_role("main").get_by_role("definition")
    expect(counts.first).to_contain_text(re.compile(r"^\d+, "))
    assert int((counts.first.text_content() or "").split(",")[0]) >= 2
    admin.get_by_role("link", name="make a dump first").click()
    admin.get_by_label("Your password").fill(PASSWORD)
    admin.get_by_role("button", name="Make a dump", exact=True).click()
    made = admin.get_by_role("button", name=re.compile("^Make a link"))
    expect(made.or_(admin.get_by_text("being made")).first).to_be_visible()
    admin.goto("/admin/delete-all")
    name = admin.get_by_label(re.compile("the name of this store"))
    name.fill("something else")
    admin.get_by_role("button", name="Delete all data").click()
    expect(admin.get_by_role("heading", level=1)).to_have_text("Delete all data?")
    assert {path.name for path in chosen} <= _kept(admin, chosen)
    admin.goto("/admin/delete-all")
    admin.get_by_label(re.compile("the name of this store")).fill(cloud_of_admin.environ["ENVIRONMENT"])
    admin.get_by_role("button", name="Delete all data").click()
    admin.wait_for_url(re.compile("/admin"))
    for _ in range(300):
        if not _kept(admin, chosen):
            break
        admin.wait_for_timeout(200)
    assert _kept(admin, chosen) == set()
    deletions = ("delete all data done", "delete all data refused")  # newest first; the refused one was tried above
    assert until(lambda: tuple(_log(admin, "delete all data")) == deletions, timeout_seconds=60)
    assert until(lambda: _log(admin, "dump") == ["dump done"], timeout_seconds=60)
    done = admin.get_by_role("listitem").filter(has_text="delete all data").first
    expect(done).to_contain_text(re.compile(r"\d+ images"))
    expect(done).to_contain_text(f"By {EMAIL}")


def _log(page: Page, what: str) -> list[str]:
    """The entries of the log that are of the deed, with their outcomes, newest first, as an admin sees them now."""
    page.goto("/admin/audit")
    heads = [" ".join(text.split()) for text in page.locator(".log .log-head").all_inner_texts()]
    return [re.sub(r" \d.*", "", head) for head in heads if head.startswith(what)]


def _kept(page: Page, chosen: list[Path]) -> set[str]:
    """Those of the files that the store has, whole, as the signed-in person gets them."""
    found = set()
    for path in chosen:
        answer = page.request.get("/content", params={"key": path.name})
        if answer.status == 200 and answer.body() == path.read_bytes():
            found.add(path.name)
        else:
            assert answer.status == 404
    return found
