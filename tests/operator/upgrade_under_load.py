"""An upgrade of a deployed store by the operator's command while people put and get images, and the way back.

The newer release has a migration that changes the table which every request reads, and every row of it, and one that
contracts, which must wait. Nothing that was acknowledged may be lost, and no request may fail but by 503 with
Retry-After. At full size, for `make prove`, the command is killed while it deploys and given again, a release that
fails its smoke test is tried afterwards, and at the end the tables are contracted.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class Size:
    """Whether the command is killed and given again, a release that fails is tried too, and the tables contracted."""

    killed: bool
    failing: bool
    contracted: bool


FULL = Size(killed=True, failing=True, contracted=True)
SMALL = Size(killed=False, failing=False, contracted=False)


@dataclass
class RoundResult:
    """What was seen. `unavailable` are answers 503 with Retry-After."""

    requests: int = 0
    unavailable: int = 0
    acknowledged: int = 0
    upgrade_seconds: float = 0.0
    back_seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def run_round(account: StandIn, folder: Path, seed: int, say: Callable[[str], None], size: Size) -> RoundResult:
    """In an environment of its own, which goes at the end. Raises AssertionError if a command does otherwise."""
    made = told(account, "create-env", NAME, "--architecture", "x86", "--yes", *account.words())
    site, result = Site(made["address"]), RoundResult()
    assert until(lambda: site("GET", "/api/v1/fleet").json["serving"] == 2, timeout_seconds=60)
    say(f"{NAME} serves")
    upgrade = (
        *("upgrade", NAME, "--yes", "--backup", str(folder / "backup"), "--key", str(folder / "key"), "--new-key"),
    )
    _up_and_back(
        account, site, release(folder / "newer", '{"status": "ok", "release": "newer"}'), upgrade, seed, size, result
    )
    say(
        f"upgraded in {result.upgrade_seconds} s, back in {result.back_seconds} s, {result.requests} requests meanwhile"
    )
    if size.failing:
        worse = release(folder / "worse", '{"status": "ok"}, status=500')
        failed = store(account, *upgrade, "--smoke-seconds", "3", code=worse)
        assert (failed.returncode, "NOT UPGRADED" in failed.stdout) == (1, True), failed.stdout + failed.stderr
        assert (site("GET", "/healthz").status, site.get("after").status) == (200, 200)
        say("a release that fails was gone back from")
    if size.contracted:
        _contracted(account, site, folder / "newer", upgrade)
        say("the tables are contracted, and no way leads back")
    told(account, "destroy-env", NAME, "--yes")  # first what makes objects
    count = told(account, "destroy-env", NAME)["objects"]
    assert told(account, "destroy-env", NAME, "--yes", "--delete-data", f"{NAME}={count}")["left"] == []
    return result


def _up_and_back(
    account: StandIn, site: Site, newer: Path, upgrade: Sequence[str], seed: int, size: Size, result: RoundResult
) -> None:
    database = from_url(account.environ["OPERATOR_DATABASE_URL"])
    said = store(account, "upgrade", NAME, "--dry-run", code=newer)
    assert (said.returncode, EXPANDS in said.stdout) == (3, True), said.stdout + said.stderr
    with Load(site, seed) as load:
        began = time.monotonic()
        if size.killed:
            killed_while(account, "functions: deploying", *upgrade, code=newer)
            refused = store(account, "deploy", NAME)
            assert (refused.returncode, "is under way" in refused.stderr) == (1, True), refused.stderr
        done = told(account, *upgrade, code=newer)
        result.upgrade_seconds = round(time.monotonic() - began, 1)
        assert (done["upgraded"], done["later"]) == (True, [CONTRACTS])
        assert site("GET", "/healthz").json["release"] == "newer"
        result.back_seconds = told(account, "upgrade", NAME, "--back", "--yes", code=newer)["seconds"]
        assert site("GET", "/healthz").json == {"status": "ok"}
    assert {EXPANDS, CONTRACTS} & applied_ids(database) == {EXPANDS}
    result.requests, result.acknowledged = load.requests, len(load.acknowledged)
    result.unavailable = sum(count for what, count in load.counts.items() if what.endswith(" 503"))
    result.wrong += load.wrong
    result.wrong += [f"lost: {key}" for key, data in load.acknowledged.items() if site.get(key).body != data]
    assert site.put("after", data := hostile_images.good_png(40, 40, 1)).status == 201
    assert site.get("after").body == data
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM api_tokens")
        assert cursor.fetchone() == (0,)  # no smoke test's token is left


def _contracted(account: StandIn, site: Site, newer: Path, upgrade: Sequence[str]) -> None:
    """Upgraded once more, and contracted once no request of the release before can run any longer."""
    database = from_url(account.environ["OPERATOR_DATABASE_URL"])
    assert told(account, *upgrade, code=newer)["upgraded"]
    contract = (*upgrade, "--contract")
    early = store(account, *contract, code=newer)
    assert (early.returncode, "what contracts would break them" in early.stderr) == (1, True), early.stderr
    assert CONTRACTS not in applied_ids(database)
    assert until(lambda: store(account, *contract, code=newer).returncode == 0, timeout_seconds=180)
    assert applied_ids(database) >= {EXPANDS, CONTRACTS}
    data = hostile_images.good_png(40, 40, 2)
    assert (site.get("after").status, site.put("contracted", data).status) == (200, 201)
    assert site.get("contracted").body == data
    back = store(account, "upgrade", NAME, "--back", "--yes", code=newer)
    assert (back.returncode, "have contracted" in back.stderr) == (1, True), back.stderr
    assert site("GET", "/healthz").json["release"] == "newer"


def release(folder: Path, health: str) -> Path:
    """A newer release's code: two more migrations, and something else to say of its health."""
    copy_project(folder)
    (folder / f"migrations/{EXPANDS}.sql").write_text(_EXPAND)
    (folder / f"migrations/{CONTRACTS}.sql").write_text("ALTER TABLE images DROP COLUMN note;")
    said = folder / "chalicelib/web/health_api.py"
    assert _HEALTHY in said.read_text()
    said.write_text(said.read_text().replace(_HEALTHY, health))
    return folder


def verdict(rounds: Sequence[RoundResult]) -> tuple[bool, str]:
    """Whether they hold, and a line about them."""
    wrong = [one for each in rounds for one in each.wrong]
    holds = not wrong and all(each.acknowledged for each in rounds)
    return holds, "; ".join(
        f"{len(each.wrong)} failed, foreign or lost in {each.requests} requests during an upgrade with a migration "
        f"({each.upgrade_seconds} s, killed once) and the way back ({each.back_seconds} s), {each.unavailable} answers "
        f"503 with Retry-After, {each.acknowledged} images acknowledged and equal afterwards"
        for each in rounds
    ) + "".join(f"<br>{one}" for one in wrong[:20])
