"""Erasing an account: asked with the password, withdrawn while there is time, then done by a job, with a receipt.

The job goes through rows, objects with all their versions, and cache nodes, in that order, and each part of it may be
done again: what is there is deleted, what is not there is done. A stretch that runs out of time sends the same job on.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.account_ports import Mail
from chalicelib.domain.accounts import TOKEN_BYTES, Principal, Way, hash_of
from chalicelib.domain.erasing import (
    CACHED,
    MAIL_TRIES,
    MARKERS,
    SILENT,
    VERSIONS,
    Erasure,
    Holdings,
    Order,
    State,
    order_of,
    prefixes,
    receipt_text,
)
from chalicelib.domain.erasing_ports import ErasedObjects, ErasureRows
from chalicelib.domain.errors import (
    InvalidValueError,
    MailUnavailableError,
    NodeError,
    NotFoundError,
    NotSignedInError,
    UnknownReceiptError,
)
from chalicelib.domain.jobs import Job
from chalicelib.domain.ports import Clock, FleetMaps, NodeAdmins
from chalicelib.services.accounts import Accounts
from chalicelib.services.sending import Sending

logger = logging.getLogger(__name__)

STRETCH_SECONDS = 10.0
ROWS_AT_ONCE, VERSIONS_AT_ONCE = 500, 1000
DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Asked:
    """What was begun, and the secret of the receipt's link, which is told this once."""

    erasure: Erasure
    receipt: str


@dataclass(frozen=True, slots=True)
class Erasing:
    """The use case. Every call may raise RowsUnavailableError."""

    rows: ErasureRows
    accounts: Accounts
    mail: Mail
    objects: ErasedObjects
    maps: FleetMaps
    nodes: NodeAdmins
    sending: Sending
    clock: Clock
    grace_days: int
    end_notices: Callable[[bytes], None]  # of an owner's, who is told of edits by mail

    def holdings(self, principal: Principal) -> Holdings:
        """What would be erased. Raises NotFoundError for who has no account."""
        if principal.way is Way.NAME:
            raise NotFoundError("Whoever comes here without signing in has no account.")
        return self.rows.holdings(self.accounts.of(principal).owner_id)

    def ask(self, principal: Principal, password: str, site: str) -> Asked:
        """Signs the account out everywhere and makes its erasure due after the days of grace.

        Raises InvalidValueError, TooManyTriesError, LastAdminError or NotSignedInError.
        """
        self.accounts.confirm(principal, password)
        account = self.accounts.of(principal)
        receipt = secrets.token_urlsafe(TOKEN_BYTES)
        erasure_id = secrets.token_bytes(16)
        erasure, job_id = self.rows.ask(erasure_id, hash_of(receipt), account.owner_id, self.grace_days * DAY_SECONDS)
        if erasure.id != erasure_id:  # asked for twice at once: the other's receipt is the one that is kept
            raise NotSignedInError("The erasure was asked for already; a mail tells of it. You are signed out.")
        text = _ASKED.format(site=site, receipt=receipt, when=f"{erasure.due_at:%d %b %Y, %H:%M} UTC")
        self._mail(account.email, "Your account is to be erased", text)
        if erasure.due_at <= self.clock.now():  # after that mail, or the receipt's could come before it
            self.sending.send([job_id])
        return Asked(erasure, receipt)

    def withdraw(self, email: str, password: str, address: str) -> None:
        """Opens the account again. Raises NotSignedInError, TooManyTriesError or InvalidValueError."""
        account = self.accounts.fitting(email, password, address)
        if account.erase_at is None:
            raise InvalidValueError("email", "This account is not to be erased. Sign in as usual.")
        if not self.rows.withdraw(account.owner_id):
            raise InvalidValueError("email", "The erasure has begun, and cannot be withdrawn any more.")

    def of_receipt(self, receipt: str) -> Erasure:
        """The erasure that a receipt's link tells of. Raises UnknownReceiptError."""
        found = self.rows.of_receipt(hash_of(receipt))
        if found is None:
            raise UnknownReceiptError("There is no such receipt: the link is wrong, or the erasure was withdrawn.")
        return found

    def perform(self, job: Job) -> None:
        """Does a stretch of it. Raises UnavailableError: to be tried again."""
        order, until = order_of(job), self.clock.monotonic() + STRETCH_SECONDS
        done: bool | None
        if order.again:
            done = self._erase_outside(order, lambda what, count: None, until)
        else:
            done = self._erase(order, job.tries, until)
        if done:
            self.sending.job_rows.finish(job.id)
        elif done is not None:
            self.sending.send([job.id])

    def _erase(self, order: Order, tries: int, until: float) -> bool | None:
        """Whether the job is done with; None if it is not due yet."""
        erasure = self.rows.begin(order.erasure_id)
        if erasure is None or erasure.state is State.DONE:
            return True
        if erasure.state is State.ASKED:
            return None
        self.end_notices(order.owner_id)
        while self.rows.erase_some(order.owner_id, ROWS_AT_ONCE):
            if self.clock.monotonic() >= until:
                return False

        def note(what: str, count: int) -> None:
            if what != SILENT or SILENT not in erasure.erased:  # not again when only the mail is tried again
                self.rows.note(order.erasure_id, what, count)

        outside = Order(order.erasure_id, order.owner_id, loose_keys=erasure.loose_keys)
        if not self._erase_outside(outside, note, until):
            return False
        self.rows.forget(order.erasure_id)
        self._send_receipt(order, tries)
        self.rows.finish(order.erasure_id, secrets.token_bytes(16))
        return True

    def _erase_outside(self, order: Order, note: Callable[[str, int], None], until: float) -> bool:
        """Whether no object is left, nor, where nodes answer, anything cached. The origin first, as removals do it."""
        for prefix in prefixes(order.owner_id, order.loose_keys):
            while any(counts := self.objects.erase(prefix, VERSIONS_AT_ONCE)):
                note(VERSIONS, counts[0])
                note(MARKERS, counts[1])
                if self.clock.monotonic() >= until:
                    return False
        for node in self.maps.current().named:
            try:
                note(CACHED, self.nodes.of(node).remove_of(order.owner_id))
            except NodeError as error:  # what it holds no row names; it goes with the node, or is evicted
                logger.warning("node %s was not asked to forget an owner's bytes: %s", node.id, error)
                note(SILENT, 1)
        return True

    def _send_receipt(self, order: Order, tries: int) -> None:
        erasure = self.rows.begin(order.erasure_id)
        if erasure is None or erasure.email is None:
            return
        try:
            self.mail.send(erasure.email, "Your account is erased", _ERASED.format(receipt=receipt_text(erasure)))
        except MailUnavailableError as error:
            if tries < MAIL_TRIES:
                raise
            logger.warning("a receipt of an erasure was not mailed: %s", error)

    def _mail(self, to: str, subject: str, text: str) -> None:
        try:
            self.mail.send(to, subject, text)
        except MailUnavailableError as error:  # the page says the same
            logger.warning("not told by mail of an erasure that was asked for: %s", error)


_ASKED = """\
Your account here is to be erased, with everything in it, from {when} on. You are signed out everywhere.

Until then you can keep it, with your password:

{site}/withdraw

What was erased is told here, without anything that says whose it was:

{site}/erasure?receipt={receipt}
"""
_ERASED = """\
Your account is erased. This is what was deleted:

{receipt}

This address is forgotten with this mail.
"""
