"""Whether nodes are ready to be given keys: each tells its version, takes a value and gives it back."""

import secrets
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

MOST_AT_ONCE = 32


def answers(address: str, port: int, timeout_seconds: float = 0.5) -> bool:
    """Whether memcached at the address takes a value and gives it back."""
    client = Client((address, port), connect_timeout=timeout_seconds, timeout=timeout_seconds, default_noreply=False)
    key, value = f"probe:{secrets.token_hex(8)}", secrets.token_bytes(32)
    try:
        client.version()
        stored = client.set(key, value, expire=10, noreply=False)
        return bool(stored) and client.get(key) == value
    except (MemcacheError, OSError):
        return False
    finally:
        client.close()


class MemcachedProber:
    """Prober by threads that end before it answers: nothing runs on between two runs."""

    def answering(self, addresses: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
        asked = list(addresses)
        if not asked:
            return set()
        with ThreadPoolExecutor(min(MOST_AT_ONCE, len(asked))) as pool:
            answered = pool.map(lambda one: answers(*one), asked)
            return {one for one, good in zip(asked, answered, strict=True) if good}
