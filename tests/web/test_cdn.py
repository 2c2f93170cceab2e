"""Behind a CDN the application answers as if people had come to it themselves."""

from chalice.app import Request

from chalicelib.web import cdn
from chalicelib.web.addresses import came_from, root_of, site_of
from tests.fakes import MemoryParts, memory_app
from tests.fakes.parts import ENVIRON, memory_config
from tests.web.caller import URLENCODED, Caller

SITE = "https://images.example.org"
TOKEN = cdn.token_of(ENVIRON["SECRET_KEY"])
FOREIGN = {"Origin": SITE, **URLENCODED}


def request_of(headers: dict[str, str], path: str = "/images") -> Request:
    """As API Gateway tells of one at the stage `blue`."""
    return Request(
        {
            "headers": {"Host": "abc.execute-api.eu-west-1.amazonaws.com", "X-Forwarded-Proto": "https", **headers},
            "multiValueQueryStringParameters": None,
            "pathParameters": {},
            "requestContext": {
                "httpMethod": "GET",
                "resourcePath": path,
                "path": "/blue" + path,
                "identity": {"sourceIp": "130.176.0.1"},
            },
            "stageVariables": None,
            "body": None,
            "isBase64Encoded": False,
        }
    )


def arrived(headers: dict[str, str], path: str = "/images", site: str | None = SITE) -> Request:
    request = request_of(headers, path)
    cdn.arrive(request, site, lambda: ENVIRON["SECRET_KEY"])
    return request


def test_links_lead_to_the_cdn_and_people_come_from_where_they_are() -> None:
    for path in ("/", "/images", "/api/v1/images/{key}"):
        request = arrived({cdn.HEADER: TOKEN, "X-Forwarded-For": "6.6.6.6, 203.0.113.9, 130.176.0.1"}, path)
        assert root_of(request) == ""
        assert site_of(request, None) == SITE
        assert came_from(request) == "203.0.113.9"


def test_who_only_says_to_be_the_cdn_is_not() -> None:
    for headers in ({}, {cdn.HEADER: "0" * 64}, {cdn.HEADER: ""}, {cdn.HEADER: "é"}):
        request = arrived({**headers, "X-Forwarded-For": "203.0.113.9, 130.176.0.1"})
        assert root_of(request) == "/blue"
        assert came_from(request) == "130.176.0.1"


def test_without_a_site_nobody_is_the_cdn() -> None:
    assert root_of(arrived({cdn.HEADER: TOKEN}, site=None)) == "/blue"


def test_an_address_that_nobody_told_stays_the_gateways() -> None:
    assert came_from(arrived({cdn.HEADER: TOKEN})) == "130.176.0.1"
    assert came_from(arrived({cdn.HEADER: TOKEN, "X-Forwarded-For": "203.0.113.9"})) == "130.176.0.1"


def test_the_key_of_forms_is_asked_for_only_for_who_says_to_be_the_cdn() -> None:
    asked: list[str] = []

    def form_key() -> str:
        asked.append("asked")
        return ENVIRON["SECRET_KEY"]

    cdn.arrive(request_of({}), SITE, form_key)
    assert asked == []


def test_a_form_of_the_site_is_no_other_sites() -> None:
    caller = Caller()
    caller.app = memory_app(MemoryParts().services(config=memory_config({"SITE_ADDRESS": SITE})))
    assert caller("POST", "/api/list_keys", FOREIGN, b"").status == 403
    assert caller("POST", "/api/list_keys", {**FOREIGN, cdn.HEADER: TOKEN}, b"").status == 200
    assert caller("POST", "/api/list_keys", {**FOREIGN, "Origin": "https://evil.test", cdn.HEADER: TOKEN}).status == 403
