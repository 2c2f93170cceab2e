"""The forms of the gallery's face: captions, new keys, and how pages look."""

import pytest

from tests.web.caller import URLENCODED, VISITOR, Caller
from tests.web.html_page import HtmlPage, keyed, page_of, put, urlencoded

HARD = ["k2", "a/b & <b>", "צילום 1", "100% +?#", "//evil.test"]


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.mark.parametrize("words", ["The sea", "<b>\"'&", "海"])
def test_a_caption_is_kept_by_its_form_and_shown(caller: Caller, words: str) -> None:
    put(caller, "k1")
    assert caller.submit("/caption", URLENCODED, urlencoded(key="k1", caption=words)).status == 303
    assert words in page_of(caller("GET", "/image?key=k1")).text
    assert page_of(caller("GET", "/")).all("img")[0]["alt"] == words


@pytest.mark.parametrize("key", HARD)
def test_a_new_key_leads_to_the_image_and_the_partition_moves_with_it(caller: Caller, key: str) -> None:
    put(caller, "k1")
    answer = caller.submit("/rename", URLENCODED, urlencoded(key="k1", new_key=key))
    assert (answer.status, answer.headers["location"]) == (303, keyed("/image", key) + "&notice=renamed")
    assert caller("GET", keyed("/content", key)).body == b"the bytes"
    assert caller("GET", "/content?key=k1").status == 404


def test_a_key_that_is_taken_or_none_is_refused_in_words(caller: Caller) -> None:
    put(caller, "k1")
    put(caller, "k2")
    taken = caller.submit("/rename", URLENCODED, urlencoded(key="k1", new_key="k2"))
    assert "already" in page_of(taken, 409).text
    assert caller.submit("/rename", URLENCODED, urlencoded(key="k1", new_key="")).status == 400
    assert caller.submit("/rename", URLENCODED, urlencoded(key="none", new_key="k3")).status == 404
    assert caller.submit("/caption", URLENCODED, urlencoded(key="none", caption="x")).status == 404
    assert sorted(key for _, key in caller.parts.store.images) == [b"k1", b"k2"]


def test_a_form_about_an_image_that_was_replaced_since_changes_nothing(caller: Caller) -> None:
    put(caller, "k1")
    etag = page_of(caller("GET", "/image?key=k1")).fields()["etag"]
    put(caller, "k1", b"other bytes")
    for path, field in (("/rename", {"new_key": "k2"}), ("/caption", {"caption": "x"})):
        assert caller.submit(path, URLENCODED, urlencoded(key="k1", etag=etag, **field)).status == 412
    assert [key for _, key in caller.parts.store.images] == [b"k1"]


def test_an_empty_gallery_has_an_unseen_place_for_the_first_images(caller: Caller) -> None:
    forms = {
        path: [one for one in page_of(caller("GET", path)).all("form") if one.attributes.get("id") == "gallery"]
        for path in ("/", "/?q=none")
    }
    assert ["hidden" in form.attributes for form in forms["/"]] == [True]
    assert forms["/?q=none"] == []
    put(caller, "k1")
    assert [
        "hidden" in one.attributes
        for one in page_of(caller("GET", "/")).all("form")
        if one.attributes.get("id") == "gallery"
    ] == [False]


def test_an_image_goes_to_the_trash_from_its_page_at_once_and_back_to_the_gallery(caller: Caller) -> None:
    put(caller, "k1")
    form = next(one for one in page_of(caller("GET", "/image?key=k1")).all("form") if one["action"] == "/selection")
    assert "data-leaves" in form.attributes
    fields = urlencoded(key="k1", back="/", action="trash")
    answer = caller.submit("/selection", URLENCODED, fields)
    assert answer.headers["location"].startswith("/?trashed=")
    assert "Undo" in page_of(caller("GET", answer.headers["location"])).text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_is_kept_by_the_browser_and_leads_back(caller: Caller, theme: str) -> None:
    answer = caller.submit("/looks", URLENCODED, urlencoded(theme=theme, back="/keys?after=a"))
    assert (answer.status, answer.headers["location"]) == (303, "/keys?after=a")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"theme={theme};")
    assert "Max-Age=31536000" in cookie
    page = page_of(caller("GET", "/keys", {"Cookie": f"visitor={VISITOR}; theme={theme}"}))
    assert page.all("html")[0]["data-theme"] == theme


@pytest.mark.parametrize("path", ["/album?id=none", "/manager/decision?id=0", "/trash/undo"])
def test_pages_of_errors_have_the_chosen_theme_too(caller: Caller, path: str) -> None:
    answer = caller("GET", path, {"Cookie": f"visitor={VISITOR}; theme=dark"})
    assert answer.status >= 400
    page = HtmlPage(answer.body)
    assert page.all("html")[0]["data-theme"] == "dark"
    assert "data-theme" not in HtmlPage(caller("GET", path).body).all("html")[0].attributes


def test_a_theme_that_is_none_is_refused_and_one_in_a_cookie_ignored(caller: Caller) -> None:
    assert caller.submit("/looks", URLENCODED, urlencoded(theme="pink")).status == 400
    assert caller.submit("/looks", URLENCODED, urlencoded(back="/")).status == 400
    page = page_of(caller("GET", "/keys", {"Cookie": f"visitor={VISITOR}; theme=pink"}))
    assert "data-theme" not in page.all("html")[0].attributes


def test_every_page_and_image_says_where_it_came_from(caller: Caller) -> None:
    put(caller, "k1")
    for path in ("/", "/keys", "/image?key=k1", "/manager", "/content?key=k1"):
        timing = caller("GET", path).headers["server-timing"]
        assert 'rows;desc="primary"' in timing
        assert timing.count("total;dur=") == 1
    assert 'source;desc="node node-b, partition 12"' in caller("GET", "/image?key=k1").headers["server-timing"]
    assert "served" not in [one.attributes.get("id") for one in page_of(caller("GET", "/")).elements]
    badge = page_of(caller("GET", "/", {"Cookie": f"visitor={VISITOR}; badge=1"}))
    assert "Rows from the cache" in badge.text  # they were shown before, and nothing has changed
