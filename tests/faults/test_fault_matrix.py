"""Each fault x each call x each part: what a person notices, what is stored, and that it heals by itself.

One process lives through all of it. The slowest call of each fault is printed at the end (pytest -rP, or -s).
"""

import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.domain.errors import ObjectsUnavailableError
from tests.faults.fault import Fault, Kind
from tests.faults.images import Images
from tests.faults.rig import Call, Rig
from tests.local_cloud import until

ANSWERED_SECONDS = 3.0  # 2 s by promise, and a busy machine
SLOW_CALL_SECONDS = 0.25  # 0.06 s by promise
PROBE_SECONDS = 1.0  # BreakerPolicy.pause_seconds
CALLS_BEFORE_TRIPPED = 8  # a node that is only slow is asked five times before it counts as slow; and who asks first

FAULTS = {
    Kind.HANG: Fault(Kind.HANG),
    Kind.REFUSE: Fault(Kind.REFUSE),
    Kind.DOWN: Fault(Kind.DOWN),
    Kind.LATENCY: Fault(Kind.LATENCY, delay_seconds=0.03),
    Kind.SLOW: Fault(Kind.SLOW, delay_seconds=0.02),
    Kind.RESET: Fault(Kind.RESET),
    Kind.TRUNCATE: Fault(Kind.TRUNCATE),
    Kind.GARBAGE: Fault(Kind.GARBAGE),
    Kind.OUT_OF_STEP: Fault(Kind.OUT_OF_STEP),
}
every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=[kind.value for kind in FAULTS])


@pytest.fixture(scope="module")
def slowest() -> Iterator[dict[str, float]]:
    """The slowest call of each part and fault, in seconds."""
    found: dict[str, float] = {}
    yield found
    print("\nslowest calls:", *(f"{name}: {seconds * 1000:.0f} ms" for name, seconds in found.items()), sep="\n  ")


@pytest.fixture
def images(rig: Rig) -> Images:
    return Images(rig)


def in_the_face_s_form(call: Call) -> bool:
    """Whether an answer of 503 is one of /api/v1, with its words and when to come again."""
    return (
        call.headers["content-type"] == "application/problem+json"
        and json.loads(call.body)["status"] == 503
        and int(call.headers["retry-after"]) > 0
        and call.headers["x-content-type-options"] == "nosniff"
    )


@every_fault
def test_a_sick_node_is_not_noticed(rig: Rig, images: Images, slowest: dict[str, float], fault: Fault) -> None:
    proxy = rig.proxies["memcached"]
    cached, doomed = [images.stored(read=True) for _ in range(4)], [images.stored(read=True) for _ in range(2)]
    with rig.without_nodes():
        without_cache_seconds = statistics.median(images.get(key).seconds for key in cached * 3)
    assert until(lambda: rig.get(cached[0]).source.startswith("node "), timeout_seconds=10)
    reached, started = proxy.accepted + proxy.questions, time.monotonic()

    proxy.fault = fault
    reads = [images.get(key) for key in cached * 3]
    writes = [images.put(), images.replace(cached[0]), images.delete(doomed[0]), images.delete(doomed[1])]
    lists = [rig.list_all()]
    until(lambda: time.monotonic() > started + 1.5 * PROBE_SECONDS, timeout_seconds=10)
    reads += [images.get(key) for key in cached * 3]  # the first of these is the probe
    took_seconds = time.monotonic() - started
    reached = proxy.accepted + proxy.questions - reached

    assert [call.status for call in reads] == [200] * len(reads)
    assert [call.status for call in writes] == [201, 200, 204, 204]
    assert [call.status for call in lists] == [200]
    slowest[f"memcached {fault.kind.value}"] = max(call.seconds for call in reads)
    # A window costs one probe: a connection and a question. One that answers sensibly at first lets some more through.
    windows = math.ceil(took_seconds / PROBE_SECONDS) + 1
    assert reached <= 2 * windows + CALLS_BEFORE_TRIPPED
    limit_seconds = without_cache_seconds + SLOW_CALL_SECONDS
    assert max(call.seconds for call in reads) < limit_seconds
    slow = [call for call in reads if call.seconds > without_cache_seconds + 0.04]
    assert len(slow) <= windows + (CALLS_BEFORE_TRIPPED if fault.kind is Kind.LATENCY else 1)
    assert statistics.median(call.seconds for call in reads) < 3 * without_cache_seconds + 0.02

    rig.mend()  # a node serves again
    images.check()
    assert images.get(cached[1]).source.startswith("node ")  # what it held before is there, and right


@every_fault
def test_a_sick_database_is_told_and_heals(rig: Rig, images: Images, slowest: dict[str, float], fault: Fault) -> None:
    read, replaced, doomed = (images.stored(read=True) for _ in range(3))
    calls = faulty(
        rig,
        "MariaDB",
        fault,
        lambda: images.get(read),
        images.put,
        lambda: images.replace(replaced),
        lambda: images.delete(doomed),
        rig.list_all,
    )
    slowest[f"MariaDB {fault.kind.value}"] = max(call.seconds for call in calls)
    if fault.kind in (Kind.HANG, Kind.REFUSE, Kind.DOWN, Kind.SLOW, Kind.GARBAGE):
        # Bytes in the cache do not help: without its row nobody knows what may be shown. There is no replica here.
        assert [call.status for call in calls] == [503] * len(calls)
    rig.mend()
    images.check()


@every_fault
def test_a_sick_object_store_is_told_and_heals(
    rig: Rig, images: Images, slowest: dict[str, float], fault: Fault
) -> None:
    cached, not_cached, replaced, doomed = (images.stored(read=read) for read in (True, False, False, False))
    calls = faulty(
        rig,
        "S3",
        fault,
        lambda: images.get(not_cached),
        images.put,
        lambda: images.replace(replaced),
        lambda: images.delete(doomed),
        rig.list_all,
        lambda: images.get(cached),
    )
    slowest[f"S3 {fault.kind.value}"] = max(call.seconds for call in calls)
    assert [call.status for call in calls[3:]] == [204, 200, 200]  # a row goes at once, its bytes when S3 is back
    assert calls[5].source.startswith("node ")
    if fault.kind not in (Kind.LATENCY, Kind.OUT_OF_STEP):
        assert [call.status for call in calls[:3]] == [503] * 3
    rig.mend()
    images.check()


def faulty(rig: Rig, part: str, fault: Fault, *questions: Callable[[], Call]) -> list[Call]:
    """The answers to all questions, asked at once while the part is sick: each in time and in form, none a 500."""
    rig.proxies[part].fault = fault
    with ThreadPoolExecutor(len(questions)) as pool:
        calls = [asked.result() for asked in [pool.submit(question) for question in questions]]
    for call in calls:
        assert call.status < 500 or (call.status == 503 and in_the_face_s_form(call)), call
        assert call.seconds < ANSWERED_SECONDS, call
    return calls


@pytest.mark.parametrize("part", ["MariaDB", "S3", "memcached"])
def test_kept_connections_that_died_are_not_noticed(rig: Rig, images: Images, part: str) -> None:
    keys = [images.stored() for _ in range(2)]
    for kind in (Kind.DOWN, Kind.REFUSE):  # closed in order, and reset
        rig.proxies[part].fault = FAULTS[kind]
        assert until(lambda: rig.proxies[part].open_connections == 0, timeout_seconds=10)
        rig.proxies[part].fault = Fault(Kind.PASS)
        assert images.put().status == 201
        assert [images.get(key).status for key in keys] == [200, 200]
        assert images.replace(keys[0]).status == 200
    images.check()


def test_a_database_that_fails_between_two_steps_of_a_write_is_waited_for_once(rig: Rig, images: Images) -> None:
    rig.proxies["S3"].fault = Fault(Kind.LATENCY, delay_seconds=0.3)  # so that the write is there when it hangs
    with ThreadPoolExecutor(1) as pool:
        asked = rig.proxies["S3"].questions
        writing = pool.submit(images.put)
        assert until(lambda: rig.proxies["S3"].questions > asked, timeout_seconds=10)
        rig.proxies["MariaDB"].fault = FAULTS[Kind.HANG]
        call = writing.result()
    assert call.status == 503
    assert in_the_face_s_form(call)
    assert call.seconds < ANSWERED_SECONDS
    rig.mend()
    images.check()


def test_the_course_s_face_tells_it_in_its_own_form(rig: Rig, images: Images) -> None:
    images.stored()
    rig.proxies["MariaDB"].fault = FAULTS[Kind.REFUSE]
    call = rig.call("POST", "/api/list_keys")
    assert (call.status, json.loads(call.body)["success"]) == (503, "false")
    assert int(call.headers["retry-after"]) > 0


def test_a_crowd_without_any_node_is_capped_at_the_origin(rig: Rig, images: Images) -> None:
    keys = [images.stored() for _ in range(8)]
    rig.proxies["memcached"].fault = FAULTS[Kind.REFUSE]
    rig.proxies["S3"].fault = FAULTS[Kind.HANG]
    crowd = 40
    with ThreadPoolExecutor(crowd) as pool:
        calls = list(pool.map(lambda number: images.get(keys[number % len(keys)]), range(crowd)))
    assert [call.status for call in calls] == [503] * crowd
    assert all(in_the_face_s_form(call) for call in calls)
    assert max(call.seconds for call in calls) < ANSWERED_SECONDS
    turned_away = [call for call in calls if b"Too many" in call.body]
    assert len(turned_away) >= crowd - 2 * rig.services.images.read_through._policy.origin_at_once
    rig.mend()
    images.check()


def test_the_largest_upload_has_time_and_is_cut_off_when_the_store_hangs(rig: Rig) -> None:
    objects, data = rig.services.images.objects, bytes(64 << 20)
    objects.put("originals/largest", data, "image/png")
    assert objects.get("originals/largest") == data
    objects.remove(["originals/largest"])
    rig.proxies["S3"].fault = FAULTS[Kind.HANG]
    started = time.monotonic()
    with pytest.raises(ObjectsUnavailableError):
        objects.put("originals/largest", data, "image/png")
    assert time.monotonic() - started < ANSWERED_SECONDS  # what fits the sockets' buffers earns a little time
