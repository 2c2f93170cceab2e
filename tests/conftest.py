"""The whole store, started as `make run` starts it, once for all tests that need it."""

from collections.abc import Iterator

import pytest

from tests.background import Background
from tests.deployed.deployment import Deployment
from tests.local_cloud import LocalCloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running store in a folder of its own; tests share it, so none counts on what another one left."""
    # Tests that say which node answered must not fail because this machine stood still for 50 ms.
    started = LocalCloud(tmp_path_factory.mktemp("cloud"), extra_environ={"CACHE_TIMEOUT_MS": "2000"})
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="session", autouse=True)
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment | None]:
    """`chalice deploy`, under way from before the first test on, if any test wants it: other tests run meanwhile."""
    if not any("deployed" in getattr(item, "fixturenames", ()) for item in request.session.items):
        yield None
        return
    under_way = Deployment(tmp_path_factory.mktemp("deployment")).start()
    yield under_way
    under_way.stop()


@pytest.fixture(scope="session", autouse=True)
def growing_fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Background | None]:
    """A fleet that is left to itself for some minutes, from before the first test on, if any test asks for it."""
    if not any("test_fleet_grows" in item.nodeid for item in request.session.items):
        yield None
        return
    under_way = Background("tests.e2e.growing_fleet", tmp_path_factory.mktemp("growing-fleet")).start()
    yield under_way
    under_way.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What was started first is looked at last."""
    items.sort(key=lambda item: "test_fleet_grows" in item.nodeid)
