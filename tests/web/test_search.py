"""Searches by the page and by the API, on fakes."""

from urllib.parse import quote

import pytest

from tests.fakes.store import TagRow
from tests.web.caller import Caller
from tests.web.html_page import HtmlPage, page_of, put, query_of
from tests.web.people import joined, people_app


@pytest.fixture
def caller() -> Caller:
    """Three images, a moment apart; the first is tagged beach."""
    made = Caller()
    for key in ("sea 1", "sea side", 'town "hall"'):
        put(made, key)
        made.parts.clock.advance(1.0)
    tag(made, "sea 1", "beach")
    return made


def tag(caller: Caller, key: str, name: str, automatic: bool = False) -> None:
    store = caller.parts.store
    store.tags.setdefault((store.owners["demo"].id, key.encode()), {})[name] = TagRow(automatic)


def search(caller: Caller, text: str, status: int = 200) -> HtmlPage:
    return page_of(caller("GET", f"/?q={quote(text)}"), status)


def keys(page: HtmlPage) -> list[str]:
    return [item["data-key"] for item in page.all("li") if "data-key" in item.attributes]


def test_the_page_shows_what_is_found_newest_first(caller: Caller) -> None:
    assert keys(search(caller, "")) == ['town "hall"', "sea side", "sea 1"]
    assert keys(search(caller, "sea")) == ["sea side", "sea 1"]
    assert keys(search(caller, "tag:beach")) == ["sea 1"]
    assert keys(search(caller, "sea -tag:beach")) == ["sea side"]


def test_the_box_keeps_what_was_written_and_each_part_can_be_removed(caller: Caller) -> None:
    page = search(caller, "sea tag:beach")
    assert page.fields()["q"] == "sea tag:beach"
    chips = [link for link in page.all("a") if link.attributes.get("class", "").startswith("chip")]
    assert [query_of(link["href"]).get("q") for link in chips[:2]] == ["tag:beach", "sea"]
    assert keys(page_of(caller("GET", chips[0]["href"]))) == ["sea 1"]
    assert keys(page_of(caller("GET", chips[2]["href"]))) == keys(search(caller, ""))


def test_the_box_offers_what_can_be_written_without_script(caller: Caller) -> None:
    options = [option["value"] for option in search(caller, "sid").all("option")]
    assert options == ["side"]
    assert [option["value"] for option in search(caller, "sea be").all("option")] == ["sea tag:beach"]
    assert search(caller, "").all("option") == []  # the first page of all images asks for nothing that it need not show


def test_a_word_that_begins_a_tag_leads_to_the_tag(caller: Caller) -> None:
    page = search(caller, "sea bea")
    assert keys(page) == []
    offered = [link["href"] for link in page.all("a") if query_of(link["href"]).get("q") == "sea tag:beach"]
    assert len(offered) == 1
    assert keys(page_of(caller("GET", offered[0]))) == ["sea 1"]
    for text in ("tag:bea", "sea bea ", "-bea", "zebra"):  # said already, whole already, not wanted, none
        assert "Tags that begin" not in search(caller, text).text


@pytest.mark.parametrize("text", ["tag:", "place:rome", 'sea "', "uploaded:soon", "!!!", "x" * 501])
def test_a_search_that_is_not_understood_says_why_and_stays_in_the_box(caller: Caller, text: str) -> None:
    page = search(caller, text, 400)
    assert "This search cannot be understood" in page.text
    assert page.fields()["q"] == text
    assert keys(page) == []


def test_a_search_that_finds_nothing_says_what_can_be_done(caller: Caller) -> None:
    assert "No image is found." in search(caller, "zebra").text
    assert "No images yet." in search(Caller(), "").text


def test_pages_go_on_by_address(caller: Caller) -> None:
    for number in range(62):
        put(caller, f"many {number}")
        caller.parts.clock.advance(1.0)
    first = search(caller, "many")
    assert len(keys(first)) == 60
    second = page_of(caller("GET", _next(first)))
    assert keys(second) == ["many 1", "many 0"]
    assert caller("GET", "/?q=many&after=!!").status == 400


def _next(page: HtmlPage) -> str:
    return next(link["href"] for link in page.all("a") if link.attributes.get("rel") == "next")


def test_what_is_shown_is_escaped(caller: Caller) -> None:
    page = search(caller, '"<script>" tag:"<b>"')
    assert page.fields()["q"] == '"<script>" tag:"<b>"'
    assert all(element.attributes.get("src") for element in page.all("script"))
    assert page.all("b") == []


def test_the_api_finds_newest_first_and_goes_on_by_cursor(caller: Caller) -> None:
    first = caller("GET", "/api/v1/images?q=sea&limit=1")
    assert [image["key"] for image in first.json["images"]] == ["sea side"]
    assert 'rel="next"' in first.headers["link"]
    address = first.headers["link"].split(">")[0].removeprefix("<")
    rest = caller("GET", address).json
    assert ([image["key"] for image in rest["images"]], rest["next_cursor"]) == (["sea 1"], None)
    newest = caller("GET", "/api/v1/images?q=").json["images"]
    assert [image["key"] for image in newest] == ['town "hall"', "sea side", "sea 1"]
    in_order = caller("GET", "/api/v1/images").json["images"]
    assert [image["key"] for image in in_order] == ["sea 1", "sea side", 'town "hall"']


@pytest.mark.parametrize(
    ("query", "field"), [("q=tag%3A", "q"), ("q=sea&cursor=!", "cursor"), ("q=sea&limit=0", "limit"), ("q=%FF", "q")]
)
def test_the_api_refuses_in_words(caller: Caller, query: str, field: str) -> None:
    answer = caller("GET", f"/api/v1/images?{query}")
    assert (answer.status, answer.json["errors"][0]["field"]) == (400, field)


def test_the_api_suggests_tags_words_and_filters(caller: Caller) -> None:
    tag(caller, "sea side", "old town")
    texts = {prefix: _suggested(caller, prefix) for prefix in ("s", "tag:", "-be", "orientation", "zebra")}
    assert texts == {
        "s": ["sea", "side"],
        "tag:": ["tag:beach", 'tag:"old town"'],
        "-be": ["-tag:beach"],
        "orientation": ["orientation:landscape", "orientation:portrait", "orientation:square"],
        "zebra": [],
    }


def test_nobody_finds_or_is_offered_what_is_another_s() -> None:
    call = people_app(Caller().parts)
    ann, bob = joined(call, "ann@store.test"), joined(call, "bob@store.test")
    assert ann.put("secret plan", b"bytes").status == 303
    assert [image["key"] for image in ann("GET", "/api/v1/images?q=secret").json["images"]] == ["secret plan"]
    assert bob("GET", "/api/v1/images?q=secret").json["images"] == []
    assert bob("GET", "/api/v1/suggestions?prefix=s").json["suggestions"] == []
    assert "secret" not in page_of(bob("GET", "/?q=")).source.decode()
    assert call("GET", "/api/v1/suggestions?prefix=s").status == 401


def _suggested(caller: Caller, prefix: str) -> list[str]:
    return [each["text"] for each in caller("GET", f"/api/v1/suggestions?prefix={quote(prefix)}").json["suggestions"]]
