"""What is read of a backup's file."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.aws.backup_objects import Listed
from ops.aws.errors import OperatorError
from ops.aws.sealed_file import opened


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


def lines_in(path: Path, key: bytes) -> Iterator[dict[str, Any]]:
    """Of a backup. Raises OperatorError if it is not whole."""
    with path.open("rb") as file, gzip.open(io.BufferedReader(_Pieces(opened(file, key)))) as unpacked:
        last: dict[str, Any] = {}
        for text in unpacked:
            last = json.loads(text)
            yield last
    if "end" not in last:
        raise OperatorError(f"{path} is not whole.")


def objects_in(path: Path, key: bytes) -> Iterator[Listed]:
    """The objects that a backup lists. Raises OperatorError if it is not whole."""
    return (Listed(**line["object"]) for line in lines_in(path, key) if "object" in line)
