"""Lists with a real replica that lags, hangs, dies or talks nonsense: complete at once after a write, and in time."""

import json
import secrets
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from tests import hostile_images
from tests.faults.fault import Fault, Kind
from tests.faults.replica_rig import ProxiedReplicaRig, says_stale
from tests.faults.rig import Call
from tests.local_cloud import until
from tests.web.caller import JSON

ANSWERED_SECONDS = 3.0  # 2 s by promise, and a busy machine
ROUNDS = 2

FAULTS = {
    Kind.HANG: Fault(Kind.HANG),
    Kind.REFUSE: Fault(Kind.REFUSE),
    Kind.DOWN: Fault(Kind.DOWN),
    Kind.LATENCY: Fault(Kind.LATENCY, delay_seconds=0.15),
    Kind.SLOW: Fault(Kind.SLOW, delay_seconds=0.02),
    Kind.RESET: Fault(Kind.RESET),
    Kind.TRUNCATE: Fault(Kind.TRUNCATE),
    Kind.GARBAGE: Fault(Kind.GARBAGE),
    Kind.OUT_OF_STEP: Fault(Kind.OUT_OF_STEP),
}


@pytest.fixture(scope="module")
def one_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedReplicaRig]:
    with pytest.MonkeyPatch.context() as patch:
        made = ProxiedReplicaRig(tmp_path_factory.mktemp("replica"), patch)
        yield made
        made.heal()
        made.close()


@pytest.fixture
def rig(one_rig: ProxiedReplicaRig) -> ProxiedReplicaRig:
    """Healed, and the replica gives lists."""
    one_rig.heal()
    assert until(one_rig.lists_from_the_replica, timeout_seconds=20)
    return one_rig


def lists_of(rig: ProxiedReplicaRig, key: str, *, there: bool) -> list[Call]:
    """Every kind of list on every face, each of them 200, in time, not stale, and with or without the key."""
    calls = [rig.list_all(), rig.call("POST", "/api/list_keys"), rig.call("GET", "/keys"), rig.call("GET", "/")]
    assert [call.status for call in calls] == [200] * len(calls)
    assert (key in {image["key"] for image in json.loads(calls[0].body)["images"]}) == there
    assert (key in json.loads(calls[1].body)["keys"]) == there
    for page in calls[2:]:
        assert (quote(key).encode() in page.body) == there
    assert not any(says_stale(call) for call in calls)
    assert max(call.seconds for call in calls) < ANSWERED_SECONDS
    return calls


def write_and_list(rig: ProxiedReplicaRig, rounds: int = ROUNDS) -> list[Call]:
    """Stores, replaces and deletes, each followed by every list."""
    calls = []
    for _ in range(rounds):
        key = f"key {secrets.token_hex(4)}"
        for status in (201, 200):
            assert rig.put(key, hostile_images.good_png(8, 8, secrets.randbelow(2**31))).status == status
            calls += lists_of(rig, key, there=True)
        assert rig.delete(key).status == 204
        calls += lists_of(rig, key, there=False)
    return calls


def test_lists_are_complete_at_once_while_the_replica_lags_and_its_own_once_it_does_not(
    rig: ProxiedReplicaRig,
) -> None:
    given = rig.given_by_the_replica()
    rig.replica.fall_behind()
    try:
        write_and_list(rig)
        kept = f"kept {secrets.token_hex(4)}"
        assert rig.put(kept, hostile_images.good_png(8, 8, secrets.randbelow(2**31))).status == 201
        lists_of(rig, kept, there=True)
        assert rig.given_by_the_replica() == given
    finally:
        rig.replica.follow()
    rig.catch_up()
    for number in range(5):
        calls = lists_of(rig, kept, there=True)
        by_rows = len(calls) - 1  # the gallery's first page is the fleet's since it was first shown at this version
        assert rig.given_by_the_replica() == given + (number + 1) * by_rows


def test_the_row_that_decides_is_never_asked_of_the_replica(rig: ProxiedReplicaRig) -> None:
    key, data = f"key {secrets.token_hex(4)}", hostile_images.good_png(8, 8, secrets.randbelow(2**31))
    asked = rig.proxies["replica"].questions
    assert rig.put(key, data).status == 201
    for _ in range(3):
        assert rig.get(key).body == data
        assert rig.call("GET", f"/api/v1/image/metadata?key={quote(key)}").status == 200
        assert rig.call("GET", f"/image?key={quote(key)}").status == 200
        assert rig.call("POST", "/api/key", json.dumps({"key": key}).encode(), JSON).status == 200
    assert rig.delete(key).status == 204
    assert rig.get(key).status == 404
    assert rig.proxies["replica"].questions == asked
    rig.list_all()
    assert rig.proxies["replica"].questions > asked  # what it is asked is seen there


@pytest.mark.parametrize("fault", FAULTS.values(), ids=[kind.value for kind in FAULTS])
def test_a_sick_replica_is_not_noticed(rig: ProxiedReplicaRig, fault: Fault) -> None:
    rig.proxies["replica"].fault = fault
    calls = write_and_list(rig)
    print(f"slowest list with {fault.kind.value}: {max(call.seconds for call in calls):.2f} s")
    rig.heal()
    assert until(rig.lists_from_the_replica, timeout_seconds=20)


@pytest.mark.parametrize("take_away", ["kill", "pause"])
def test_a_replica_that_is_gone_or_hangs_is_not_noticed(rig: ProxiedReplicaRig, take_away: str) -> None:
    taken: Callable[[], None] = getattr(rig.replica.server, take_away)
    taken()
    calls = write_and_list(rig)
    print(f"slowest list after {take_away}: {max(call.seconds for call in calls):.2f} s")
    rig.heal()
    assert until(rig.lists_from_the_replica, timeout_seconds=20)
