"""The admin's pages and REST calls, as an admin's browser and script use them, and with what is wrong."""

import re
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from chalicelib.domain.accounts import hash_of
from chalicelib.web.form_token import token_of
from chalicelib.web.openapi import document
from tests.fakes import MemoryParts
from tests.web.caller import JSON, VISITOR, Caller
from tests.web.people import PASSWORD, SECRET, Person, joined, people_app

PICTURE = b"\x89PNG the inspector is a fake here"
CSRF = {"X-CSRF-Token": token_of(VISITOR, SECRET), **JSON}


@pytest.fixture
def call() -> Caller:
    return people_app(MemoryParts())


@pytest.fixture
def root(call: Caller) -> Person:
    """The admin."""
    return joined(call, "root@example.org", admin=True)


@pytest.fixture
def ada(call: Caller, root: Person) -> Person:
    """Somebody with one image, `k1`."""
    person = joined(call, "ada@example.org")
    assert person.put("k1", PICTURE).status == 303
    return person


def id_of(person: Person) -> str:
    return person.call.parts.store.sessions[hash_of(person.session)].owner_id.hex()


def work(call: Caller) -> None:
    """The worker, until nothing is left in the queue."""
    worker = call.parts.services().worker
    while call.parts.queue.messages:
        worker.perform(call.parts.queue.messages.pop(0))


def test_the_link_to_the_pages_is_shown_to_admins_only(root: Person, ada: Person) -> None:
    assert b'href="/admin"' in root("GET", "/").body
    assert b'href="/admin"' not in ada("GET", "/").body


def test_users_are_listed_with_what_they_have(root: Person, ada: Person) -> None:
    page = root("GET", "/admin").body.decode()
    row = re.search(r"<tr>.*ada@example\.org.*</tr>", page)
    assert row is not None
    cells = re.findall(r"<td>(.*?)</td>", row[0])
    assert cells == ["User", "enabled", "1", f"{len(PICTURE)} bytes", "none"]


def test_who_is_disabled_by_the_page_is_signed_out_and_cannot_sign_in(root: Person, ada: Person) -> None:
    user = id_of(ada)
    assert root.submit("/admin/user", id=user, status="disabled").status == 303
    assert ada("GET", "/").status == 401
    assert ada.submit("/sign-in", email="ada@example.org", password=PASSWORD).status == 422
    assert b"Enable" in root("GET", f"/admin/user?id={user}").body
    assert root.submit("/admin/user", id=user, status="enabled").status == 303
    assert ada.submit("/sign-in", email="ada@example.org", password=PASSWORD).status == 303


def test_a_role_opens_and_closes_the_admin_s_pages_at_once(root: Person, ada: Person) -> None:
    user = id_of(ada)
    assert ada("GET", "/admin").status == 403
    root.submit("/admin/user", id=user, role="admin")
    assert ada("GET", "/admin").status == 200
    root.submit("/admin/user", id=user, role="user")
    assert ada("GET", "/admin").status == 403


def test_the_last_admin_cannot_close_the_door_behind_them(root: Person) -> None:
    for change in ({"status": "disabled"}, {"role": "user"}):
        answer = root.submit("/admin/user", id=id_of(root), **change)
        assert (answer.status, b"last admin" in answer.body) == (409, True)
    assert root("GET", "/admin").status == 200


def test_a_quota_is_told_in_words_where_an_image_does_not_fit(call: Caller, root: Person, ada: Person) -> None:
    assert root.submit("/admin/user", id=id_of(ada), quota_mib="1").status == 303
    call.parts.store.quotas[bytes.fromhex(id_of(ada))] = len(PICTURE)
    answer = ada.put("k2", PICTURE)
    assert (answer.status, b"No room left" in answer.body) == (413, True)
    problem = ada("PUT", "/api/v1/images/k2", CSRF, PICTURE)
    assert (problem.status, problem.json["type"].rpartition(":")[2]) == (413, "over-quota")
    bad = root.submit("/admin/user", id=id_of(ada), quota_mib="a lot")
    assert (bad.status, b"whole number of MiB" in bad.body) == (400, True)


def test_a_reset_link_goes_to_the_user_by_mail(call: Caller, root: Person, ada: Person) -> None:
    assert root.submit("/admin/user", id=id_of(ada), mail="reset").status == 303
    to, _, text = call.parts.mail.sent[-1]
    assert (to, "/reset?link=" in text) == ("ada@example.org", True)


def test_closed_sign_up_is_told_on_its_page(call: Caller, root: Person) -> None:
    assert root.submit("/admin/sign-up", sign_up="closed").status == 303
    assert call("GET", "/sign-up").body.count(b"<form") == 0
    assert root.submit("/admin/sign-up", sign_up="open").status == 303
    assert call("GET", "/sign-up").body.count(b"<form") == 1
    assert root.submit("/admin/sign-up", sign_up="ajar").status == 400


def test_while_uploads_are_blocked_every_door_refuses_them_and_every_page_says_so(
    call: Caller, root: Person, ada: Person
) -> None:
    writes = ada.token("write")
    assert root.submit("/admin/uploads", uploads="blocked", note="Back <b>at six</b>.").status == 303
    for path in ("/", "/keys", "/account", "/image?key=k1"):
        assert b"Uploads are blocked for now. Back &lt;b&gt;at six&lt;/b&gt;." in ada("GET", path).body
    assert b"Uploads are blocked" in call("GET", "/sign-in").body
    answer = ada.put("k2", PICTURE)
    assert (answer.status, b"Uploads are blocked" in answer.body) == (503, True)
    by_script = call("PUT", "/api/v1/images/k2", writes, PICTURE)
    assert (by_script.status, by_script.json["type"].rpartition(":")[2]) == (503, "uploads-blocked")
    assert by_script.headers["retry-after"] == "60"
    asked = b'{"key": "k2", "media_type": "image/png", "size": 36}'
    assert ada("POST", "/api/v1/uploads", CSRF, asked).status == 503
    assert ada("GET", "/content?key=k1").body == PICTURE  # reading and deleting go on
    assert ada.submit("/delete", key="k1").status == 303
    assert root.submit("/admin/uploads", uploads="open").status == 303
    assert b"Uploads are blocked" not in ada("GET", "/").body
    assert ada.put("k2", PICTURE).status == 303


def test_a_dump_by_the_pages(call: Caller, root: Person, ada: Person) -> None:
    wrong = root.submit("/admin/dump", password="not the password")
    assert (wrong.status, b"This is not your password." in wrong.body) == (400, True)
    assert root.submit("/admin/dump", password=PASSWORD).status == 303
    page = root("GET", "/admin/dump").body
    assert (b"being made" in page, b"/admin/dump-link" in page) == (True, False)
    work(call)
    page = root("GET", "/admin/dump").body
    assert b"https://objects.test/" not in page  # the link is made on a click
    found = re.search(rb'name="id" value="(\w{32})"', page)
    assert found is not None
    answer = root.submit("/admin/dump-link", id=found[1].decode())
    assert re.search(rb'href="https://objects\.test/dumps/\w{64}/test\.jsonl\.gz\?[^"]*Expires=300"', answer.body)
    assert root.submit("/admin/dump-link", id="0" * 32).status == 404


def test_a_dump_that_failed_says_why_and_has_no_link(call: Caller, root: Person) -> None:
    root.submit("/admin/dump", password=PASSWORD)
    ((dump_id, dump),) = call.parts.store.dumps.items()
    call.parts.store.dumps[dump_id] = replace(dump, rows=1234)
    assert b"being made, 1,234 rows so far" in root("GET", "/admin/dump").body
    call.parts.store.dumps[dump_id] = replace(dump, why="It could <not> be made.")
    page = root("GET", "/admin/dump").body
    assert (b"failed: It could &lt;not&gt; be made." in page, b"/admin/dump-link" in page) == (True, False)
    (told,) = root("GET", "/api/v1/admin/dumps").json["dumps"]
    assert (told["state"], told["why"]) == ("failed", "It could <not> be made.")
    refused = root("POST", f"/api/v1/admin/dumps/{dump_id.hex()}/link", CSRF)
    assert (refused.status, "It could <not> be made." in refused.json["detail"]) == (404, True)


def test_deleting_all_data_by_the_page(call: Caller, root: Person, ada: Person) -> None:
    page = root("GET", "/admin/delete-all").body.decode()
    assert "<dd>1, " in page
    answer = root.submit("/admin/delete-all", environment="tset")
    assert (answer.status, b"type test" in answer.body) == (400, True)
    call.parts.clock.advance(1)
    assert root.submit("/admin/delete-all", environment="test", accounts="delete").status == 303
    work(call)
    assert (call.parts.store.images, call.parts.objects.stored) == ({}, {})
    assert ada("GET", "/").status == 401
    assert root("GET", "/admin/delete-all").status == 200


def test_the_log_has_every_one_of_these_newest_first(call: Caller, root: Person, ada: Person) -> None:
    root.submit("/admin/user", id=id_of(ada), quota_mib="5")
    root.submit("/admin/sign-up", sign_up="closed")
    root.submit("/admin/uploads", uploads="blocked", note="")
    root.submit("/admin/dump", password="not the password")
    root.submit("/admin/delete-all", environment="")
    page = root("GET", "/admin/audit").body.decode()
    told = re.findall(r'<strong>(.*?)</strong> <span class="change">(.*?)</span>', page)
    assert told == [
        ("delete all data", "refused"),
        ("dump", "refused"),
        ("block uploads", "done"),
        ("close sign-up", "done"),
        ("quota 5 MiB", "done"),
    ]
    assert page.count("<bdi>root@example.org</bdi>") == 5


def test_long_lists_have_pages(call: Caller, root: Person) -> None:
    for number in range(60):
        root.submit("/admin/sign-up", sign_up="open" if number % 2 else "closed")
        joined_quietly(call, f"user{number:02}@example.org")
    for path, marker in (("/admin/audit", "<li>\n<p"), ("/admin", '<tr><th scope="row">')):
        first = root("GET", path).body.decode()
        following = re.search(r'rel="next" href="([^"]+)"', first)
        assert following is not None
        rest = root("GET", following[1].replace("&amp;", "&")).body.decode()
        assert (first.count(marker), 'rel="next"' in rest) == (50, False)
        assert rest.count(marker) in (10, 11)  # 60 entries; 60 users and the admin


def joined_quietly(call: Caller, email: str) -> None:
    from chalicelib.domain.accounts import Account

    owner_id = hash_of(email)[:16]
    assert call.parts.account_rows.create(Account(owner_id, email, "hash", admin=False, disabled=False))


USER, DUMP = "0" * 32, "0" * 32


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "schema"),
    [
        ("GET", "/api/v1/admin/users", b"", 200, "UserPage"),
        ("GET", "/api/v1/admin/users?limit=1", b"", 200, "UserPage"),
        ("GET", "/api/v1/admin/users?cursor=x", b"", 400, "Problem"),
        ("GET", "/api/v1/admin/users/ADA", b"", 200, "User"),
        ("GET", f"/api/v1/admin/users/{USER}", b"", 404, "Problem"),
        ("GET", "/api/v1/admin/users/x", b"", 404, "Problem"),
        ("PATCH", "/api/v1/admin/users/ADA", b'{"quota_mib": 3}', 200, "User"),
        ("PATCH", "/api/v1/admin/users/ADA", b'{"role": "admin", "status": "disabled"}', 200, "User"),
        ("PATCH", "/api/v1/admin/users/ADA", b'{"role": "king"}', 400, "Problem"),
        ("PATCH", "/api/v1/admin/users/ADA", b"{}", 400, "Problem"),
        ("PATCH", "/api/v1/admin/users/ROOT", b'{"role": "user"}', 409, "Problem"),
        ("POST", "/api/v1/admin/users/ADA/reset", b"", 200, "User"),
        ("GET", "/api/v1/admin/settings", b"", 200, "AdminSettings"),
        ("PATCH", "/api/v1/admin/settings", b'{"uploads": "blocked", "note": "n"}', 200, "AdminSettings"),
        ("PATCH", "/api/v1/admin/settings", b'{"sign_up": "closed"}', 200, "AdminSettings"),
        ("PATCH", "/api/v1/admin/settings", b'{"uploads": "perhaps"}', 400, "Problem"),
        ("PATCH", "/api/v1/admin/settings", b"{}", 400, "Problem"),
        ("GET", "/api/v1/admin/dumps", b"", 200, "DumpList"),
        ("POST", "/api/v1/admin/dumps", b'{"password": "correct horse battery"}', 202, "Dump"),
        ("POST", "/api/v1/admin/dumps", b'{"password": "wrong"}', 400, "Problem"),
        ("POST", f"/api/v1/admin/dumps/{DUMP}/link", b"", 404, "Problem"),
        ("GET", "/api/v1/admin/data", b"", 200, "DataCounts"),
        ("DELETE", "/api/v1/admin/data?environment=test", b"", 202, "Begun"),
        ("DELETE", "/api/v1/admin/data", b"", 400, "Problem"),
        ("GET", "/api/v1/admin/audit", b"", 200, "AuditPage"),
        ("GET", "/api/v1/admin/audit?before=x", b"", 400, "Problem"),
    ],
)
def test_answers_are_as_the_document_says(
    root: Person, ada: Person, method: str, path: str, body: bytes, status: int, schema: str
) -> None:
    path = path.replace("ADA", id_of(ada)).replace("ROOT", id_of(root))
    answer = root(method, path, CSRF, body)
    assert answer.status == status, answer.body
    components: Any = document()["components"]
    jsonschema.validate(answer.json, {"$ref": f"#/components/schemas/{schema}", "components": components})


def test_a_dump_by_the_api(call: Caller, root: Person) -> None:
    dump = root("POST", "/api/v1/admin/dumps", CSRF, b'{"password": "correct horse battery"}').json
    assert dump["state"] == "being made"
    work(call)
    (ready,) = root("GET", "/api/v1/admin/dumps").json["dumps"]
    assert (ready["id"], ready["state"]) == (dump["id"], "ready")
    link = root("POST", f"/api/v1/admin/dumps/{dump['id']}/link", CSRF).json
    assert link["seconds"] == 300
    assert link["address"].startswith("https://objects.test/dumps/")
