"""The long proofs of bench/, small."""

import os
import secrets
from pathlib import Path

from bench.proofs import acknowledged_uploads

ROUNDS = 2


def test_no_acknowledged_upload_is_lost_when_everything_is_killed(tmp_path: Path) -> None:
    first_seed = int(os.environ.get("PROOF_SEED", secrets.randbelow(1_000_000)))
    print(f"PROOF_SEED={first_seed}")
    results = [acknowledged_uploads.run_round(tmp_path / "cloud", first_seed + n, print) for n in range(ROUNDS)]
    assert [result.lost for result in results] == [[]] * ROUNDS
    assert [result.wrong_answers for result in results] == [[]] * ROUNDS
    assert sum(result.acknowledged for result in results) > 0
