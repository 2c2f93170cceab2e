"""What several modules of browser tests share."""

from collections.abc import Iterator

import pytest

from tests.e2e import ten_thousand
from tests.e2e.ten_thousand import browser, opened
from tests.local_cloud import LocalCloud

__all__ = ["browser", "opened"]


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The store of ten thousand images. Whoever changes it changes it back."""
    with ten_thousand.filled(tmp_path_factory.mktemp("gallery")) as started:
        yield started
