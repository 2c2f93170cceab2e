"""The deployed application, once it is ready."""

from collections.abc import Iterator

import pytest

from tests.deployed.deployment import Deployed, Deployment
from tests.deployed.gateway_client import GatewayClient
from tests.local_cloud import until


@pytest.fixture(scope="package")
def deployed(deployment: Deployment | None) -> Iterator[Deployed]:
    """Waits until it is deployed; ends it after the last test that wants it."""
    assert deployment is not None
    yield deployment.ready()
    deployment.stop()


@pytest.fixture(scope="package")
def gateway(deployed: Deployed) -> GatewayClient:
    """A client; the schedule has made the fleet."""
    client = GatewayClient(deployed)
    assert until(lambda: client("GET", "/health").status == 200, timeout_seconds=60)
    return client
