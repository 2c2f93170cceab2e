"""ErasureRows in memory."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.accounts import Owner
from chalicelib.domain.erasing import AGAIN_SECONDS, Erasure, Holdings, Order, State, erasure_job, opaque
from chalicelib.domain.errors import LastAdminError
from chalicelib.domain.notices import settings_name
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.store import JobRow, MemoryStore


class MemoryErasureRows:
    """ErasureRows over a MemoryStore."""

    def __init__(self, store: MemoryStore, accounts: MemoryAccountRows) -> None:
        self._store = store
        self._accounts = accounts
        self._kept: dict[bytes, tuple[Erasure, bytes]] = {}  # with the receipt's hash

    def holdings(self, owner_id: bytes) -> Holdings:
        store = self._store
        with store.lock:
            rows = {
                "images": sum(place[0] == owner_id for place in store.images),
                "renditions": sum(place[0] == owner_id for place in store.renditions),
                "image_tags": sum(len(tags) for place, tags in store.tags.items() if place[0] == owner_id),
                "image_details": sum(place[0] == owner_id for place in store.details),
                "sessions": sum(row.owner_id == owner_id for row in store.sessions.values()),
                "api_tokens": sum(row.owner_id == owner_id for row in store.tokens.values()),
                "accounts": int(owner_id in store.accounts),
            }
            return Holdings(rows, store.bytes_of(owner_id))

    def ask(self, erasure_id: bytes, receipt_hash: bytes, owner_id: bytes, grace_seconds: int) -> tuple[Erasure, bytes]:
        store = self._store
        with store.steps.step("erasures.ask"), store.lock:
            for kept, _ in self._kept.values():
                if kept.owner_id == owner_id:
                    return kept, kept.id
            account = store.accounts[owner_id]
            admins = [one.owner_id for one in store.accounts.values() if one.admin and not one.disabled]
            if admins == [owner_id]:
                raise LastAdminError("This is the last admin: make another account admin first.")
            now = store.clock.now()
            erasure = Erasure(
                erasure_id, owner_id, State.ASKED, now, now + timedelta(seconds=grace_seconds), email=account.email
            )
            store.accounts[owner_id] = replace(account, disabled=True, erase_at=erasure.due_at)
            self._shut_out(owner_id)
            self._kept[erasure_id] = (erasure, receipt_hash)
            job = erasure_job(erasure_id, Order(erasure_id, owner_id))
            store.jobs[job.id] = JobRow(job, erasure.due_at)
            return erasure, job.id

    def withdraw(self, owner_id: bytes) -> bool:
        with self._store.steps.step("erasures.withdraw"), self._store.lock:
            for erasure, _ in list(self._kept.values()):
                if erasure.owner_id == owner_id and erasure.state is State.ASKED:
                    del self._kept[erasure.id]
                    del self._store.jobs[erasure.id]
                    account = self._store.accounts[owner_id]
                    stays_out = owner_id in self._store.disabled_while_erasing
                    self._store.accounts[owner_id] = replace(account, disabled=stays_out, erase_at=None)
                    return True
            return False

    def of_receipt(self, receipt_hash: bytes) -> Erasure | None:
        with self._store.lock:
            return next((one for one, kept in self._kept.values() if kept == receipt_hash), None)

    def begin(self, erasure_id: bytes) -> Erasure | None:
        with self._store.steps.step("erasures.begin"), self._store.lock:
            if erasure_id not in self._kept:
                return None
            erasure = self._kept[erasure_id][0]
            if erasure.state is State.ASKED and erasure.due_at <= self._store.clock.now():
                holdings = self.holdings(erasure.owner_id)
                self._change(replace(erasure, state=State.BEGUN, rows=holdings.rows, bytes=holdings.bytes))
            return self._kept[erasure_id][0]

    def erase_some(self, owner_id: bytes, limit: int) -> bool:
        store, left = self._store, limit
        with store.steps.step("erasures.erase_some"), store.lock:
            tables: tuple[dict[tuple[bytes, ...], object], ...]
            tables = (store.renditions, store.tags, store.details, store.images)  # type: ignore[assignment]
            for table in tables:
                for place in [place for place in table if place[0] == owner_id][:left]:
                    del table[place]
                    left -= 1
            for upload in [one for one in store.uploads.values() if one.owner_id == owner_id]:
                del store.uploads[upload.id]
            return left == 0

    def note(self, erasure_id: bytes, what: str, count: int) -> None:
        with self._store.steps.step("erasures.note"), self._store.lock:
            erasure = self._kept[erasure_id][0]
            self._change(replace(erasure, erased={**erasure.erased, what: erasure.erased.get(what, 0) + count}))

    def forget(self, erasure_id: bytes) -> None:
        store = self._store
        with store.steps.step("erasures.forget"), store.lock:
            erasure = self._kept[erasure_id][0]
            self._shut_out(erasure.owner_id)
            store.accounts.pop(erasure.owner_id, None)
            store.settings.pop(settings_name(erasure.owner_id), None)
            store.owners.pop(f"account:{erasure.owner_id.hex()}", None)
            for name, owner in store.owners.items():
                if owner.id == erasure.owner_id:
                    store.owners[name] = Owner(owner.id, owner.version + 1)
            for job_id, row in list(store.jobs.items()):
                if erasure.owner_id.hex() in row.job.body and row.job.kind != "erase_account":
                    del store.jobs[job_id]
            store.audit[:] = [
                replace(one, actor=opaque(erasure_id)) if one.actor == erasure.email else one for one in store.audit
            ]

    def finish(self, erasure_id: bytes, again_id: bytes) -> None:
        store = self._store
        with store.steps.step("erasures.finish"), store.lock:
            erasure = self._kept[erasure_id][0]
            if erasure.state is not State.DONE:
                now = store.clock.now()
                self._change(replace(erasure, state=State.DONE, done_at=now, email=None, loose_keys=()))
                job = erasure_job(again_id, Order(erasure_id, erasure.owner_id, True, erasure.loose_keys))
                store.jobs[again_id] = JobRow(job, now + timedelta(seconds=AGAIN_SECONDS))

    def _change(self, erasure: Erasure) -> None:
        self._kept[erasure.id] = (erasure, self._kept[erasure.id][1])

    def _shut_out(self, owner_id: bytes) -> None:
        self._accounts.end_sessions(owner_id)
        self._accounts.end_links(owner_id)
        tokens = self._store.tokens
        for token_hash in [token_hash for token_hash, row in tokens.items() if row.owner_id == owner_id]:
            del tokens[token_hash]
