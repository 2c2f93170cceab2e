"""The bytes of a ZIP archive whose entries are stored as they are, and the names in it. Pure.

Each entry's size and CRC are known before its first byte, so that the archive needs no data descriptors and any tool
reads it, also from a stream. An archive is kept below 4 GiB and 65,535 entries, so it needs no ZIP64 either. The format
is PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
"""

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.images import FILE_EXTENSIONS

_VERSION, _UNIX = 20, 3
_UTF8_NAME = 1 << 11
_PLAIN_FILE = 0o100644 << 16
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
_MOST_PART_BYTES, _MOST_NAME_BYTES = 120, 400
_REFUSED = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control characters, turns of direction, halves of pairs


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file in an archive: `offset` is where its header begins."""

    name: str
    crc: int
    size: int
    offset: int
    at: datetime


def entry_of(name: str, data: bytes, offset: int, at: datetime) -> ZipEntry:
    """The entry of these bytes, beginning at that offset."""
    return ZipEntry(name, zlib.crc32(data), len(data), offset, at)


def header_of(entry: ZipEntry) -> bytes:
    """What stands before the entry's bytes."""
    name = entry.name.encode()
    common = _common(entry)
    return struct.pack("<4s5H3I2H", b"PK\3\4", _VERSION, *common, entry.size, entry.size, len(name), 0) + name


def directory_of(entries: Sequence[ZipEntry], offset: int) -> bytes:
    """The end of an archive: its directory, which begins at that offset."""
    records = b"".join(map(_record_of, entries))
    count = len(entries)
    return records + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(records), offset, 0)


def overhead_of(name: str) -> int:
    """How many bytes an entry of that name takes beside its own."""
    return 30 + 46 + 2 * len(name.encode())


def safe_name(key: str, media_type: str) -> str:
    """A path for an image's file that any system can unpack below a folder, and nowhere else.

    Parts are those between slashes. It ends in an extension that says what the file is.
    """
    parts = [_safe_part(part) for part in key.split("/") if part.strip(" .")] or ["image"]
    while len(parts) > 1 and len("/".join(parts).encode()) > _MOST_NAME_BYTES - 2 * _MOST_PART_BYTES:
        parts[:2] = [parts[1]]
    extensions = FILE_EXTENSIONS.get(media_type, ("",))
    if not parts[-1].lower().endswith(extensions):
        parts[-1] += extensions[0]
    return "/".join(parts)


class ZipNames:
    """The names in one archive. On some systems those that differ only in case or in how accents are stored are one."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        for name in taken:
            self._add(_folded(name))

    def take(self, name: str) -> str:
        """The name, or one like it that is neither a file nor a folder of the archive, nor below a file; taken now."""
        if any(folder in self._files for folder in _folders_of(_folded(name))):
            name = name.replace("/", "_")
        folder, slash, file = name.rpartition("/")
        stem, dot, extension = file.rpartition(".") if "." in file else (file, "", "")
        candidate, number = name, 2
        while _folded(candidate) in self._files or _folded(candidate) in self._folders:
            candidate = f"{folder}{slash}{stem} ({number}){dot}{extension}"
            number += 1
        self._add(_folded(candidate))
        return candidate

    def _add(self, folded: str) -> None:
        self._files.add(folded)
        self._folders.update(_folders_of(folded))


def _safe_part(part: str) -> str:
    shown = "".join("_" if unicodedata.category(one) in _UNSEEN else one for one in part)
    safe = _REFUSED.sub("_", shown).strip(" .") or "_"
    if _RESERVED.fullmatch(safe):
        safe = f"_{safe}"
    stem, dot, extension = safe.rpartition(".")
    if len(safe.encode()) <= _MOST_PART_BYTES:
        return safe
    if not stem or len(extension.encode()) > 10:
        stem, dot, extension = safe, "", ""
    kept = stem.encode()[: _MOST_PART_BYTES - len(extension.encode()) - 1].decode(errors="ignore").rstrip(" .")
    return kept + dot + extension


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _folders_of(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _common(entry: ZipEntry) -> tuple[int, int, int, int, int]:
    """Flags, method, time, date and CRC."""
    at = entry.at.astimezone(UTC)
    year = min(max(at.year, _FIRST_YEAR), _LAST_YEAR)
    time = at.hour << 11 | at.minute << 5 | at.second // 2
    return _UTF8_NAME, 0, time, (year - _FIRST_YEAR) << 9 | at.month << 5 | at.day, entry.crc


def _record_of(entry: ZipEntry) -> bytes:
    name = entry.name.encode()
    made_by = _UNIX << 8 | _VERSION
    sizes = (entry.size, entry.size, len(name), 0, 0, 0, 0, _PLAIN_FILE, entry.offset)
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", made_by, _VERSION, *_common(entry), *sizes) + name
