"""The pages that show: the grid, one image, the keys, the fleet, errors."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from chalicelib.domain import fleet
from chalicelib.domain.errors import ObjectsUnavailableError, RowsUnavailableError
from chalicelib.domain.images import ImageFacts
from chalicelib.web import gallery_pages, pages
from tests.fakes import MemoryParts, memory_app
from tests.fakes.parts import memory_config
from tests.web.caller import MULTIPART, URLENCODED, Caller, multipart
from tests.web.html_page import HtmlPage, keyed, page_of, put, query_of, urlencoded

HARD_KEYS = [
    "k1",
    "a/b/../../etc/passwd",
    "100%25 %zz +plus+",
    "\"double\" 'single' &amp; <b>",
    "<script>alert(1)</script>",
    "صورة\u202e من البحر",
    "🌊🏖️",
    "cafe\u0301",
    "caf\u00e9",
    "  spaces on both sides  ",
    "?query=1&key=2#part",
    "界" * 255,
]


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.mark.parametrize("key", HARD_KEYS)
def test_any_key_goes_by_the_pages_own_links_and_forms_from_upload_to_deletion(caller: Caller, key: str) -> None:
    page = page_of(caller("GET", put(caller, key).headers["location"]))
    assert key in page.text
    assert [image["alt"] for image in page.all("img")] == [key]
    assert caller("GET", page.all("img")[0]["src"]).body == b"the bytes"

    listed = page_of(caller("GET", "/keys"))
    assert key in listed.text
    assert page_of(caller("GET", listed.link_to("/image"))).text == page_of(caller("GET", keyed("/image", key))).text
    question = page_of(caller("GET", listed.link_to("/delete")))
    assert key in question.text

    deleted = caller.submit("/delete", URLENCODED, urlencoded(**question.fields()))
    assert deleted.status == 303
    assert deleted.headers["location"].startswith("/keys?trashed=")
    assert caller("GET", keyed("/content", key)).status == 404
    assert caller.parts.store.images == {}


def test_the_grid_says_sizes_before_the_bytes_come_and_loads_late_what_is_below(caller: Caller) -> None:
    caller.parts.inspector.facts = ImageFacts("image/jpeg", width=1600, height=400, frames=1)
    for number in range(8):
        put(caller, f"k{number}")
    page = page_of(caller("GET", "/"))
    images = page.all("img")
    assert {(image["width"], image["height"]) for image in images} == {("1600", "400")}
    assert [image.attributes.get("loading") for image in images] == [None] * 6 + ["lazy"] * 2
    assert [one["class"] for one in page.all("li") if "class" in one.attributes] == ["tile r30"] * 8


def addresses_of_pages(caller: Caller, path: str) -> Iterator[HtmlPage]:
    """The pages of a list, by their own links."""
    following: str | None = path
    while following is not None:
        page = page_of(caller("GET", following))
        yield page
        following = next((link["href"] for link in page.all("a") if link.attributes.get("rel") == "next"), None)


@pytest.mark.parametrize(
    ("path", "module", "limit"), [("/", gallery_pages, "PAGE_LIMIT"), ("/keys", pages, "LIST_LIMIT")]
)
@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7])
def test_the_pages_of_a_list_hold_every_key_once_and_in_order(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, path: str, module: ModuleType, limit: str, count: int
) -> None:
    monkeypatch.setattr(module, limit, 3)
    keys = [f"a/ key+{number}%" for number in range(count)]
    for key in keys:
        put(caller, key)
        caller.parts.clock.advance(1)
    listed = list(addresses_of_pages(caller, path))
    shown = [query_of(link["href"])["key"] for page in listed for link in page.all("a") if "/image?" in link["href"]]
    assert shown == (keys if path == "/keys" else keys[::-1])  # the gallery is newest first
    assert len(listed) == max(1, -(-count // 3))


@pytest.mark.parametrize(("path", "words"), [("/", "No images yet."), ("/keys", "No keys yet.")])
def test_an_empty_list_says_what_to_do(caller: Caller, path: str, words: str) -> None:
    page = page_of(caller("GET", path))
    assert words in page.text
    assert "upload" in page.text.lower()


@pytest.mark.parametrize(("path", "last"), [("/", "0.a"), ("/keys", "z")])
def test_a_page_behind_the_last_image_leads_to_the_first(caller: Caller, path: str, last: str) -> None:
    put(caller, "k1")
    page = page_of(caller("GET", f"{path}?after={last}"))
    assert "Go to the first page" in page.text
    assert page_of(caller("GET", f"{path}?after=%01"), 400).all("h1")


def test_an_images_page_tells_its_details(caller: Caller) -> None:
    put(caller, "k1", b"x" * 2048)
    text = " ".join(page_of(caller("GET", "/image?key=k1")).text.split())
    for words in ("PNG", "3 × 2 pixels", "2.0 KiB (2,048 bytes)", "12 of 16", "Node 2 node-b", "1 Jan 2030, 00:16 UTC"):
        assert words in text


def test_an_images_page_without_a_fleet_says_that_the_origin_answers(caller: Caller) -> None:
    put(caller, "k1")
    caller.parts.store.fleet_map = fleet.with_nodes(caller.parts.fleet_map, [])
    assert "the origin answers" in page_of(caller("GET", "/image?key=k1")).text


@pytest.mark.parametrize(("key", "name"), [("a/b.jpeg", "b.jpeg.png"), ("a/../..", "image.png"), ("x.PNG", "x.PNG")])
def test_a_download_is_named_after_the_key_and_its_bytes(caller: Caller, key: str, name: str) -> None:
    put(caller, key)
    page = page_of(caller("GET", keyed("/image", key)))
    assert [link["download"] for link in page.all("a") if "download" in link.attributes] == [name]


def test_large_images_may_come_from_the_bucket_and_small_ones_from_nowhere_else() -> None:
    parts = MemoryParts()
    caller = Caller(parts)
    caller.app = memory_app(parts.services(config=memory_config(inline_bytes=10)))
    put(caller, "small", b"x" * 10)
    assert "img-src 'self' blob:;" in caller("GET", "/image?key=small").headers["content-security-policy"]
    put(caller, "large", b"x" * 11)
    for path in ("/image?key=large", "/delete?key=large"):
        assert "img-src 'self' blob: https://objects.test;" in caller("GET", path).headers["content-security-policy"]
    assert caller("GET", "/content?key=large").headers["location"].startswith("https://objects.test/")


def test_content_is_the_image_with_its_type_and_where_it_came_from(caller: Caller) -> None:
    put(caller, "k1")
    answer = caller("GET", "/content?key=k1")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/png", b"the bytes")
    assert 'source;desc="origin, partition 12"' in answer.headers["server-timing"]
    assert 'source;desc="node node-b, partition 12"' in caller("GET", "/content?key=k1").headers["server-timing"]
    assert caller("GET", "/content?key=k1", {"If-None-Match": answer.headers["etag"]}).status == 304


def test_only_known_notices_are_shown(caller: Caller) -> None:
    put(caller, "k1")
    assert "Every image is deleted" in page_of(caller("GET", "/keys?notice=deleted-all")).text
    assert "You won" not in page_of(caller("GET", "/keys?notice=You%20won")).text


@pytest.mark.parametrize("path", ["/", "/keys", "/image?key=k1", "/delete-all", "/retrieve?key=k1"])
def test_without_the_database_a_page_says_to_come_back(caller: Caller, path: str) -> None:
    put(caller, "k1")
    caller.parts.steps.stop("rows", RowsUnavailableError("The database does not answer."))
    answer = caller("GET", path)
    page = page_of(answer, 503)
    assert "load this page again" in page.text
    assert answer.headers["retry-after"] == "2"


def test_without_the_object_store_an_uploads_page_says_so(caller: Caller) -> None:
    caller.parts.steps.stop("objects", ObjectsUnavailableError("The object store cannot be reached; try again."))
    answer = caller.submit("/upload", MULTIPART, multipart(key="k1", file=b"x"))
    assert "The object store cannot be reached" in page_of(answer, 503).text
    assert caller.parts.store.images == {}


def test_a_wrong_method_is_told_on_a_page_whose_styles_load(caller: Caller) -> None:
    answer = caller("DELETE", "/keys")
    page = page_of(answer, 405)
    assert answer.headers["allow"]
    assert caller("GET", page.all("link")[0]["href"]).status == 200


def test_a_form_of_another_site_is_refused_on_a_page(caller: Caller) -> None:
    put(caller, "k1")
    headers = {**URLENCODED, "Origin": "https://elsewhere.test", "Sec-Fetch-Site": "cross-site"}
    page = page_of(caller.submit("/delete-all", headers, urlencoded(confirm="yes")), 403)
    assert page.addresses()[0].startswith("./static/")
    assert len(caller.parts.store.images) == 1
