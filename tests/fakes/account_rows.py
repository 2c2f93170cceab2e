"""AccountRows in memory."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.account_ports import FIRST_ADMIN, ApiToken, Link, Made
from chalicelib.domain.accounts import SESSION_SECONDS, Account, Owner, Principal, Standing, Way
from chalicelib.domain.jobs import Job
from tests.fakes.store import JobRow, MemoryStore, SessionRow, TokenRow


class MemoryAccountRows:
    """AccountRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._links: dict[bytes, tuple[Link, float]] = {}
        self._tries: dict[bytes, tuple[int, float]] = {}

    def create(self, account: Account) -> bool:
        with self._store.steps.step("accounts.create"), self._store.lock:
            there = self.by_email(account.email)
            if there is not None:
                return there.owner_id == account.owner_id
            self._store.accounts[account.owner_id] = account
            self._store.made_at[account.owner_id] = self._store.clock.now()
            if account.owner_id not in {owner.id for owner in self._store.owners.values()}:
                self._store.owners[f"account:{account.owner_id.hex()}"] = Owner(account.owner_id, 0)
            return True

    def create_by_link(self, account: Account, token_hash: bytes, purpose: str) -> Made:
        with self._store.steps.step("accounts.create_by_link"), self._store.lock:
            if self.link(token_hash, purpose) is None or (purpose == FIRST_ADMIN and self.has_admin()):
                return Made.NO_LINK
            if self.by_email(account.email) is not None:
                return Made.ADDRESS_TAKEN
            used = (
                (token_hash,)
                if purpose != FIRST_ADMIN
                else [one for one, (link, _) in self._links.items() if link.purpose == purpose]
            )
            for one in used:
                del self._links[one]
            return Made.MADE if self.create(account) else Made.ADDRESS_TAKEN

    def by_email(self, email: str) -> Account | None:
        with self._store.lock:
            return next((one for one in self._store.accounts.values() if one.email == email), None)

    def of_owner(self, owner_id: bytes) -> Account | None:
        with self._store.lock:
            return self._store.accounts.get(owner_id)

    def owner_id_of(self, name: str) -> bytes | None:
        with self._store.lock:
            owner = self._store.owners.get(name)
            return None if owner is None else owner.id

    def of(self, principal: Principal, writing: bool = False) -> Account | None:
        with self._store.lock:
            owner_id = self._store.owner_id_of(principal, writing)
            if owner_id is not None and principal.way is Way.SESSION:
                self._store.sessions[principal.token_hash].seen_at = self._store.clock.now()
            if owner_id is None or owner_id not in self._store.accounts:
                return None
            standing = Standing(self._store.owner(principal), self._store.fleet_map.version)
            return replace(self._store.accounts[owner_id], standing=standing)

    def has_admin(self) -> bool:
        with self._store.lock:
            return any(account.admin for account in self._store.accounts.values())

    def begin_session(self, owner_id: bytes, token_hash: bytes, ended_hash: bytes | None) -> None:
        with self._store.steps.step("accounts.begin_session"), self._store.lock:
            now = self._store.clock.now()
            if ended_hash is not None:
                self._store.sessions.pop(ended_hash, None)
            self._store.sessions[token_hash] = SessionRow(owner_id, now, now + timedelta(seconds=SESSION_SECONDS))

    def end_session(self, token_hash: bytes) -> None:
        with self._store.steps.step("accounts.end_session"), self._store.lock:
            self._store.sessions.pop(token_hash, None)

    def end_sessions(self, owner_id: bytes, but: bytes | None = None) -> None:
        with self._store.steps.step("accounts.end_sessions"), self._store.lock:
            for token_hash, row in list(self._store.sessions.items()):
                if row.owner_id == owner_id and token_hash != but:
                    del self._store.sessions[token_hash]

    def change_password(self, owner_id: bytes, password_hash: str, but: bytes | None = None) -> None:
        with self._store.steps.step("accounts.change_password"), self._store.lock:
            if owner_id in self._store.accounts:
                account = self._store.accounts[owner_id]
                self._store.accounts[owner_id] = replace(account, password_hash=password_hash)
            self.end_links(owner_id)
            self.end_sessions(owner_id, but)
            if but is None:
                kept = {one: row for one, row in self._store.tokens.items() if row.owner_id != owner_id}
                self._store.tokens.clear()
                self._store.tokens.update(kept)

    def end_links(self, owner_id: bytes) -> None:
        self._links = {key: kept for key, kept in self._links.items() if kept[0].owner_id != owner_id}

    def add_link(self, token_hash: bytes, link: Link, seconds: int) -> None:
        with self._store.steps.step("accounts.add_link"), self._store.lock:
            self._links[token_hash] = (link, self._store.clock.now().timestamp() + seconds)

    def owe_mail(self, name: bytes, asked: Link, seconds: int, job: Job) -> None:
        with self._store.steps.step("accounts.owe_mail"), self._store.lock:
            now = self._store.clock.now()
            self._links[name] = (asked, now.timestamp() + seconds)
            self._store.jobs[job.id] = JobRow(job, now)

    def link(self, token_hash: bytes, purpose: str) -> Link | None:
        with self._store.lock:
            link, ends_at = self._links.get(token_hash, (None, 0.0))
            good = link is not None and link.purpose == purpose and ends_at > self._store.clock.now().timestamp()
            return link if good else None

    def use_link(self, token_hash: bytes, purpose: str) -> Link | None:
        with self._store.steps.step("accounts.use_link"), self._store.lock:
            link = self.link(token_hash, purpose)
            if link is not None:
                del self._links[token_hash]
            return link

    def tried(self, name: bytes, limit: int, window_seconds: int) -> bool:
        with self._store.steps.step("accounts.tried"), self._store.lock:
            now = self._store.clock.now().timestamp()
            count, ends_at = self._tries.get(name, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + window_seconds
            within = count < limit
            self._tries[name] = (count + within, ends_at)
            return within

    def forget_tries(self, name: bytes) -> None:
        with self._store.lock:
            self._tries.pop(name, None)

    def add_token(self, owner_id: bytes, token_hash: bytes, token: ApiToken) -> None:
        with self._store.steps.step("accounts.add_token"), self._store.lock:
            self._store.tokens[token_hash] = TokenRow(owner_id, replace(token, created_at=self._store.clock.now()))

    def tokens(self, owner_id: bytes) -> list[ApiToken]:
        with self._store.lock:
            found = [row.token for row in self._store.tokens.values() if row.owner_id == owner_id]
            return sorted(found, key=lambda token: (token.created_at, token.id))

    def revoke_token(self, owner_id: bytes, token_id: bytes) -> bool:
        with self._store.steps.step("accounts.revoke_token"), self._store.lock:
            for token_hash, row in self._store.tokens.items():
                if row.owner_id == owner_id and row.token.id == token_id:
                    del self._store.tokens[token_hash]
                    return True
            return False
