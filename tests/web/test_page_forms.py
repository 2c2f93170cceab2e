"""The pages' forms: what they do, what they refuse, and that a reload never does it twice."""

import pytest

from chalicelib.domain.errors import RequestError, TooLargeError, UnreadableImageError, UnsupportedTypeError
from tests.answer import Answer
from tests.web.caller import JSON, MULTIPART, URLENCODED, Caller, multipart
from tests.web.html_page import HtmlPage, urlencoded


@pytest.fixture
def caller() -> Caller:
    return Caller()


def upload(caller: Caller, body: bytes) -> Answer:
    return caller.submit("/upload", MULTIPART, body)


def refused(caller: Caller, answer: Answer, status: int) -> HtmlPage:
    """The page of a refused upload; asserts that nothing was kept."""
    assert answer.status == status, answer.body
    assert caller.parts.store.images == {}
    assert caller.parts.objects.stored == {}
    page = HtmlPage(answer.body)
    assert [form["action"] for form in page.all("form") if form["action"] != "/looks"] == ["/upload"]
    return page


def invalid_fields(page: HtmlPage) -> list[str]:
    return [one["name"] for one in page.all("input") if one.attributes.get("aria-invalid") == "true"]


def test_an_upload_leads_to_the_images_page_and_says_whether_one_was_replaced(caller: Caller) -> None:
    first = upload(caller, multipart(key="a b", file=b"1"))
    assert (first.status, first.headers["location"]) == (303, "/image?key=a%20b&notice=stored")
    again = upload(caller, multipart(key="a b", file=b"2"))
    assert (again.status, again.headers["location"]) == (303, "/image?key=a%20b&notice=replaced")
    assert caller("GET", "/content?key=a%20b").body == b"2"
    assert "before is gone" in HtmlPage(caller("GET", again.headers["location"]).body).text


def test_the_form_as_it_is_without_script_leads_to_the_gallery_with_the_image_in_it(caller: Caller) -> None:
    form = HtmlPage(caller("GET", "/upload").body)
    stored = upload(caller, multipart(lead=form.fields()["lead"], key="a b", file=b"1"))
    assert (stored.status, stored.headers["location"]) == (303, "/?notice=stored")
    page = HtmlPage(caller("GET", stored.headers["location"]).body)
    assert "The image is stored." in page.text
    assert "a b" in [image["alt"] for image in page.all("img")]


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (UnsupportedTypeError("These bytes are a program."), 415),
        (TooLargeError("The image has 300 frames."), 413),
        (UnreadableImageError("The image ends too early."), 422),
    ],
)
def test_a_refused_image_brings_the_form_back_with_the_reason_and_the_key(
    caller: Caller, refusal: RequestError, status: int
) -> None:
    caller.parts.inspector.refusal = refusal
    page = refused(caller, upload(caller, multipart(key="my “key” & <more>", file=b"x")), status)
    assert str(refusal) in page.text
    assert page.fields()["key"] == "my “key” & <more>"
    assert invalid_fields(page) == ["file"]


@pytest.mark.parametrize("key", ["x" * 256, "a\nb", "nul\0"])
def test_a_wrong_key_is_pointed_at_and_kept_to_be_corrected(caller: Caller, key: str) -> None:
    page = refused(caller, upload(caller, multipart(key=key, file=b"x")), 400)
    assert page.fields()["key"] == key
    assert invalid_fields(page) == ["key"]


@pytest.mark.parametrize(
    "body",
    [multipart(key="k1"), multipart(key="k1", file=b"")],
    ids=["no file field", "no file chosen"],
)
def test_a_missing_file_is_pointed_at(caller: Caller, body: bytes) -> None:
    page = refused(caller, upload(caller, body), 400)
    assert page.fields()["key"] == "k1"
    assert invalid_fields(page) == ["file"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (MULTIPART, multipart(key="k1", file=b"x" * 100)[:-40]),
        (MULTIPART, multipart(file=b"x")),
        (MULTIPART, multipart(key=b"\xff\xfe", file=b"x")),
        (MULTIPART, b""),
        ({"Content-Type": "multipart/form-data"}, b"x"),
        ({"Content-Type": "image/png"}, b"x"),
        (JSON, b"{"),
        ({}, b""),
    ],
    ids=["cut short", "no key", "key not UTF-8", "empty", "no boundary", "a bare image", "half JSON", "nothing"],
)
def test_a_body_that_is_no_whole_form_is_refused_on_the_page(
    caller: Caller, headers: dict[str, str], body: bytes
) -> None:
    refused(caller, caller.submit("/upload", headers, body), 400)


def test_retrieving_a_known_key_leads_to_its_page(caller: Caller) -> None:
    upload(caller, multipart(key=" a/b ", file=b"x"))
    answer = caller("GET", "/retrieve?key=%20a%2Fb%20")
    assert (answer.status, answer.headers["location"]) == (303, "/image?key=%20a%2Fb%20")


@pytest.mark.parametrize("path", ["/retrieve", "/image"])
def test_an_unknown_key_is_told_and_can_be_corrected_or_taken(caller: Caller, path: str) -> None:
    answer = caller("GET", f"{path}?key=caf%C3%A9%20%3Cb%3E")
    assert answer.status == 404
    page = HtmlPage(answer.body)
    assert "There is no image with the key “café <b>”." in page.text
    assert page.fields()["key"] == "café <b>"
    form = HtmlPage(caller("GET", page.link_to("/upload")).body)
    assert form.fields()["key"] == "café <b>"


@pytest.mark.parametrize("query", ["", "?key=", "?key=" + "x" * 256, "?key=%00"])
@pytest.mark.parametrize("path", ["/retrieve", "/image", "/content", "/delete"])
def test_what_is_no_key_is_refused_in_words(caller: Caller, path: str, query: str) -> None:
    answer = caller("GET", path + query)
    assert answer.status == 400
    assert "key" in HtmlPage(answer.body).text


def test_asking_for_a_deletion_changes_nothing(caller: Caller) -> None:
    upload(caller, multipart(key="k1", file=b"x"))
    for path in ("/delete?key=k1", "/delete-all"):
        assert caller("GET", path).status == 200
    assert caller("GET", "/content?key=k1").status == 200


def test_a_deletion_from_a_later_page_of_keys_leads_back_to_it(caller: Caller) -> None:
    upload(caller, multipart(key="k1", file=b"x"))
    listed = HtmlPage(caller("GET", "/keys?after=a%2Fb%20c").body)
    question = HtmlPage(caller("GET", listed.link_to("/delete")).body)
    answer = caller.submit("/delete", URLENCODED, urlencoded(**question.fields()))
    assert answer.headers["location"].startswith("/keys?after=a%2Fb%20c&trashed=")


def test_deleting_what_is_not_there_says_so(caller: Caller) -> None:
    answer = caller.submit("/delete", URLENCODED, urlencoded(key="k1"))
    assert answer.status == 404
    assert "There is no image with the key “k1”." in HtmlPage(answer.body).text


@pytest.mark.parametrize("body", [b"", b"confirm=", b"confirm=no", b"yes=confirm"])
def test_deleting_all_without_the_tick_deletes_nothing(caller: Caller, body: bytes) -> None:
    upload(caller, multipart(key="k1", file=b"x"))
    answer = caller.submit("/delete-all", URLENCODED, body)
    assert answer.status == 400
    assert "Nothing was deleted" in HtmlPage(answer.body).text
    assert len(caller.parts.store.images) == 1


@pytest.mark.parametrize(("count", "words"), [(1, "1 image"), (2, "2 images")])
def test_deleting_all_tells_the_count_and_with_the_tick_does_it(caller: Caller, count: int, words: str) -> None:
    for number in range(count):
        upload(caller, multipart(key=f"k{number}", file=b"x"))
    question = HtmlPage(caller("GET", "/delete-all").body)
    assert f"You have {words}." in question.text
    answer = caller.submit("/delete-all", URLENCODED, urlencoded(**question.fields()))
    assert (answer.status, answer.headers["location"]) == (303, "/keys?notice=deleted-all")
    assert caller.parts.store.images == {}
    assert "There is nothing to delete" in HtmlPage(caller("GET", "/delete-all").body).text
