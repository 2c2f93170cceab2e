import base64
import json

import pytest

from chalicelib.web.base64_response import Base64Response

DATA = bytes(range(256))


@pytest.mark.parametrize("body", [DATA, memoryview(DATA), memoryview(b"prefix" + DATA)[6:]])
def test_bytes_are_encoded_whatever_their_type(body: bytes | memoryview) -> None:
    answer = Base64Response(body, {"Content-Type": "image/png", "X-Twice": ["a", "b"]}, 201).to_dict(["*/*"])
    assert answer == {
        "statusCode": 201,
        "headers": {"Content-Type": "image/png"},
        "multiValueHeaders": {"X-Twice": ["a", "b"]},
        "body": base64.b64encode(DATA).decode(),
        "isBase64Encoded": True,
    }


def test_text_is_encoded_as_utf_8() -> None:
    answer = Base64Response("Größe", {"Content-Type": "text/html"}).to_dict(["*/*"])
    assert base64.b64decode(answer["body"]) == "Größe".encode()


def test_an_empty_body_is_empty() -> None:
    assert Base64Response(b"").to_dict(["*/*"])["body"] == ""


def test_values_become_json_as_chalice_makes_it() -> None:
    answer = Base64Response({"Code": "BadRequest"}, {"Content-Type": "application/json"}, 400).to_dict(["*/*"])
    assert answer["isBase64Encoded"]
    assert json.loads(base64.b64decode(answer["body"])) == {"Code": "BadRequest"}
