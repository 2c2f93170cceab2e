"""The fleet grows by itself under load that misses, says why, and holds when the load stops. A minute is a real one."""

import pytest

from tests.background import Background


@pytest.mark.timeout(420)  # three minutes pass; a busy machine takes longer for what lies between
def test_load_that_misses_makes_the_fleet_grow_and_without_load_it_holds(growing_fleet: Background) -> None:
    growing_fleet.wait(timeout_seconds=400)
