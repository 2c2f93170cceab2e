"""A new release in place of the one that runs, under load, and the way back; `make prove` kills the command too."""

import random
from pathlib import Path

import pytest

from tests.operator import upgrade_under_load
from tests.operator.stand_in import StandIn


@pytest.mark.timeout(600)  # three deployments, on a machine that does more than that
def test_an_upgrade_under_load_loses_nothing_and_leads_back(account: StandIn, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    result = upgrade_under_load.run_round(account, tmp_path, seed, print, upgrade_under_load.SMALL)
    print(result)
    assert result.wrong == []
    assert result.requests > result.acknowledged > 0
