"""What counts against an owner's quota: images and what is made of them. One suite over the fakes and MySQL."""

import random
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.admin_rows import MySqlAdminRows
from chalicelib.adapters.mysql.image_rows import MySqlImageRows
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.mysql.removal_rows import MySqlRemovalRows
from chalicelib.adapters.mysql.rendition_rows import MySqlRenderRows, MySqlRenditionRows
from chalicelib.adapters.mysql.spending import miscounted
from chalicelib.domain import jobs
from chalicelib.domain.account_ports import AccountRows
from chalicelib.domain.accounts import Account, Principal, Way
from chalicelib.domain.admin import Deed, UserChange
from chalicelib.domain.admin_ports import AdminRows, RemovalRows
from chalicelib.domain.errors import QuotaError, RowsUnavailableError, StoreError
from chalicelib.domain.images import ImageFacts
from chalicelib.domain.jobs import Removal, Render
from chalicelib.domain.ports import Draft, ImageRows, JobRows
from chalicelib.domain.rendition_ports import RenderRows, RenditionRows
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import Rendition, State, object_key_of
from chalicelib.services.images import no_precondition
from tests.contract.real_parts import MariaDb
from tests.fakes import ManualClock, MemoryImageRows, MemoryJobRows, MemoryRenditionRows, MemoryStore
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.admin_rows import MemoryAdminRows

ARRIVAL = [kind.name for kind in ON_ARRIVAL]
KEYS = [b"k1", b"k2", b"k3"]
STEPS = 150


@dataclass
class Counting:
    """One person's images and renditions; `miscounted` are owners whose count is not what their rows add up to."""

    accounts: AccountRows
    admin: AdminRows
    removal: RemovalRows
    images: ImageRows
    renditions: RenditionRows
    rendering: RenderRows
    jobs: JobRows
    miscounted: Callable[[], list[tuple[bytes, int, int]]]
    account: Account = field(init=False)
    me: Principal = field(init=False)

    def __post_init__(self) -> None:
        owner_id, token_hash = secrets.token_bytes(16), secrets.token_bytes(32)
        self.account = Account(owner_id, f"{owner_id.hex()}@example.org", "hash", admin=False, disabled=False)
        assert self.accounts.create(self.account)
        self.accounts.begin_session(owner_id, token_hash, None)
        self.me = Principal("", way=Way.SESSION, token_hash=token_hash)

    def put(self, key: bytes, size: int) -> bytes:
        """A write; the job of its renditions."""
        facts = ImageFacts("image/png", width=3, height=2, frames=1)
        draft = Draft(key, f"originals/{secrets.token_hex(16)}", secrets.token_bytes(32), size, facts)
        intent = jobs.removal_job(secrets.token_bytes(16), [Removal(self.account.owner_id, draft.object_key, 0)])
        self.images.announce(intent)
        return self.images.put(self.me, draft, intent.id, no_precondition).jobs[-1]

    def order(self, job_id: bytes) -> Render:
        job = self.jobs.claim(job_id)
        assert job is not None
        return jobs.render_of(job)

    def render(self, job_id: bytes, size: int) -> bool:
        """The job done, each rendition so many bytes."""
        return self.complete(self.order(job_id), job_id, size)

    def complete(self, order: Render, job_id: bytes, size: int) -> bool:
        names = [(kind, object_key_of(order.source_object_key, kind)) for kind in order.kinds]
        made = [Rendition(kind, State.READY, name, bytes(32), 3, 2, size) for kind, name in names]
        intent = jobs.removal_job(secrets.token_bytes(16), [Removal(order.owner_id, name, 0) for _, name in names])
        self.images.announce(intent)
        return self.rendering.complete(order, job_id, intent.id, made, [])

    def taken(self) -> int:
        user = self.admin.user(self.account.owner_id)
        assert user is not None
        return user.bytes

    def quota(self, size: int) -> None:
        deed = Deed(secrets.token_bytes(16), "admin@example.org", "192.0.2.1", "quota")
        self.admin.change_user(self.account.owner_id, UserChange(quota_bytes=size), deed)


@pytest.fixture(params=["memory", "mysql"])
def counting(request: pytest.FixtureRequest) -> Counting:
    if request.param == "memory":
        store = MemoryStore(ManualClock())
        accounts, renditions = MemoryAccountRows(store), MemoryRenditionRows(store)
        admin, images, owed = MemoryAdminRows(store, accounts), MemoryImageRows(store), MemoryJobRows(store)
        return Counting(accounts, admin, admin, images, renditions, renditions, owed, list)
    maria: MariaDb = request.getfixturevalue("maria")
    database = maria.database()
    return Counting(
        MySqlAccountRows(database),
        MySqlAdminRows(database),
        MySqlRemovalRows(database),
        MySqlImageRows(database),
        MySqlRenditionRows(database),
        MySqlRenderRows(database),
        MySqlJobRows(database),
        lambda: miscounted(database),
    )


def test_renditions_count_once_they_are_ready_and_go_with_their_image(counting: Counting) -> None:
    job_id = counting.put(b"k1", 100)
    assert counting.taken() == 100
    order = counting.order(job_id)
    assert counting.complete(order, job_id, 7)
    assert counting.taken() == 100 + 3 * 7
    assert counting.complete(order, job_id, 5)  # made again, smaller
    assert counting.taken() == 100 + 3 * 5
    again = counting.put(b"k1", 50)
    assert counting.taken() == 50
    assert not counting.complete(order, job_id, 7)  # too late: of the image before
    assert counting.taken() == 50
    counting.render(again, 2)
    counting.put(b"k2", 4)
    assert counting.taken() == 50 + 3 * 2 + 4
    counting.images.delete(counting.me, b"k1", secrets.token_bytes(16), no_precondition)
    assert counting.taken() == 4
    counting.render(counting.put(b"k3", 1), 9)
    counting.images.delete_all(counting.me, secrets.token_bytes(16))
    assert counting.taken() == 0
    assert counting.miscounted() == []


def test_an_image_that_was_taken_gets_its_renditions_whatever_the_quota(counting: Counting) -> None:
    counting.quota(100)
    job_id = counting.put(b"k1", 100)
    assert counting.render(job_id, 40)
    assert counting.taken() == 220
    with pytest.raises(QuotaError):
        counting.put(b"k2", 1)
    counting.put(b"k1", 90)  # what was made of the one before is given back
    assert counting.taken() == 90


def test_an_edit_is_refused_in_words_while_the_quota_is_full(counting: Counting) -> None:
    counting.quota(130)
    counting.render(counting.put(b"k1", 100), 10)
    with pytest.raises(QuotaError, match="130"):
        counting.renditions.ask(counting.me, b"k1", "greyscale", b"j" * 16)
    assert [one.kind for one in counting.renditions.about(counting.me, b"k1").renditions] == ARRIVAL
    counting.quota(131)
    assert counting.renditions.ask(counting.me, b"k1", "greyscale", b"j" * 16) == (b"j" * 16,)
    with pytest.raises(QuotaError):
        counting.rendering.refuse_if_full(counting.order(b"j" * 16), 2)
    counting.rendering.refuse_if_full(counting.order(b"j" * 16), 1)


def test_with_a_full_quota_retry_makes_what_every_image_gets_and_nothing_else(counting: Counting) -> None:
    job_id = counting.put(b"k1", 100)
    counting.renditions.ask(counting.me, b"k1", "greyscale", b"j" * 16)
    for one in (job_id, b"j" * 16):
        counting.rendering.fail(counting.order(one), one, "no")
    counting.quota(100)
    assert counting.renditions.ask_again(counting.me, b"k1", b"i" * 16) == (b"i" * 16,)
    assert set(counting.order(b"i" * 16).kinds) == set(ARRIVAL)
    with pytest.raises(QuotaError):
        counting.renditions.ask_again(counting.me, b"k1", b"h" * 16)
    assert counting.renditions.ask(counting.me, b"k1", "flipped", b"h" * 16) == ()
    counting.quota(101)
    assert counting.renditions.ask_again(counting.me, b"k1", b"h" * 16) == (b"h" * 16,)
    assert counting.order(b"h" * 16).kinds == ("greyscale",)


def test_after_any_operations_the_count_is_what_the_rows_add_up_to(counting: Counting) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    source = random.Random(seed)
    owed: list[tuple[bytes, Render]] = []
    for _ in range(STEPS):
        _one_operation(counting, source, owed)
        images = counting.images.page(counting.me, None, 10)
        made = [
            one.size
            for image in images
            for one in counting.renditions.about(counting.me, image.key).renditions
            if one.state is State.READY
        ]
        assert counting.taken() == sum(image.size for image in images) + sum(made)
    assert counting.miscounted() == []


def test_the_count_is_right_after_operations_at_once(counting: Counting) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    owed: list[tuple[bytes, Render]] = []

    def act(number: int) -> None:
        source = random.Random(seed + number)
        for _ in range(STEPS // 5):
            with suppress(RowsUnavailableError):  # a lock that was not had in time, thrice
                _one_operation(counting, source, owed)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(act, range(4)))
    assert counting.miscounted() == []
    counting.images.delete_all(counting.me, secrets.token_bytes(16))
    assert counting.taken() == 0


def _one_operation(counting: Counting, source: random.Random, owed: list[tuple[bytes, Render]]) -> None:
    key, job_id = source.choice(KEYS), secrets.token_bytes(16)
    chosen = source.randrange(20)
    try:
        if chosen < 5:
            job_id = counting.put(key, source.randrange(1, 200))
        elif chosen < 8 and owed:
            _, order = late = source.choice(owed)  # done before, or of an image that is gone: once more
            counting.complete(order, late[0], source.randrange(1, 60))
            return
        elif chosen < 9 and owed:
            late = source.choice(owed)
            counting.rendering.fail(late[1], late[0], "no")
            return
        elif chosen < 13:
            counting.renditions.ask(counting.me, key, source.choice(["greyscale", "rotated-left"]), job_id)
        elif chosen < 15:
            counting.renditions.ask_again(counting.me, key, job_id)
        elif chosen < 17:
            counting.images.delete(counting.me, key, job_id, no_precondition)
            return
        elif chosen < 18:
            counting.quota(source.choice([0, 100, 500]))
            return
        elif chosen < 19:
            before = datetime.now(UTC) + timedelta(days=3650)
            counting.removal.remove_images(counting.account.owner_id, before, job_id, 2)
            return
        else:
            counting.images.delete_all(counting.me, job_id)
            return
        job = counting.jobs.claim(job_id)
    except StoreError as error:
        if isinstance(error, RowsUnavailableError):
            raise
        return
    if job is not None:
        owed.append((job_id, jobs.render_of(job)))
