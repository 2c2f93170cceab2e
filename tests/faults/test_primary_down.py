"""A real primary that hangs or is killed, with a real replica: reads go on and say so, writes are refused in time."""

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pymysql
import pytest

from chalicelib.domain.account_ports import ApiToken
from chalicelib.domain.accounts import Account, Scope, hash_of
from chalicelib.domain.errors import RowsUnavailableError
from chalicelib.web.form_token import token_of
from tests import hostile_images
from tests.faults.replica_rig import ReplicaRig, says_stale
from tests.faults.rig import Call
from tests.local_cloud import until
from tests.web.caller import JSON, MULTIPART, URLENCODED, multipart

ANSWERED_SECONDS = 4.0  # 2 s by promise, and a busy machine
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "INSERT_SELECT", "DELETE_MULTI", "UPDATE_MULTI")

Taking = Callable[[ReplicaRig], None]


def hang(rig: ReplicaRig) -> None:
    rig.maria.server.pause()


def die(rig: ReplicaRig) -> None:
    rig.maria.server.kill()


either_way = pytest.mark.parametrize("take_away", [hang, die])


@pytest.fixture(scope="module")
def one_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaRig]:
    with pytest.MonkeyPatch.context() as patch:
        made = ReplicaRig(tmp_path_factory.mktemp("replica"), patch)
        yield made
        made.heal()
        made.close()


@pytest.fixture
def rig(one_rig: ReplicaRig) -> ReplicaRig:
    one_rig.heal()
    return one_rig


def stored(rig: ReplicaRig) -> tuple[str, bytes]:
    """A new image that primary and replica know."""
    key, data = f"key {secrets.token_hex(4)}", hostile_images.good_png(40, 30, secrets.randbelow(2**31))
    assert rig.put(key, data).status == 201
    rig.catch_up()
    return key, data


def reads_of(rig: ReplicaRig, key: str, data: bytes) -> list[Call]:
    """Every kind of read on every face, each of them right."""
    asked = f"?key={quote(key)}"
    given = [rig.get(key), rig.call("GET", f"/content{asked}")]
    assert [call.body for call in given] == [data, data], [call.status for call in given]
    contract = rig.call("POST", "/api/key", json.dumps({"key": key}).encode(), JSON)
    assert base64.b64decode(json.loads(contract.body)["content"]) == data
    keys = rig.call("POST", "/api/list_keys")
    assert key in json.loads(keys.body)["keys"]
    listed = rig.list_all()
    assert key in {image["key"] for image in json.loads(listed.body)["images"]}
    pages = [rig.call("GET", path) for path in (f"/image{asked}", "/keys", "/", "/manager", f"/delete{asked}")]
    others = [
        rig.call("GET", path)
        for path in (f"/api/v1/image/metadata{asked}", "/api/v1/fleet", "/api/getNumNodes", "/health")
    ]
    calls = [*given, contract, keys, listed, *pages, *others]
    assert [call.status for call in calls] == [200] * len(calls)
    for page in pages:
        assert says_stale(page) == (b"may be some seconds old" in page.body)
    return calls


def writes_on(rig: ReplicaRig, key: str) -> list[Call]:
    """Every kind of write, on the faces that need no form's token."""
    other = hostile_images.good_png(20, 20, secrets.randbelow(2**31))
    form = multipart(key=f"{key} again", file=other)
    return [
        rig.put(key, other),
        rig.put(f"{key} new", other),
        # Not 412: the replica's row does not judge it.
        rig.call("PUT", f"/api/v1/image?key={quote(key)}", other, {"If-Match": '"of another image"'}),
        rig.call("POST", "/api/v1/images", form, MULTIPART),
        rig.call("POST", "/api/upload", form, MULTIPART),
        rig.delete(key),
        rig.call("DELETE", "/api/v1/images?all=true"),
        rig.call("POST", "/api/delete_all"),
        rig.call("POST", "/api/configure_cache", json.dumps({"mode": "manual"}).encode(), JSON),
    ]


@either_way
def test_reads_go_on_and_say_so_and_writes_are_refused(rig: ReplicaRig, take_away: Taking) -> None:
    key, data = stored(rig)
    assert not any(says_stale(call) for call in reads_of(rig, key, data))
    keys, etag = rig.keys(), rig.get(key).headers["etag"]
    take_away(rig)

    first, second = rig.get(key), rig.get(key)
    assert [first.body, second.body] == [data, data]
    if take_away is hang:
        assert second.seconds < first.seconds / 2  # the primary is left alone for a while
    calls = reads_of(rig, key, data)
    assert all(says_stale(call) for call in [first, second, *calls])
    assert max(call.seconds for call in [first, *calls]) < ANSWERED_SECONDS
    print("slowest read:", max(call.seconds for call in [first, *calls]))

    conditional = rig.call("GET", f"/api/v1/image?key={quote(key)}", headers={"If-None-Match": etag})
    assert (conditional.status, conditional.body) == (200, data)  # nobody is told that this is the newest
    assert says_stale(conditional)
    absent = rig.get(f"{key} absent")
    assert (absent.status, absent.headers["retry-after"]) == (503, "2")

    refused = writes_on(rig, key)
    assert [call.status for call in refused] == [503] * len(refused)
    assert all(int(call.headers["retry-after"]) > 0 for call in refused)
    assert max(call.seconds for call in refused) < ANSWERED_SECONDS
    print("slowest write:", max(call.seconds for call in refused))

    rig.heal()
    assert rig.keys() == keys
    assert not any(says_stale(call) for call in reads_of(rig, key, data))
    assert until(lambda: not rig.untrue(), timeout_seconds=10), rig.untrue()
    replacement = hostile_images.good_png(10, 10, secrets.randbelow(2**31))
    assert rig.put(key, replacement).status == 200
    assert rig.get(key).body == replacement
    assert rig.delete(key).status == 204
    assert rig.get(key).status == 404


@either_way
def test_what_decides_and_acts_reads_at_the_primary_only(rig: ReplicaRig, take_away: Taking) -> None:
    take_away(rig)
    with pytest.raises(RowsUnavailableError):
        rig.services.maps.current()  # what the scaler reads
    with pytest.raises(RowsUnavailableError):
        rig.services.worker.resend()
    assert rig.services.fleet.map().nodes  # what a request is shown


def test_a_replica_that_lags_shows_what_was_and_denies_nothing(rig: ReplicaRig) -> None:
    deleted, data = stored(rig)
    rig.replica.fall_behind()
    try:
        assert rig.delete(deleted).status == 204
        acknowledged = f"{deleted} acknowledged"
        assert rig.put(acknowledged, data).status == 201
        die(rig)
        shown = rig.get(deleted)
        assert (shown.status, shown.body) == (200, data)
        assert says_stale(shown)
        assert rig.get(acknowledged).status == 503
    finally:
        rig.maria.server.start()
        rig.replica.follow()
    rig.heal()
    assert rig.get(deleted).status == 404
    assert rig.get(acknowledged).body == data


@either_way
def test_without_the_replica_too_reads_are_refused_in_time(rig: ReplicaRig, take_away: Taking) -> None:
    key, _ = stored(rig)
    take_away(rig)
    if take_away is hang:
        rig.replica.server.pause()
    else:
        rig.replica.server.kill()
    calls = [call for _ in range(2) for call in (rig.get(key), rig.list_all(), rig.call("GET", "/keys"))]
    assert [call.status for call in calls] == [503] * len(calls)
    assert all(int(call.headers["retry-after"]) > 0 for call in calls)
    assert max(call.seconds for call in calls) < ANSWERED_SECONDS
    print("slowest read without both:", max(call.seconds for call in calls))


def test_a_replica_that_is_gone_is_not_noticed_while_the_primary_answers(rig: ReplicaRig) -> None:
    key, data = stored(rig)
    rig.replica.server.kill()
    assert not any(says_stale(call) for call in reads_of(rig, key, data))
    assert rig.delete(key).status == 204


def test_the_replica_is_never_sent_a_write_and_would_refuse_it(rig: ReplicaRig) -> None:
    def writes_seen() -> list[tuple[object, ...]]:
        names = ", ".join(f"'Com_{name.lower()}'" for name in WRITES)
        found = rig.replica.execute(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})")
        assert len(found) == len(WRITES)
        return sorted(found, key=str)

    key, data = stored(rig)
    before = writes_seen()
    die(rig)
    reads_of(rig, key, data)
    assert {call.status for call in writes_on(rig, key)} == {503}
    assert writes_seen() == before

    with pytest.raises(pymysql.err.OperationalError, match="read-only"):
        rig.replica.execute("DELETE FROM images")


@either_way
def test_who_is_signed_in_reads_on_and_is_told_that_signing_out_must_wait(rig: ReplicaRig, take_away: Taking) -> None:
    session, token = secrets.token_hex(16), secrets.token_hex(16)
    rows, owner_id = rig.services.accounts.rows, secrets.token_bytes(16)
    rows.create(Account(owner_id, f"{session}@example.org", "none", admin=False, disabled=False))
    rows.begin_session(owner_id, hash_of(session), None)
    rows.add_token(owner_id, hash_of(token), ApiToken(secrets.token_bytes(16), "", Scope.WRITE, datetime.now(UTC)))
    bearer = {"Authorization": f"Bearer {token}"}
    data = hostile_images.good_png(40, 30, secrets.randbelow(2**31))
    assert rig.call("PUT", "/api/v1/image?key=mine", data, bearer).status == 201
    rig.catch_up()
    take_away(rig)
    cookie = {"Cookie": f"visitor={'0' * 32}; session={session}"}
    assert rig.call("GET", "/content?key=mine", b"", cookie).body == data
    for path in ("/", "/keys", "/image?key=mine"):
        page = rig.call("GET", path, b"", cookie)
        assert (page.status, says_stale(page)) == (200, True)
    form_token = token_of("0" * 32, rig.services.config.secret_key)
    left = rig.call("POST", "/sign-out", f"form_token={form_token}".encode(), {**cookie, **URLENCODED})
    assert (left.status, int(left.headers["retry-after"]) > 0) == (503, True)
    assert rig.call("GET", "/content?key=mine", b"", {"Cookie": "session=unknown"}).status == 401
