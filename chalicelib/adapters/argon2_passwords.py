"""Passwords hashed by argon2id, with OWASP's least costs: 19 MiB, two passes, one lane."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Argon2Passwords:
    """Passwords by argon2-cffi."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._nobodys = self._hasher.hash("nobody's password")  # so that an unknown address takes as long

    def hashed(self, password: str) -> str:
        return self._hasher.hash(password)

    def fits(self, password_hash: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash or self._nobodys, password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False
