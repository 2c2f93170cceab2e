"""A new release in place of the one that runs, under load, killed and given again; taken back; and one that fails."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ops.database import from_url
from ops.migrate import applied_ids
from tests import hostile_images
from tests.deployed.project_copy import copy_project
from tests.local_cloud import until
from tests.operator.load import Load
from tests.operator.operating import Site, killed_while, store, told
from tests.operator.stand_in import StandIn

NAME = "green"
EXPANDS, CONTRACTS = "9001_notes", "9002_contract_notes"
# It changes the table that every request reads, row by row too.
_EXPAND = """
SET @change = (
    SELECT IF(COUNT(*) = 0,
        'ALTER TABLE images ADD note VARCHAR(40) NULL, ADD INDEX images_note (owner_id, note)', 'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'images' AND column_name = 'note'
);
PREPARE a_change FROM @change;
EXECUTE a_change;
DEALLOCATE PREPARE a_change;
UPDATE images SET note = HEX(LEFT(image_key, 10));
"""
_HEALTHY = '{"status": "ok"}'


def release(folder: Path, health: str) -> Path:
    """A newer release's code: two more migrations, and something else to say of its health."""
    copy_project(folder)
    (folder / f"migrations/{EXPANDS}.sql").write_text(_EXPAND)
    (folder / f"migrations/{CONTRACTS}.sql").write_text("ALTER TABLE images DROP COLUMN frames;")
    said = folder / "chalicelib/web/health_api.py"
    assert _HEALTHY in said.read_text()
    said.write_text(said.read_text().replace(_HEALTHY, health))
    return folder


@pytest.fixture
def site(account: StandIn) -> Iterator[Site]:
    made = told(account, "create-env", NAME, "--architecture", "x86", "--yes", *account.words())
    site = Site(made["address"])
    assert until(lambda: site("GET", "/api/v1/fleet").json["serving"] == 2, timeout_seconds=60)
    yield site
    count = told(account, "destroy-env", NAME)["objects"]
    assert told(account, "destroy-env", NAME, "--yes", "--delete-data", f"{NAME}={count}")["left"] == []


def test_an_upgrade_under_load_loses_nothing_and_leads_back(account: StandIn, site: Site, tmp_path: Path) -> None:
    database = from_url(account.environ["OPERATOR_DATABASE_URL"])
    newer = release(tmp_path / "newer", '{"status": "ok", "release": "newer"}')
    upgrade = (
        *("upgrade", NAME, "--yes", "--backup", str(tmp_path / "backup"), "--key", str(tmp_path / "key"), "--new-key"),
    )
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    said = store(account, "upgrade", NAME, "--dry-run", code=newer)
    assert (said.returncode, EXPANDS in said.stdout) == (3, True)
    nowhere = store(account, "upgrade", NAME, "--yes", code=newer)
    assert (nowhere.returncode, "nothing says where it is to lie" in nowhere.stderr) == (2, True)
    with Load(site, seed) as load:
        killed_while(account, "functions: deploying", *upgrade, code=newer)
        half_way = load.requests
        assert EXPANDS in applied_ids(database)
        refused = store(account, "deploy", NAME)
        assert (refused.returncode, "is under way" in refused.stderr) == (1, True)
        done = told(account, *upgrade, code=newer)
        assert (done["upgraded"], done["applied"], done["later"]) == (True, [], [CONTRACTS])
        assert site("GET", "/healthz").json["release"] == "newer"
        upgraded = load.requests
        back = told(account, "upgrade", NAME, "--back", "--yes", code=newer)
        assert site("GET", "/healthz").json == {"status": "ok"}
    print(
        f"{load.counts}, {half_way} until the kill, {upgraded} until upgraded; {done['seconds']} s, {back['seconds']} s"
    )
    assert load.wrong == []
    assert load.counts["PUT 201"] > 0
    assert load.counts["GET 200"] > 0
    assert {key: site.get(key).body for key in load.acknowledged} == load.acknowledged
    assert site.put("after", data := hostile_images.good_png(40, 40, 1)).status == 201
    assert site.get("after").body == data
    assert {EXPANDS, CONTRACTS} & applied_ids(database) == {EXPANDS}
    no_further = store(account, "upgrade", NAME, "--back", "--yes", code=newer)
    assert (no_further.returncode, "no way back" in no_further.stderr) == (1, True)

    worse = release(tmp_path / "worse", '{"status": "ok"}, status=500')
    failed = store(account, *upgrade, "--smoke-seconds", "3", code=worse)
    assert (failed.returncode, "NOT UPGRADED" in failed.stdout) == (1, True), failed.stdout + failed.stderr
    assert (site("GET", "/healthz").status, site.get("after").body) == (200, data)
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM api_tokens")
        assert cursor.fetchone() == (0,)  # no test's token is left
