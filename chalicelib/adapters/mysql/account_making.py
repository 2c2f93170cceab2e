"""How an account comes to be: the links that are mailed, and the account that one of them makes."""

from typing import Any

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.domain.account_ports import FIRST_ADMIN, Link, Made
from chalicelib.domain.accounts import Account

LINK_COLUMNS = "purpose, owner_id, email, password"


def create_by_link(transaction: Transaction, account: Account, token_hash: bytes, purpose: str) -> Made:
    """What AccountRows.create_by_link does; of a try whose answer was lost it knows nothing."""
    if purpose == FIRST_ADMIN:  # whoever comes by another such link waits here, and finds none
        transaction.select(
            "SELECT 1 FROM account_links WHERE purpose = %s ORDER BY token_hash FOR UPDATE", (FIRST_ADMIN,)
        )
        if transaction.select("SELECT 1 FROM accounts WHERE admin = 1 LIMIT 1"):
            return Made.NO_LINK
    good = "token_hash = %s AND purpose = %s AND ends_at > UTC_TIMESTAMP(6)"
    if not transaction.select(f"SELECT 1 FROM account_links WHERE {good} FOR UPDATE", (token_hash, purpose)):
        return Made.NO_LINK
    if not create(transaction, account):
        return Made.ADDRESS_TAKEN
    if purpose == FIRST_ADMIN:
        transaction.change("DELETE FROM account_links WHERE purpose = %s", (FIRST_ADMIN,))
    else:
        transaction.change("DELETE FROM account_links WHERE token_hash = %s", (token_hash,))
    return Made.MADE


def create(transaction: Transaction, account: Account) -> bool:
    """Whether the account is there, now or by a try whose answer was lost; False if another has the address."""
    # The owner's name is one that nobody can ask for; an address may change hands.
    transaction.change(
        "INSERT IGNORE INTO owners (id, name, version, created_at) VALUES (%s, %s, 0, UTC_TIMESTAMP(6))",
        (account.owner_id, b"account:" + account.owner_id.hex().encode()),
    )
    transaction.change(
        "INSERT IGNORE INTO accounts (owner_id, email, password, admin, created_at) "
        "VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))",
        (account.owner_id, account.email.encode(), account.password_hash, account.admin),
    )
    if is_there(transaction, account):
        return True
    transaction.change(
        "DELETE FROM owners WHERE id = %s AND name = %s",
        (account.owner_id, b"account:" + account.owner_id.hex().encode()),
    )
    return False


def is_there(transaction: Transaction, account: Account) -> bool:
    """Whether the address has this very account."""
    found = transaction.select("SELECT owner_id FROM accounts WHERE email = %s", (account.email.encode(),))
    return found == [(account.owner_id,)]


def add_link(transaction: Transaction, token_hash: bytes, link: Link, seconds: int) -> bool:
    """Keeps the link under the hash, good for that long; whether it was not there yet."""
    email = None if link.email is None else link.email.encode()
    transaction.change("DELETE FROM account_links WHERE ends_at < UTC_TIMESTAMP(6)")
    return bool(
        transaction.change(
            f"INSERT IGNORE INTO account_links (token_hash, {LINK_COLUMNS}, ends_at) VALUES "
            "(%s, %s, %s, %s, %s, UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",
            (token_hash, link.purpose, link.owner_id, email, link.password_hash, seconds),
        )
    )


def link_of(columns: Any) -> Link:
    """The link whose LINK_COLUMNS these are."""
    purpose, owner_id, email, password_hash = columns
    return Link(purpose, owner_id, None if email is None else email.decode(), password_hash)
