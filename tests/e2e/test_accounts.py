"""A person's way in, by the running store: sign up, read the mail, upload, sign out; and a script's, by a token."""

import json
import re
import urllib.request
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.answer import Answer
from tests.e2e.store_client import StoreClient
from tests.hostile_images import good_jpeg
from tests.local_cloud import LocalCloud, until
from tests.web.caller import MULTIPART, URLENCODED, multipart

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def closed_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The store as `make run` starts it: nobody is signed in."""
    running = LocalCloud(
        tmp_path_factory.mktemp("accounts") / "state",
        open_to="compatible-api",
        extra_environ={"ERASE_GRACE_DAYS": "0"},
    ).start()
    yield running
    running.stop()


class Browser:
    """Keeps cookies and sends forms with their page's token."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._client = StoreClient(cloud.address)
        self.cookies: dict[str, str] = {}

    def __call__(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._client(method, path, body, {**(headers or {}), **({"Cookie": kept} if kept else {})})
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self.cookies[name] = morsel.value
        return answer

    def form_token(self, path: str) -> str:
        found = re.search(rb'name="form_token" value="(\w+)"', self("GET", path).body)
        assert found is not None
        return found[1].decode()

    def submit(self, page: str, action: str, **fields: str) -> Answer:
        token = self.form_token(page)
        body = "&".join(f"{name}={quote(value)}" for name, value in {"form_token": token, **fields}.items())
        return self("POST", action, body.encode(), dict(URLENCODED))


def mails_to(cloud: LocalCloud, address: str) -> list[str]:
    """The texts of the mails that the stand-in for SES holds for the address, oldest first."""
    with urllib.request.urlopen(  # noqa: S310  # our own address
        f"{cloud.environ['AWS_ENDPOINT_URL']}/_ministack/ses/messages", timeout=10
    ) as answer:
        by_account = json.load(answer)["messages"]
    messages = [one for found in by_account.values() for one in found]
    return [one["BodyText"] for one in messages if one["To"] == [address]]


def mail_to(cloud: LocalCloud, address: str, number: int = 1) -> str:
    """The text of the mail of that number to the address, once the worker has sent it."""
    assert until(lambda: len(mails_to(cloud, address)) >= number, timeout_seconds=90)
    return mails_to(cloud, address)[number - 1]


def link_in(mail: str) -> str:
    """The path and query of the link in a mail."""
    found = re.search(r"http://[^\s\"\\]+link=[\w-]+", mail)
    assert found is not None, mail
    parts = urlsplit(found[0])
    return f"{parts.path}?{parts.query}"


def signed_up(cloud: LocalCloud, email: str) -> Browser:
    browser = Browser(cloud)
    answer = browser.submit("/sign-up", "/sign-up", email=email, password=PASSWORD)
    assert (answer.status, b"A mail is on its way" in answer.body) == (200, True)
    page = link_in(mail_to(cloud, email))
    assert browser.submit(page, "/verify", link=page.partition("link=")[2], password=PASSWORD).status == 303
    return browser


def test_a_person_signs_up_uploads_and_signs_out_and_nobody_else_sees_it(closed_cloud: LocalCloud) -> None:
    ada, bob = signed_up(closed_cloud, "ada@example.org"), signed_up(closed_cloud, "bob@example.org")
    picture = good_jpeg(80, 60)
    token = ada.form_token("/upload")
    sent = ada("POST", "/upload", multipart(form_token=token, key="beach", file=picture), dict(MULTIPART))
    assert sent.status == 303
    assert ada("GET", "/content?key=beach").body == picture
    assert bob("GET", "/content?key=beach").status == 404
    assert Browser(closed_cloud)("GET", "/content?key=beach").status == 401
    kept = dict(ada.cookies)
    assert ada.submit("/account", "/sign-out").status == 303
    ada.cookies = kept  # a thief of the cookie comes too late
    assert ada("GET", "/content?key=beach").status == 401
    assert ada("GET", "/").status == 401


def test_mail_is_read_on_the_page_that_the_run_names_and_lies_in_its_folder(closed_cloud: LocalCloud) -> None:
    signed_up(closed_cloud, "reader@example.org")
    (told,) = [line for line in closed_cloud.said if line.startswith("Mail that would have been sent: ")]
    page = Browser(closed_cloud)("GET", urlsplit(told.rpartition(" ")[2]).path)
    body = page.body.decode()
    assert page.status == 200
    (link,) = re.findall(
        r'href="(http[^"]+/verify[^"]+)">', body.partition("reader@example.org")[2].split("</article>")[0]
    )
    assert link_in(mails_to(closed_cloud, "reader@example.org")[0]) in link
    assert any("reader@example.org" in kept.read_text() for kept in closed_cloud.state.mail.iterdir())


def test_a_link_in_a_mail_leads_to_the_store_whatever_the_host_of_the_request(closed_cloud: LocalCloud) -> None:
    signed_up(closed_cloud, "eve-s-victim@example.org")
    eve = Browser(closed_cloud)
    token = eve.form_token("/reset")
    body = f"form_token={token}&email={quote('eve-s-victim@example.org')}".encode()
    assert eve("POST", "/reset", body, {**URLENCODED, "Host": "localhost:1"}).status == 200
    mail = mail_to(closed_cloud, "eve-s-victim@example.org", 2)
    assert f" {closed_cloud.address}reset?link=" in mail.replace("\n", " ")


def test_a_person_who_wishes_so_is_told_by_mail_when_an_edit_is_ready(closed_cloud: LocalCloud) -> None:
    kay, bob = signed_up(closed_cloud, "kay@example.org"), signed_up(closed_cloud, "not-kay@example.org")
    for person in (kay, bob):
        token = person.form_token("/upload")
        body = multipart(form_token=token, key="beach é", file=good_jpeg(80, 60))
        assert person("POST", "/upload", body, dict(MULTIPART)).status == 303
    flipped = f"/rendition?key={quote('beach é')}&kind=flipped"  # told too, to who has mail switched on by then
    assert until(lambda: kay("GET", flipped).status == 200, timeout_seconds=90)
    assert kay.submit("/account", "/account/notices", notices="on").status == 303
    assert b"On: you get a mail" in kay("GET", "/account").body  # the stand-in takes every address at once
    for person in (bob, kay):
        assert person.submit("/account", "/edit", key="beach é", kind="greyscale").status == 303

    def mail() -> str:
        return kay("GET", "/_local/mail").body.decode()

    told = "The edit “Greyscale” of your image “beach é” is ready."
    assert until(lambda: told in mail(), timeout_seconds=90)
    assert re.findall(r"<h2>Your edit is ready</h2>\s*<p class=\"hint\">to (\S+) ", mail()) == ["kay@example.org"]
    assert kay.submit("/account", "/account/notices", notices="off").status == 303
    assert b"Tell me by mail when an edit is ready" in kay("GET", "/account").body


def test_an_account_is_erased_with_everything_and_the_receipt_says_what_that_was(closed_cloud: LocalCloud) -> None:
    zoe, bob = signed_up(closed_cloud, "zoe@example.org"), signed_up(closed_cloud, "bob-too@example.org")
    for person in (zoe, bob):
        token = person.form_token("/upload")
        body = multipart(form_token=token, key="beach", file=good_jpeg(80, 60))
        assert person("POST", "/upload", body, dict(MULTIPART)).status == 303
        assert person("GET", "/content?key=beach").status == 200  # and lies in a node
    assert b"<dt>Images</dt><dd>1</dd>" in zoe("GET", "/account/erase").body
    assert zoe.submit("/account/erase", "/account/erase", password="not it, I fear").status == 400
    assert zoe("GET", "/content?key=beach").status == 200
    asked = zoe.submit("/account/erase", "/account/erase", password=PASSWORD)
    assert asked.status == 303
    place = urlsplit(asked.headers["location"])
    receipt = f"/erasure?{place.query}"
    anybody = StoreClient(closed_cloud.address)
    assert until(lambda: b"The account is erased" in anybody("GET", receipt).body, timeout_seconds=90)
    told = anybody("GET", f"/api/v1{receipt}").json
    assert (told["state"], told["rows"]["images"], told["silent_nodes"]) == ("done", 1, 0)
    assert told["outside"]["versions of objects in the object store"] >= 1
    assert told["outside"]["entries in cache nodes"] >= 1
    assert b"zoe" not in anybody("GET", receipt).body
    assert zoe("GET", "/content?key=beach").status == 401
    assert zoe.submit("/sign-in", "/sign-in", email="zoe@example.org", password=PASSWORD).status == 422
    assert "This is what was deleted" in mails_to(closed_cloud, "zoe@example.org")[-1]
    assert bob("GET", "/content?key=beach").status == 200


def test_a_password_is_reset_by_mail_and_every_session_ends(closed_cloud: LocalCloud) -> None:
    eve = signed_up(closed_cloud, "eve@example.org")
    other = Browser(closed_cloud)
    assert other.submit("/reset", "/reset", email="eve@example.org").status == 200
    page = link_in(mail_to(closed_cloud, "eve@example.org", 2))
    fields = {"link": page.partition("link=")[2], "new_password": "battery staple horse"}
    assert other.submit(page, "/reset", **fields).status == 303
    assert eve("GET", "/").status == 401
    assert other.submit("/sign-in", "/sign-in", email="eve@example.org", password=PASSWORD).status == 422
    new = other.submit("/sign-in", "/sign-in", email="eve@example.org", password="battery staple horse")
    assert new.status == 303
    assert other("GET", "/").status == 200


def test_the_run_tells_how_to_become_the_first_admin_once(closed_cloud: LocalCloud) -> None:
    (told,) = [line for line in closed_cloud.said if "/first-admin?link=" in line]
    link = told.partition("link=")[2].strip()
    page = f"/first-admin?link={link}"
    admin = Browser(closed_cloud)
    fields = {"link": link, "email": "admin@example.org", "password": PASSWORD}
    assert admin.submit(page, "/first-admin", **fields).status == 303
    again = Browser(closed_cloud).submit(page, "/first-admin", **{**fields, "email": "mallory@example.org"})
    assert again.status == 404
    assert admin.submit("/sign-in", "/sign-in", email="admin@example.org", password=PASSWORD).status == 303
    assert admin("GET", "/manager").status == 200


def test_a_script_has_a_token_that_is_made_and_revoked_on_the_account_s_page(closed_cloud: LocalCloud) -> None:
    owner, script = signed_up(closed_cloud, "owner@example.org"), StoreClient(closed_cloud.address)
    page = owner.submit("/account", "/account/tokens", label="backup", scope="write")
    found = re.search(r'class="code">([\w-]{43})<', page.body.decode())
    assert found is not None
    bearer = {"Authorization": f"Bearer {found[1]}"}
    assert script("PUT", "/api/v1/images/k1", good_jpeg(20, 20), bearer).status == 201
    assert script("POST", "/api/list_keys", b"", bearer).json["keys"] == ["k1"]
    assert script("POST", "/api/list_keys").json["success"] == "true"  # as demo, which has none of them
    (token_id,) = re.findall(r'name="id" value="(\w{32})"', owner("GET", "/account").body.decode())
    assert owner.submit("/account", "/account/revoke", id=token_id).status == 303
    assert script("GET", "/api/v1/images/k1", b"", bearer).status == 401


def test_the_state_folder_has_no_secret_of_anybody(closed_cloud: LocalCloud, tmp_path: Path) -> None:
    browser = signed_up(closed_cloud, "quiet@example.org")
    logs = b"".join(path.read_bytes() for path in (closed_cloud.state.root / "logs").rglob("*") if path.is_file())
    assert browser.cookies["session"].encode() not in logs
    assert PASSWORD.encode() not in logs
