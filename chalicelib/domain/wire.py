"""How bytes are written to a node: the wire key, and the value that says whose bytes it holds.

The wire key is the object key, which the store chose itself: no byte of a person's key reaches the protocol, and what a
node holds can be told from its own list of keys. The value repeats owner and object key: a connection that lost its
place, or a node that answers for another key, is found out and counts as a miss.
"""

import re
import struct

PLACEHOLDER = b"L"
_HEADER = struct.Struct(">2s16sH")
_MAGIC = b"E1"
_PAGE_MAGIC = b"P1"
_PAGE_HEADER = struct.Struct(">2s16sQ")
_PREFIX, _PAGE_PREFIX = b"i:", b"p:"
_PLAIN = re.compile(r"[!-~]{1,240}")  # memcached's limit is 250, without spaces and control characters


def wire_key(object_key: str) -> bytes:
    """The memcached key for an object. Raises ValueError if memcached would not take it."""
    if not _PLAIN.fullmatch(object_key):
        raise ValueError(f"not an object key: {object_key!r}")
    return _PREFIX + object_key.encode()


def object_key_of(wire_key: bytes) -> str | None:
    """The object that a memcached key stands for; None if it is no object's."""
    return wire_key[len(_PREFIX) :].decode("ascii", "replace") if wire_key.startswith(_PREFIX) else None


def page_key(owner_id: bytes, version: int, parameters: str) -> bytes:
    """The memcached key for a page of an owner's at a version. Raises ValueError if memcached would not take it."""
    text = f"{owner_id.hex()}:{version}:{parameters}"
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"not a page's parameters: {parameters!r}")
    return _PAGE_PREFIX + text.encode()


def wrapped_page(owner_id: bytes, version: int, page: bytes) -> bytes:
    """The value to store for a page. It repeats owner and version."""
    return _PAGE_HEADER.pack(_PAGE_MAGIC, owner_id, version) + page


def unwrapped_page(value: bytes | bytearray, owner_id: bytes, version: int) -> bytes | None:
    """The page inside a value, or None if the value is not this owner's at this version."""
    prefix = wrapped_page(owner_id, version, b"")
    return bytes(value[len(prefix) :]) if value.startswith(prefix) else None


def is_kept(wire_key: bytes) -> bool:
    """Whether a memcached key is that of something cached, and not of a count or of orders."""
    return wire_key.startswith((_PREFIX, _PAGE_PREFIX))


def belongs_to(wire_key: bytes, owner_hex: str) -> bool:
    """Whether a memcached key is one of an owner's, whose id in hexadecimal stands in it."""
    return is_kept(wire_key) and owner_hex.encode() in wire_key


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
