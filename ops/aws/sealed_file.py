"""A file that cannot be read, changed or shortened unnoticed without its key: AES-256-GCM over chunks, in order."""

import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ops.aws.errors import OperatorError

KEY_BYTES = 32
_MAGIC = b"elastic-images sealed 1\n"
_SALT_BYTES = 32
_CHUNK = 1024 * 1024
_FRAME = struct.Struct(">IB")  # bytes of ciphertext that follow, whether it is the last


def new_key(path: Path) -> bytes:
    """Makes a key file that only its owner may read. Raises OperatorError if there is a file already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise OperatorError(
            f"{path} is there already; a key is never written over.", next_="without --new-key"
        ) from error
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.hex() + "\n")
    return key


def read_key(path: Path) -> bytes:
    """Raises OperatorError if there is none in the file."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise OperatorError(f"{path} holds no key.", str(error), "`backup … --new-key` makes one") from error
    if len(key) != KEY_BYTES:
        raise OperatorError(f"The key in {path} has {len(key)} bytes, not {KEY_BYTES}.")
    return key


class Sealing:
    """Writes; nothing can be read of it until `close` has written the end."""

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        salt = secrets.token_bytes(_SALT_BYTES)
        file.write(_MAGIC + salt)
        self._file, self._cipher, self._number, self._waiting = file, _cipher(key, salt), 0, bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) > _CHUNK:
            self._seal(bytes(self._waiting[:_CHUNK]), last=False)
            del self._waiting[:_CHUNK]
        return len(data)

    def flush(self) -> None:
        """For those who write through it; chunks are whole."""

    def close(self) -> None:
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, data: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number), data, bytes([last]))
        self._file.write(_FRAME.pack(len(sealed), last) + sealed)
        self._number += 1


def opened(file: BinaryIO, key: bytes) -> Iterator[bytes]:
    """What was written, in pieces. Raises OperatorError if the key is another, or the file is not as it was written."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise OperatorError("This is no backup.")
    cipher, number, last = _cipher(key, file.read(_SALT_BYTES)), 0, 0
    while not last:
        head = file.read(_FRAME.size)
        if len(head) < _FRAME.size:
            raise OperatorError("The backup ends too early: it was cut off.")
        length, last = _FRAME.unpack(head)
        try:
            yield cipher.decrypt(_nonce(number), file.read(length), bytes([last]))
        except InvalidTag as error:
            raise OperatorError("The backup cannot be opened: another key, or it was changed.") from error
        number += 1


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    # A key of its own for each file, so that counters may begin at nought in each.
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"elastic-images backup").derive(key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
