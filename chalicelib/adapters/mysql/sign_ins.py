"""The database's user and password, kept as JSON in a secret that changes from time to time."""

import json
from typing import Protocol

from chalicelib.adapters.mysql.database import SignIn
from chalicelib.domain.errors import SecretsUnavailableError


class ChangingText(Protocol):
    """A secret's text."""

    def current(self) -> str:
        """As it was read last; read if it never was. Raises SecretsUnavailableError."""

    def after(self, wrong: str) -> str:
        """Read again, unless that was done since `wrong` was read. Raises SecretsUnavailableError."""


class SecretSignIns:
    """SignIns by a secret as RDS and its rotation keep it: JSON with `username` and `password`."""

    def __init__(self, secret: ChangingText) -> None:
        self._secret = secret

    def current(self) -> SignIn:
        return _sign_in_of(self._secret.current())

    def after(self, refused: SignIn) -> SignIn:
        text = self._secret.current()
        changed = _sign_in_of(text)  # another connection may have found out before
        return changed if changed != refused else _sign_in_of(self._secret.after(text))


def _sign_in_of(text: str) -> SignIn:
    try:
        told = json.loads(text)
        return SignIn(str(told["username"]), str(told["password"]))
    except (ValueError, LookupError, TypeError):
        # The text itself must not reach a log by way of the cause.
        raise SecretsUnavailableError("The database's secret is not JSON with username and password.") from None
