"""Tells owners of finished edits by mail: the notices themselves, and the switch on a person's account.

A notice is a job of the transaction that made the edit ready or failed, so it is sent at least once, and rendering
never waits for it. Of an edit that somebody asked for the topic hears at once; of the one that every image gets on
arrival only if its owner has switched mail on, and what a minute brought of those is told together. Who gets it is up
to the topic: each account subscribes its own verified address, with a filter on a name of the account that leads
nowhere else.
"""

import logging
from dataclasses import dataclass
from urllib.parse import quote

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NotFoundError, NoticeRefusedError, RowsUnavailableError
from chalicelib.domain.jobs import Job
from chalicelib.domain.notice_ports import EditNotices
from chalicelib.domain.notices import MOST_TOGETHER, Told, account_name, notice_text, settings_name
from chalicelib.domain.ports import JobRows, SettingsRows
from chalicelib.services.accounts import Accounts

logger = logging.getLogger(__name__)

SUBSCRIPTION, WANTED = "subscription", "wanted"


@dataclass(frozen=True, slots=True)
class TellingOwners:
    """Performs the jobs of the kind EDIT_NOTICE. Without a topic they end without a word."""

    notices: EditNotices | None
    job_rows: JobRows
    site: str | None

    def perform(self, job: Job) -> None:
        """Sends the notice, with all others that the owner is due, and finishes the job.

        Raises NoticesUnavailableError: to be tried again.
        """
        if self.notices is not None:
            gathered = self.job_rows.gather(job, jobs.notices_begin(job), MOST_TOGETHER, jobs.gathered_notices)
            if gathered is None:
                return
            try:
                told = jobs.edit_notices_of(gathered.body)
                self.notices.publish(notice_text(told, self._page({one.key for one in told})))
            except NoticeRefusedError as error:
                logger.warning("job %s: nobody is told of an edit: %s", job.id.hex(), error)
        self.job_rows.finish(job.id)

    def _page(self, keys: set[bytes]) -> str | None:
        """Where these images are seen: the page of one, the gallery of several."""
        if self.site is None:
            return None
        first, *others = keys
        return f"{self.site}/" if others else f"{self.site}/image?key={quote(first, safe='')}"


@dataclass(frozen=True, slots=True)
class Subscribers:
    """Who has switched mail on, whether or not their answer to the topic's question has come."""

    settings: SettingsRows

    def have(self, owner_id: bytes) -> bool:
        """Raises RowsUnavailableError."""
        return bool(self.settings.read(settings_name(owner_id))[1].get(WANTED))


@dataclass(frozen=True, slots=True)
class NoticeSwitch:
    """Whether a person is told by mail. Calls raise NotSignedInError, NoticesUnavailableError, RowsUnavailableError."""

    notices: EditNotices | None
    accounts: Accounts
    settings: SettingsRows

    @property
    def offered(self) -> bool:
        """Whether there is a topic at all."""
        return self.notices is not None

    def state(self, principal: Principal) -> Told:
        """What the topic says of the account's subscription; one that was given up while pending counts as off."""
        if self.notices is None:
            return Told.OFF
        _, kept = self.settings.read(settings_name(self.accounts.of(principal).owner_id))
        subscription = kept.get(SUBSCRIPTION)
        if not isinstance(subscription, str):
            return Told.OFF
        told = self.notices.state(subscription)
        return Told.OFF if told is Told.PENDING and not kept.get(WANTED) else told

    def turn_on(self, principal: Principal) -> Told:
        """Asks the account's address whether it wants to be told. Raises NotFoundError if that is not offered."""
        notices, account = self._topic(), self.accounts.of(principal)
        subscription = notices.subscribe(account.email, account_name(account.owner_id))
        self._keep(account.owner_id, {SUBSCRIPTION: subscription, WANTED: True})
        return notices.state(subscription)

    def turn_off(self, principal: Principal) -> None:
        """Ends the subscription; one that is pending ends by itself. Raises NotFoundError if that is not offered."""
        self._topic()
        self.end_of(self.accounts.of(principal).owner_id)

    def end_of(self, owner_id: bytes) -> None:
        """Ends the owner's subscription, if there is one. Raises NoticesUnavailableError or RowsUnavailableError."""
        subscription = self.settings.read(settings_name(owner_id))[1].get(SUBSCRIPTION)
        if self.notices is None or not isinstance(subscription, str):
            return
        try:
            self.notices.unsubscribe(subscription)
        except NoticeRefusedError as error:
            logger.info("a subscription that is not confirmed ends by itself: %s", error)
        self._keep(owner_id, {SUBSCRIPTION: subscription, WANTED: False})

    def _topic(self) -> EditNotices:
        if self.notices is None:
            raise NotFoundError("This store sends no notices by mail.")
        return self.notices

    def _keep(self, owner_id: bytes, values: dict[str, object]) -> None:
        name = settings_name(owner_id)
        version, kept = self.settings.read(name)
        if dict(kept) != values and not self.settings.write(name, version, values):
            raise RowsUnavailableError("The switch was turned by somebody else just now; try again.")
