"""AdminRows and RemovalRows in memory."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner
from chalicelib.domain.admin import BEGUN, DONE, AuditEntry, Counts, Deed, User, UserChange
from chalicelib.domain.errors import InvalidValueError, LastAdminError, UnknownUserError
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.notices import SETTINGS, settings_name
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.sweeping import Outcome, quarantine_key
from chalicelib.domain.uploads import ACCOUNT_GONE, UploadState
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.album_rows import forget_album
from tests.fakes.rendition_rows import forget_renditions
from tests.fakes.store import JobRow, MemoryStore
from tests.fakes.trash_rows import drop_trashed


class MemoryAdminRows:
    """Both ports over a MemoryStore, whose lock is what a transaction's row locks are."""

    def __init__(self, store: MemoryStore, account_rows: MemoryAccountRows) -> None:
        self._store = store
        self._account_rows = account_rows

    def users(self, after: bytes | None, limit: int) -> list[User]:
        with self._store.lock:
            found = sorted((self._user(owner_id) for owner_id in self._store.accounts), key=lambda one: one.email)
            if after is None:
                return found[:limit]
            last = self._store.accounts.get(after)
            return [] if last is None else [one for one in found if one.email > last.email][:limit]

    def user(self, owner_id: bytes) -> User | None:
        with self._store.lock:
            return self._user(owner_id) if owner_id in self._store.accounts else None

    def change_user(self, owner_id: bytes, change: UserChange, deed: Deed) -> None:
        with self._store.steps.step("admin.change_user"), self._store.lock:
            store = self._store
            admins = {one.owner_id for one in store.accounts.values() if one.admin and not one.disabled}
            if (change.disabled is True or change.admin is False) and admins == {owner_id}:
                raise LastAdminError("This is the last admin.")
            account = store.accounts.get(owner_id)
            if account is None:
                raise UnknownUserError("There is no such user.")
            if account.erase_at is not None:
                if change.disabled is False:
                    raise InvalidValueError("disabled", "Its owner asked to erase this account.")
                store.disabled_while_erasing |= {owner_id} if change.disabled else set()
            self._put_down(deed, DONE)
            store.accounts[owner_id] = replace(
                account,
                disabled=account.disabled if change.disabled is None else change.disabled,
                admin=account.admin if change.admin is None else change.admin,
            )
            if change.disabled:
                self._shut_out(owner_id)
            if change.quota_bytes is not None:
                store.quotas.pop(owner_id, None)
                store.quotas |= {owner_id: change.quota_bytes} if change.quota_bytes else {}

    def change_setting(self, name: str, values: Mapping[str, object], deed: Deed) -> None:
        with self._store.steps.step("admin.change_setting"), self._store.lock:
            self._put_down(deed, DONE)
            version, stored = self._store.settings.get(name, (0, {}))
            self._store.settings[name] = (version + 1, {**stored, **values})

    def begin(self, deed: Deed) -> None:
        self.note(deed, BEGUN)

    def note(self, deed: Deed, outcome: str) -> None:
        with self._store.lock:
            self._put_down(deed, outcome)

    def conclude(self, deed_id: bytes, outcome: str) -> None:
        with self._store.lock:
            for number, (one, entry) in enumerate(zip(self._store.deeds, self._store.audit, strict=True)):
                if one == deed_id and entry.outcome == BEGUN:
                    self._store.audit[number] = replace(entry, outcome=outcome)

    def audit(self, before: int | None, limit: int) -> list[AuditEntry]:
        with self._store.lock:
            return [one for one in reversed(self._store.audit) if before is None or one.id < before][:limit]

    def counts(self) -> Counts:
        with self._store.lock:
            accounts, images = self._store.accounts.values(), self._store.images.values()
            admins = sum(one.admin for one in accounts)
            taken = sum(self._store.bytes_of(owner.id) for owner in self._store.owners.values())
            return Counts(len(accounts), admins, len(images), taken)

    def ask_removal(self, deed: Deed, accounts: bool) -> bytes:
        with self._store.steps.step("admin.ask_removal"), self._store.lock:
            self._put_down(deed, BEGUN)
            before = self._store.clock.now().isoformat()
            body = {"deed": deed.id.hex(), "before": before, "accounts": accounts, "after": ""}
            return self._owe(Job(deed.id, jobs.REMOVE_DATA, json.dumps(body)))

    def remove_accounts(self, before: datetime, job_id: bytes, limit: int) -> int:
        with self._store.steps.step("admin.remove_accounts"), self._store.lock:
            accounts = self._store.accounts
            gone = [one for one in accounts if not accounts[one].admin and self._store.made_at[one] < before][:limit]
            waiting = [
                one for one in self._store.uploads.values() if one.owner_id in gone and one.state is UploadState.WAITING
            ]
            for upload in waiting:
                self._store.uploads[upload.id] = replace(upload, state=UploadState.REFUSED, refusal=ACCOUNT_GONE)
            if waiting:
                came = [Removal(one.owner_id, one.incoming_key, partition_of(one.key)) for one in waiting]
                self._owe(jobs.removal_job(job_id, came))
            for owner_id in gone:
                self._shut_out(owner_id)
                shares = self._store.shares
                for share_id in [one for one, row in shares.items() if row.owner_id == owner_id]:
                    del shares[share_id]
                del accounts[owner_id]
            return len(gone)

    def next_owner(self, after: bytes) -> bytes | None:
        with self._store.lock:
            owners = {image.owner_id for image in self._store.kept()}
            owners |= {row.owner_id for row in self._store.albums.values()}
            return min((owner_id for owner_id in owners if owner_id > after), default=None)

    def remove_images(self, owner_id: bytes, before: datetime, job_id: bytes, limit: int) -> int:
        with self._store.steps.step("admin.remove_images"), self._store.lock:
            images, albums = self._store.images, self._store.albums
            if not self._store.in_force(owner_id) and owner_id not in self._store.accounts:
                before = datetime.max.replace(tzinfo=before.tzinfo)
            for album_id in [a for a, row in albums.items() if row.owner_id == owner_id and row.created_at < before]:
                forget_album(self._store, album_id)
            gone = [one for key, one in images.items() if key[0] == owner_id and one.created_at < before][:limit]
            put_away = [
                one
                for one in self._store.trashed.values()
                if one.image.owner_id == owner_id and one.image.created_at < before
            ][: limit - len(gone)]
            for image in gone:
                del images[owner_id, image.key]
            if gone or put_away:
                removals = [one for image in gone for one in forget_renditions(self._store, image, tags=True)]
                removals += drop_trashed(self._store, put_away)
                self._owe(jobs.removal_job(job_id, removals))
                (name,) = (name for name, owner in self._store.owners.items() if owner.id == owner_id)
                self._store.owners[name] = Owner(owner_id, self._store.owners[name].version + 1)
            return len(gone) + len(put_away)

    def next_notices(self) -> bytes | None:
        with self._store.lock:
            kept = [name for name in self._store.settings if name.startswith(SETTINGS)]
            owners = [bytes.fromhex(name.removeprefix(SETTINGS)) for name in kept]
            return next((owner_id for owner_id in owners if owner_id not in self._store.accounts), None)

    def forget_notices(self, owner_id: bytes) -> None:
        with self._store.steps.step("admin.forget_notices"), self._store.lock:
            self._store.settings.pop(settings_name(owner_id), None)

    def end_quarantine(self, job_id: bytes, limit: int) -> int:
        with self._store.steps.step("admin.end_quarantine"), self._store.lock:
            findings, now = self._store.findings, self._store.clock.now()
            kept = [one for one in findings.values() if one[1].outcome is Outcome.QUARANTINED][:limit]
            for number, one in kept:
                findings[one.id] = number, replace(one, outcome=Outcome.REMOVED, changed_at=now)
            if kept:
                copies = [Removal(bytes(16), quarantine_key(one.suspect.object_key), 0) for _, one in kept]
                self._owe(jobs.removal_job(job_id, copies))
            return len(kept)

    def owe(self, job: Job) -> None:
        with self._store.lock:
            self._owe(job)

    def _user(self, owner_id: bytes) -> User:
        store, account = self._store, self._store.accounts[owner_id]
        return User(
            owner_id=owner_id,
            email=account.email,
            admin=account.admin,
            disabled=account.disabled,
            images=sum(1 for owner, _ in store.images if owner == owner_id),
            bytes=store.bytes_of(owner_id),
            quota_bytes=store.quotas.get(owner_id),
            created_at=store.made_at[owner_id],
        )

    def _put_down(self, deed: Deed, outcome: str) -> None:
        if deed.id in self._store.deeds:
            return
        told = asdict(deed)
        del told["id"]
        number, at = len(self._store.audit) + 1, self._store.clock.now()
        self._store.deeds.append(deed.id)
        self._store.audit.append(AuditEntry(id=number, at=at, outcome=outcome, **told))

    def _shut_out(self, owner_id: bytes) -> None:
        self._account_rows.end_sessions(owner_id)
        tokens = self._store.tokens
        for token_hash in [one for one, row in tokens.items() if row.owner_id == owner_id]:
            del tokens[token_hash]
        self._account_rows.end_links(owner_id)

    def _owe(self, job: Job) -> bytes:
        self._store.jobs.setdefault(job.id, JobRow(job, self._store.clock.now()))
        return job.id
