"""Albums by the pages and by the API."""

import json

import pytest

from tests.answer import Answer
from tests.web.caller import JSON, URLENCODED, Caller
from tests.web.html_page import page_of, put, urlencoded
from tests.web.sharing import album_of, id_in, keys_in, share, work

KEYS = ["k1", "a/b & <b>", "צילום 1", "100% +?#"]


@pytest.fixture
def caller() -> Caller:
    caller = Caller()
    for key in KEYS:
        put(caller, key)
    work(caller)
    return caller


def change(caller: Caller, album_id: str, key: str, what: str) -> Answer:
    return caller.submit("/album/image", URLENCODED, urlencoded(id=album_id, key=key, what=what))


def test_an_album_is_made_filled_and_shown_by_the_pages(caller: Caller) -> None:
    empty = page_of(caller("GET", "/albums"))
    assert "No albums yet." in empty.text
    album_id = album_of(caller, *KEYS, title="<b>Summer</b> & “sea”")
    page = page_of(caller("GET", f"/album?id={album_id}"))
    assert "<b>Summer</b> & “sea”" in page.text
    assert "4 images" in page.text
    sources = [image["src"] for image in page.all("img")]
    assert len(sources) == len(KEYS)
    assert {caller("GET", source).headers["content-type"] for source in sources} == {"image/webp"}
    listed = page_of(caller("GET", "/albums"))
    assert [image["alt"] for image in listed.all("img")] == ["k1"]
    assert caller("GET", listed.link_to("/album")).status == 200


def test_images_are_ordered_chosen_as_cover_and_taken_out(caller: Caller) -> None:
    album_id = album_of(caller, *KEYS)
    change(caller, album_id, KEYS[3], "first")
    change(caller, album_id, KEYS[0], "later")
    change(caller, album_id, KEYS[1], "last")
    change(caller, album_id, KEYS[1], "earlier")
    assert keys_in(caller, album_id) == [KEYS[3], KEYS[0], KEYS[1], KEYS[2]]
    change(caller, album_id, KEYS[2], "cover")
    assert caller("GET", f"/api/v1/albums/{album_id}").json["album"]["cover"] == KEYS[2]
    change(caller, album_id, KEYS[2], "remove")
    assert keys_in(caller, album_id) == [KEYS[3], KEYS[0], KEYS[1]]
    assert change(caller, album_id, KEYS[2], "remove").status == 404
    assert change(caller, album_id, KEYS[0], "sideways").status == 400
    assert caller("GET", "/api/v1/images").json["images"][0]["key"] == min(KEYS, key=str.encode)
    assert len(caller("GET", "/api/v1/images").json["images"]) == len(KEYS)


def test_many_images_are_put_into_an_album_by_one_form(caller: Caller) -> None:
    for number in range(40):
        put(caller, f"many {number}")
    chosen = "&".join(urlencoded(key=f"many {number}").decode() for number in range(40)).encode()
    asked = page_of(caller.submit("/album/choose", URLENCODED, chosen))
    assert "40 images" in asked.text
    assert len([one for one in asked.all("input") if one.attributes.get("name") == "key"]) == 40
    made = caller.submit("/album/add", URLENCODED, chosen + b"&" + urlencoded(id="new", title="Many"))
    assert keys_in(caller, id_in(made)) == [f"many {number}" for number in range(40)][:50]


def test_a_long_album_is_shown_page_by_page(caller: Caller) -> None:
    album_id = album_of(caller, "k1")
    keys = [f"many {number:02}" for number in range(70)]
    for key in keys:
        put(caller, key)
    body = "&".join(urlencoded(key=key).decode() for key in keys).encode() + b"&" + urlencoded(id=album_id)
    assert caller.submit("/album/add", URLENCODED, body).status == 303
    first = page_of(caller("GET", f"/album?id={album_id}"))
    (following,) = [link["href"] for link in first.all("a") if link.attributes.get("rel") == "next"]
    rest = page_of(caller("GET", following))
    shown = [image["alt"] for page in (first, rest) for image in page.all("img")]
    assert shown == ["k1", *keys]
    assert caller("GET", f"/album?id={album_id}&after=x").status == 400
    answer = caller("GET", f"/api/v1/albums/{album_id}?limit=30&cursor=59").json
    assert (answer["keys"], answer["next_cursor"]) == (keys[59:], None)


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, "a\nb"])
def test_a_title_that_is_none_is_refused_in_words_and_kept(caller: Caller, title: str) -> None:
    album_id = album_of(caller)
    for path, fields in (("/albums", {}), ("/album/rename", {"id": album_id})):
        answer = caller.submit(path, URLENCODED, urlencoded(title=title, **fields))
        assert "title" in page_of(answer, 400).text
    assert caller("POST", "/api/v1/albums", JSON, json.dumps({"title": title}).encode()).status == 400
    assert len(caller("GET", "/api/v1/albums").json["albums"]) == 1


def test_what_is_not_there_is_not_put_in_and_nothing_is_half_done(caller: Caller) -> None:
    album_id = album_of(caller, "k1")
    body = b"key=k1&key=none&" + urlencoded(id="new", title="Half")
    assert caller.submit("/album/add", URLENCODED, body).status == 404
    assert caller.submit("/album/add", URLENCODED, urlencoded(id=album_id, key="none")).status == 404
    assert caller.submit("/album/add", URLENCODED, urlencoded(id=album_id)).status == 400
    assert caller("GET", "/album/choose?key=none").status == 404
    assert [album["title"] for album in caller("GET", "/api/v1/albums").json["albums"]] == ["Summer"]


@pytest.mark.parametrize("album_id", ["", "0" * 32, "x" * 32, "0" * 31, "é"])
def test_an_album_that_is_none_is_not_found(caller: Caller, album_id: str) -> None:
    assert caller("GET", f"/album?id={album_id}").status == 404
    assert caller.submit("/album/delete", URLENCODED, urlencoded(id=album_id)).status == 404
    assert caller.submit("/album/add", URLENCODED, urlencoded(id=album_id, key="k1")).status == 404


def test_a_deleted_album_leaves_its_images_and_its_links_lead_nowhere(caller: Caller) -> None:
    album_id = album_of(caller, *KEYS)
    link = share(caller, album=album_id)
    question = page_of(caller("GET", f"/album/delete?id={album_id}"))
    assert "Its images stay" in question.text
    assert "The link to it will lead nowhere" in question.text
    assert caller("GET", link).status == 200
    assert caller.submit("/album/delete", URLENCODED, urlencoded(id=album_id)).status == 303
    assert caller("GET", link).status == 404
    assert len(caller("GET", "/api/v1/images").json["images"]) == len(KEYS)


def test_a_deleted_image_leaves_its_album(caller: Caller) -> None:
    album_id = album_of(caller, *KEYS)
    assert caller.submit("/delete", URLENCODED, urlencoded(key=KEYS[0])).status == 303
    assert keys_in(caller, album_id) == KEYS[1:]
    assert page_of(caller("GET", "/albums")).all("img")[0]["alt"] == KEYS[1]


def test_an_image_that_gets_another_key_keeps_its_place_and_its_link(caller: Caller) -> None:
    album_id, link = album_of(caller, *KEYS), share(caller, key=KEYS[0])
    assert caller.submit("/rename", URLENCODED, urlencoded(key=KEYS[0], new_key="k2")).status == 303
    assert keys_in(caller, album_id) == ["k2", *KEYS[1:]]
    assert caller("GET", link).status == 200


def test_the_gallery_offers_to_put_what_is_chosen_into_an_album(caller: Caller) -> None:
    offered = [one["formaction"] for one in page_of(caller("GET", "/")).all("button") if "formaction" in one.attributes]
    assert "/album/choose" in offered


def test_the_api_makes_changes_and_deletes_albums(caller: Caller) -> None:
    made = caller("POST", "/api/v1/albums", JSON, b'{"title": "Summer"}')
    assert made.status == 201
    path = made.headers["location"]
    for key in KEYS:
        added = caller("POST", f"{path}/images", JSON, json.dumps({"key": key}).encode())
    assert (added.status, added.json["images"]) == (200, 4)
    moved = caller("POST", f"{path}/order", JSON, json.dumps({"key": KEYS[3], "position": 2}).encode())
    assert moved.status == 200
    assert caller("GET", path).json["keys"] == [KEYS[0], KEYS[3], KEYS[1], KEYS[2]]
    changed = caller("PATCH", path, JSON, json.dumps({"title": "Autumn", "cover": KEYS[1]}).encode())
    assert (changed.json["title"], changed.json["cover"]) == ("Autumn", KEYS[1])
    half = caller("PATCH", path, JSON, json.dumps({"title": "Winter", "cover": "none"}).encode())
    assert (half.status, caller("GET", path).json["album"]["title"]) == (404, "Autumn")
    assert caller("PATCH", path, JSON, b"{}").status == 400
    assert caller("DELETE", f"{path}/images?key=k1").json["images"] == 3
    assert caller("DELETE", f"{path}/images?key=k1").status == 404
    assert caller("DELETE", path).status == 204
    assert caller("GET", path).status == 404


@pytest.mark.parametrize("position", ["0", "-1", "x", "", "9" * 12])
def test_a_position_that_is_none_is_refused(caller: Caller, position: str) -> None:
    album_id = album_of(caller, *KEYS)
    body = json.dumps({"key": "k1", "position": position}).encode()
    assert caller("POST", f"/api/v1/albums/{album_id}/order", JSON, body).status == 400
    assert keys_in(caller, album_id) == KEYS
