"""Uploads straight to the object store, with the deployed functions and what their roles allow them."""

import json
import secrets
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from chalicelib.domain.uploads import UploadForm
from tests import hostile_images
from tests.browser_form import post
from tests.deployed.deployment import Deployed
from tests.deployed.gateway_client import GatewayClient
from tests.local_cloud import until

JSON = {"Content-Type": "application/json"}


def posted(gateway: GatewayClient, key: str, data: bytes) -> str:
    """The path of an upload whose bytes the object store has taken."""
    body = json.dumps({"key": key, "media_type": "image/png", "size": len(data)}).encode()
    begun: Any = gateway("POST", "/api/v1/uploads", body, JSON).json
    answer = post(UploadForm(begun["url"], begun["fields"]), data)
    assert answer.status == 204, answer.body
    return f"/api/v1/uploads/{begun['id']}"


@pytest.mark.usefixtures("deployed")
def test_an_upload_becomes_an_image_by_the_event_alone(gateway: GatewayClient) -> None:
    key, data = f"by event {secrets.token_hex(4)}", hostile_images.good_png(40, 30, secrets.randbelow(2**31))
    path = posted(gateway, key, data)
    assert until(lambda: gateway("GET", path).json["state"] == "done", timeout_seconds=60)
    assert gateway.get(key).body == data


def test_an_upload_larger_than_a_request_may_be_becomes_an_image(gateway: GatewayClient, deployed: Deployed) -> None:
    noise = Image.frombytes("RGB", (1300, 1300), secrets.token_bytes(1300 * 1300 * 3))
    noise.save(written := BytesIO(), "PNG")
    data = written.getvalue()
    assert len(data) > 4_800_000
    path = posted(gateway, "larger than a request", data)
    answer = gateway("POST", f"{path}/complete")
    assert (answer.status, answer.json["state"]) == (200, "done")
    assert gateway.get("larger than a request").headers["location"].startswith(deployed.environ["AWS_ENDPOINT_URL"])
