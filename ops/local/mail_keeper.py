"""Takes over what the stand-in for SES holds in memory, and answers for the page that shows it."""

import json
import logging
import threading
import urllib.request
from collections.abc import Callable, Sequence

from ops.local.http_answers import Answer
from ops.local.mail_folder import Mail, MailFolder
from ops.local.mail_page import PATH, mail_page

EVERY_SECONDS = 1.0
MOST_SHOWN = 200
_TIMEOUT_SECONDS = 3.0
_log = logging.getLogger("ops.local.mail")

Source = Callable[[], Sequence[Mail]]
"""What there is to keep; the same mails again do no harm. Raises OSError or ValueError."""


class MailKeeper:
    """Keeps what the sources hold: each second while its thread runs, and before the page is shown."""

    def __init__(self, folder: MailFolder, sources: Sequence[Source]) -> None:
        self._folder = folder
        self._sources = sources
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Keeps once more what there is; the stand-in ends after this process."""
        self._ending.set()
        self._thread.join()

    def answer(self, path: str) -> Answer | None:
        """The page, if the path is its own."""
        if path != PATH:
            return None
        trouble = self.collect()
        return mail_page(self._folder.newest(MOST_SHOWN), trouble)

    def collect(self) -> str | None:
        """Keeps what there is; why that was not possible, in words."""
        with self._lock:
            try:
                for source in self._sources:
                    self._folder.keep(source())
            except (OSError, ValueError) as error:
                _log.warning("mail cannot be kept just now: %s", error)
                return f"Newer mail may be missing: {error}"
        return None

    def _run(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            self.collect()
        self.collect()


def ses_mails(endpoint: str) -> list[Mail]:
    """What the stand-in for SES was told to send. Raises OSError or ValueError."""
    with urllib.request.urlopen(f"{endpoint}/_ministack/ses/messages", timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        stored = json.load(answer)
    try:
        by_account = stored["messages"]
        return [_mail(one) for found in by_account.values() for one in found]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the stand-in for SES answered something else than mails ({error!r})") from error


def _mail(one: dict[str, object]) -> Mail:
    to = one["To"]
    if not isinstance(to, list):
        raise TypeError("To is no list")
    return Mail(
        id=str(one["MessageId"]),
        sent_at=float(str(one["Timestamp"])),
        sender=str(one["Source"]),
        to=tuple(map(str, to)),
        subject=str(one["Subject"]),
        text=str(one["BodyText"]),
    )
