"""Every route of the application, tried by those who may not call it. New routes are found by themselves."""

import importlib

import pytest
from chalice.app import Request

from chalicelib.web.access import MODULES, TABLE, Access, access_to
from chalicelib.web.views import Views
from tests.fakes.parts import memory_config
from tests.web.caller import MULTIPART, URLENCODED, VISITOR, QuickCaller, multipart

ROUTES = sorted((path, method) for path, methods in QuickCaller().app.routes.items() for method in methods)
CLOSED = [each for each in ROUTES if access_to(*each) is not Access.ANYONE]
CHANGING = [each for each in ROUTES if each[1] not in ("GET", "HEAD")]
FORMS = [(path, method) for path, method in CHANGING if not path.startswith("/api")]
PICTURE = b"\x89PNG the inspector is a fake here"


@pytest.fixture
def call() -> QuickCaller:
    """A store with one image, `k1`."""
    caller = QuickCaller()
    assert caller("PUT", "/api/v1/images/k1", body=PICTURE).status == 201
    return caller


def _signed_in_as(call: QuickCaller, name: str | None) -> QuickCaller:
    call.serve(call.parts.services(config=memory_config(signed_in_as=name)))
    return call


def _address(path: str) -> str:
    return path.replace("{key}", "k1").replace("{name}", "style.css") + "?key=k1&all=true&confirm=yes"


def _form(**more: str) -> bytes:
    return multipart(key="k2", file=PICTURE, confirm="yes", **more)


def _assert_untouched(call: QuickCaller) -> None:
    caller = _signed_in_as(call, "demo")
    assert caller("POST", "/api/list_keys").json["keys"] == ["k1"]
    assert caller("POST", "/api/configure_cache").json["mode"] == "manual"


def test_every_route_says_who_may_call_it() -> None:
    assert {(path, method) for path, methods in TABLE.items() for method in methods} == set(ROUTES)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_answers_just_what_the_table_says_it_does(module: str, call: QuickCaller) -> None:
    views: Views = importlib.import_module(f"chalicelib.web.{module}").views(call.parts.services, Request)
    assert set(views.by_route) == {(path, method) for path, methods in MODULES[module].items() for method in methods}


def test_nothing_of_anybody_s_is_open_to_anyone() -> None:
    assert {path for path, method in ROUTES if access_to(path, method) is Access.ANYONE} == {
        *("/health", "/healthz", "/readyz", "/api/openapi.json", "/static/{name}"),
        *("/sign-in", "/sign-up", "/verify", "/reset", "/first-admin", "/withdraw", "/erasure", "/api/v1/erasure"),
        *("/share/{token}", "/share/{token}/{image_id}", "/share/{token}/{image_id}/{kind}"),  # as their row says
        "/api/v1/shared/{token}",
    }


def test_a_route_that_is_not_in_the_table_is_refused(monkeypatch: pytest.MonkeyPatch, call: QuickCaller) -> None:
    monkeypatch.delitem(TABLE["/keys"], "GET")
    assert call("GET", "/keys").status == 403


@pytest.mark.parametrize(("path", "method"), CLOSED)
def test_nobody_is_refused_everywhere_but_at_health(call: QuickCaller, path: str, method: str) -> None:
    answer = _signed_in_as(call, None)(method, _address(path), MULTIPART, _form())
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert PICTURE not in answer.body
    _assert_untouched(call)


@pytest.mark.parametrize(("path", "method"), CLOSED)
def test_a_wrong_token_is_refused_even_where_everyone_is_signed_in(call: QuickCaller, path: str, method: str) -> None:
    answer = call(method, _address(path), {**MULTIPART, "Authorization": "Bearer wrong"}, _form())
    assert answer.status == 401
    assert PICTURE not in answer.body
    _assert_untouched(call)


@pytest.mark.parametrize(
    "foreign",
    [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}, {"Origin": "http://["}],
)
@pytest.mark.parametrize(("path", "method"), CHANGING)
def test_a_page_of_another_site_changes_nothing(
    call: QuickCaller, path: str, method: str, foreign: dict[str, str]
) -> None:
    answer = call(method, _address(path), {**MULTIPART, "Host": "store.test", **foreign}, _form())
    assert answer.status == 403
    _assert_untouched(call)


@pytest.mark.parametrize("cookie", [{}, {"Cookie": f"visitor={VISITOR}"}, {"Cookie": "visitor="}, {"Cookie": '"\\'}])
@pytest.mark.parametrize("token", [{}, {"form_token": ""}, {"form_token": "0" * 64}])
@pytest.mark.parametrize(("path", "method"), FORMS)
def test_a_form_without_the_browser_s_token_changes_nothing(
    call: QuickCaller, path: str, method: str, cookie: dict[str, str], token: dict[str, str]
) -> None:
    answer = call(method, _address(path), {**MULTIPART, **cookie}, _form(**token))
    assert answer.status == 403
    _assert_untouched(call)


def test_the_token_of_one_visitor_is_no_use_to_another(call: QuickCaller) -> None:
    answer = call.submit("/delete", {**URLENCODED, "Cookie": f"visitor={'f' * 32}"}, b"key=k1")
    assert answer.status == 403
    _assert_untouched(call)


def test_a_form_with_the_browser_s_token_works(call: QuickCaller) -> None:
    assert call.submit("/delete", URLENCODED, b"key=k1").status == 303


def test_the_visitor_s_cookie_cannot_be_read_or_sent_elsewhere(call: QuickCaller) -> None:
    plain = call("GET", "/")
    name, *attributes = plain.headers["set-cookie"].split("; ")
    assert name.startswith("visitor=")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax"}
    over_tls = call("GET", "/", {"X-Forwarded-Proto": "https"})
    name, *attributes = over_tls.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-visitor=")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}


def test_a_known_visitor_keeps_the_cookie(call: QuickCaller) -> None:
    assert "set-cookie" not in call("GET", "/", {"Cookie": f"visitor={VISITOR}; nodes=2"}).headers


@pytest.mark.parametrize("signed_in_as", ["demo", None])
@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_answer_carries_the_security_headers(
    call: QuickCaller, path: str, method: str, signed_in_as: str | None
) -> None:
    answer = _signed_in_as(call, signed_in_as)(method, _address(path), {"X-Forwarded-Proto": "https"}, b"")
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == ("no-referrer" if path.startswith("/share/") else "same-origin")
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "max-age=" in headers["strict-transport-security"]
    assert headers["cache-control"]
    if not path.startswith("/static") and path not in ("/content", "/api/v1/image", "/api/v1/images/{key}"):
        assert "no-store" in headers["cache-control"]


def test_nothing_in_a_request_names_the_owner(call: QuickCaller) -> None:
    headers = {"X-Owner": "mallory", "Cookie": "owner=mallory"}
    created = call("PUT", "/api/v1/image?key=k2&owner=mallory&owner_id=00&principal=mallory", headers, PICTURE)
    assert created.status == 201
    form = multipart(key="k3", file=PICTURE, owner="mallory", owner_id="00")
    assert call("POST", "/api/upload", {**MULTIPART, **headers}, form).status == 200
    assert call("POST", "/api/list_keys").json["keys"] == ["k1", "k2", "k3"]  # all of them demo's


def test_nobody_sees_a_page_that_says_so() -> None:
    caller = QuickCaller()
    answer = _signed_in_as(caller, None)("GET", "/")
    assert answer.headers["content-type"].startswith("text/html")
    assert b"not signed in" in answer.body
