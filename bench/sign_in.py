"""Signing in with a wrong password, and asking for a new one by mail: an address with an account against one without.

The two must not be told apart by the time that the answer takes.
"""

import itertools
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from bench.interleaved import Comparison, compare
from bench.rows import Row, row
from bench.store import Store, expect
from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.domain.accounts import Account
from chalicelib.domain.errors import NotSignedInError
from chalicelib.services.accounts import Accounts

LIMIT = 1.1
NO_LIMIT = 1 << 30


class _Unthrottled(MySqlAccountRows):
    """Counts tries, as always, and refuses none."""

    def tried(self, name: bytes, limit: int, window_seconds: int) -> bool:
        return super().tried(name, NO_LIMIT, window_seconds)


def rows(store: Store) -> list[Row]:
    """The slower of the two against the quicker, for each."""
    present = store.services.accounts.rows
    expect(isinstance(present, MySqlAccountRows), "accounts lie in MySQL")
    account_rows = _Unthrottled(present._database)  # type: ignore[attr-defined]  # expected above
    accounts = replace(store.services.accounts, rows=account_rows)
    known = f"{secrets.token_hex(8)}@example.org"
    hashed = accounts.passwords.hashed("correct horse battery")
    account_rows.create(Account(secrets.token_bytes(16), known, hashed, admin=False, disabled=False))
    numbers = itertools.count()

    def unknown() -> str:
        return f"{next(numbers)}@example.org"

    ways = {"sign-in refused": (_refused, 5), "reset asked for": (_reset, 15)}  # with the pairs of a round
    return [
        _alike(what, compare(way(accounts, lambda: known), way(accounts, unknown), rounds=15, pairs=pairs, warm_up=5))
        for what, (way, pairs) in ways.items()
    ]


def _alike(what: str, compared: Comparison) -> Row:
    ratio = max(compared.ratio, 1 / compared.ratio)
    return replace(row(f"{what}: address with an account : without one", compared, LIMIT), ratio=ratio)


def _reset(accounts: Accounts, email: Callable[[], str]) -> Callable[[], None]:
    return lambda: accounts.ask_reset(email(), "https://store.test", "192.0.2.1")


def _refused(accounts: Accounts, email: Callable[[], str]) -> Callable[[], None]:
    def refused() -> None:
        with suppress(NotSignedInError):
            accounts.sign_in(email(), "not the password", "192.0.2.1", None)
            raise AssertionError("a wrong password was taken")

    return refused
