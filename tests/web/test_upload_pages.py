"""The way of large images without script: key, file, the object store, and back to the gallery."""

import re

import pytest

from chalicelib.domain.errors import UnreadableImageError
from chalicelib.domain.uploads import UploadState
from tests.answer import Answer
from tests.web.caller import URLENCODED, Caller
from tests.web.html_page import HtmlPage, urlencoded

SITE = {"Host": "store.test"}


@pytest.fixture
def caller() -> Caller:
    return Caller()


def form_for(caller: Caller, key: str) -> Answer:
    return caller.submit("/upload/large", {**URLENCODED, **SITE}, urlencoded(key=key))


def sent(caller: Caller, key: str = "k1", data: bytes = b"1") -> str:
    """Where the object store leads on to, once it has the file."""
    page = HtmlPage(form_for(caller, key).body)
    caller.parts.objects.arrive(page.fields()["key"], data)
    address = page.fields()["success_action_redirect"]
    assert address.startswith("http://store.test/upload/sent?id=")
    return address.removeprefix("http://store.test") + "&bucket=images&key=incoming%2Fa&etag=%22a%22"


def test_the_object_store_leads_back_to_where_the_person_is(caller: Caller) -> None:
    here = {"Origin": "http://store.test", **SITE}
    for headers in (here, {**here, "Origin": "https://images.example", "Sec-Fetch-Site": "same-origin"}):
        answer = caller.submit("/upload/large", {**URLENCODED, **headers}, urlencoded(key="k1"))
        back = HtmlPage(answer.body).fields()["success_action_redirect"]
        assert back.startswith(f"{headers['Origin']}/upload/sent?id=")


def arrive(caller: Caller) -> None:
    """The object store's own events."""
    for upload in list(caller.parts.store.uploads.values()):
        caller.parts.services().uploads.arrived(upload.incoming_key)


def test_the_plain_form_tells_its_limit_and_leads_to_the_way_of_larger_images(caller: Caller) -> None:
    for path in ("/", "/upload?key=a%20b"):
        page = HtmlPage(caller("GET", path).body)
        assert "at most 4.0 MiB" in page.text
        assert "of up to 64 MiB" in page.text
        key = "" if path == "/" else "a b"
        assert HtmlPage(caller("GET", page.link_to("/upload/large")).body).fields()["key"] == key


def test_the_form_goes_to_the_object_store_and_only_its_page_may_send_there(caller: Caller) -> None:
    answer = form_for(caller, "a <b>")
    page = HtmlPage(answer.body)
    form = next(one for one in page.all("form") if one.attributes["action"] == "https://objects.test/")
    assert (form["method"], form["enctype"]) == ("post", "multipart/form-data")
    assert "a <b>" in page.text
    assert "form-action 'self' https://objects.test;" in answer.headers["content-security-policy"]
    assert page.fields()["most"] == str(64 * 1024 * 1024)
    own = answer.body[answer.body.index(b'action="https://objects.test/"') :].partition(b"</form>")[0]
    names = re.findall(rb'name="([^"]+)"', own)
    assert names[-1] == b"file"  # the object store reads no field behind the file
    assert b"form_token" not in own
    first = caller("GET", "/upload/large").headers["content-security-policy"]
    assert "form-action 'self';" in first


@pytest.mark.parametrize("key", ["", "x" * 256, "nul\0"])
def test_a_wrong_key_is_pointed_at_before_anything_is_sent(caller: Caller, key: str) -> None:
    answer = form_for(caller, key)
    page = HtmlPage(answer.body)
    assert (answer.status, page.fields()["key"], caller.parts.store.uploads) == (400, key, {})
    assert [one["name"] for one in page.all("input") if one.attributes.get("aria-invalid") == "true"] == ["key"]


def test_what_has_arrived_is_looked_at_and_ends_in_the_gallery(caller: Caller) -> None:
    address = sent(caller)
    waiting = caller("GET", address)
    assert (waiting.status, b'http-equiv="refresh"' in waiting.body) == (200, True)
    assert caller.parts.store.images == {}  # looking changes nothing
    arrive(caller)
    answer = caller("GET", address)
    assert (answer.status, answer.headers["location"]) == (303, "/?notice=stored")
    assert caller("GET", "/content?key=k1").body == b"1"
    again = sent(caller, "twin")
    arrive(caller)
    assert caller("GET", again).headers["location"] == "/?notice=stored&stored=twin&other=k1"


def test_who_does_not_want_to_wait_has_it_looked_at_now(caller: Caller) -> None:
    page = HtmlPage(caller("GET", sent(caller)).body)
    answer = caller.submit("/upload/sent", URLENCODED, urlencoded(id=page.fields()["id"]))
    assert caller("GET", answer.headers["location"]).headers["location"] == "/?notice=stored"


def test_what_is_refused_says_why_and_asks_for_another(caller: Caller) -> None:
    address = sent(caller, "a b")
    caller.parts.inspector.refusal = UnreadableImageError("The image ends too early.")
    arrive(caller)
    page = HtmlPage(caller("GET", address).body)
    assert "The image ends too early." in page.text
    assert page.link_to("/upload/large") == "/upload/large?key=a%20b"
    assert not [one for one in page.all("meta") if one.attributes.get("http-equiv") == "refresh"]


def test_an_upload_whose_file_never_came_is_not_taken_for_one(caller: Caller) -> None:
    upload_id = HtmlPage(form_for(caller, "k1").body).fields()["success_action_redirect"].partition("id=")[2]
    answer = caller.submit("/upload/sent", URLENCODED, urlencoded(id=upload_id))
    assert answer.status == 409
    assert [one.state for one in caller.parts.store.uploads.values()] == [UploadState.WAITING]
    assert caller("GET", f"/upload/sent?id={'0' * 32}").status == 404
    assert caller("GET", "/upload/sent").status == 404
