"""The state folder: where everything of one local cloud lies, who uses it now, and the passwords made for it.

lock           held by the running `ops.run`
run.json       its pid, start time and address
secrets.json   generated passwords, readable by this user only
app.env        the application's environment, KEY=value lines
replica/       a copy of the rows, where a replica is wanted
mail/          mail that would have been sent
mariadb/       rows        objects/  S3 objects        logs/        tmp/  emptied at every start
"""

import fcntl
import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from ops.local.errors import LocalCloudError

_SECRET_NAMES = (
    "application_password",
    "migrations_password",
    "administrator_password",
    "replication_password",
    "secret_key",
)


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Paths below the folder `root`, which is absolute."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def run(self) -> Path:
        return self.root / "run.json"

    @property
    def app_env(self) -> Path:
        return self.root / "app.env"

    @property
    def mariadb(self) -> Path:
        return self.root / "mariadb"

    @property
    def replica(self) -> Path:
        """The replica's rows: a copy, made anew at each start."""
        return self.root / "replica"

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    @property
    def mail(self) -> Path:
        """What would have been sent by mail, a file each."""
        return self.root / "mail"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def nodes(self) -> Path:
        """Which memcached process each instance has; written by the supervisor."""
        return self.tmp / "nodes.json"

    def log(self, part: str) -> Path:
        return self.root / "logs" / f"{part}.log"


@dataclass(frozen=True, slots=True)
class Run:
    """The `ops.run` process that holds the lock. `started_ticks` tells it from a later process of the same pid."""

    pid: int
    started_ticks: int
    address: str


def state_folder(environ_value: str | None, project: Path) -> StateFolder:
    """The folder named by STATE_DIR, or `.local` in the project."""
    return StateFolder(Path(environ_value).resolve() if environ_value else project / ".local")


def take_lock(state: StateFolder) -> int | None:
    """Lock the folder for this process's lifetime; the open descriptor, or None if another process has it.

    Raises LocalCloudError if the folder cannot be made or written.
    """
    try:
        state.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LocalCloudError(f"The state folder {state.root} cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def prepare(state: StateFolder) -> None:
    """Make the folders, empty tmp and set the last run's logs aside as NAME.log.1. Only under the lock.

    Raises LocalCloudError if something else stands where a folder must be.
    """
    shutil.rmtree(state.tmp, ignore_errors=True)
    for folder in (state.tmp, state.objects, state.root / "logs"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise LocalCloudError(
                f"The folder {folder} cannot be made ({error.strerror}): move away what is there, and start again."
            ) from error
    for log in (state.root / "logs").glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


def write_whole(path: Path, text: str) -> None:
    """Write a file that only this user may read; a reader or a crash sees the old text or the new, never a part."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_run(state: StateFolder, run: Run) -> None:
    write_whole(state.run, json.dumps(asdict(run)))


def read_run(state: StateFolder) -> Run | None:
    """Who last held the lock; None if nobody did or the file cannot be read (it is only ever a hint)."""
    try:
        stored = json.loads(state.run.read_text(encoding="utf-8"))
        return Run(int(stored["pid"]), int(stored["started_ticks"]), str(stored["address"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def generated_secrets(state: StateFolder) -> dict[str, str]:
    """The folder's passwords, made at first use. Raises LocalCloudError if the file is damaged."""
    path = state.root / "secrets.json"
    try:
        stored: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        missing = set(_SECRET_NAMES) - stored.keys()  # all at first, and those that a later version added
        if missing:
            stored |= {name: secrets.token_hex(16) for name in missing}
            write_whole(path, json.dumps(stored))
        return {name: str(stored[name]) for name in _SECRET_NAMES}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise LocalCloudError(
            f"{path} is damaged: delete that one file and start again (new passwords are made, no image is lost)."
        ) from error
