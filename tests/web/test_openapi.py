"""The OpenAPI document: valid, and about the routes that there are."""

import json
import re

import jsonschema
import pytest
from openapi_spec_validator import validate

from chalicelib.web.openapi import document
from tests.web.caller import JSON, Caller

DOCUMENTED = re.compile(r"/api/v1(/.*)?|/api/openapi\.json|/health|/healthz|/readyz")
PICTURE = b"\x89PNG the inspector is a fake here"


def test_the_document_is_valid_openapi() -> None:
    validate(document())


def test_the_document_and_the_routes_are_the_same() -> None:
    routes = {
        (path, method.lower())
        for path, methods in Caller().app.routes.items()
        if DOCUMENTED.fullmatch(path)
        for method in methods
    }
    documented = {
        (path, method)
        for path, operations in document()["paths"].items()  # type: ignore[attr-defined]
        for method in operations
        if method != "parameters"
    }
    assert documented == routes


def test_the_document_is_served() -> None:
    assert Caller()("GET", "/api/openapi.json").json == json.loads(json.dumps(document()))


@pytest.mark.parametrize(
    ("method", "path", "schema"),
    [
        ("GET", "/api/v1/images", "ImagePage"),
        ("GET", "/api/v1/images?limit=1", "ImagePage"),
        ("GET", "/api/v1/images?q=k1", "ImagePage"),
        ("GET", "/api/v1/images?q=tag:", "Problem"),
        ("GET", "/api/v1/suggestions?prefix=k", "Suggestions"),
        ("PUT", "/api/v1/images/k3", "ImageStored"),
        ("GET", "/api/v1/image/metadata?key=k1", "ImageMetadata"),
        ("POST", "/api/v1/image/edits?key=k1&kind=greyscale", "About"),
        ("POST", "/api/v1/image/retry?key=k1", "About"),
        ("POST", "/api/v1/image/tags?key=k1&tag=sea", "About"),
        ("DELETE", "/api/v1/image/tags?key=k1&tag=sea", "Problem"),
        ("GET", "/api/v1/image/rendition?key=k1&kind=thumbnail", "Problem"),
        ("GET", "/api/v1/fleet", "Fleet"),
        ("GET", "/api/v1/fleet/notice", "FleetNotice"),
        ("GET", "/api/v1/replica", "Replica"),
        ("GET", "/api/v1/fleet/settings", "FleetSettings"),
        ("PATCH", "/api/v1/fleet/settings?cacheSize=3&policy=RR", "FleetChange"),
        ("POST", "/api/v1/fleet/size?change=1", "FleetChange"),
        ("POST", "/api/v1/fleet/size?nodes=9", "Problem"),
        ("GET", "/api/v1/fleet/history", "FleetHistory"),
        ("GET", "/api/v1/fleet/decisions", "FleetDecisions"),
        ("GET", "/api/v1/fleet/preview?nodes=3", "FleetPreview"),
        ("GET", "/api/v1/fleet/nodes/node-a/contents", "NodeContents"),
        ("POST", "/api/v1/fleet/clear", "FleetCleared"),
        ("GET", "/health", "Health"),
        ("GET", "/healthz", "Alive"),
        ("GET", "/readyz", "Readiness"),
        ("DELETE", "/api/v1/images?all=true", "Deleted"),
        ("GET", "/api/v1/images/nope", "Problem"),
        ("GET", "/api/v1/images?limit=x", "Problem"),
    ],
)
def test_answers_are_as_the_document_says(method: str, path: str, schema: str) -> None:
    call = Caller()
    for key in ("k1", "k2"):
        call("PUT", f"/api/v1/images/{key}", body=PICTURE)
    answer = call(method, path, body=PICTURE if method == "PUT" else b"")
    _validate(answer.json, schema)


def test_answers_on_uploads_are_as_the_document_says() -> None:
    call = Caller()
    begun = call("POST", "/api/v1/uploads", JSON, b'{"key": "k1", "media_type": "image/png", "size": 8}').json
    _validate(begun, "UploadBegun")
    path = f"/api/v1/uploads/{begun['id']}"
    _validate(call("GET", path).json, "Upload")
    _validate(call("POST", f"{path}/complete").json, "Problem")
    call.parts.objects.arrive(begun["fields"]["key"], PICTURE[:8])
    _validate(call("POST", f"{path}/complete").json, "Upload")


def _validate(answer: object, schema: str) -> None:
    jsonschema.validate(answer, {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]})
