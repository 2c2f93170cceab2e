"""An admin's day by the running store: a user disabled, uploads blocked, a dump fetched, all data deleted."""

import gzip
import json
import re
import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e.test_accounts import PASSWORD, Browser, signed_up
from tests.hostile_images import good_jpeg
from tests.local_cloud import LocalCloud, until
from tests.web.caller import MULTIPART, multipart


@pytest.fixture(scope="module")
def cloud_of_admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The store as `make run` starts it: nobody is signed in."""
    running = LocalCloud(tmp_path_factory.mktemp("admin") / "state", open_to="compatible-api").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def admin(cloud_of_admin: LocalCloud) -> Browser:
    """The first admin, signed in."""
    (told,) = [line for line in cloud_of_admin.said if "/first-admin?link=" in line]
    link, browser = told.partition("link=")[2].strip(), Browser(cloud_of_admin)
    fields = {"email": "admin@example.org", "password": PASSWORD}
    assert browser.submit(f"/first-admin?link={link}", "/first-admin", link=link, **fields).status == 303
    assert browser.submit("/sign-in", "/sign-in", **fields).status == 303
    return browser


def put(browser: Browser, key: str) -> int:
    token = browser.form_token("/upload")
    body = multipart(form_token=token, key=key, file=good_jpeg(40, 30))
    return browser("POST", "/upload", body, dict(MULTIPART)).status


def user_page(admin: Browser, email: str) -> str:
    found = re.search(rf'href="(/admin/user\?id=\w+)"><bdi>{re.escape(email)}<', admin("GET", "/admin").body.decode())
    assert found is not None
    return found[1]


def test_blocked_uploads_and_a_user_who_is_disabled(cloud_of_admin: LocalCloud, admin: Browser) -> None:
    ada = signed_up(cloud_of_admin, "ada@example.org")
    assert put(ada, "one") == 303
    assert admin.submit("/admin", "/admin/uploads", uploads="blocked", note="Back at six.").status == 303
    assert put(ada, "two") == 503
    assert b"Back at six." in ada("GET", "/").body
    assert admin.submit("/admin", "/admin/uploads", uploads="open").status == 303
    assert put(ada, "two") == 303
    page = user_page(admin, "ada@example.org")
    assert admin.submit(page, "/admin/user", id=page.partition("id=")[2], status="disabled").status == 303
    assert ada("GET", "/").status == 401
    log = admin("GET", "/admin/audit").body
    assert [word in log for word in (b"disable", b"unblock uploads", b"127.0.0.1", b"admin@example.org")] == [True] * 4


def test_a_dump_is_fetched_by_its_link_and_has_no_credential(cloud_of_admin: LocalCloud, admin: Browser) -> None:
    bob = signed_up(cloud_of_admin, "bob@example.org")
    assert put(bob, "beach") == 303
    assert admin.submit("/admin/dump", "/admin/dump", password="not it, I fear").status == 400
    assert admin.submit("/admin/dump", "/admin/dump", password=PASSWORD).status == 303
    assert until(lambda: b"Make a link" in admin("GET", "/admin/dump").body, timeout_seconds=90)
    found = re.search(r'name="id" value="(\w{32})"', admin("GET", "/admin/dump").body.decode())
    assert found is not None
    page = admin.submit("/admin/dump", "/admin/dump-link", id=found[1]).body.decode()
    link = re.search(r'href="(http[^"]+/dumps/[^"]+)"', page)
    assert link is not None
    with urllib.request.urlopen(link[1].replace("&amp;", "&"), timeout=20) as answer:  # noqa: S310  # our own address
        whole = gzip.decompress(answer.read())
    lines = [json.loads(line) for line in whole.splitlines()]
    assert "beach" in [one["row"]["image_key"] for one in lines[1:-1] if one.get("table") == "images"]
    assert b"bob@example.org" in whole
    assert b"argon2" not in whole
    assert "X-Amz-Expires=300" in link[1]


def test_all_data_is_deleted_and_accounts_stay(cloud_of_admin: LocalCloud, admin: Browser) -> None:
    eve = signed_up(cloud_of_admin, "eve@example.org")
    assert put(eve, "k1") == 303
    name = cloud_of_admin.environ["ENVIRONMENT"]
    assert admin.submit("/admin/delete-all", "/admin/delete-all", environment="wrong").status == 400
    assert admin.submit("/admin/delete-all", "/admin/delete-all", environment=name).status == 303
    assert until(lambda: eve("GET", "/content?key=k1").status == 404, timeout_seconds=90)
    assert eve("GET", "/").status == 200
    assert put(eve, "k1") == 303
