"""Renditions and tags by the pages and by the API."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.domain.errors import UnreadableImageError
from chalicelib.web.form_token import token_of
from tests.answer import Answer
from tests.fakes import MemoryParts, memory_app
from tests.fakes.parts import memory_config
from tests.web.caller import JSON, URLENCODED, VISITOR, Caller
from tests.web.html_page import HtmlPage, keyed, page_of, put, urlencoded
from tests.web.people import SECRET, joined, people_app

KEYS = ["k1", "a/b & <b>", "צילום 1", "100% +?#"]


@pytest.fixture
def caller() -> Caller:
    return Caller()


def work(caller: Caller) -> None:
    """The worker does what is owed."""
    worker, queue = caller.parts.services().worker, caller.parts.queue
    while queue.messages:
        worker.perform(queue.messages.pop(0))


def page(caller: Caller, key: str = "k1") -> HtmlPage:
    return page_of(caller("GET", keyed("/image", key)))


def metadata(caller: Caller, key: str = "k1") -> dict[str, Any]:
    answer: dict[str, Any] = caller("GET", keyed("/api/v1/image/metadata", key)).json
    return answer


@pytest.mark.parametrize("key", KEYS)
def test_a_page_shows_what_is_made_side_by_side_once_it_is_ready(caller: Caller, key: str) -> None:
    put(caller, key)
    waiting = page(caller, key)
    assert waiting.text.count("Processing") == 3
    assert len(waiting.all("img")) == 1
    work(caller)
    shown = page(caller, key)
    assert "Processing" not in shown.text
    for caption in ("Original · 3 × 2", "Thumbnail · 3 × 2", "Preview · 3 × 2", "Flipped · 3 × 2"):
        assert caption in shown.text
    sources = [image["src"] for image in shown.all("img")]
    assert len(sources) == 5
    assert {caller("GET", source).status for source in sources} == {200}
    assert caller("GET", sources[-1]).body == b"flipped of image/pngthe bytes"


def test_the_grid_shows_the_thumbnail_once_it_is_ready_and_the_image_before(caller: Caller) -> None:
    put(caller, "k1")
    assert page_of(caller("GET", "/")).all("img")[0]["src"] == "/content?key=k1"
    work(caller)
    source = page_of(caller("GET", "/")).all("img")[0]["src"]
    assert source.startswith("/rendition?")
    answer = caller("GET", source)
    assert (answer.body, answer.headers["content-type"]) == (b"thumbnail of image/pngthe bytes", "image/webp")
    assert answer.headers["cache-control"] == "private, no-cache"


def test_what_failed_says_why_and_is_made_again_by_a_button(caller: Caller) -> None:
    caller.parts.renderer.failure = UnreadableImageError("Its <end> is missing.")
    put(caller, "k1")
    work(caller)
    failed = page(caller)
    assert failed.text.count("Failed") == 3
    assert "Its <end> is missing." in failed.text
    caller.parts.renderer.failure = None
    answer = caller.submit("/retry", URLENCODED, urlencoded(key="k1"))
    assert (answer.status, answer.headers["location"]) == (303, "/image?key=k1&notice=retried")
    assert page(caller).text.count("Processing") == 3
    work(caller)
    assert "Retry" not in page(caller).text


@pytest.mark.parametrize("key", KEYS)
def test_an_edit_is_made_by_its_button_and_the_button_goes(caller: Caller, key: str) -> None:
    put(caller, key)
    work(caller)
    kinds = [one["value"] for one in page(caller, key).all("input") if one.attributes.get("name") == "kind"]
    assert kinds == ["greyscale", "rotated-left", "rotated-right"]
    answer = caller.submit("/edit", URLENCODED, urlencoded(key=key, kind="greyscale"))
    assert answer.status == 303
    work(caller)
    assert "Greyscale · 3 × 2" in page(caller, key).text
    assert "Make: Greyscale" not in page(caller, key).text
    assert "Original" in page(caller, key).text


@pytest.mark.parametrize("tag", ["the sea", "<b>", "海", "a&b=c"])
def test_a_tag_is_added_and_removed_by_the_page_s_forms(caller: Caller, tag: str) -> None:
    put(caller, "k1")
    answer = caller.submit("/tag", URLENCODED, urlencoded(key="k1", tag=f"  {tag.upper()} "))
    assert answer.status == 303
    shown = page(caller)
    (named,) = [
        one["value"] for one in shown.all("input") if one.attributes.get("name") == "tag" and "id" not in one.attributes
    ]
    assert named == tag
    assert caller.submit("/untag", URLENCODED, urlencoded(key="k1", tag=tag)).status == 303
    assert "None yet." in page(caller).text


def test_a_tag_that_is_none_is_refused_in_words(caller: Caller) -> None:
    put(caller, "k1")
    answer = caller.submit("/tag", URLENCODED, urlencoded(key="k1", tag="a,b"))
    assert "commas" in page_of(answer, 400).text


def test_the_api_tells_renditions_and_tags_and_changes_them(caller: Caller) -> None:
    put(caller, "k1")
    due = {"state": "due", "width": None, "height": None, "why": None}
    assert metadata(caller)["renditions"] == [{"kind": kind, **due} for kind in ("thumbnail", "preview", "flipped")]
    work(caller)
    ready = {"state": "ready", "width": 3, "height": 2, "why": None}
    assert metadata(caller)["renditions"][0] == {"kind": "thumbnail", **ready}
    assert {"tag": "red", "automatic": True} in metadata(caller)["tags"]
    asked = caller("POST", "/api/v1/image/edits", JSON, json.dumps({"key": "k1", "kind": "rotated-left"}).encode())
    assert asked.status == 202
    assert asked.json["renditions"][-1] == {"kind": "rotated-left", **due}
    added = caller("POST", "/api/v1/image/tags", JSON, json.dumps({"key": "k1", "tag": "Sea"}).encode())
    assert {"tag": "sea", "automatic": False} in added.json["tags"]
    removed = caller("DELETE", "/api/v1/image/tags?key=k1&tag=red")
    assert "red" not in [one["tag"] for one in removed.json["tags"]]
    assert caller("DELETE", f"/api/v1/image/tags?key=k1&tag={quote('never there')}").status == 404
    assert caller("POST", "/api/v1/image/retry", JSON, b'{"key": "k1"}').status == 202


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/image/rendition?key=k1&kind=painted", b"", 400),
        ("GET", "/api/v1/image/rendition?key=k1", b"", 400),
        ("GET", "/api/v1/image/rendition?key=k1&kind=greyscale", b"", 404),
        ("GET", "/api/v1/image/rendition?key=none&kind=thumbnail", b"", 404),
        ("POST", "/api/v1/image/edits", b'{"key": "k1", "kind": "thumbnail"}', 400),
        ("POST", "/api/v1/image/edits", b'{"key": "none", "kind": "greyscale"}', 404),
        ("POST", "/api/v1/image/tags", b'{"key": "k1"}', 400),
        ("POST", "/api/v1/image/tags", b'{"key": "k1", "tag": " "}', 400),
        ("POST", "/api/v1/image/retry", b'{"key": "none"}', 404),
    ],
)
def test_what_cannot_be_is_refused(caller: Caller, method: str, path: str, body: bytes, status: int) -> None:
    put(caller, "k1")
    answer = caller(method, path, JSON, body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_rendition_that_the_caller_has_is_not_sent_again(caller: Caller) -> None:
    put(caller, "k1")
    work(caller)
    path = "/api/v1/image/rendition?key=k1&kind=thumbnail"
    etag = caller("GET", path).headers["etag"]
    assert caller("GET", path, {"If-None-Match": etag}).status == 304
    assert etag != caller("GET", "/content?key=k1").headers["etag"]


def test_a_rendition_too_large_for_an_answer_comes_by_a_signed_address_that_the_page_allows(caller: Caller) -> None:
    caller.app = memory_app(caller.parts.services(config=memory_config(inline_bytes=20)))
    put(caller, "k1")  # 9 bytes; what the renderer makes of it has more
    work(caller)
    answer = caller("GET", "/rendition?key=k1&kind=preview")
    assert answer.status == 302
    assert answer.headers["location"].startswith("https://objects.test/renditions/")
    assert "https://objects.test" in caller("GET", "/image?key=k1").headers["content-security-policy"]


def test_nobody_sees_or_changes_what_belongs_to_another_s_image() -> None:
    call = people_app(MemoryParts())
    ada = joined(call, "ada@example.org")
    ada.put("k1", b"\x89PNG of ada's")
    work(call)
    bob = joined(call, "bob@example.org")
    for path in ("/rendition?key=k1&kind=thumbnail", "/api/v1/image/rendition?key=k1&kind=thumbnail"):
        assert ada("GET", path).status == 200
        assert bob("GET", path).status == 404
        assert call("GET", path).status == 401
    for path in ("/edit", "/retry", "/tag", "/untag"):
        assert bob.submit(path, key="k1", kind="greyscale", tag="red").status == 404
    tags = re.findall(r"<bdi>([^<]*)</bdi>", ada("GET", "/image?key=k1").body.decode())
    assert "red" in tags
    assert bob.put("k1", b"\x89PNG of bob's").status == 303
    work(call)
    assert ada("GET", "/rendition?key=k1&kind=preview").body.endswith(b"ada's")
    assert bob("GET", "/rendition?key=k1&kind=preview").body.endswith(b"bob's")


def test_an_edit_is_refused_in_words_on_page_and_api_while_the_quota_is_full() -> None:
    call = people_app(MemoryParts())
    ada = joined(call, "ada@example.org")
    assert ada.put("k1", b"the bytes").status == 303
    work(call)
    (image,) = call.parts.store.images.values()
    call.parts.store.quotas[image.owner_id] = call.parts.store.bytes_of(image.owner_id)
    refused = ada.submit("/edit", key="k1", kind="greyscale")
    assert (refused.status, b"No room left" in refused.body) == (413, True)
    body = json.dumps({"key": "k1", "kind": "greyscale"}).encode()
    problem = ada("POST", "/api/v1/image/edits", {"X-CSRF-Token": token_of(VISITOR, SECRET), **JSON}, body)
    assert (problem.status, problem.json["type"].rpartition(":")[2]) == (413, "over-quota")
    assert len(call.parts.store.renditions) == 3
    call.parts.store.quotas.clear()
    assert ada.submit("/edit", key="k1", kind="greyscale").status == 303


def asked(caller: Caller, method: str, path: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
    """A call with a JSON body."""
    return caller(method, path, {**JSON, **(headers or {})}, json.dumps(fields).encode())


@pytest.mark.parametrize("key", KEYS)
def test_a_caption_is_kept_by_the_api_and_told_with_the_metadata(caller: Caller, key: str) -> None:
    put(caller, key)
    assert metadata(caller, key)["caption"] == ""
    answer = asked(caller, "PUT", "/api/v1/image/caption", key=key, caption="  Boats <b>at</b> noon ")
    assert (answer.status, answer.json["caption"]) == (200, "Boats <b>at</b> noon")
    assert metadata(caller, key)["caption"] == "Boats <b>at</b> noon"
    assert asked(caller, "PUT", "/api/v1/image/caption", key=key, caption="").json["caption"] == ""


@pytest.mark.parametrize("key", KEYS)
def test_an_image_gets_another_key_by_the_api_with_all_that_belongs_to_it(caller: Caller, key: str) -> None:
    put(caller, key)
    work(caller)
    asked(caller, "PUT", "/api/v1/image/caption", key=key, caption="Boats")
    before = metadata(caller, key)
    answer = asked(caller, "POST", "/api/v1/image/rename", key=key, new_key=f"{key} of 2026")
    assert (answer.status, answer.headers["location"]) == (200, keyed("/api/v1/image", f"{key} of 2026"))
    after = metadata(caller, f"{key} of 2026")
    same = ("caption", "renditions", "tags", "sha256", "created_at")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert caller("GET", keyed("/api/v1/image", key)).status == 404
    assert asked(caller, "POST", "/api/v1/image/rename", key=key, new_key=f"{key} of 2026").status == 404


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [("PUT", "/api/v1/image/caption", "caption"), ("POST", "/api/v1/image/rename", "new_key")],
)
def test_caption_and_key_are_changed_only_for_the_image_that_if_match_names(
    caller: Caller, method: str, path: str, field: str
) -> None:
    put(caller, "k1")
    etag = caller("GET", "/api/v1/image?key=k1").headers["etag"]
    fields = {"key": "k1", field: "new"}
    refused = asked(caller, method, path, {"If-Match": '"another"'}, **fields)
    assert (refused.status, refused.json["type"].rpartition(":")[2]) == (412, "precondition-failed")
    assert metadata(caller)["caption"] == ""
    assert asked(caller, method, path, {"If-Match": etag}, **fields).status == 200
    assert asked(caller, method, path, None, **{**fields, "key": "none"}).status == 404
    missing = asked(caller, method, path, key="k1")
    assert (missing.status, missing.json["errors"][0]["field"]) == (400, field)


def test_a_key_that_is_taken_or_is_none_is_refused_by_the_api(caller: Caller) -> None:
    put(caller, "k1")
    put(caller, "k2")
    taken = asked(caller, "POST", "/api/v1/image/rename", key="k1", new_key="k2")
    assert (taken.status, taken.json["title"]) == (409, "The key is taken")
    for wrong in ("", "x" * 256, "a\nb"):
        assert asked(caller, "POST", "/api/v1/image/rename", key="k1", new_key=wrong).status == 400
    assert asked(caller, "PUT", "/api/v1/image/caption", key="k1", caption="x" * 501).status == 400
    assert caller("GET", "/api/v1/image?key=k1").status == 200
