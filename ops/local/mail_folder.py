"""The mail of the local run: each mail a file in a folder, so that it is there after a restart too."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ops.local.state import write_whole


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that would have been sent. `sent_at` is in Unix seconds; `id` is whatever its sender calls it."""

    id: str
    sent_at: float
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str


class MailFolder:
    """Mails in a folder, which is made when the first is kept. Raises OSError when it cannot be written or read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: set[str] = set()  # names that are known to be there

    def keep(self, mails: Sequence[Mail]) -> None:
        """Keeps those that are not there yet. A mail that is kept twice is there once."""
        for mail in mails:
            name = _name_of(mail)
            path = self._folder / name
            if name not in self._kept and not path.exists():
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(path, json.dumps(asdict(mail)))
            self._kept.add(name)

    def newest(self, limit: int) -> list[Mail]:
        """At most so many mails, newest first; files that are none are left out."""
        names = sorted((path.name for path in self._folder.glob("*.json")), reverse=True)
        found = (_read(self._folder / name) for name in names[:limit])
        return [mail for mail in found if mail is not None]


def _name_of(mail: Mail) -> str:
    """Sorts by time; nothing of the mail's own words is in it."""
    return f"{mail.sent_at:018.6f}-{hashlib.sha256(mail.id.encode()).hexdigest()[:16]}.json"


def _read(path: Path) -> Mail | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Mail(
            str(stored["id"]),
            float(stored["sent_at"]),
            str(stored["sender"]),
            tuple(map(str, stored["to"])),
            str(stored["subject"]),
            str(stored["text"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
