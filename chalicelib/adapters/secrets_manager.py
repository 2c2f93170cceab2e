"""A secret in AWS Secrets Manager, by boto3: read when it is first needed, and again when it has turned out wrong."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import SecretsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

PAUSE_SECONDS = 5.0  # a password that stays wrong must not make every request ask for it


class Secret:
    """One secret's text. Safe to share between threads, of which one reads. The client must have timeouts."""

    def __init__(
        self, client: "SecretsManagerClient", secret_arn: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._clock = clock
        self._lock = threading.Lock()
        self._text: str | None = None
        self._renewed_at = float("-inf")

    def current(self) -> str:
        """As it was read last; read if it never was. Raises SecretsUnavailableError."""
        text = self._text
        if text is not None:
            return text
        with self._lock:
            return self._read() if self._text is None else self._text

    def after(self, wrong: str) -> str:
        """Read again, unless that was done since `wrong` was read, or seconds ago. Raises SecretsUnavailableError."""
        with self._lock:
            now = self._clock()
            if self._text is not None and (self._text != wrong or now - self._renewed_at < PAUSE_SECONDS):
                return self._text
            self._renewed_at = now
            return self._read()

    def _read(self) -> str:
        try:
            text = self._client.get_secret_value(SecretId=self._secret_arn)["SecretString"]
        except (BotoCoreError, ClientError, KeyError) as error:
            raise SecretsUnavailableError("A secret cannot be read; try again.") from error
        self._text = text
        return text
