"""One account for the tests of the operator's command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operator.stand_in import StandIn, StandInProcess


@pytest.fixture(scope="package")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    folder: Path = tmp_path_factory.mktemp("account")
    started = StandInProcess(folder)
    try:
        yield started.ready()
    finally:
        started.stop()
