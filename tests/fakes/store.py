"""The tables that the fakes of the rows share, as one database does."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain import fleet
from chalicelib.domain.account_ports import ApiToken
from chalicelib.domain.accounts import SESSION_IDLE_SECONDS, Account, Owner, Principal, Scope, Way
from chalicelib.domain.admin import BLOCKED, NOTE, UPLOADS, AuditEntry, Dump, UploadsBlock
from chalicelib.domain.decisions import Decision
from chalicelib.domain.errors import NotSignedInError, QuotaError, RowsUnavailableError, UploadsBlockedError
from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.fleet_report import FleetReport
from chalicelib.domain.image_details import Details
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job
from chalicelib.domain.shares import ShareDraft
from chalicelib.domain.stored_renditions import Rendition, State
from chalicelib.domain.sweeping import Finding, Sweep
from chalicelib.domain.trash import TrashedImage
from chalicelib.domain.uploads import Upload
from tests.fakes.clock import ManualClock
from tests.fakes.steps import Steps


@dataclass(slots=True)
class JobRow:
    """A job, and what became of it."""

    job: Job
    due_at: datetime
    claimed: bool = False
    sent_at: datetime | None = None
    sent_times: int = 0


@dataclass(slots=True)
class SessionRow:
    """A session that nobody has ended."""

    owner_id: bytes
    seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token for scripts, and whose it is."""

    owner_id: bytes
    token: ApiToken


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag of an image; a removed one that was `found` is kept so that it is not found again."""

    automatic: bool
    removed: bool = False
    found: bool = False  # automatic once, and its owner's own since


def put_by_hand(tags: dict[str, TagRow], tag: str) -> None:
    """Makes the tag the owner's own."""
    before = tags.get(tag)
    tags[tag] = TagRow(automatic=False, found=before is not None and (before.automatic or before.found))


def take_off(tags: dict[str, TagRow], tag: str) -> None:
    """Removes the tag, which is there."""
    if tags[tag].automatic or tags[tag].found:
        tags[tag] = replace(tags[tag], removed=True)
    else:
        del tags[tag]


def forget_automatic(tags: dict[str, TagRow]) -> None:
    """Deletes the automatic tags that were not removed."""
    for tag in [tag for tag, row in tags.items() if row.automatic and not row.removed]:
        del tags[tag]


@dataclass(slots=True)
class AlbumRow:
    """An album; `cover` is the id of one of its images there."""

    owner_id: bytes
    title: str
    created_at: datetime
    cover: bytes | None = None


@dataclass(slots=True)
class AlbumImageRow:
    """An image in an album."""

    album_id: bytes
    owner_id: bytes
    key: bytes
    place: int


@dataclass(slots=True)
class ShareRow:
    """A link that nobody has revoked."""

    owner_id: bytes
    draft: ShareDraft
    created_at: datetime
    ends_at: datetime | None
    views: int = 0
    viewed_at: datetime | None = None


@dataclass
class MemoryStore:
    """Tables in memory; `lock` is what a transaction's row locks are. Times are the clock's."""

    clock: ManualClock = field(default_factory=ManualClock)
    steps: Steps = field(default_factory=Steps)
    owners: dict[str, Owner] = field(default_factory=lambda: {"demo": Owner(b"\x01" * 16, 0)})
    images: dict[tuple[bytes, bytes], Image] = field(default_factory=dict)
    trashed: dict[bytes, TrashedImage] = field(default_factory=dict)
    jobs: dict[bytes, JobRow] = field(default_factory=dict)
    uploads: dict[bytes, Upload] = field(default_factory=dict)
    answers: dict[tuple[bytes, bytes], tuple[bytes, str, datetime]] = field(default_factory=dict)
    renditions: dict[tuple[bytes, bytes, str], Rendition] = field(default_factory=dict)
    tags: dict[tuple[bytes, bytes], dict[str, TagRow]] = field(default_factory=dict)
    albums: dict[bytes, AlbumRow] = field(default_factory=dict)
    album_images: dict[bytes, AlbumImageRow] = field(default_factory=dict)
    shares: dict[bytes, ShareRow] = field(default_factory=dict)
    # with the object key of the original that was seen
    details: dict[tuple[bytes, bytes], tuple[Details, str | None]] = field(default_factory=dict)
    settings: dict[str, tuple[int, Mapping[str, object]]] = field(default_factory=dict)
    accounts: dict[bytes, Account] = field(default_factory=dict)
    sessions: dict[bytes, SessionRow] = field(default_factory=dict)
    tokens: dict[bytes, TokenRow] = field(default_factory=dict)
    made_at: dict[bytes, datetime] = field(default_factory=dict)  # of accounts
    quotas: dict[bytes, int] = field(default_factory=dict)
    disabled_while_erasing: set[bytes] = field(default_factory=set)  # by an admin, between asking and the erasure
    audit: list[AuditEntry] = field(default_factory=list)
    deeds: list[bytes] = field(default_factory=list)  # of the audit's entries
    dumps: dict[bytes, Dump] = field(default_factory=dict)
    findings: dict[int, tuple[int, Finding]] = field(default_factory=dict)  # by id, with the number of the sweep
    last_finding: int = 0
    sweep: tuple[int, Sweep] = (0, Sweep())  # with its version
    fleet_map: FleetMap = fleet.EMPTY
    run: int = 0
    launches: dict[bytes, tuple[datetime, str | None]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    report: FleetReport | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def bytes_of(self, owner_id: bytes) -> int:
        """What the owner's images take, and what is made of them, in the trash too."""
        made = [one for place, one in self.renditions.items() if place[0] == owner_id and one.state is State.READY]
        images = [image for image in self.kept() if image.owner_id == owner_id]
        return sum(image.size for image in images) + sum(one.size for one in made)

    def kept(self) -> list[Image]:
        """Every image whose bytes are wanted: those in the trash are."""
        return [*self.images.values(), *(one.image for one in self.trashed.values())]

    def freed_by(self, image: Image | None) -> int:
        """What counts no more once the image is replaced."""
        if image is None:
            return 0
        places = [place for place in self.renditions if place[:2] == (image.owner_id, image.key)]
        made = [self.renditions[place] for place in places]
        return image.size + sum(one.size for one in made if one.state is State.READY)

    def refuse_if_full(self, owner_id: bytes, size: int) -> None:
        """Raises QuotaError if so many bytes more are too many."""
        taken, quota = self.bytes_of(owner_id), self.quotas.get(owner_id)
        if quota is not None and taken + size > quota:
            raise QuotaError(f"{taken} and {size} bytes are more than {quota}.")

    def take(self, owner_id: bytes, size: int) -> None:
        """Raises UploadsBlockedError, or QuotaError if so many bytes more are too many."""
        values = self.settings.get(UPLOADS, (0, {}))[1]
        if values.get(BLOCKED) is True:
            raise UploadsBlockedError(UploadsBlock(True, str(values.get(NOTE, ""))).words)
        if size > 0:
            self.refuse_if_full(owner_id, size)

    def owner_id_of(self, principal: Principal, writing: bool = False) -> bytes | None:
        """Whose session or token in force it is; None if nobody's."""
        now, found = self.clock.now(), None
        if principal.way is Way.SESSION:
            session = self.sessions.get(principal.token_hash)
            idle_at = now - timedelta(seconds=SESSION_IDLE_SECONDS)
            if session is not None and session.ends_at > now and session.seen_at > idle_at:
                found = session.owner_id
        elif principal.way is Way.TOKEN:
            row = self.tokens.get(principal.token_hash)
            if row is not None and not (writing and row.token.scope is Scope.READ):
                found = row.owner_id
        return found if found is not None and not self.accounts[found].disabled else None

    def in_force(self, owner_id: bytes) -> bool:
        """Whether the owner's account is enabled; built-in owners have none."""
        account = self.accounts.get(owner_id)
        if account is not None:
            return not account.disabled
        return any(one.id == owner_id for name, one in self.owners.items() if not name.startswith("account:"))

    def owner(self, principal: Principal, writing: bool = False) -> Owner:
        """The principal's owner. Raises RowsUnavailableError or NotSignedInError."""
        return self.owners[self._name_of(principal, writing)]

    def bump(self, principal: Principal) -> None:
        """Counts the owner's version up."""
        name = self._name_of(principal, writing=True)
        owner = self.owners[name]
        self.owners[name] = Owner(owner.id, owner.version + 1)

    def bump_owner(self, owner_id: bytes) -> None:
        """Counts the version of the owner with that id up."""
        name = next(name for name, owner in self.owners.items() if owner.id == owner_id)
        self.owners[name] = Owner(owner_id, self.owners[name].version + 1)

    def _name_of(self, principal: Principal, writing: bool) -> str:
        if principal.way is Way.NAME:
            if principal.name not in self.owners:
                raise RowsUnavailableError(f"There is no owner “{principal.name}” in this environment.")
            return principal.name
        owner_id = self.owner_id_of(principal, writing)
        if owner_id is None:
            raise NotSignedInError("You are not signed in any more. Sign in again.")
        return next(name for name, owner in self.owners.items() if owner.id == owner_id)
