"""One rig for all fault tests, so that one process lives through every fault."""

from collections.abc import Iterator

import pytest

from tests.faults.rig import Rig


@pytest.fixture(scope="package")
def one_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pytest.MonkeyPatch.context() as patch:
        made = Rig(tmp_path_factory.mktemp("faults"), patch)
        yield made
        made.close()


@pytest.fixture
def rig(one_rig: Rig) -> Iterator[Rig]:
    """The rig without a fault, before and after."""
    one_rig.mend()
    yield one_rig
    one_rig.mend()
