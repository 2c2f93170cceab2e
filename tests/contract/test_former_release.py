"""The release before runs on this one's tables: its own tests of rows say so. `make prove` runs all of them."""

from pathlib import Path

import pytest

from bench.proofs import former_release

SOME = ("test_image_rows.py", "test_account_rows.py", "test_job_rows.py")


def test_the_release_before_passes_its_tests_of_rows_on_these_tables(tmp_path: Path) -> None:
    revision = former_release.former_revision()
    if revision is None:
        pytest.skip("git has no release before this one here")
    result = former_release.run_round(tmp_path / "code", revision, print, SOME)
    assert result.failed == []
    assert result.passed > 50
