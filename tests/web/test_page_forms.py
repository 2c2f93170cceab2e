"""The pages' forms: what they do, what they refuse, and that a reload never does it twice."""

import re
from urllib.parse import unquote

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


def told(caller: Caller, answer: Answer) -> tuple[str, list[str]]:
    """What the page behind a form says of the image, and the keys that it links to there."""
    assert answer.status == 303, answer.body
    page = caller("GET", answer.headers["location"]).body.decode()
    found = re.search(r'<p class="notice" role="status">.*?<span>(.*?)</span></p>', page, re.DOTALL)
    assert found is not None
    return re.sub(r"<.*?>", "", found[1]), [unquote(key) for key in re.findall(r'/image\?key=([^"]+)"', found[1])]


@pytest.mark.parametrize("lead", ["gallery", "image"])
def test_a_key_left_empty_is_the_file_s_name_and_replaces_nothing(caller: Caller, lead: str) -> None:
    upload(caller, multipart(lead=lead, key="", file=b"1"))
    answer = upload(caller, multipart(lead=lead, key="", file=b"2"))
    words, links = told(caller, answer)
    assert (words, links) == (
        "The image is stored as a (2).png: another image is called a.png.",
        ["a (2).png", "a.png"],
    )
    assert caller("GET", "/content?key=a.png").body == b"1"
    assert caller("GET", "/content?key=a%20(2).png").body == b"2"


def test_a_key_that_the_script_took_from_the_file_s_name_replaces_nothing(caller: Caller) -> None:
    for data in (b"1", b"2"):
        upload(caller, multipart(if_taken="keep-both", key="mine.png", file=data))
    assert [image.key for image in caller.parts.store.images.values()] == [b"mine.png", b"mine (2).png"]
    assert upload(caller, multipart(if_taken="perhaps", key="mine.png", file=b"3")).status == 400


@pytest.mark.parametrize("lead", ["gallery", "image"])
def test_the_same_file_under_its_name_is_not_stored_again_and_leads_to_the_image(caller: Caller, lead: str) -> None:
    upload(caller, multipart(lead=lead, key="", file=b"1"))
    words, links = told(caller, upload(caller, multipart(lead=lead, key="", file=b"1")))
    assert (words, links) == ("Nothing was stored: this image is in your gallery already, as a.png.", ["a.png"])
    assert len(caller.parts.store.images) == 1


@pytest.mark.parametrize("lead", ["gallery", "image"])
def test_the_same_bytes_under_another_key_are_named_with_a_link(caller: Caller, lead: str) -> None:
    upload(caller, multipart(key="first one", file=b"1"))
    words, links = told(caller, upload(caller, multipart(lead=lead, key="k2", file=b"1")))
    assert words == "The image is stored. The same image is in your gallery already: first one."
    assert links == ["first one"]


def test_the_same_bytes_under_the_same_key_are_told(caller: Caller) -> None:
    upload(caller, multipart(key="k1", file=b"1"))
    words, links = told(caller, upload(caller, multipart(key="k1", file=b"1")))
    assert (words, links) == ("The image is stored. The same image had this key before.", [])


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("IMG_1.jpg", "IMG_1.jpg"),
        ("C:\\my images\\a.png", "a.png"),
        ("folder/b.png", "b.png"),
        ("été 海.png", "été 海.png"),
        ("x" * 300 + ".png", "x" * 245),
    ],
)
def test_the_key_is_the_last_part_of_the_file_s_name(caller: Caller, name: str, key: str) -> None:
    body = multipart(key="", file=b"1").replace(b'filename="a.png"', f'filename="{name}"'.encode())
    assert upload(caller, body).status == 303
    assert [image.key.decode() for image in caller.parts.store.images.values()] == [key]


def test_a_key_that_the_script_took_from_a_refused_file_is_not_kept_for_the_next(caller: Caller) -> None:
    caller.parts.inspector.refusal = UnreadableImageError("The image ends too early.")
    page = refused(caller, upload(caller, multipart(if_taken="keep-both", key="a.png", file=b"x")), 422)
    assert page.fields()["key"] == ""


def test_a_file_without_a_name_needs_a_key(caller: Caller) -> None:
    refused(caller, upload(caller, multipart(key="", file=b"1").replace(b'; filename="a.png"', b"")), 400)


def test_what_an_address_says_of_other_images_is_words_and_links_only(caller: Caller) -> None:
    upload(caller, multipart(key="k1", file=b"1"))
    for query in ("notice=kept", "notice=there", "notice=nonsense&other=k1"):
        assert 'role="status"><svg' not in caller("GET", f"/?{query}").body.decode().replace("\n", "")
    page = caller("GET", "/image?key=k1&notice=kept&other=%3Cscript%3E%22&stored=k1").body
    assert b"<script>" not in page
    assert b"/image?key=%3Cscript%3E%22" in page


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
