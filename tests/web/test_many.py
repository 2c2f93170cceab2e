"""Actions on many images, the trash and downloads, by pages and by the API."""

import json
import zipfile
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest

from chalicelib.web.openapi import document
from tests.fakes import MemoryParts
from tests.web.caller import JSON, URLENCODED, Caller
from tests.web.html_page import HtmlPage, put, query_of
from tests.web.people import Person, joined, people_app
from tests.web.test_people import CSRF, PICTURE


@pytest.fixture
def call() -> Caller:
    return Caller()


def work(call: Caller) -> None:
    """The worker does what there is to do."""
    worker = call.parts.services().worker
    for _ in range(100):
        call.parts.clock.advance(120)
        worker.resend()
        if not call.parts.queue.messages:
            return
        while call.parts.queue.messages:
            worker.perform(call.parts.queue.messages.pop(0))


def chosen(call: Caller, action: str, keys: list[str], **fields: str) -> Any:
    pairs = [("action", action), ("back", "/keys"), *fields.items(), *(("key", key) for key in keys)]
    return call.submit("/selection", URLENCODED, urlencode(pairs).encode())


def act(call: Caller, headers: dict[str, str] | None = None, path: str = "/api/v1/actions", **body: object) -> Any:
    return call("POST", path, {**JSON, **(headers or {})}, json.dumps(body).encode())


def stored(call: Caller, count: int) -> list[str]:
    keys = [f"a/b {number:03}" for number in range(count)]
    for key in keys:
        put(call, key)
    return keys


def valid(answer: Any, schema: str) -> Any:
    jsonschema.validate(answer, {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]})
    return answer


def test_thirty_are_chosen_moved_to_the_trash_and_back_by_undo(call: Caller) -> None:
    keys = stored(call, 33)
    answer = chosen(call, "trash", keys[:30])
    assert answer.status == 303
    page = HtmlPage(call("GET", answer.headers["location"]).body)
    assert "30 moved to Trash" in page.text
    assert all(key not in page.text for key in keys[:30])
    form = next(one for one in page.all("form") if one["action"].endswith("/trash/undo"))
    assert form["method"] == "post"
    fields = {one["name"]: one["value"] for one in page.all("input") if one.attributes.get("name") in ("batch", "back")}
    undone = call.submit("/trash/undo", URLENCODED, urlencode(fields).encode())
    page = HtmlPage(call("GET", undone.headers["location"]).body)
    assert "30 images restored." in page.text
    assert all(key in page.text for key in keys)
    assert "moved to Trash" not in HtmlPage(call("GET", answer.headers["location"]).body).text


def test_an_action_on_what_a_search_found_leads_back_to_it(call: Caller) -> None:
    keys = stored(call, 3)
    found = HtmlPage(call("GET", f"/?q={keys[0][:1]}").body)
    fields = [(one["name"], one["value"]) for one in found.all("input") if one.attributes.get("type") == "hidden"]
    kept = dict(one for one in fields if one[0] in ("after", "q", "back"))
    answer = call.submit("/selection", URLENCODED, urlencode({**kept, "action": "trash", "key": keys[0]}).encode())
    assert query_of(answer.headers["location"])["q"] == keys[0][:1]


def test_the_trash_shows_restores_and_deletes_for_ever_after_asking(call: Caller) -> None:
    keys = stored(call, 3)
    chosen(call, "trash", keys)
    page = HtmlPage(call("GET", "/trash").body)
    assert "3 images" in page.text
    ids = [one["value"] for one in page.all("input") if one.attributes.get("name") == "id"]
    shown = [one["src"] for one in page.all("img")]
    assert len(ids) == len(shown) == 3
    assert all(call("GET", source).body == b"the bytes" for source in shown)
    restored = call.submit("/trash", URLENCODED, urlencode([("action", "restore"), ("id", ids[0])]).encode())
    assert restored.headers["location"] == "/trash?outcome=restored&count=1"
    asked = [("action", "delete"), ("id", ids[1]), ("id", ids[2])]
    question = HtmlPage(call.submit("/trash", URLENCODED, urlencode(asked).encode()).body)
    assert "2 images" in question.text
    assert len(call.parts.store.trashed) == 2
    gone = call.submit("/trash", URLENCODED, urlencode([*asked, ("confirm", "yes")]).encode())
    assert gone.headers["location"] == "/trash?outcome=gone&count=2"
    assert call.parts.store.trashed == {}
    assert "The trash is empty" in HtmlPage(call("GET", "/trash").body).text


def test_the_trash_is_emptied_after_asking(call: Caller) -> None:
    chosen(call, "trash", stored(call, 3))
    assert "3 images" in HtmlPage(call("GET", "/trash/empty").body).text
    call.submit("/trash/empty", URLENCODED, b"")
    assert len(call.parts.store.trashed) == 3
    assert call.submit("/trash/empty", URLENCODED, b"confirm=yes").headers["location"] == "/trash?outcome=emptied"
    assert call.parts.store.trashed == {}


def test_the_pages_of_the_trash_hold_each_image_once(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.web import trash_pages

    monkeypatch.setattr(trash_pages, "LIST_LIMIT", 3)
    chosen(call, "trash", stored(call, 7))
    found, following = [], "/trash"
    while following:
        page = HtmlPage(call("GET", following).body)
        found += [one["value"] for one in page.all("input") if one.attributes.get("name") == "id"]
        following = next((one["href"] for one in page.all("a") if one.attributes.get("rel") == "next"), "")
    assert len(found) == len(set(found)) == 7


def test_a_restored_image_whose_key_is_taken_gets_another_and_it_is_said(call: Caller) -> None:
    put(call, "k1")
    chosen(call, "trash", ["k1"])
    put(call, "k1")
    (trash_id,) = call.parts.store.trashed
    answer = call.submit("/trash", URLENCODED, urlencode({"action": "restore", "id": trash_id.hex()}).encode())
    assert "a number was added" in HtmlPage(call("GET", answer.headers["location"]).body).text
    assert call("POST", "/api/list_keys").json["keys"] == ["k1", "k1 (2)"]


def test_many_are_tagged_and_untagged(call: Caller) -> None:
    keys = stored(call, 40)
    answer = chosen(call, "tag", [*keys, "none"], tag="Sea")
    assert "40 images tagged. 1 image left as they were." in HtmlPage(call("GET", answer.headers["location"]).body).text
    answer = chosen(call, "untag", keys[:2], tag="sea")
    assert "The tag is off 2 images." in HtmlPage(call("GET", answer.headers["location"]).body).text
    about = call("GET", f"/api/v1/image/metadata?{urlencode({'key': keys[2]})}").json
    assert [one["tag"] for one in about["tags"]] == ["sea"]


@pytest.mark.parametrize("action", ["trash", "tag", "untag", "download"])
def test_nothing_chosen_is_said(call: Caller, action: str) -> None:
    put(call, "k1")
    answer = chosen(call, action, [], tag="sea")
    assert "Nothing was chosen" in HtmlPage(call("GET", answer.headers["location"]).body).text


def test_a_form_leads_back_to_our_own_pages_only(call: Caller) -> None:
    put(call, "k1")
    pairs = {"action": "tag", "tag": "sea", "key": "k1", "back": "//evil.test/"}
    answer = call.submit("/selection", URLENCODED, urlencode(pairs).encode())
    assert answer.headers["location"].startswith("/?outcome=tagged")


def test_a_download_by_the_pages(call: Caller) -> None:
    keys = stored(call, 3)
    answer = chosen(call, "download", keys[:2])
    assert answer.headers["location"] == "/downloads?outcome=downloading"
    page = HtmlPage(call("GET", "/downloads").body)
    assert "being made" in page.text
    assert page.all("progress")
    work(call)
    page = HtmlPage(call("GET", "/downloads").body)
    link = page.link_to("/downloads/zip")
    led = call("GET", link)
    assert led.status == 302
    assert "Expires=300" in led.headers["location"]
    (archive,) = [data for key, (data, _) in call.parts.objects.stored.items() if key.startswith("downloads/")]
    with zipfile.ZipFile(BytesIO(archive)) as found:
        assert sorted(found.namelist()) == ["a/b 000.png", "a/b 001.png"]


def test_an_export_by_the_pages_and_what_cannot_be_exported(call: Caller) -> None:
    refused = call.submit("/downloads/export", URLENCODED, b"")
    assert (refused.status, b"no such images" in refused.body) == (404, True)
    put(call, "k1")
    for _ in range(3):
        assert call.submit("/downloads/export", URLENCODED, b"").status == 303
    refused = call.submit("/downloads/export", URLENCODED, b"")
    assert (refused.status, b"being made already" in refused.body) == (409, True)


def test_the_api_tells_of_each_key_what_became_of_it(call: Caller) -> None:
    keys = stored(call, 3)
    body = valid(act(call, action="trash", keys=[*keys, "none"]).json, "ActedOn")
    assert (body["done"], [one["outcome"] for one in body["results"]]) == (3, ["done"] * 3 + ["not-found"])
    listed = valid(call("GET", "/api/v1/trash?limit=2").json, "TrashPage")
    rest = valid(call("GET", f"/api/v1/trash?cursor={listed['next_cursor']}").json, "TrashPage")
    assert {one["key"] for one in listed["trash"] + rest["trash"]} == set(keys)
    assert {one["batch_id"] for one in listed["trash"]} == {body["batch_id"]}
    ids = [one["id"] for one in body["results"][:3]]
    back = valid(act(call, path="/api/v1/trash/actions", action="restore", ids=ids[:1]).json, "ActedOn")
    assert back["results"] == [{"id": ids[0], "key": keys[0], "outcome": "done"}]
    gone = valid(act(call, path="/api/v1/trash/actions", action="delete", ids=ids[:2]).json, "ActedOn")
    assert [one["outcome"] for one in gone["results"]] == ["not-found", "done"]
    assert valid(call("DELETE", "/api/v1/trash?all=true").json, "Deleted") == {"deleted": 1}
    tagged = valid(act(call, action="tag", keys=[keys[0], "none"], tag="sea").json, "ActedOn")
    assert tagged["done"] == 1
    deleted = valid(act(call, action="delete", keys=[keys[0], "none"]).json, "ActedOn")
    assert [one["outcome"] for one in deleted["results"]] == ["done", "not-found"]
    assert (call.parts.store.images, call.parts.store.trashed) == ({}, {})


def test_an_action_sent_again_with_its_idempotency_key_is_done_once(call: Caller) -> None:
    keys, name = stored(call, 2), {"Idempotency-Key": "one"}
    first = act(call, name, action="trash", keys=keys)
    put(call, keys[0])
    again = act(call, name, action="trash", keys=keys)
    assert (again.status, again.json) == (200, first.json)
    assert call("POST", "/api/list_keys").json["keys"] == keys[:1]
    assert act(call, name, action="delete", keys=keys).status == 422
    for path, body in (
        ("/api/v1/trash/actions", {"action": "restore", "ids": [first.json["results"][1]["id"]]}),
        ("/api/v1/downloads", {"everything": True}),
        ("/api/v1/actions", {"action": "tag", "tag": "sea", "keys": keys}),
        ("/api/v1/actions", {"action": "untag", "tag": "sea", "keys": keys}),
    ):
        named = {"Idempotency-Key": f"{path} {body}"[:250]}
        assert act(call, named, path, **body).json == act(call, named, path, **body).json


def test_a_download_by_the_api(call: Caller) -> None:
    keys = stored(call, 3)
    asked = act(call, path="/api/v1/downloads", keys=keys[:2])
    assert (asked.status, valid(asked.json, "Download")["state"]) == (202, "making")
    work(call)
    now = valid(call("GET", asked.headers["location"]).json, "Download")
    assert (now["state"], now["images_done"], len(now["zips"])) == ("ready", 2, 1)
    assert call("GET", now["zips"][0]["content"]).status == 302
    valid(call("GET", "/api/v1/downloads").json, "DownloadList")
    for path in (f"{asked.headers['location']}/zips/2", "/api/v1/downloads/x", f"/api/v1/downloads/{'0' * 32}"):
        answer = call("GET", path)
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (404, "no-such-download")


@pytest.mark.parametrize(
    "body",
    [
        {"action": "trash"},
        {"action": "trash", "keys": []},
        {"action": "trash", "keys": "k1"},
        {"action": "trash", "keys": [1]},
        {"action": "trash", "keys": ["k1"] * 1001},
        {"action": "trash", "keys": ["a\nb"]},
        {"action": "explode", "keys": ["k1"]},
        {"keys": ["k1"]},
        {"action": "tag", "keys": ["k1"]},
        {"action": "tag", "keys": ["k1"], "tag": ""},
    ],
)
def test_a_wrong_request_changes_nothing(call: Caller, body: dict[str, object]) -> None:
    put(call, "k1")
    answer = call("POST", "/api/v1/actions", JSON, json.dumps(body).encode())
    assert answer.status == 400
    valid(answer.json, "Problem")
    assert call("POST", "/api/list_keys").json["keys"] == ["k1"]


def test_another_s_trash_and_downloads_are_none_of_one_s_own() -> None:
    call = people_app(MemoryParts())
    ada = joined(call, "ada@example.org")
    bob = joined(call, "bob@example.org")
    for key in ("k1", "k2"):
        assert ada.put(key, PICTURE).status == 303
    assert bob.put("k3", PICTURE).status == 303

    def ask(person: Person, path: str, **body: object) -> Any:
        return person("POST", path, {**CSRF, **JSON}, json.dumps(body).encode())

    trashed = ask(ada, "/api/v1/actions", action="trash", keys=["k1"]).json
    (trash_id,) = [one["id"] for one in trashed["results"]]
    download = ask(ada, "/api/v1/downloads", everything=True).json["id"]
    services = call.parts.services()
    while call.parts.queue.messages:
        services.worker.perform(call.parts.queue.messages.pop(0))
    assert ada("GET", f"/trash/image?id={trash_id}").status == 200
    assert ada("GET", f"/downloads/zip?id={download}&number=1").status == 302
    assert bob("GET", f"/trash/image?id={trash_id}").status == 404
    assert bob("GET", f"/downloads/zip?id={download}&number=1").status == 404
    for path in ("/trash", "/downloads", "/api/v1/trash", "/api/v1/downloads", f"/keys?trashed={trashed['batch_id']}"):
        body = bob("GET", path).body
        assert not [one for one in (b"k1", trash_id.encode(), download.encode(), b"moved to") if one in body], path
    for action in ("restore", "delete"):
        told = ask(bob, "/api/v1/trash/actions", action=action, ids=[trash_id]).json
        assert [one["outcome"] for one in told["results"]] == ["not-found"]
    assert bob.submit("/trash/undo", batch=trashed["batch_id"]).headers["location"] == "/?outcome=none"
    assert ask(bob, "/api/v1/actions", action="delete", keys=["k2"]).json["done"] == 0
    assert ask(bob, "/api/v1/downloads", keys=["k2"]).status == 404
    assert len(call.parts.store.trashed) == 1
