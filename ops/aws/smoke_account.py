"""The account that smoke tests use: one for each environment, disabled but during a test, with a password that fits
nothing and an address that no mail reaches. It owns nothing but the test's one image.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager

from ops.database import Database

EMAIL = b"smoke-test@store.invalid"
_LABEL = "smoke test"


@contextmanager
def smoke_token(database: Database) -> Iterator[str]:
    """A token of the account's that writes, for as long as this lasts. One that a killed test left is ended."""
    owner_id, secret = secrets.token_bytes(16), secrets.token_urlsafe(32)
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT owner_id FROM accounts WHERE email = %s", (EMAIL,))
        found = cursor.fetchone()
        owner_id = found[0] if found else owner_id
        if not found:
            cursor.execute(
                "INSERT INTO owners (id, name, version, created_at) VALUES (%s, %s, 0, UTC_TIMESTAMP(6))",
                (owner_id, b"account:" + owner_id.hex().encode()),
            )
            cursor.execute(
                "INSERT INTO accounts (owner_id, email, password, disabled_at, created_at) "
                "VALUES (%s, %s, '!', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
                (owner_id, EMAIL),
            )
        cursor.execute("DELETE FROM api_tokens WHERE owner_id = %s", (owner_id,))
        cursor.execute(
            "INSERT INTO api_tokens (token_hash, id, owner_id, label, scope, created_at) "
            "VALUES (%s, %s, %s, %s, 'write', UTC_TIMESTAMP(6))",
            (hashlib.sha256(secret.encode()).digest(), secrets.token_bytes(16), owner_id, _LABEL),
        )
        cursor.execute("UPDATE accounts SET disabled_at = NULL WHERE owner_id = %s", (owner_id,))
    try:
        yield secret
    finally:
        with closing(database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM api_tokens WHERE owner_id = %s", (owner_id,))
            cursor.execute("UPDATE accounts SET disabled_at = UTC_TIMESTAMP(6) WHERE owner_id = %s", (owner_id,))
