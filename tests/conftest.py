"""The whole store, started as `make run` starts it, once for all tests that need it."""

from collections.abc import Iterator

import pytest

from tests.local_cloud import LocalCloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running store in a folder of its own; tests share it, so each uses keys of its own."""
    started = LocalCloud(tmp_path_factory.mktemp("cloud"))
    started.start()
    yield started
    started.stop()
