"""Whether a node is ready to be given keys: it tells its version, takes a value and gives it back."""

import secrets

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError


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
