"""The mails of accounts: what was asked for by whoever typed an address, and links that an admin sends.

A request never looks at whether the address has an account. It notes what was asked and owes a job, the same for every
address, and this finds out later; so neither words, status nor time of the answer tell, whether mail goes or not.
"""

import logging
import secrets
from dataclasses import dataclass

from chalicelib.domain import jobs
from chalicelib.domain.account_ports import ASKED_RESET, RESET, VERIFY, AccountRows, Link, Mail
from chalicelib.domain.accounts import TOKEN_BYTES, Account, hash_of
from chalicelib.domain.jobs import Job
from chalicelib.domain.ports import JobRows

logger = logging.getLogger(__name__)

MAIL_TRIES = 10  # what SES refuses for good, it refuses each time
VERIFY_SECONDS, RESET_SECONDS = 24 * 3600, 3600


@dataclass(frozen=True, slots=True)
class AccountMails:
    """Performs the jobs of the kind ACCOUNT_MAIL. Calls raise RowsUnavailableError or MailUnavailableError."""

    rows: AccountRows
    mail: Mail
    job_rows: JobRows

    def perform(self, job: Job) -> None:
        """Mails what was asked for, if it still is, and finishes the job. Performed twice, it may mail twice."""
        order = jobs.account_mail_of(job)
        asked = self.rows.link(order.asked, order.purpose)
        if asked is not None and asked.email is not None:  # it is forgotten once it was mailed, or after its time
            if job.tries <= MAIL_TRIES:
                self._send(asked, asked.email, order.site)
            else:
                logger.warning("job %s: a mail that was asked for is given up", job.id.hex())
            self.rows.use_link(order.asked, order.purpose)
        self.job_rows.finish(job.id)

    def send_reset(self, owner_id: bytes, email: str, site: str) -> None:
        """Mails a link that sets a new password."""
        secret = self._link(Link(RESET, owner_id=owner_id), RESET_SECONDS)
        self.mail.send(email, "Set a new password", _RESET.format(site=site, link=secret))

    def _send(self, asked: Link, email: str, site: str) -> None:
        account = self.rows.by_email(email)
        if asked.purpose == ASKED_RESET:
            if account is not None and _may_reset(account):
                self.send_reset(account.owner_id, email, site)
        elif account is not None:
            self.mail.send(email, "You have an account already", _HAVE_ONE.format(site=site))
        else:
            secret = self._link(Link(VERIFY, email=email, password_hash=asked.password_hash), VERIFY_SECONDS)
            self.mail.send(email, "Verify your address", _VERIFY.format(site=site, link=secret))

    def _link(self, link: Link, seconds: int) -> str:
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        self.rows.add_link(hash_of(secret), link, seconds)
        return secret


def _may_reset(account: Account) -> bool:
    return not account.disabled or account.erase_at is not None


_VERIFY = """\
Somebody, we hope you, signed up with this address. Open this within a day, and enter the password you chose:

{site}/verify?link={link}

If it was not you, do nothing: no account is made.
"""
_HAVE_ONE = """\
Somebody, perhaps you, tried to sign up with this address, which has an account already. If you forgot the password:

{site}/reset

If it was not you, nothing has changed.
"""
_RESET = """\
Somebody, we hope you, asked to set a new password for this address. Open this within an hour:

{site}/reset?link={link}

If it was not you, do nothing: the password stays as it is.
"""
