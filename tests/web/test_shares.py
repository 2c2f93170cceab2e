"""Links by the pages and by the API: what whoever has one sees, and what never."""

import json
import re
from urllib.parse import quote

import pytest

from chalicelib.domain.errors import RowsUnavailableError
from chalicelib.web.shared_frame import CONTENT_POLICY
from tests.answer import Answer
from tests.fakes import memory_app
from tests.fakes.parts import memory_config
from tests.web.caller import JSON, URLENCODED, Caller
from tests.web.html_page import HtmlPage, page_of, put, urlencoded
from tests.web.sharing import album_of, path_in, share, work
from tests.web.test_every_page import behind_stage

KEYS = ["holiday at home/IMG_7.jpg", "a/b & <b>", "צילום 1"]
PASSWORD = "open sesame"


@pytest.fixture
def caller() -> Caller:
    caller = Caller()
    for key in KEYS:
        put(caller, key)
    work(caller)
    return caller


def stranger(caller: Caller) -> Caller:
    """The same application, called by a browser that has nothing of the owner's."""
    other = Caller(caller.parts)
    other.app = memory_app(caller.parts.services(config=memory_config(open_to="compatible-api", signed_in_as=None)))
    return other


def sources_of(page: HtmlPage) -> list[str]:
    return [image["src"] for image in page.all("img")]


def unlock(visitor: Caller, link: str, password: str) -> Answer:
    return visitor.submit(link, URLENCODED, urlencoded(password=password))


def pass_of(answer: Answer) -> dict[str, str]:
    assert answer.status == 303, answer.body
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def test_a_link_to_an_album_shows_its_images_to_anybody(caller: Caller) -> None:
    link = share(caller, album=album_of(caller, *KEYS))
    visitor = stranger(caller)
    assert visitor("GET", "/albums").status == 401
    page = page_of(visitor("GET", link))
    assert "Summer" in page.text
    assert "3 images" in page.text
    shown = [visitor("GET", source) for source in sources_of(page)]
    assert [answer.body for answer in shown] == [b"thumbnail of image/pngthe bytes"] * 3
    assert {answer.headers["content-type"] for answer in shown} == {"image/webp"}
    one = page_of(visitor("GET", next(a["href"] for a in page.all("a") if re.search(r"/[0-9a-f]{32}$", a["href"]))))
    assert "Image 1" in one.text
    assert visitor("GET", sources_of(one)[0]).body == b"preview of image/pngthe bytes"
    (onward,) = [link["href"] for link in one.all("a") if link.attributes.get("rel") == "next"]
    assert "Image 2" in page_of(visitor("GET", onward)).text


def test_a_link_to_an_image_shows_that_one(caller: Caller) -> None:
    link = share(caller, key=KEYS[0], title="The <sea>")
    page = page_of(stranger(caller)("GET", link))
    assert "The <sea>" in page.text
    assert stranger(caller)("GET", sources_of(page)[0]).body == b"preview of image/pngthe bytes"
    assert "Download" not in page.text


def everything_about(caller: Caller, link: str, headers: dict[str, str]) -> list[Answer]:
    """Every answer that whoever has the link can get: pages, JSON, images, files, errors."""
    visitor, found = stranger(caller), dict[str, Answer]()
    waiting = [
        link,
        f"/api/v1/shared/{link.split('/')[-1]}",
        f"{link}/nothing",
        f"{link}x",
        f"{link}/{'0' * 32}/preview",
    ]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = visitor("GET", path, headers)
        text = found[path].body.decode(errors="replace")
        waiting += re.findall(r'"(/share/[^"\s]+)"', text)
    assert len(found) >= 8
    return list(found.values())


@pytest.mark.parametrize("kind", ["album", "image"])
def test_no_byte_tells_key_owner_or_object(caller: Caller, kind: str) -> None:
    target = {"album": album_of(caller, *KEYS)} if kind == "album" else {"key": KEYS[0]}
    link = share(caller, **target, downloads="yes")
    work(caller)
    owner = next(iter(caller.parts.store.owners.values()))
    objects = [image.object_key for image in caller.parts.store.images.values()]
    secrets = [*KEYS, *(quote(key) for key in KEYS), "IMG_7", "holiday", "demo", owner.id.hex(), *objects, "originals"]
    secrets += ["renditions/", *(image.sha256.hex() for image in caller.parts.store.images.values())]
    secrets += ["partition", "node-a", "node-b"]
    for answer in everything_about(caller, link, {}):
        whole = repr(answer.headers).encode() + answer.body
        assert [secret for secret in secrets if secret.encode() in whole] == [], whole


def test_every_answer_to_a_link_is_kept_from_robots_referrers_and_scripts(caller: Caller) -> None:
    link = share(caller, album=album_of(caller, *KEYS), downloads="yes")
    work(caller)
    for answer in everything_about(caller, link, {}):
        if "problem+json" in answer.headers["content-type"]:
            continue
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in answer.headers
        if answer.headers["content-type"].startswith("text/html"):
            assert answer.headers["content-security-policy"] == CONTENT_POLICY
            assert answer.headers["cache-control"] == "private, no-store"
            assert HtmlPage(answer.body).all("script") == []


def test_a_link_that_is_taken_back_or_has_ended_leads_nowhere_at_once(caller: Caller) -> None:
    links = [share(caller, key=KEYS[0]), share(caller, key=KEYS[0], days="1")]
    visitor = stranger(caller)
    images = [sources_of(page_of(visitor("GET", link)))[0] for link in links]
    etags = [visitor("GET", image).headers["etag"] for image in images]
    assert visitor("GET", images[0], {"If-None-Match": etags[0]}).status == 304
    (revoked, _) = caller.parts.store.shares.values()
    assert caller.submit("/shares/revoke", URLENCODED, urlencoded(id=revoked.draft.id.hex())).status == 303
    caller.parts.clock.advance(24 * 3600 + 1)
    for link, image, etag in zip(links, images, etags, strict=True):
        page = page_of(visitor("GET", link), 404)
        assert "leads nowhere" in page.text
        assert visitor("GET", image).status == 404
        assert visitor("GET", image, {"If-None-Match": etag}).status == 404
    assert "ended" in page_of(caller("GET", "/shares")).text
    assert page_of(visitor("GET", "/share/" + "x" * 43), 404).text.strip() == page.text.strip()  # told alike


def test_a_deleted_image_is_behind_no_link(caller: Caller) -> None:
    link, album = share(caller, key=KEYS[0]), share(caller, album=album_of(caller, *KEYS))
    visitor = stranger(caller)
    before = sources_of(page_of(visitor("GET", album)))
    caller.submit("/delete", URLENCODED, urlencoded(key=KEYS[0]))
    assert visitor("GET", link).status == 404
    after = sources_of(page_of(visitor("GET", album)))
    assert after == before[1:]
    assert visitor("GET", before[0]).status == 404


@pytest.mark.parametrize("how", ["delete", "trash", "all"])
def test_an_image_that_comes_under_the_key_of_a_shared_one_is_behind_none_of_its_links(
    caller: Caller, how: str
) -> None:
    link, album = share(caller, key=KEYS[0]), share(caller, album=album_of(caller, KEYS[0]))
    visitor = stranger(caller)
    shown = [sources_of(page_of(visitor("GET", one)))[0] for one in (link, album)]
    if how == "all":
        assert caller("DELETE", "/api/v1/images?all=true").status == 200
    else:
        body = json.dumps({"action": how, "keys": [KEYS[0]]}).encode()
        assert caller("POST", "/api/v1/actions", JSON, body).json["done"] == 1
    put(caller, KEYS[0], b"another image, not shared")
    work(caller)
    assert [visitor("GET", one).status for one in (link, *shown)] == [404, 404, 404]
    assert sources_of(page_of(visitor("GET", album))) == []


def test_a_password_is_asked_for_before_anything_is_told(caller: Caller) -> None:
    album_id = album_of(caller, *KEYS)
    open_link, link = share(caller, album=album_id), share(caller, album=album_id, password=PASSWORD)
    visitor = stranger(caller)
    image = sources_of(page_of(visitor("GET", open_link)))[0].replace(open_link, link)
    locked = page_of(visitor("GET", link))
    assert "A password is needed" in locked.text
    assert "Summer" not in locked.text
    assert locked.all("img") == []
    assert visitor("GET", image).status == 403
    assert visitor("GET", f"/api/v1/shared/{link.split('/')[-1]}").status == 403
    refused = unlock(visitor, link, "wrong password")
    assert "not the password" in page_of(refused, 422).text
    given = pass_of(unlock(visitor, link, PASSWORD))
    assert "Summer" in page_of(visitor("GET", link, given)).text
    assert visitor("GET", image, given).status == 200
    told = visitor("GET", f"/api/v1/shared/{link.split('/')[-1]}", {"X-Share-Password": PASSWORD})
    assert (told.status, told.json["title"]) == (200, "Summer")
    assert told.headers["set-cookie"].startswith("share-")


def test_a_pass_is_good_for_its_link_its_password_and_half_a_day(caller: Caller) -> None:
    link, other = (share(caller, key=key, password=PASSWORD) for key in KEYS[:2])
    visitor = stranger(caller)
    given = pass_of(unlock(visitor, link, PASSWORD))
    name, _, value = given["Cookie"].partition("=")
    second = caller.parts.store.shares[list(caller.parts.store.shares)[1]]
    stolen = {"Cookie": f"share-{second.draft.id.hex()[:16]}={value}"}
    for headers in (stolen, {"Cookie": f"{name}=9999999999.{'0' * 64}"}, {"Cookie": f"{name}=x"}, {}):
        assert "A password is needed" in visitor("GET", other, headers).body.decode()
        assert "A password is needed" in visitor("GET", link, headers if headers != stolen else {}).body.decode()
    caller.parts.clock.advance(12 * 3600 - 1)
    assert "A password is needed" not in visitor("GET", link, given).body.decode()
    caller.parts.clock.advance(2)
    assert "A password is needed" in visitor("GET", link, given).body.decode()


def test_tries_are_counted_as_those_of_signing_in_are(caller: Caller) -> None:
    link = share(caller, key=KEYS[0], password=PASSWORD)
    visitor = stranger(caller)
    assert [unlock(visitor, link, "wrong password").status for _ in range(11)] == [422] * 10 + [429]
    refused = unlock(visitor, link, PASSWORD)
    assert (refused.status, "set-cookie" in refused.headers) == (429, False)
    token = link.split("/")[-1]
    api = visitor("GET", f"/api/v1/shared/{token}", {"X-Share-Password": PASSWORD})
    assert (api.status, "retry-after" in api.headers) == (429, True)
    caller.parts.clock.advance(16 * 60)
    assert unlock(visitor, link, PASSWORD).status == 303


def test_views_are_counted_where_something_was_seen(caller: Caller) -> None:
    link, locked = share(caller, key=KEYS[0]), share(caller, key=KEYS[1], password=PASSWORD)
    visitor = stranger(caller)
    visitor("HEAD", link)
    visitor("GET", locked)
    assert page_of(caller("GET", "/shares")).text.count("not opened yet") == 2
    visitor("GET", link)
    visitor("GET", link)
    visitor("GET", f"/api/v1/shared/{link.split('/')[-1]}")
    assert "opened 3 times" in page_of(caller("GET", "/shares")).text
    caller.parts.steps.fail("shares.count_view", RowsUnavailableError("no"))
    assert visitor("GET", link).status == 200  # nobody is kept from looking


def test_a_download_is_the_full_rendition_and_only_where_it_is_allowed(caller: Caller) -> None:
    closed, opened = share(caller, key=KEYS[0]), share(caller, key=KEYS[0], downloads="yes")
    visitor = stranger(caller)
    own = sources_of(page_of(visitor("GET", opened)))[0].removesuffix("/preview")
    assert visitor("GET", f"{own}/download").body.startswith(b"preview of ")  # until the other is made
    work(caller)
    answer = visitor("GET", f"{own}/download")
    assert answer.body.startswith(b"full of ")
    assert re.fullmatch(r'attachment; filename="image-[0-9a-f]{8}\.webp"', answer.headers["content-disposition"])
    refused = sources_of(page_of(visitor("GET", closed)))[0].removesuffix("/preview")
    for path in (f"{refused}/download", f"{own}/full", f"{own}/flipped", f"{own}/original", f"{own}/content"):
        assert visitor("GET", path).status == 404, path
    assert "Download" in page_of(visitor("GET", opened)).text


def test_what_is_too_large_for_an_answer_is_never_given_by_a_signed_address(caller: Caller) -> None:
    link = share(caller, key=KEYS[0], downloads="yes")
    work(caller)
    visitor = stranger(caller)
    visitor.app = memory_app(caller.parts.services(config=memory_config(inline_bytes=33)))
    own = sources_of(page_of(visitor("GET", link)))[0].removesuffix("/preview")
    for kind, status in (("thumbnail", 200), ("preview", 200), ("download", 200)):
        answer = visitor("GET", f"{own}/{kind}")
        assert (answer.status, "location" in answer.headers) == (status, False)
    visitor.app = memory_app(caller.parts.services(config=memory_config(inline_bytes=5)))
    assert visitor("GET", f"{own}/download").status == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"days": "366"},
        {"days": "-1"},
        {"days": "x"},
        {"password": "short"},
        {"password": "x" * 201},
        {"title": "x" * 201},
        {"title": "a\nb"},
    ],
)
def test_what_a_link_cannot_be_is_refused_in_words(caller: Caller, fields: dict[str, str]) -> None:
    answer = caller.submit("/shares", URLENCODED, urlencoded(key=KEYS[0], **fields))
    assert page_of(answer, 400).all("form")
    assert caller("POST", "/api/v1/shares", JSON, json.dumps({"key": KEYS[0], **fields}).encode()).status == 400
    assert caller.parts.store.shares == {}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"key": "none"}, 404),
        ({"album": "0" * 32}, 404),
        ({"album": "x"}, 404),
        ({"key": KEYS[0], "album": "0" * 32}, 400),
        ({"key": KEYS[0], "downloads": "maybe"}, 400),
    ],
)
def test_a_link_to_nothing_is_not_made(caller: Caller, fields: dict[str, str], status: int) -> None:
    assert caller.submit("/shares", URLENCODED, urlencoded(**fields)).status == status
    assert caller("POST", "/api/v1/shares", JSON, json.dumps(fields).encode()).status == status
    assert caller.parts.store.shares == {}


def test_the_api_makes_lists_and_revokes_links(caller: Caller) -> None:
    album_id = album_of(caller, *KEYS)
    asked = {"album": album_id, "password": PASSWORD, "downloads": "yes", "days": 0, "title": "Ours"}
    made = caller("POST", "/api/v1/shares", JSON, json.dumps(asked).encode())
    assert made.status == 201
    assert made.json["link"].endswith(f"/share/{made.json['token']}")
    (listed,) = caller("GET", "/api/v1/shares").json["shares"]
    assert (listed["album_id"], listed["key"], listed["title"]) == (album_id, None, "Ours")
    assert (listed["password"], listed["downloads"], listed["ends_at"]) == (True, True, None)
    assert made.json["token"] not in json.dumps(listed)
    assert caller("DELETE", f"/api/v1/shares/{listed['id']}").status == 204
    assert caller("DELETE", f"/api/v1/shares/{listed['id']}").status == 404
    assert caller("GET", f"/share/{made.json['token']}").status == 404


def test_a_token_is_kept_as_its_hash_only(caller: Caller) -> None:
    token = share(caller, key=KEYS[0], password=PASSWORD).split("/")[-1]
    (row,) = caller.parts.store.shares.values()
    assert token not in repr(row)
    assert len(row.draft.token_hash) == 32
    assert row.draft.password_hash == caller.parts.passwords.hashed(PASSWORD)


def test_behind_a_stage_every_address_of_a_link_lies_under_it(caller: Caller) -> None:
    token = share(caller, album=album_of(caller, *KEYS)).split("/")[-1]
    event = behind_stage(caller, "GET", "/share/{token}", {"token": token})
    addresses = HtmlPage(event["body"]).addresses()
    assert [one for one in addresses if one.startswith("/prod/share/")]
    assert [one for one in addresses if not one.startswith("/prod/")] == []


def test_a_link_is_told_once_on_a_page_of_its_own(caller: Caller) -> None:
    answer = caller.submit("/shares", URLENCODED, urlencoded(key=KEYS[1]))
    page, path = page_of(answer), path_in(answer)
    (field,) = [one for one in page.all("input") if one.attributes.get("id") == "link"]
    assert field["value"].endswith(path)
    assert path.split("/")[-1] not in caller("GET", "/shares").body.decode()
