"""A client of the deployed application, by its host name, as on AWS: links and redirects mean what they mean there."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.answer import Answer
from tests.deployed.deployment import STAGE, Deployed
from tests.e2e.store_client import StoreClient

ROOT = f"/{STAGE}"


class GatewayClient(StoreClient):
    """Calls paths of the application, which lie under the stage's name."""

    def __init__(self, deployed: Deployed) -> None:
        super().__init__(deployed.address)
        api_id = deployed.address.rstrip("/").split("/")[-2]
        self.host = f"{api_id}.execute-api.localhost:{urlsplit(deployed.address).port}"

    def __call__(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        return self.at(method, ROOT + path, body, headers)

    def at(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Calls a path of the host, such as a link on a page, with the headers that every client sends."""
        usual = {"Host": self.host, "Accept": "*/*"} | ({"Content-Type": "application/octet-stream"} if body else {})
        return super().__call__(method, path, body, usual | dict(headers or {}))
