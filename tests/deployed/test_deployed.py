"""The application as `chalice deploy` deploys it: every face through API Gateway and Lambda."""

import base64
import json
import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from urllib.parse import quote, urlsplit

import pytest
from PIL import Image

from tests import hostile_images
from tests.deployed.gateway_client import ROOT, GatewayClient
from tests.e2e.store_client import StoreClient, image_path
from tests.e2e.test_main_job import ODD_KEYS
from tests.web.caller import MULTIPART, URLENCODED, multipart
from tests.web.html_page import HtmlPage, urlencoded

MADE = {
    "image/png": hostile_images.good_png,
    "image/jpeg": hostile_images.good_jpeg,
    "image/gif": hostile_images.good_gif,
    "image/webp": hostile_images.good_webp,
}


def noise(side: int, seed: int) -> bytes:
    """A PNG of side * side * 3 bytes and a little more."""
    image = Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(side * side * 3))
    image.save(written := BytesIO(), "PNG", compress_level=0)
    return written.getvalue()


def test_the_seven_calls_of_the_course_s_contract(gateway: GatewayClient) -> None:
    data = hostile_images.good_jpeg(90, 60, secrets.randbelow(2**31))
    assert gateway("POST", "/api/delete_all").json == {"success": "true"}
    uploaded = gateway("POST", "/api/upload", multipart(key="k1", file=data), MULTIPART)
    assert (uploaded.status, uploaded.json) == (200, {"success": "true", "key": "k1"})
    shown = gateway("POST", "/api/key/k1").json
    assert (shown["success"], shown["key"], base64.b64decode(shown["content"])) == ("true", "k1", data)
    assert gateway("POST", "/api/list_keys").json == {"success": "true", "keys": ["k1"]}
    assert gateway("POST", "/api/getNumNodes").json == {"success": "true", "numNodes": 2}
    for rate in ("miss", "hit"):
        answer = gateway("POST", f"/api/getRate?rate={rate}").json
        assert (answer["success"], answer["rate"]) == ("true", rate)
        assert 0 <= answer["value"] <= 1
    assert gateway("POST", "/api/configure_cache?mode=manual&numNodes=2&cacheSize=5&policy=LRU").json == {
        "success": "true",
        "mode": "manual",
        "numNodes": 2,
        "cacheSize": 5,
        "policy": "LRU",
    }
    assert gateway("POST", "/api/delete_all").json == {"success": "true"}
    assert gateway("POST", "/api/list_keys").json == {"success": "true", "keys": []}


@pytest.mark.parametrize("media_type", MADE)
def test_an_image_comes_back_byte_for_byte_from_origin_and_node(gateway: GatewayClient, media_type: str) -> None:
    data = MADE[media_type](80, 50, secrets.randbelow(2**31))
    path = f"/api/v1/images/bytes-{secrets.token_hex(4)}"
    assert gateway("PUT", path, data, {"Content-Type": media_type}).status == 201
    first, second = gateway("GET", path), gateway("GET", path)
    nodes = {node["id"] for node in gateway("GET", "/api/v1/fleet").json["nodes"]}
    for answer in (first, second):
        assert (answer.status, answer.headers["content-type"], answer.body) == (200, media_type, data)
    assert 'desc="origin, partition ' in first.headers["server-timing"]
    assert second.headers["server-timing"].split(",")[0].removeprefix('source;desc="node ') in nodes
    known = gateway("GET", path, headers={"If-None-Match": first.headers["etag"]})
    assert (known.status, known.body) == (304, b"")


@pytest.mark.parametrize("accept", ["text/html,image/*;q=0.8", "application/json", "image/png"])
def test_bytes_come_as_bytes_whatever_is_accepted(gateway: GatewayClient, accept: str) -> None:
    data = hostile_images.good_png(30, 30, 4)
    gateway.put("accepted", data)
    assert gateway("GET", image_path("accepted"), headers={"Accept": accept}).body == data


@pytest.mark.parametrize("name", ODD_KEYS)
def test_odd_keys_by_query_and_form(gateway: GatewayClient, name: str) -> None:
    key = ODD_KEYS[name]
    data = hostile_images.good_png(20, 10, secrets.randbelow(2**31))
    stored = gateway("POST", "/api/upload", multipart(key=key, file=data), MULTIPART)
    assert stored.json == {"success": "true", "key": key}
    by_form = gateway("POST", "/api/key", urlencoded(key=key), URLENCODED)
    assert base64.b64decode(by_form.json["content"]) == data
    assert gateway.get(key).body == data
    assert gateway("GET", f"/content?key={quote(key, safe='')}").body == data
    assert gateway("DELETE", image_path(key)).status == 204
    assert gateway.get(key).status == 404


@pytest.mark.parametrize("key", ["  a  ", "caf\u00e9", "cafe\u0301", "שלום", "a+b", "a&b=c?d", "100%", "%41", "🙂"])
def test_keys_in_a_path_are_decoded_once(gateway: GatewayClient, key: str) -> None:
    data = hostile_images.good_png(20, 10, secrets.randbelow(2**31))
    assert gateway("PUT", f"/api/v1/images/{quote(key, safe='')}", data).json["key"] == key
    assert gateway.get(key).body == data
    assert base64.b64decode(gateway("GET", f"/api/key/{quote(key, safe='')}").json["content"]) == data


def test_errors_have_the_form_of_their_face(gateway: GatewayClient) -> None:
    rest = gateway.get("no such key")
    assert (rest.status, rest.headers["content-type"]) == (404, "application/problem+json")
    assert rest.json["type"] == "urn:elastic-images:problem:not-found"
    compatible = gateway("POST", "/api/key/no-such-key")
    assert (compatible.status, compatible.json["success"], compatible.json["error"]["code"]) == (404, "false", 404)
    page = gateway("GET", "/image?key=no-such-key")
    assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    refused = gateway("POST", "/api/upload", multipart(key="text", file=b"no image"), MULTIPART)
    assert (refused.status, refused.json["success"]) == (415, "false")


@pytest.mark.parametrize(("method", "path"), [("GET", "/no-such-page"), ("PATCH", "/api/v1/image"), ("GET", "/api")])
def test_what_has_no_route_is_refused_by_the_gateway_itself(gateway: GatewayClient, method: str, path: str) -> None:
    answer = gateway(method, path)
    assert (answer.status, answer.json) == (403, {"message": "Missing Authentication Token"})


def test_pages_link_and_lead_on_below_the_stage(gateway: GatewayClient) -> None:
    home = gateway("GET", "/")
    assert (home.status, home.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = HtmlPage(home.body)
    links = {urlsplit(address)._replace(fragment="").geturl() for address in page.addresses()}
    assert len(links) > 5
    for link in links:
        assert link.startswith(f"{ROOT}/"), link
    for link in {element["href"] for element in page.all("a") if not element["href"].startswith("#")}:
        assert gateway.at("GET", link).status == 200, link
    styles = [link["href"] for link in page.all("link") if link["rel"] == "stylesheet"]
    assert styles
    for style in styles:
        sheet = gateway.at("GET", style)
        assert (sheet.status, sheet.headers["content-type"].split(";")[0]) == (200, "text/css")
        assert "immutable" in sheet.headers["cache-control"]


def test_an_image_is_uploaded_and_deleted_by_the_pages(gateway: GatewayClient) -> None:
    key = f"by page {secrets.token_hex(4)}"
    data = hostile_images.good_png(40, 30, secrets.randbelow(2**31))
    asked = gateway("GET", "/upload")
    cookie = {"Cookie": asked.headers["set-cookie"].split(";")[0]} if "set-cookie" in asked.headers else {}
    fields: dict[str, bytes | str] = {**HtmlPage(asked.body).fields(), "lead": "image", "key": key, "file": data}
    stored = gateway("POST", "/upload", multipart(**fields), {**MULTIPART, **cookie})
    assert stored.status == 303
    assert stored.headers["location"].startswith(f"{ROOT}/image?key={quote(key, safe='')}")
    page = HtmlPage(gateway.at("GET", stored.headers["location"], headers=cookie).body)
    (shown,) = [image["src"] for image in page.all("img")]
    assert gateway.at("GET", shown).body == data
    question = gateway("GET", f"/delete?key={quote(key, safe='')}", headers=cookie)
    answers = urlencoded(**HtmlPage(question.body).fields())
    deleted = gateway("POST", "/delete", answers, {**URLENCODED, **cookie})
    assert (deleted.status, deleted.headers["location"].split("?")[0]) == (303, f"{ROOT}/")
    assert gateway.get(key).status == 404


def test_head_answers_as_get_without_the_body(gateway: GatewayClient) -> None:
    data = hostile_images.good_png(50, 50, 9)
    gateway.put("headed", data)
    full, head = gateway.get("headed"), gateway("HEAD", image_path("headed"))
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", full.headers["etag"])
    assert head.headers["content-type"] == "image/png"
    assert gateway("HEAD", image_path("not there")).status == 404
    assert gateway("HEAD", "/").status == 200


@pytest.mark.parametrize("side", [1000, 1180])  # 3 MB, and as large as an answer may be
def test_large_images_go_through_both_ways(gateway: GatewayClient, side: int) -> None:
    data = noise(side, side)
    assert 3_000_000 < len(data) < 4 * 1024 * 1024
    assert gateway.put("large", data).status in (200, 201)
    for _ in range(2):  # from the origin and from the node
        answer = gateway.get("large")
        assert (answer.status, len(answer.body), answer.body == data) == (200, len(data), True)


def test_the_contract_s_largest_content_fits_an_answer(gateway: GatewayClient) -> None:
    data = noise(1022, 5)
    assert 3 * 1024 * 1024 - 20_000 < len(data) <= 3 * 1024 * 1024
    assert gateway("POST", "/api/upload", multipart(key="largest", file=data), MULTIPART).status == 200
    assert base64.b64decode(gateway("POST", "/api/key/largest").json["content"]) == data


def test_a_larger_image_comes_back_by_an_address_that_the_function_signed(gateway: GatewayClient) -> None:
    data = noise(1210, 6)
    assert 4 * 1024 * 1024 < len(data) < 4.5 * 1024 * 1024
    assert gateway.put("signed", data).status in (200, 201)
    answer = gateway.get("signed")
    assert answer.status == 302
    address = urlsplit(answer.headers["location"])
    fetched = StoreClient(address.geturl())("GET", f"{address.path}?{address.query}")
    assert (fetched.status, fetched.body == data) == (200, True)


def test_requests_at_once_do_not_mix(gateway: GatewayClient) -> None:
    images = {f"at once {number}": hostile_images.good_png(60, 60, number) for number in range(4)}
    for key, data in images.items():
        gateway.put(key, data)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for data, answer in zip(images.values(), pool.map(gateway.get, images), strict=True):
                assert answer.body == data


def test_every_answer_has_the_security_headers(gateway: GatewayClient) -> None:
    for path in (
        "/",
        "/health",
        "/api/v1/images",
        "/api/list_keys",
        "/image?key=none",
        "/static/none",
        "/api/v1/image",
    ):
        headers = gateway("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path


def test_the_document_of_the_api_is_there(gateway: GatewayClient) -> None:
    assert json.loads(gateway("GET", "/api/openapi.json").body)["openapi"] == "3.1.0"
