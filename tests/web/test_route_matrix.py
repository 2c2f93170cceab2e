"""What is another's, by every route there is: it answers as what nobody has. A new route fails until it stands here.

Every route that needs somebody signed in stands in one of three tables: it names something of somebody's, it lists what
somebody has, or it acts on whoever asks and on nothing that is named.
"""

from dataclasses import asdict, dataclass

import pytest

from chalicelib.web.access import Access, access_to
from tests.fakes import MemoryParts, memory_app
from tests.fakes.parts import memory_config
from tests.web.caller import MULTIPART, multipart
from tests.web.people import Person, joined
from tests.web.route_asking import CSRF, IMAGE, NOBODY_S, TAG, TITLE, Ask, Names, ada_s, asked, routes_of, without_names
from tests.web.sharing import path_in

KEY, KIND, ALBUM = Ask({"key": "{key}"}), Ask({"key": "{key}", "kind": "thumbnail"}), Ask({"id": "{album}"})
TAGGED = Ask({"key": "{key}", "tag": TAG})
EDITED = Ask({"key": "{key}", "kind": "greyscale"})
TITLED = {"title": "Another's"}
FOUND_NONE = {"status": 200}  # an answer about many, that tells of each what became of it
LED_BACK = {"status": 303}

NAMED: dict[tuple[str, str], Ask] = {
    ("/caption", "POST"): Ask({"key": "{key}", "caption": "another's"}),
    ("/rename", "POST"): Ask({"key": "{key}", "new_key": "another-s"}),
    ("/image", "GET"): KEY,
    ("/retrieve", "GET"): KEY,
    ("/content", "GET"): KEY,
    ("/upload/sent", "GET"): Ask({"id": "{upload_id}"}),
    ("/upload/sent", "POST"): Ask({"id": "{upload_id}"}),
    ("/delete", "GET"): KEY,
    ("/delete", "POST"): KEY,
    ("/rendition", "GET"): KIND,
    ("/edit", "POST"): EDITED,
    ("/retry", "POST"): KEY,
    ("/tag", "POST"): Ask({"key": "{key}", "tag": "another-s"}),
    ("/untag", "POST"): TAGGED,
    ("/selection", "POST"): Ask({"key": "{key}", "action": "trash"}, **LED_BACK),
    ("/trash", "POST"): Ask({"id": "{trash}", "action": "delete", "confirm": "yes"}, **LED_BACK),
    ("/trash/undo", "POST"): Ask({"batch": "{batch}"}, **LED_BACK),
    ("/trash/image", "GET"): Ask({"id": "{trash}"}),
    ("/downloads/zip", "GET"): Ask({"id": "{download}", "number": "1"}),
    ("/album", "GET"): ALBUM,
    ("/album/choose", "GET"): KEY,
    ("/album/choose", "POST"): KEY,
    ("/album/add", "POST"): Ask({"id": "{album}", "key": "{key}"}),
    ("/album/rename", "POST"): Ask({"id": "{album}", **TITLED}),
    ("/album/image", "POST"): Ask({"id": "{album}", "key": "{key}", "what": "remove"}),
    ("/album/delete", "GET"): ALBUM,
    ("/album/delete", "POST"): ALBUM,
    ("/shares", "POST"): KEY,
    ("/shares/new", "GET"): KEY,
    ("/shares/revoke", "POST"): Ask({"id": "{share}"}),
    ("/share/{token}/{image_id}", "GET"): Ask(),  # by the asker's own link
    ("/share/{token}/{image_id}/{kind}", "GET"): Ask(),
    ("/account/revoke", "POST"): Ask({"id": "{token}"}),
    ("/api/v1/images/{key}", "GET"): Ask(),
    ("/api/v1/images/{key}", "DELETE"): Ask(),
    ("/api/v1/image", "GET"): KEY,
    ("/api/v1/image", "DELETE"): KEY,
    ("/api/v1/image/metadata", "GET"): KEY,
    ("/api/v1/image/rendition", "GET"): KIND,
    ("/api/v1/image/edits", "POST"): EDITED,
    ("/api/v1/image/retry", "POST"): KEY,
    ("/api/v1/image/tags", "POST"): Ask({"key": "{key}", "tag": "another-s"}),
    ("/api/v1/image/tags", "DELETE"): TAGGED,
    ("/api/v1/image/caption", "PUT"): Ask({"key": "{key}", "caption": "another's"}),
    ("/api/v1/image/rename", "POST"): Ask({"key": "{key}", "new_key": "another-s"}),
    ("/api/v1/actions", "POST"): Ask({"action": "delete", "keys": ["{key}"]}, **FOUND_NONE),
    ("/api/v1/trash/actions", "POST"): Ask({"action": "restore", "ids": ["{trash}"]}, **FOUND_NONE),
    ("/api/v1/uploads/{upload_id}", "GET"): Ask(),
    ("/api/v1/uploads/{upload_id}/complete", "POST"): Ask(),
    ("/api/v1/downloads", "POST"): Ask({"keys": ["{key}"]}),
    ("/api/v1/downloads/{download_id}", "GET"): Ask(),
    ("/api/v1/downloads/{download_id}/zips/{number}", "GET"): Ask(),
    ("/api/v1/albums/{album_id}", "GET"): Ask(),
    ("/api/v1/albums/{album_id}", "PATCH"): Ask(TITLED),
    ("/api/v1/albums/{album_id}", "DELETE"): Ask(),
    ("/api/v1/albums/{album_id}/images", "POST"): KEY,
    ("/api/v1/albums/{album_id}/images", "DELETE"): KEY,
    ("/api/v1/albums/{album_id}/order", "POST"): Ask({"key": "{key}", "position": "1"}),
    ("/api/v1/shares", "POST"): KEY,
    ("/api/v1/shares/{share_id}", "DELETE"): Ask(),
    ("/api/key/{key}", "GET"): Ask(),
    ("/api/key/{key}", "POST"): Ask(),
    ("/api/key", "GET"): KEY,
    ("/api/key", "POST"): KEY,
}
BY_LINK = {each for each in NAMED if each[0].startswith("/share/")}
NO_ADDRESS = {  # of those whose row decides, those that lead to no address: they give no bytes, or inside of JSON
    *(("/api/v1/image/metadata", "GET"), ("/api/key", "GET"), ("/api/key", "POST")),
    *(("/api/key/{key}", "GET"), ("/api/key/{key}", "POST")),
}
LISTS: dict[tuple[str, str], dict[str, str]] = {  # with what is asked of each
    ("/", "GET"): {"q": f"tag:{TAG}"},
    ("/keys", "GET"): {},
    ("/delete-all", "GET"): {},
    ("/trash", "GET"): {},
    ("/trash/empty", "GET"): {},
    ("/downloads", "GET"): {},
    ("/albums", "GET"): {},
    ("/shares", "GET"): {},
    ("/account", "GET"): {},
    ("/account/erase", "GET"): {},
    ("/api/v1/images", "GET"): {"q": f"tag:{TAG}"},
    ("/api/v1/trash", "GET"): {},
    ("/api/v1/downloads", "GET"): {},
    ("/api/v1/albums", "GET"): {},
    ("/api/v1/shares", "GET"): {},
    ("/api/v1/suggestions", "GET"): {"prefix": TAG[:4]},
    ("/api/v1/account/erasure", "GET"): {},
    ("/api/list_keys", "GET"): {},
    ("/api/list_keys", "POST"): {},
}
COUNTS = {
    ("/delete-all", "GET"),
    ("/trash/empty", "GET"),
    ("/account/erase", "GET"),
    ("/api/v1/account/erasure", "GET"),
}
OF_THE_ASKER = {  # they make, change or show what is the asker's own or everybody's, whatever else is named
    *(("/looks", "POST"), ("/upload", "GET"), ("/upload", "POST"), ("/delete-all", "POST")),
    *(("/upload/large", "GET"), ("/upload/large", "POST")),
    *(("/notice", "GET"), ("/trash/empty", "POST"), ("/downloads/export", "POST"), ("/albums", "POST")),
    *(("/sign-out", "POST"), ("/account/password", "POST"), ("/account/sessions", "POST")),
    *(("/account/notices", "POST"), ("/account/tokens", "POST"), ("/account/erase", "POST")),
    *(("/api/v1/images", "POST"), ("/api/v1/images", "DELETE"), ("/api/v1/images/{key}", "PUT")),
    *(("/api/v1/image", "PUT"), ("/api/v1/uploads", "POST"), ("/api/v1/trash", "DELETE"), ("/api/v1/albums", "POST")),
    *(("/api/v1/account/erasure", "POST"), ("/api/v1/fleet/notice", "GET"), ("/api/upload", "POST")),
    *(("/api/delete_all", "POST"), ("/api/getNumNodes", "GET"), ("/api/getNumNodes", "POST")),
    *(("/api/getRate", "GET"), ("/api/getRate", "POST")),
}


@dataclass
class World:
    """Ada with one of everything, Bob with one image and a link to it."""

    ada: Person
    names: Names
    bob: Person
    link: str  # its token

    def everything(self) -> str:
        """All rows and the names of all objects."""
        parts = self.ada.call.parts
        return repr((parts.store, sorted(parts.objects.stored)))

    def of_ada(self) -> dict[str, object]:
        """All that Ada sees of what she has."""
        named = [each for each in (*NAMED, *LISTS) if each[1] == "GET" and each not in BY_LINK]
        sees: dict[str, object] = {}
        for path, method in named:
            ask = NAMED.get((path, method), Ask())
            answer = asked(self.ada, path, method, ask, self.names)
            assert answer.status in (200, 302, 303), (path, answer.status, answer.body)
            sees[path] = without_names(answer, NOBODY_S)
        return sees


def world_of(inline_bytes: int | None = None) -> World:
    """A world; where `inline_bytes` is given, larger images are answered by a signed address."""
    parts = MemoryParts()
    ada, names = ada_s(parts)
    bob = joined(ada.call, "bob@example.org")
    assert bob.put("bob-k1", IMAGE).status == 303
    link = path_in(bob.submit("/shares", key="bob-k1")).rpartition("/")[2]
    if inline_bytes is not None:
        config = memory_config(open_to="compatible-api", inline_bytes=inline_bytes)
        ada.call.app = memory_app(parts.services(config=config))
    return World(ada, names, bob, link)


@pytest.fixture(scope="module", params=[None, 0], ids=["inline", "signed"])
def world(request: pytest.FixtureRequest) -> World:
    return world_of(request.param)


def test_every_route_is_in_one_table() -> None:
    tables = [set(NAMED), set(LISTS), OF_THE_ASKER]
    assert set().union(*tables) - BY_LINK == routes_of(Access.OWNER, Access.BY_ROW)
    assert sum(map(len, tables)) == len(set().union(*tables))
    assert {path for path, _ in routes_of(Access.ANYONE) if "{" in path} - {path for path, _ in BY_LINK} == {
        "/static/{name}",
        "/share/{token}",  # the token is a secret that lets in whoever has it
        "/api/v1/shared/{token}",
    }


@pytest.mark.parametrize(("path", "method"), NAMED)
def test_another_s_answers_as_nobody_s(world: World, path: str, method: str) -> None:
    ask, before = NAMED[path, method], world.everything()
    for each in [method] if access_to(path, "HEAD") is None or method != "GET" else [method, "HEAD"]:
        theirs = asked(world.bob, path, each, ask, world.names, world.link)
        none = asked(world.bob, path, each, ask, NOBODY_S, world.link)
        assert theirs.status == ask.status, theirs.body
        assert without_names(theirs, world.names) == without_names(none, NOBODY_S)
        assert (ask.status == 303) == ("location" in theirs.headers)
        assert b"objects.test" not in theirs.body
    assert world.everything() == before


@pytest.mark.parametrize(("path", "method"), [each for each in NAMED if each not in BY_LINK])
def test_one_s_own_is_found_so_the_table_asks_rightly(path: str, method: str) -> None:
    world = world_of()
    answer = asked(world.ada, path, method, NAMED[path, method], world.names)
    assert answer.status < 400, answer.body
    none = asked(world.ada, path, method, NAMED[path, method], NOBODY_S)
    assert without_names(answer, world.names) != without_names(none, NOBODY_S)


@pytest.mark.parametrize(("path", "method"), sorted(BY_LINK))
def test_by_a_link_one_s_own_is_found(path: str, method: str) -> None:
    world = world_of()
    image_id = next(
        one for one, row in world.ada.call.parts.store.album_images.items() if row.key == world.names.key.encode()
    )
    share = path_in(world.ada.submit("/shares", album=world.names.album)).rpartition("/")[2]
    assert image_id.hex() == world.names.shared_image
    assert asked(world.bob, path, method, NAMED[path, method], world.names, share).status == 200


@pytest.mark.parametrize(("path", "method"), sorted(routes_of(Access.BY_ROW)))
def test_what_is_too_large_to_be_inlined_leads_its_owner_alone_to_an_address(path: str, method: str) -> None:
    world = world_of(inline_bytes=0)
    own = asked(world.ada, path, method, NAMED[path, method], world.names)
    leads = own.status == 302 and own.headers["location"].startswith("https://objects.test/originals/")
    leads |= own.status == 302 and own.headers["location"].startswith("https://objects.test/renditions/")
    assert leads != ((path, method) in NO_ADDRESS), own
    theirs = asked(world.bob, path, method, NAMED[path, method], world.names)
    assert theirs.status == 404
    assert "location" not in theirs.headers


@pytest.mark.parametrize(("path", "method"), LISTS)
def test_nothing_of_another_s_stands_in_a_list(world: World, path: str, method: str) -> None:
    told = [value.encode() for value in asdict(world.names).values()] + [TITLE.encode(), b"ada-k", b"ada@"]
    own = asked(world.ada, path, method, Ask(LISTS[path, method]), NOBODY_S)
    assert (path, method) in COUNTS or [one for one in (*told, TAG.encode()) if one in own.body]
    for fields in ({}, LISTS[path, method]):
        answer = asked(world.bob, path, method, Ask(fields), NOBODY_S)
        assert answer.status == 200
        assert [one for one in told if one in answer.body] == []
        assert "q" in fields or TAG.encode() not in answer.body  # the box keeps what was asked for


@pytest.mark.parametrize(("path", "method"), sorted(OF_THE_ASKER))
def test_what_acts_on_the_asker_leaves_all_others_as_they_are(path: str, method: str) -> None:
    world = world_of()
    before = world.of_ada()
    fields = {**asdict(world.names), "all": "true", "confirm": "yes", "password": "correct horse battery"}
    fields |= {"size": "33", "media_type": "image/png", "title": "Winter", "label": "a script", "scope": "write"}
    if (path.endswith("upload") and method == "POST") or (path, method) == ("/api/v1/images", "POST"):
        sent = {**CSRF, **MULTIPART}
        answer = world.bob(method, path, sent, multipart(form_token=CSRF["X-CSRF-Token"], key="ada-k1", file=IMAGE))
    elif method == "PUT":
        answer = world.bob(method, f"{path.format(key='ada-k1')}?key=ada-k1", CSRF, IMAGE)
    else:
        answer = asked(world.bob, path, method, Ask(fields), world.names)
    assert answer.status < 500
    assert world.of_ada() == before
