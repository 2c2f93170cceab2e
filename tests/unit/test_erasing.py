"""Erasing an account: the asking, the grace, the job in stretches and after each failure, the receipt."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain import wire
from chalicelib.domain.accounts import Account, Principal, Way, hash_of
from chalicelib.domain.erasing import (
    CACHED,
    MAIL_TRIES,
    SILENT,
    VERSIONS,
    Erasure,
    Order,
    State,
    children_first,
    erasure_job,
    order_of,
    without,
)
from chalicelib.domain.errors import (
    InvalidValueError,
    LastAdminError,
    MailUnavailableError,
    NotSignedInError,
    ToBeErasedError,
    TooManyTriesError,
    UnknownReceiptError,
)
from chalicelib.services.erasing import Erasing
from chalicelib.services.images import no_precondition
from tests.fakes import MemoryParts, NullStopwatch
from tests.fakes.parts import memory_config

PASSWORD, SITE, ADDRESS = "correct horse battery", "https://store.test", "192.0.2.1"
PICTURE = b"\x89PNG the inspector is a fake here"


class Killed(BaseException):
    """The process ends here."""


class World:
    """Ada, signed in, with three images; `erasing` is what is tested."""

    def __init__(self, grace_days: int = 7) -> None:
        self.parts = MemoryParts()
        self.services = self.parts.services(config=memory_config(erase_grace_days=grace_days))
        self.erasing: Erasing = self.services.erasing
        self.ada = self.joined("ada@example.org")
        self.owner_id = self.services.accounts.of(self.ada).owner_id
        for key in (b"k1", b"k2", b"k3"):
            self.services.images.put(self.ada, key, PICTURE, no_precondition, NullStopwatch())
            self.services.images.get(self.ada, key, NullStopwatch())

    def joined(self, email: str, admin: bool = False) -> Principal:
        account = Account(
            email.encode().ljust(16, b"-")[:16], email, self.parts.passwords.hashed(PASSWORD), admin, False
        )
        assert self.parts.account_rows.create(account)
        return self.signed_in(email, admin)

    def signed_in(self, email: str, admin: bool = False) -> Principal:
        token = self.services.accounts.sign_in(email, PASSWORD, ADDRESS, None).token
        return Principal("", admin, Way.SESSION, hash_of(token))

    def ask(self) -> str:
        return self.erasing.ask(self.ada, PASSWORD, SITE).receipt

    def work(self) -> None:
        """What the minute schedule and the worker do, until nothing is due."""
        for _ in range(20):
            now = self.parts.clock.now()
            due = [job_id for job_id, row in self.parts.store.jobs.items() if row.due_at <= now]
            if not due:
                return
            for job_id in due:
                self.services.worker.perform(job_id)

    def days(self, days: float) -> None:
        self.parts.clock.advance(timedelta(days=days).total_seconds())

    def receipt(self, secret: str) -> Erasure:
        return self.erasing.of_receipt(secret)

    def left(self) -> list[str]:
        """Where the owner's id still stands, but for the receipt's row."""
        store, named = self.parts.store, self.owner_id.hex()
        objects = [key for key in (*self.parts.objects.stored, *self.parts.objects.versions) if named in key]
        values = [key for node in self.parts.nodes for key in self.parts.caches.of(node).values]
        cached = [key for key in values if named.encode() in key]
        rows = [place for place in store.images if place[0] == self.owner_id]
        accounts = [owner_id for owner_id in store.accounts if owner_id == self.owner_id]
        return [str(each) for each in (*objects, *cached, *rows, *accounts)]

    def shown(self, principal: Principal) -> bytes:
        _, served = self.services.images.get(principal, b"k1", NullStopwatch())
        assert served is not None
        return bytes(served.data)


def test_tables_stand_before_those_that_they_refer_to() -> None:
    refers = [("sessions", "accounts"), ("accounts", "owners"), ("images", "owners"), ("tree", "tree")]
    ordered = children_first(["accounts", "images", "owners", "sessions", "tree"], refers)
    assert sorted(ordered) == ["accounts", "images", "owners", "sessions", "tree"]
    assert all(ordered.index(child) <= ordered.index(parent) for child, parent in refers)
    with pytest.raises(ValueError, match="circle"):
        children_first(["a", "b"], [("a", "b"), ("b", "a")])


def test_an_order_is_read_from_its_job_as_it_was_written() -> None:
    order = Order(b"e" * 16, b"o" * 16, again=True, loose_keys=("incoming/a",))
    assert order_of(erasure_job(b"j" * 16, order)) == order


def test_asking_needs_the_password_and_tries_are_counted() -> None:
    world = World()
    for _ in range(9):
        with pytest.raises(InvalidValueError, match="not your password"):
            world.erasing.ask(world.ada, "wrong", SITE)
    assert world.services.accounts.of(world.ada).erase_at is None
    with pytest.raises(InvalidValueError):
        world.erasing.ask(world.ada, "wrong", SITE)
    with pytest.raises(TooManyTriesError):
        world.erasing.ask(world.ada, PASSWORD, SITE)


def test_who_asked_is_signed_out_everywhere_and_is_told_how_to_withdraw() -> None:
    world = World()
    secret = world.ask()
    with pytest.raises(NotSignedInError):
        world.services.accounts.of(world.ada)
    with pytest.raises(ToBeErasedError, match="withdraw"):
        world.services.accounts.sign_in("ada@example.org", PASSWORD, ADDRESS, None)
    with pytest.raises(NotSignedInError, match="wrong"):
        world.services.accounts.sign_in("ada@example.org", "not the password", ADDRESS, None)
    to, _, text = world.parts.mail.sent[-1]
    assert to == "ada@example.org"
    assert f"{SITE}/erasure?receipt={secret}" in text
    assert world.receipt(secret).state is State.ASKED


def test_nothing_is_erased_within_the_days_of_grace_and_withdrawing_keeps_everything() -> None:
    world = World()
    secret = world.ask()
    world.days(6.9)
    world.work()
    with pytest.raises(NotSignedInError):
        world.erasing.withdraw("ada@example.org", "not the password", ADDRESS)
    world.erasing.withdraw("ada@example.org", PASSWORD, ADDRESS)
    world.days(30)
    world.work()
    assert world.shown(world.signed_in("ada@example.org")) == PICTURE
    with pytest.raises(UnknownReceiptError):
        world.receipt(secret)
    with pytest.raises(InvalidValueError, match="not to be erased"):
        world.erasing.withdraw("ada@example.org", PASSWORD, ADDRESS)


def test_afterwards_nothing_of_the_owner_s_is_left_anywhere_and_the_receipt_says_what_there_was() -> None:
    world = World()
    bob = world.joined("bob@example.org")
    world.services.images.put(bob, b"k1", PICTURE, no_precondition, NullStopwatch())
    cached = sum(len(world.parts.caches.of(node).values) for node in world.parts.nodes)
    assert cached >= 3
    secret = world.ask()
    world.days(7.1)
    world.work()
    receipt = world.receipt(secret)
    assert (receipt.state, receipt.email, receipt.rows["images"]) == (State.DONE, None, 3)
    assert receipt.erased[VERSIONS] >= 3
    assert receipt.erased[CACHED] == 3
    assert world.left() == []
    assert "3  images" in world.parts.mail.sent[-1][2]
    assert world.parts.store.images[world.services.accounts.of(world.signed_in("bob@example.org")).owner_id, b"k1"]
    with pytest.raises(NotSignedInError, match="wrong"):
        world.services.accounts.sign_in("ada@example.org", PASSWORD, ADDRESS, None)


def test_without_days_of_grace_it_begins_at_once() -> None:
    world = World(grace_days=0)
    secret = world.ask()
    steps = world.parts.steps.taken  # the receipt's mail must not come before the one that says what is to come
    assert steps.index("mail.send") < steps.index("queue.send", steps.index("erasures.ask"))
    world.work()
    assert world.receipt(secret).state is State.DONE
    assert world.left() == []


def test_what_was_still_being_written_is_found_hours_later() -> None:
    world = World(grace_days=0)
    world.ask()
    world.work()
    late = f"originals/{world.owner_id.hex()}/late"
    world.parts.objects.put(late, PICTURE, "image/png")
    world.days(0.1)
    world.work()
    assert world.left() == []


@pytest.mark.parametrize("place", ["incoming/", "quarantine/incoming/", "quarantine/originals/"])
def test_what_came_and_was_no_image_and_what_was_put_aside_goes_too(place: str) -> None:
    world = World(grace_days=0)
    world.parts.objects.put(f"{place}{world.owner_id.hex()}/{'a' * 32}", PICTURE, "image/png")
    world.parts.objects.put(f"{place}{'b' * 32}/{'a' * 32}", PICTURE, "image/png")
    world.ask()
    world.work()
    assert world.left() == []
    assert f"{place}{'b' * 32}/{'a' * 32}" in world.parts.objects.stored


@pytest.mark.parametrize("number", range(1, 26))
def test_an_erasure_that_ends_anywhere_goes_on_where_it_was(number: int) -> None:
    world = World(grace_days=0)
    secret = world.ask()
    (job_id,) = [job_id for job_id, row in world.parts.store.jobs.items() if row.job.kind == "erase_account"]
    steps_left = [number]

    def gate() -> None:
        steps_left[0] -= 1
        if not steps_left[0]:
            raise Killed

    world.parts.steps.gate = gate
    with suppress(Killed):
        world.services.worker.perform(job_id)
    world.parts.steps.gate = lambda: None
    world.days(0.5)
    world.work()
    assert world.receipt(secret).state is State.DONE
    assert world.receipt(secret).rows["images"] == 3
    assert world.left() == []


def test_a_node_that_does_not_answer_is_told_on_the_receipt_and_keeps_nobody_waiting() -> None:
    world = World(grace_days=0)
    secret = world.ask()
    world.parts.caches.of(world.parts.nodes[0]).down = True
    world.work()
    receipt = world.receipt(secret)
    assert (receipt.state, receipt.erased[SILENT]) == (State.DONE, 1)


def test_a_silent_node_is_told_once_however_often_the_mail_is_tried() -> None:
    world = World(grace_days=0)
    secret = world.ask()
    (job_id,) = [job_id for job_id, row in world.parts.store.jobs.items() if row.job.kind == "erase_account"]
    world.parts.caches.of(world.parts.nodes[0]).down = True
    for _ in range(3):
        world.parts.steps.fail("mail.send", MailUnavailableError("no"))
        with pytest.raises(MailUnavailableError):
            world.services.worker.perform(job_id)
    world.days(0.5)
    world.work()
    receipt = world.receipt(secret)
    assert (receipt.state, receipt.erased[SILENT]) == (State.DONE, 1)


def test_of_two_who_ask_at_once_one_gets_the_receipt_and_the_other_is_told() -> None:
    world = World()
    first: list[str] = []
    world.parts.steps.before("erasures.ask", lambda: first.append(world.ask()))
    with pytest.raises(NotSignedInError, match="asked for already"):
        world.ask()
    assert world.receipt(first[0]).state is State.ASKED
    assert len(world.parts.mail.sent) == 1


def test_who_was_told_of_edits_by_mail_is_not_any_more() -> None:
    world = World(grace_days=0)
    ended: list[bytes] = []
    erasing = replace(world.erasing, end_notices=ended.append)
    erasure = erasing.ask(world.ada, PASSWORD, SITE).erasure
    erasing.perform(erasure_job(b"j" * 16, Order(erasure.id, world.owner_id)))
    assert ended == [world.owner_id]


def test_the_last_admin_cannot_go() -> None:
    world = World()
    admin = world.joined("admin@example.org", admin=True)
    with pytest.raises(LastAdminError, match="last admin"):
        world.erasing.ask(admin, PASSWORD, SITE)
    assert world.services.accounts.of(admin).erase_at is None
    world.joined("second@example.org", admin=True)
    assert world.erasing.ask(admin, PASSWORD, SITE).erasure.state is State.ASKED


@pytest.mark.parametrize(
    "text", ["ann@x.org", "ann@x.org: disable", "link, asked for by ann@x.org, 3 rows", "Ask ann@x.org."]
)
def test_an_address_is_taken_out_of_a_text(text: str) -> None:
    assert without("ann@x.org", text, "erased-1") == text.replace("ann@x.org", "erased-1")


@pytest.mark.parametrize("text", ["joann@x.org", "jo.ann@x.org", "jo+ann@x.org", "ann@x.org.au", "ann@x.organic"])
def test_a_longer_address_is_somebody_else_s(text: str) -> None:
    assert without("ann@x.org", text, "erased-1") == text


def test_an_owner_is_named_in_the_wire_keys_of_what_is_cached() -> None:
    owner = bytes(range(16))
    assert wire.belongs_to(wire.wire_key(f"originals/{owner.hex()}/a"), owner.hex())
    assert not wire.belongs_to(b"c:requests", owner.hex())
    assert MAIL_TRIES < 20
