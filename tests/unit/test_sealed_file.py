"""A sealed file and its key."""

import io
import secrets
from pathlib import Path

import pytest

from ops.aws.errors import OperatorError
from ops.aws.sealed_file import Sealing, new_key, opened, read_key


def sealed(key: bytes, data: bytes) -> bytes:
    file = io.BytesIO()
    sealing = Sealing(file, key)
    sealing.write(data)
    sealing.close()
    return file.getvalue()


def test_a_sealed_file_cannot_be_read_changed_or_shortened_unnoticed() -> None:
    key, data = bytes(32), secrets.token_bytes(2_500_000)
    file = sealed(key, data)
    assert b"".join(opened(io.BytesIO(file), key)) == data
    changed = bytearray(file)
    changed[len(file) // 2] ^= 1
    for wrong, with_key in ((bytes(changed), key), (file[:-1], key), (file[:1_100_000], key), (file, b"1" * 32)):
        with pytest.raises(OperatorError):
            list(opened(io.BytesIO(wrong), with_key))
    with pytest.raises(OperatorError, match="no backup"):
        list(opened(io.BytesIO(b"something else"), key))
    first_chunk_last = file[:56] + file[56:60] + b"\x01" + file[61 : 61 + 1024 * 1024 + 16]
    with pytest.raises(OperatorError, match="was changed"):  # an earlier chunk given out as the last
        list(opened(io.BytesIO(first_chunk_last), key))


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = new_key(path)
    assert (read_key(path), path.stat().st_mode & 0o777) == (key, 0o600)
    with pytest.raises(OperatorError, match="there already"):
        new_key(path)
    path.write_text("00")
    with pytest.raises(OperatorError, match="1 bytes, not 32"):
        read_key(path)
