"""Lists with a real replica that is seconds behind: complete at once after a write, in quiet equal to the primary's.

Sessions in threads, some of them of the same owner, each with keys of its own among the owner's. What a thread wrote is
known to nobody but itself, so it knows exactly what a list has to show. Each list goes by one of two sets of
connections, as by two processes.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.database import Database
from chalicelib.adapters.mysql.image_lists import ImageLists, ReplicatedImageLists
from chalicelib.adapters.mysql.image_rows import MySqlImageRows
from chalicelib.adapters.mysql.reads import Reads
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Account, Principal, Way
from chalicelib.domain.images import ImageFacts
from chalicelib.domain.jobs import Removal
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft
from chalicelib.services.images import no_precondition
from chalicelib.services.replica_status import ListCounts
from tests.contract.real_parts import MariaDb, Replica, state_folder
from tests.local_cloud import until

KEYS = 8  # of each session
CATCH_UP_SECONDS = 120.0
FACTS = ImageFacts("image/png", width=3, height=2, frames=1)


@dataclass(frozen=True, slots=True)
class Size:
    """In each burst so many writes in all, each followed by a list; then, in quiet, so many lists."""

    bursts: int
    writes: int
    quiet: int
    sessions: int = 6
    owners: int = 4
    delay_seconds: int = 3


FULL = Size(bursts=10, writes=1002, quiet=1002)  # a multiple of the sessions
SMALL = Size(bursts=1, writes=120, quiet=120)


@dataclass
class RoundResult:
    """What was seen. `behind` and `by_replica` count the lists after writes for which the replica was too old, or new
    enough; `waited_seconds` is the shortest time from a session's last write until the replica gave it a list.
    """

    rounds: int = 0
    behind: int = 0
    by_replica: int = 0
    violations: list[str] = field(default_factory=list)
    quiet_rounds: int = 0
    stale: list[str] = field(default_factory=list)
    waited_seconds: float = 1e9


class Session:
    """One session: what it wrote, and ways to write and to list. For one thread at a time."""

    def __init__(
        self, principal: Principal, prefix: bytes, servers: list[tuple[Database, Database]], source: random.Random
    ) -> None:
        self.principal, self._prefix, self._source = principal, prefix, source
        self.counts = ListCounts()
        self.shown_to_be: dict[bytes, str] = {}  # the object of each of its keys
        self.ways: list[MySqlImageRows] = []
        for primary, replica in servers:
            reads = Reads(primary, replica, self._say_stale)
            self.ways.append(MySqlImageRows(primary, reads, ReplicatedImageLists(reads, replica, self.counts.note)))
        self.at_primary = MySqlImageRows(servers[0][0], lists=ImageLists(servers[0][0]))
        self.owner_id = self.at_primary.owner(principal).id

    def write(self) -> str:
        """One write of any kind; what it was."""
        rows, key = self._source.choice(self.ways), self._prefix + b"%d" % self._source.randrange(KEYS)
        if key in self.shown_to_be and self._source.random() < 0.5:
            rows.delete(self.principal, key, self._source.randbytes(16), no_precondition)
            del self.shown_to_be[key]
            return f"delete {key!r}"
        draft = Draft(key, f"originals/{self._source.randbytes(16).hex()}", self._source.randbytes(32), 70, FACTS)
        removal = Removal(self.owner_id, draft.object_key, partition_of(key))
        intent = jobs.removal_job(self._source.randbytes(16), [removal])
        rows.announce(intent)
        rows.put(self.principal, draft, intent.id, no_precondition)
        self.shown_to_be[key] = draft.object_key
        return f"put {key!r}"

    def wrong(self) -> str | None:
        """Lists, and says what is wrong with the list if anything is."""
        rows = self._source.choice(self.ways)
        if self._source.random() < 0.3:
            keys = [key for key in rows.keys(self.principal) if key.startswith(self._prefix)]
            return None if keys == sorted(self.shown_to_be) else f"keys {keys}, not {sorted(self.shown_to_be)}"
        page = rows.page(self.principal, self._prefix, KEYS)
        shown = {image.key: image.object_key for image in page if image.key.startswith(self._prefix)}
        return None if shown == self.shown_to_be else f"page {shown}, not {self.shown_to_be}"

    def differs_from_the_primary(self) -> tuple[bool, bool]:
        """Whether any page or all keys, as any way gives them, are not what the primary has; and whether it was the
        replica that gave them.
        """
        rows, before = self._source.choice(self.ways), self.counts.of(ListSource.REPLICA)
        if self._source.random() < 0.3:
            differs = rows.keys(self.principal) != self.at_primary.keys(self.principal)
        else:
            after, limit = self._source.choice([None, b"0", self._prefix]), self._source.randint(1, 4 * KEYS)
            page = rows.page(self.principal, after, limit)
            differs = page != self.at_primary.page(self.principal, after, limit)
        return differs, self.counts.of(ListSource.REPLICA) > before

    def _say_stale(self) -> None:
        raise AssertionError("the primary is up, and yet the replica stood in for it")


def run_round(folder: Path, seed: int, say: Callable[[str], None], size: Size = FULL) -> RoundResult:
    """A primary, a replica that is behind, and all bursts."""
    primary = MariaDb(state_folder(folder), replicated=True)
    try:
        replica = Replica(primary, size.delay_seconds)
        try:
            return _bursts(primary, replica, seed, say, size)
        finally:
            while primary.databases:
                primary.databases.pop().close()
            replica.server.kill()
    finally:
        primary.server.kill()


def _bursts(primary: MariaDb, replica: Replica, seed: int, say: Callable[[str], None], size: Size) -> RoundResult:
    result, lock = RoundResult(), threading.Lock()
    servers = [(primary.database(), replica.database()) for _ in range(2)]
    sessions = _sessions(servers, seed, size)
    # Without its tables it cannot answer at all, and would be left alone as one that does not.
    _expect(until(replica.has_caught_up, timeout_seconds=CATCH_UP_SECONDS), "the replica has the tables and the people")

    def burst(session: Session) -> None:
        for _ in range(size.writes // size.sessions):
            what = session.write()
            wrong = session.wrong()
            with lock:
                result.rounds += 1
                if wrong:
                    result.violations.append(f"after {what}: {wrong}")
        written_at, before = time.monotonic(), session.counts.of(ListSource.REPLICA)

        def given_by_the_replica() -> bool:
            wrong = session.wrong()
            with lock:
                if wrong:
                    result.violations.append(f"until the replica had it: {wrong}")
            return session.counts.of(ListSource.REPLICA) > before

        _expect(until(given_by_the_replica, timeout_seconds=CATCH_UP_SECONDS), "the replica gives a list again")
        with lock:
            result.waited_seconds = min(result.waited_seconds, time.monotonic() - written_at)

    def quiet(session: Session) -> None:
        wanted = size.quiet // size.sessions
        for _ in range(2 * wanted):
            differs, by_replica = session.differs_from_the_primary()
            with lock:
                result.quiet_rounds += by_replica
                if differs:
                    result.stale.append(f"{session.principal.token_hash.hex()[:8]}")
            wanted -= by_replica
            if not wanted:
                return

    with ThreadPoolExecutor(size.sessions) as threads:
        for number in range(size.bursts):
            list(threads.map(burst, sessions))
            _expect(until(replica.has_caught_up, timeout_seconds=CATCH_UP_SECONDS), "the replica catches up")
            with lock:
                result.behind = sum(session.counts.of(ListSource.BEHIND) for session in sessions)
                given = sum(session.counts.of(ListSource.REPLICA) for session in sessions)
                result.by_replica = given - result.quiet_rounds
            list(threads.map(quiet, sessions))
            say(
                f"seed {seed}, burst {number + 1} of {size.bursts}: {result.rounds} writes, "
                f"{len(result.violations)} violations; {result.quiet_rounds} lists in quiet, {len(result.stale)} stale"
            )
    return result


def _sessions(servers: list[tuple[Database, Database]], seed: int, size: Size) -> list[Session]:
    accounts = MySqlAccountRows(servers[0][0])
    source = random.Random(f"{seed} owners")
    owner_ids = [source.randbytes(16) for _ in range(size.owners)]
    for number, owner_id in enumerate(owner_ids):
        email = f"{number}@store.test"
        account = Account(owner_id, email, "no password", admin=False, disabled=False)
        _expect(accounts.create(account), "the account is new")
    sessions = []
    for number in range(size.sessions):
        token_hash = source.randbytes(32)
        accounts.begin_session(owner_ids[number % size.owners], token_hash, None)
        principal = Principal("", way=Way.SESSION, token_hash=token_hash)
        sessions.append(Session(principal, b"%d/" % number, servers, random.Random(f"{seed} {number}")))
    return sessions


def _expect(so: bool, what: str) -> None:
    if not so:
        raise AssertionError(f"expected, and not so: {what}")
