"""What people with accounts may do, see and never see: every route, tried by the wrong ones.

What is another's is asked for by every route in `test_route_matrix.py`.
"""

import re
from copy import copy

import pytest

from chalicelib.domain.accounts import hash_of
from chalicelib.domain.errors import MailUnavailableError
from chalicelib.web.access import READING_POSTS, Access, access_to, may_change
from chalicelib.web.form_token import token_of
from tests.answer import Answer
from tests.fakes import MemoryParts
from tests.web.caller import MULTIPART, URLENCODED, VISITOR, Caller, multipart
from tests.web.html_page import urlencoded
from tests.web.people import SECRET, Person, joined, people_app
from tests.web.sharing import persons_album

PICTURE = b"\x89PNG the inspector is a fake here"
ROUTES = sorted((path, method) for path, methods in Caller().app.routes.items() for method in methods)
SHARING = [each for each in ROUTES if each[0].startswith(("/album", "/shares", "/api/v1/albums", "/api/v1/shares"))]
NAMES_NONE = {  # of these, those that name no album and no link
    *((path, method) for path in ("/albums", "/shares", "/album/choose") for method in ("GET", "HEAD")),
    *(("/albums", "POST"), ("/album/choose", "POST")),
    *(("/api/v1/albums", "GET"), ("/api/v1/albums", "POST"), ("/api/v1/shares", "GET")),
}
CLOSED = [each for each in ROUTES if access_to(*each) is not Access.ANYONE]
OF_IMAGES = (
    *("/api/v1/images/{key}", "/api/v1/image", "/api/v1/image/metadata", "/api/v1/image/rendition"),
    *("/content", "/rendition", "/image", "/delete"),
)
NEED_MORE = {"/api/v1/image/rendition", "/api/v1/fleet/preview"}  # than a key, to answer 200
CSRF = {"X-CSRF-Token": token_of(VISITOR, SECRET)}


@pytest.fixture
def call() -> Caller:
    return people_app(MemoryParts())


@pytest.fixture
def ada(call: Caller) -> Person:
    """Somebody with one image, `k1`."""
    person = joined(call, "ada@example.org")
    assert person.put("k1", PICTURE).status == 303
    return person


@pytest.fixture
def bob(call: Caller, ada: Person) -> Person:
    """Somebody else, with none."""
    return joined(call, "bob@example.org")


def address(path: str, key: str = "k1") -> str:
    return path.replace("{key}", key).replace("{name}", "style.css") + f"?key={key}"


@pytest.mark.parametrize(("path", "method"), SHARING)
@pytest.mark.parametrize("key", ["k1", "k9"])
def test_another_s_album_and_link_answer_as_none_at_all(
    ada: Person, bob: Person, path: str, method: str, key: str
) -> None:
    """Tried with another's ids and keys, and with one's own key; what stands afterwards is what stood before."""
    album_id = persons_album(ada, "k1")
    assert ada.submit("/shares", album=album_id).status == ada.submit("/shares", key="k1").status == 200
    share_id = next(iter(ada.call.parts.store.shares)).hex()
    assert bob.put("k9", PICTURE).status == 303
    before = sharing_of(ada)

    def tried(album: str, share: str) -> Answer:
        at = path.replace("{album_id}", album).replace("{share_id}", share)
        fields = {"id": share if path.startswith("/shares") else album, "album": album, "title": "Bob's"}
        if not path.endswith(("shares", "/new")):  # these take an album or a key
            fields |= {"key": key, "what": "remove", "position": "1"}
        if method == "POST" and not path.startswith("/api"):
            return bob.submit(path, **fields)
        return bob(method, f"{at}?{urlencoded(**fields).decode()}", CSRF)

    theirs, none = tried(album_id, share_id), tried("0" * 32, "0" * 32)
    assert theirs.status == none.status
    assert (path, method) in NAMES_NONE or theirs.status == 404
    if theirs.status >= 400:
        assert theirs.body.split(b"request_id")[0] == none.body.split(b"request_id")[0]
    assert b"Summer" not in theirs.body
    assert sharing_of(ada) == before


def sharing_of(person: Person) -> list[object]:
    """What somebody's albums and links are."""
    albums = person("GET", "/api/v1/albums").json["albums"]
    keys = [person("GET", f"/api/v1/albums/{album['id']}").json["keys"] for album in albums]
    return [albums, keys, person("GET", "/api/v1/shares").json["shares"]]


@pytest.mark.parametrize(("path", "method"), [each for each in ROUTES if each[0] in OF_IMAGES])
@pytest.mark.parametrize("by", ["session", "token"])
def test_an_admin_reads_no_image_but_their_own(call: Caller, ada: Person, path: str, method: str, by: str) -> None:
    if method in ("PUT", "POST", "DELETE"):
        return  # these make or change one's own
    root = joined(call, "root@example.org", admin=True)
    if by == "token" and not path.startswith("/api"):
        return  # the pages take no tokens

    def asked(key: str) -> Answer:
        return root(method, address(path, key)) if by == "session" else call(method, address(path, key), read)

    read = root.token("read")
    theirs, none = asked("k1"), asked("k9")
    assert theirs.status == none.status == 404
    assert theirs.body.replace(b"k1", b"k9").split(b"request_id")[0] == none.body.split(b"request_id")[0]
    assert ada("GET", "/content?key=k1").body == PICTURE
    for listed in ("/", "/keys", "/api/v1/images"):
        assert b"k1" not in root("GET", listed).body


def test_another_s_images_stand_in_no_list(ada: Person, bob: Person) -> None:
    for path in ("/", "/keys", "/api/v1/images"):
        assert b"k1" in ada("GET", path).body
        assert b"k1" not in bob("GET", path).body


def test_another_s_image_is_neither_deleted_nor_replaced(ada: Person, bob: Person) -> None:
    assert bob.submit("/delete", key="k1").status == 404
    assert bob.submit("/delete-all", confirm="yes").status == 303
    assert bob("DELETE", "/api/v1/images?all=true", CSRF).status in (200, 204)
    assert bob.put("k1", b"another picture").status == 303
    assert ada("GET", "/content?key=k1").body == PICTURE
    assert bob("GET", "/content?key=k1").body == b"another picture"


@pytest.mark.parametrize(("path", "method"), [each for each in ROUTES if access_to(*each) is Access.ADMIN])
def test_who_is_no_admin_is_refused_on_an_admin_s_routes(bob: Person, path: str, method: str) -> None:
    assert bob(method, address(path).replace("{node_id}", "node-a"), {**CSRF, **MULTIPART}, multipart()).status == 403


@pytest.mark.parametrize(("path", "method"), CLOSED)
def test_a_session_that_ended_opens_nothing(ada: Person, path: str, method: str) -> None:
    if path.startswith("/api/") and not path.startswith("/api/v1/"):
        return  # open as `demo` here, and tried below with the cookie
    assert ada.submit("/sign-out").status == 303
    answer = ada(method, address(path), {**CSRF, **MULTIPART}, multipart(key="k1", file=PICTURE))
    assert answer.status == 401
    assert PICTURE not in answer.body


def test_a_session_that_ended_is_not_somebody_else_s_on_the_compatible_api(ada: Person) -> None:
    ada.submit("/sign-out")
    assert ada("POST", "/api/key?key=k1", CSRF).status == 401


@pytest.mark.parametrize(
    ("path", "method"), [each for each in ROUTES if each[0].startswith("/api") and each[1] not in ("GET", "HEAD")]
)
@pytest.mark.parametrize("token", [{}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": ""}])
def test_a_session_changes_nothing_by_the_api_without_the_page_s_token(
    ada: Person, path: str, method: str, token: dict[str, str]
) -> None:
    if access_to(path, method) is Access.ANYONE:
        return
    answer = ada(method, address(path), {**token, **MULTIPART}, multipart(key="k2", file=PICTURE))
    assert answer.status == 403
    assert ada("GET", "/content?key=k1").body == PICTURE


def test_a_token_that_may_read_reads_and_changes_nothing(call: Caller, ada: Person) -> None:
    reads = ada.token("read")
    assert call("GET", "/api/v1/images/k1", reads).body == PICTURE
    assert call("GET", "/api/v1/images", reads).status == 200
    for method, path in (("PUT", "/api/v1/images/k2"), ("DELETE", "/api/v1/images/k1"), ("POST", "/api/delete_all")):
        assert call(method, path, reads, PICTURE).status == 403
    assert call("GET", "/", reads).status == 401  # the pages take no tokens


@pytest.mark.parametrize(("path", "method"), [each for each in ROUTES if each[0].startswith("/api")])
def test_a_read_token_does_what_changes_nothing_and_that_only(call: Caller, path: str, method: str) -> None:
    """An admin's, so that nothing but its scope stands in its way."""
    if access_to(path, method) is Access.ANYONE:
        return
    root = joined(call, "root@example.org", admin=True)
    assert root.put("k1", PICTURE).status == 303
    reads = root.token("read")
    before = what_is_there(call)
    fields = multipart(key="k1", file=PICTURE, rate="miss", mode="manual")
    answer = call(method, address(path).replace("{node_id}", "node-a"), {**reads, **MULTIPART}, fields)
    assert (answer.status == 403) == may_change(path, method), answer.body
    if answer.status == 403:
        assert b"This token may read" in answer.body
    elif path.count("{") == path.count("{key}") and path not in NEED_MORE:
        assert answer.status == 200, answer.body
    assert what_is_there(call) == before


READ_BY_POST = ["/api/getNumNodes", "/api/getRate", "/api/key", "/api/key/{key}", "/api/list_keys"]


@pytest.mark.parametrize("path", READ_BY_POST)
def test_a_call_of_the_contract_that_reads_takes_a_read_token_by_post_as_by_get(
    call: Caller, ada: Person, path: str
) -> None:
    reads = ada.token("read")
    at = f"{address(path)}&rate=miss"
    posted, got = call("POST", at, reads), call("GET", at, reads)
    assert (posted.status, posted.body) == (got.status, got.body) == (200, got.body)
    assert sorted(READING_POSTS) == READ_BY_POST


def what_is_there(call: Caller) -> list[object]:
    store = call.parts.store
    return [copy(table) for table in (store.images, store.settings, store.jobs, store.uploads, store.tags, store.audit)]


def test_a_token_that_may_write_is_its_owner_s_until_it_is_revoked(call: Caller, ada: Person, bob: Person) -> None:
    writes = ada.token("write")
    assert call("PUT", "/api/v1/images/k2", writes, PICTURE).status == 201
    assert call("POST", "/api/list_keys", writes).json["keys"] == ["k1", "k2"]
    assert bob("GET", "/content?key=k2").status == 404
    (row,) = call.parts.store.tokens.values()
    assert bob.submit("/account/revoke", id=row.token.id.hex()).status == 404
    assert ada.submit("/account/revoke", id=row.token.id.hex()).status == 303
    assert call("GET", "/api/v1/images/k2", writes).status == 401
    assert call("POST", "/api/list_keys", writes).status == 401


def test_the_compatible_api_is_open_as_the_built_in_owner_and_nothing_else_is(call: Caller, ada: Person) -> None:
    assert call("POST", "/api/list_keys").json == {"success": "true", "keys": []}
    assert call("GET", "/api/v1/images").status == 401
    assert call("GET", "/manager").status == 401


def test_the_first_admin_takes_over_what_the_built_in_owner_has(call: Caller) -> None:
    assert call("POST", "/api/upload", MULTIPART, multipart(key="k7", file=PICTURE)).status == 200
    admin = joined(call, "admin@example.org", admin=True)
    assert admin("GET", "/content?key=k7").body == PICTURE
    assert admin("GET", "/manager").status == 200


def test_a_new_session_ends_the_one_the_browser_had(call: Caller, ada: Person) -> None:
    before = hash_of(ada.session)
    answer = ada.submit("/sign-in", email="ada@example.org", password="correct horse battery")
    assert answer.status == 303
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("session=")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax"}
    assert before not in call.parts.store.sessions


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_address_are_told_alike(ada: Person, email: str) -> None:
    answer = ada.submit("/sign-in", email=email, password="not the password")
    assert answer.status == 422
    assert b"The address or the password is wrong." in answer.body
    assert "session=" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("path", ["/reset", "/sign-up"])
def test_who_asks_for_a_mail_is_answered_alike_for_a_known_and_an_unknown_address(
    ada: Person, path: str, down: bool
) -> None:
    if down:
        ada.call.parts.steps.stop("mail", MailUnavailableError("down"))
    known, unknown = (
        ada.submit(path, email=email, password="correct horse battery")
        for email in ("ada@example.org", "bob@example.org")
    )
    assert known.status == unknown.status == 200
    assert without_id(known).replace(b"ada@", b"bob@") == without_id(unknown)
    assert set(known.headers) == set(unknown.headers)


def without_id(answer: Answer) -> bytes:
    """What an answer says, but for what names this very answer."""
    return re.sub(rb'(name="form_token" value=")\w+|[0-9a-f-]{36}', b"", answer.body)


def test_who_is_signed_in_changes_the_password_while_strangers_try_it(ada: Person) -> None:
    for _ in range(11):
        ada.call.submit("/sign-in", URLENCODED, urlencoded(email="ada@example.org", password="not the password"))
    fields = {"old_password": "correct horse battery", "new_password": "battery staple horse"}
    assert ada.submit("/account/password", **fields).status == 303
    for _ in range(10):
        assert ada.submit("/account/password", **fields).status == 400
    assert ada.submit("/account/password", **fields).status == 429
    assert ada("GET", "/").status == 200


def test_too_many_tries_are_told_as_such_and_end_no_session(ada: Person) -> None:
    for _ in range(10):
        ada.submit("/sign-in", email="ada@example.org", password="not the password")
    answer = ada.submit("/sign-in", email="ada@example.org", password="correct horse battery")
    assert (answer.status, b"Too many tries" in answer.body) == (429, True)
    assert ada("GET", "/").status == 200
