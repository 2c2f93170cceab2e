"""An upload's processes killed before each thing they ask of the outside: nothing is lost, nothing dangles.

The steps are not listed here but found: a process that is left alone tells all of its statements, S3 and SQS calls and
decoding children, and then one process after another is killed before each of them.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator

import pytest

from bench.proofs import both_sides
from chalicelib.domain import jobs
from tests.faults.stepped_store import KILLED, Order, Run, SteppedStore
from tests.hostile_images import good_png

ANNOUNCED = ["BEGIN", "SELECT jobs", "INSERT jobs", "COMMIT"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SteppedStore]:
    with SteppedStore(tmp_path_factory.mktemp("steps")) as made:
        yield made


def image() -> bytes:
    return good_png(20, 15, secrets.randbelow(2**31))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def in_order(wanted: list[str], steps: list[str]) -> bool:
    """Whether the wanted steps are among these, in their order."""
    rest = iter(steps)
    return all(step in rest for step in wanted)


def killed_everywhere(store: SteppedStore, orders: Callable[[int], list[Order]]) -> tuple[Run, list[Run]]:
    """A whole process; and for each of its steps one that is killed before it, each with an order of its own."""
    (first,) = orders(1)
    whole = store.run(first)
    assert whole.status == 0
    print(len(whole.steps), "steps:", ", ".join(whole.steps))
    killed = []
    for step, order in enumerate(orders(len(whole.steps))):
        run = store.run(order, step)
        assert (run.status, run.steps) == (KILLED, whole.steps[:step])
        assert store.dangling() == [], f"killed before {whole.steps[step]}"
        killed.append(run)
    return whole, killed


def all_goes(store: SteppedStore) -> None:
    """Once everything is deleted and what was announced has fallen due, nothing is left on either side."""
    assert store.dangling() == []
    assert store.run(Order.delete_all()).answer[0] == 200
    store.an_hour_passes()
    store.settle()
    sides = both_sides.look(store.environ)
    assert (dict(sides.images), sides.renditions, sides.tags, dict(sides.objects)) == ({}, [], set(), {})
    assert (sides.waiting, sides.owed) == (set(), "")


@pytest.mark.parametrize("replacing", [False, True])
def test_a_put_killed_before_any_step_leaves_the_old_or_the_new(store: SteppedStore, replacing: bool) -> None:
    name, old, new = secrets.token_hex(4), image(), image()

    def orders(count: int) -> list[Order]:
        keys = [f"{name} {count} {number}" for number in range(count)]
        if replacing:
            store.run_all([Order.put(key, old) for key in keys])
        return [Order.put(key, new) for key in keys]

    whole, killed = killed_everywhere(store, orders)
    for number, run in enumerate(killed):
        committed = run.steps.count("COMMIT") >= 2  # that of the announcement is the first
        before = digest(old) if replacing else None
        assert store.shown(f"{name} {len(killed)} {number}") == (digest(new) if committed else before)
    answers = store.run_all([Order.put(f"{name} {len(killed)} {number}", new) for number in range(len(killed))])
    assert {answer[0] for answer in answers} <= {200, 201}
    shown = {store.shown(f"{name} {len(killed)} {number}") for number in range(len(killed))}
    assert shown == {digest(new)}
    wanted = ["decoding child", *ANNOUNCED, "s3 PutObject", "BEGIN", "UPDATE images" if replacing else "INSERT images"]
    assert in_order([*wanted, "INSERT jobs", "COMMIT", "sqs SendMessageBatch", "COMMIT", "answer"], whole.steps)
    all_goes(store)


def test_a_beginning_killed_before_any_step_is_begun_once(store: SteppedStore) -> None:
    name, data = secrets.token_hex(4), image()

    def orders(count: int) -> list[Order]:
        return [Order.begin(f"{name} {count} {number}", data) for number in range(count)]

    whole, killed = killed_everywhere(store, orders)
    uploads = store.posted({f"{name} {len(killed)} {number}": data for number in range(len(killed))})
    uploads += store.posted({f"{name} 1 0": data})
    store.run_all([Order.complete(upload) for upload in uploads])
    assert {store.upload(upload)[1] for upload in uploads} == {"done"}
    assert in_order(["BEGIN", "INSERT uploads", "INSERT idempotency_keys", "COMMIT", "answer"], whole.steps)
    assert store.rows("SELECT COUNT(*) FROM uploads WHERE state = 'waiting'") == [(0,)]
    all_goes(store)


@pytest.mark.parametrize(("door", "again"), [("complete", "event"), ("event", "complete")])
def test_an_ingest_killed_before_any_step_is_made_good_by_the_other_door(
    store: SteppedStore, door: str, again: str
) -> None:
    name, data, uploads = secrets.token_hex(4), image(), list[str]()

    def orders(count: int) -> list[Order]:
        uploads[:] = store.posted({f"{name} {count} {number}": data for number in range(count)})
        return [through(store, door, upload) for upload in uploads]

    whole, killed = killed_everywhere(store, orders)
    shown = [store.shown(f"{name} {len(killed)} {number}") for number in range(len(killed))]
    assert set(shown) == {None, digest(data)}
    store.run_all([through(store, again, upload) for upload in uploads])
    assert {store.upload(upload)[1] for upload in uploads} == {"done"}
    assert {store.shown(f"{name} {len(killed)} {number}") for number in range(len(killed))} == {digest(data)}
    wanted = ["s3 GetObject", "decoding child", *ANNOUNCED, "s3 PutObject", "BEGIN", "INSERT images", "UPDATE uploads"]
    assert in_order([*wanted, "INSERT jobs", "COMMIT", "sqs SendMessageBatch", "COMMIT", "answer"], whole.steps)
    all_goes(store)


def through(store: SteppedStore, door: str, upload: str) -> Order:
    return Order.complete(upload) if door == "complete" else Order.event(store.upload(upload)[0])


def test_a_refusal_killed_before_any_step_is_told_and_its_bytes_go(store: SteppedStore) -> None:
    name, data, uploads = secrets.token_hex(4), image()[:300], list[str]()

    def orders(count: int) -> list[Order]:
        uploads[:] = store.posted({f"{name} {count} {number}": data for number in range(count)})
        return [Order.complete(upload) for upload in uploads]

    whole, _ = killed_everywhere(store, orders)
    store.run_all([through(store, "event", upload) for upload in uploads])
    assert {store.upload(upload)[1] for upload in uploads} == {"refused"}
    assert in_order(["decoding child", "BEGIN", "UPDATE uploads", "INSERT jobs", "COMMIT", "answer"], whole.steps)
    all_goes(store)


OF_JOB = {
    jobs.RENDER: [
        *("s3 GetObject", "decoding child", *ANNOUNCED, "s3 PutObject", "s3 PutObject", "s3 PutObject"),
        *("BEGIN", "DELETE jobs", "UPDATE renditions", "COMMIT"),
    ],
    jobs.REMOVE_OBJECTS: ["SELECT images", "s3 DeleteObjects", "BEGIN", "DELETE jobs", "COMMIT"],
}


@pytest.mark.parametrize("kind", OF_JOB)
def test_a_job_killed_before_any_step_is_done_by_the_schedule(store: SteppedStore, kind: str) -> None:
    name, first, second = secrets.token_hex(4), image(), image()

    def orders(count: int) -> list[Order]:
        for data in [first, second] if kind == jobs.REMOVE_OBJECTS else [first]:  # what is replaced is to be removed
            store.settle()
            store.run_all([Order.put(f"{name} {number}", data) for number in range(count)])
        owed = store.due(kind)
        assert len(owed) == count
        return [Order.job(job) for job in owed]

    whole, _ = killed_everywhere(store, orders)
    assert in_order(["BEGIN", "UPDATE jobs", "COMMIT", *OF_JOB[kind], "answer"], whole.steps)
    store.settle()
    store.an_hour_passes()
    store.settle()
    assert store.dangling() == store.unfinished() == []
    all_goes(store)
