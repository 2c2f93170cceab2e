"""How bytes are written to a node: the wire key, and the value that says whose bytes it holds.

Keys are hashed, so that no byte of a person's key reaches the protocol. The value repeats owner and object key: a
connection that lost its place, or a node that answers for another key, is found out and counts as a miss.
"""

import hashlib
import struct

PLACEHOLDER = b"L"
_HEADER = struct.Struct(">2s16sH")
_MAGIC = b"E1"


def wire_key(owner_id: bytes, object_key: str) -> bytes:
    """The memcached key for an object: 42 printable bytes."""
    return b"i:" + hashlib.blake2b(owner_id + object_key.encode(), digest_size=20).hexdigest().encode()


def wrapped(owner_id: bytes, object_key: str, data: bytes) -> bytes:
    """The value to store for an object."""
    name = object_key.encode()
    return b"".join((_HEADER.pack(_MAGIC, owner_id, len(name)), name, data))


def unwrapped(value: bytes | bytearray, owner_id: bytes, object_key: str) -> bytes | memoryview | None:
    """The bytes inside a value, not copied, or None if the value is not this owner's object."""
    prefix = wrapped(owner_id, object_key, b"")
    return memoryview(value)[len(prefix) :].toreadonly() if value.startswith(prefix) else None


def wrapped_size(object_key: str, size: int) -> int:
    """Bytes that a value for `size` bytes of the object takes, memcached's own item header not counted."""
    return _HEADER.size + len(object_key.encode()) + size
