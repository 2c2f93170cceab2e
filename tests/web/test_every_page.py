"""What every page must have: nothing foreign, one heading, labels, and addresses that answer, behind a stage too."""

import base64
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from chalice.test import Client

from tests.web.caller import URLENCODED, Caller
from tests.web.html_page import HtmlPage, put, query_of, urlencoded
from tests.web.sharing import album_of, share

PAGES = [
    "/",
    "/upload",
    "/upload/large",
    "/keys",
    "/trash",
    "/trash/empty",
    "/downloads",
    "/manager",
    "/manager/clear",
    "/manager/node?id=node-a",
    "/manager/decisions",
    "/manager?nodes=3",
    "/manager/decision?id=1",
    "/delete-all",
    "/albums",
    "/album/choose?key=k1",
    "/shares",
    "/withdraw",
    "/erasure?receipt=none",
    "/shares/new?key=k1",
    "/admin",
    "/admin/dump",
    "/admin/delete-all",
    "/admin/audit",
    "/admin/findings",
    "/image?key=k1",
    "/delete?key=k1",
    "/image?key=none",
]


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("key", ["<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "k1"])
def test_a_page_runs_and_loads_nothing_but_our_own_files_whatever_the_keys_are(
    caller: Caller, path: str, key: str
) -> None:
    put(caller, key)
    put(caller, "k1")
    answer = caller("GET", path.replace("none", quote(key + "!", safe="")))
    page = HtmlPage(answer.body)
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"], element
        assert element.tag != "style"
    assert all(urlsplit(script["src"]).path.startswith("/static/") for script in page.all("script"))
    sends = "'self' https://objects.test" if path in ("/", "/upload") else "'self'"  # files, to the object store
    images = "'self' blob: https://objects.test" if path == "/" else "'self' blob:"  # large ones, of later pages too
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src {images}; connect-src {sends}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["cache-control"] == "private, no-store"


def test_words_of_people_are_text_on_their_pages_and_on_those_of_links(caller: Caller) -> None:
    words = "<img src=x onerror=alert(1)><script>alert(2)</script>'\""
    put(caller, "k1")
    assert caller.submit("/caption", URLENCODED, urlencoded(key="k1", caption=words)).status == 303
    tagged = caller.submit("/tag", URLENCODED, urlencoded(key="k1", tag="<b onclick=alert(3)>"))
    assert tagged.status in (303, 400)  # some words are no tag
    album_id = album_of(caller, "k1", title=words)
    link = share(caller, album=album_id, title=words)
    shown = 0
    for path in (
        "/",
        "/image?key=k1",
        "/albums",
        f"/album?id={album_id}",
        f"/shares/new?album={album_id}",
        "/shares",
        link,
    ):
        answer = caller("GET", path)
        page = HtmlPage(answer.body)
        assert answer.status == 200, path
        assert not [one for one in page.elements if any(name.startswith("on") for name in one.attributes)], path
        assert not [one for one in page.all("img") if one.attributes.get("src") == "x"], path
        assert all("src" in one.attributes for one in page.all("script")), path
        shown += "<script>alert(2)</script>" in page.text
    assert shown >= 4  # that many pages say them


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_one_heading_a_title_a_language_and_labels(caller: Caller, path: str) -> None:
    put(caller, "k1")
    page = HtmlPage(caller("GET", path).body)
    assert len(page.all("h1")) == 1
    assert page.all("html")[0]["lang"] == "en"
    titles = [title for title in page.all("title") if "id" not in title.attributes]  # those with ids are of drawings
    assert len(page.all("main")) == len(titles) == 1
    ids = [element["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    shown = [one["id"] for one in [*page.all("input"), *page.all("select")] if one.attributes.get("type") != "hidden"]
    assert sorted(shown) == sorted(label["for"] for label in page.all("label"))
    described = [one["aria-describedby"].split() for one in page.elements if "aria-describedby" in one.attributes]
    assert {name for names in described for name in names} <= set(ids)


@pytest.mark.parametrize("path", PAGES)
def test_behind_a_stage_every_address_lies_under_it(caller: Caller, path: str) -> None:
    put(caller, "k1")
    page = HtmlPage(behind_stage(caller, "GET", path)["body"])
    assert page.addresses()
    assert [address for address in page.addresses() if not address.startswith("/prod/")] == []


def test_behind_a_stage_redirects_lie_under_it(caller: Caller) -> None:
    put(caller, "k1")
    assert behind_stage(caller, "GET", "/retrieve?key=k1")["headers"]["Location"] == "/prod/image?key=k1"


@pytest.mark.parametrize("path", PAGES)
def test_every_address_on_a_page_answers(caller: Caller, path: str) -> None:
    put(caller, "k1")
    page = HtmlPage(caller("GET", path).body)
    sent_to = {form["action"] for form in page.all("form") if form["method"] == "post"}
    for address in set(page.addresses()) - sent_to - {"/retrieve"}:
        assert caller("GET", address).status == 200, address


@pytest.mark.parametrize("path", [*PAGES, "/content?key=k1", "/static/style.css"])
def test_head_answers_as_get(caller: Caller, path: str) -> None:
    put(caller, "k1")
    caller("GET", "/")  # from here on it is a visitor that is known
    head, get = caller("HEAD", path), caller("GET", path)
    assert head.status == get.status
    assert head.headers.keys() == get.headers.keys()


def behind_stage(caller: Caller, method: str, path: str, in_path: dict[str, str] | None = None) -> dict[str, Any]:
    """The application's answer to the event that API Gateway makes of a request to stage `prod`.

    `in_path` are the values of the parameters that the path names.
    """
    parts = urlsplit(path)
    query = {name: [value] for name, value in query_of(path).items()} if parts.query else None
    event: dict[str, Any] = {
        "resource": parts.path,
        "path": parts.path.format(**in_path or {}),
        "headers": {"Accept": "text/plain"},
        "multiValueQueryStringParameters": query,
        "pathParameters": in_path,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": parts.path,
            "path": "/prod" + parts.path.format(**in_path or {}),
            "stage": "prod",
        },
    }
    with Client(caller.app):
        answer: dict[str, Any] = caller.app(event, None)
    if answer.get("isBase64Encoded"):
        answer["body"] = base64.b64decode(answer["body"])
    return answer
