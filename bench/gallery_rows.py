"""A million images' rows in a MariaDB of the benchmark's own, loaded in the order of their keys: minutes, not hours.

What the images are found by is what the store's own functions say.
"""

import tempfile
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymysql
from pymysql.cursors import Cursor

from chalicelib.adapters.mysql.database import Database
from chalicelib.domain.search_terms import terms_of, whole_terms_of
from chalicelib.domain.words import words_of
from ops.local import mariadb
from tests.contract.real_parts import MariaDb, state_folder

BIG = "owner-of-700,000"
OWNERS = {BIG: 700_000, "owner-of-200,000": 200_000, "owner-of--80,000": 80_000, "owner-of--20,000": 20_000}
COMMON, RARE = "holiday", "eclipse"  # tags: of 100,000 images and of twenty of the biggest owner's
_COMMON_EVERY, _RARE_EVERY = 7, 35_000
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstv" for vowel in "aeio"]
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_COLOURS = ("blue", "green", "grey", "brown", "white")
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_LOAD_SECONDS = 900
_IMAGE_COLUMNS = "owner_id, image_key, object_key, created_at, sha256, size, media_type, width, height, frames"
# Memory for all the rows: what is compared is work, not how much of it a small buffer spares.
_OPTIONS = ("--innodb-buffer-pool-size=2G", "--innodb-log-buffer-size=64M", "--innodb-flush-log-at-trx-commit=0")


def key_of(number: int) -> bytes:
    """Such as "kemaro 4f2k": every syllable is as frequent as the others, and every number stands for itself."""
    several = len(_SYLLABLES)
    first, second, third = number * 7919 % several, number * 31 // 7 % several, number // 5 % several
    return f"{_SYLLABLES[first]}{_SYLLABLES[second]}{_SYLLABLES[third]} {_base_36(number)}".encode()


def _base_36(number: int) -> str:
    """The number in digits and letters, as cameras and people shorten it."""
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def tags_of(number: int) -> tuple[str, ...]:
    """A colour and an orientation, and sometimes more."""
    found = [_COLOURS[number % len(_COLOURS)], "portrait" if number % 3 == 0 else "landscape"]
    found += [COMMON] if number % _COMMON_EVERY == 0 else []
    found += [RARE] if number % _RARE_EVERY == 0 else []
    return tuple(found)


def uploaded_at(number: int) -> datetime:
    """An image every ninety seconds."""
    return _FIRST + timedelta(seconds=90 * number)


@contextmanager
def gallery() -> Iterator[Database]:
    """The rows, for as long as the block runs; the server and its folder are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-gallery-") as folder:
        maria = MariaDb(state_folder(Path(folder)), options=_OPTIONS)
        try:
            with closing(_loading(maria)) as connection, connection.cursor() as cursor:
                _load(cursor, Path(folder))
            with closing(maria.database(answer_timeout_seconds=30)) as database:
                yield database
        finally:
            maria.server.kill()


def _load(cursor: Cursor, folder: Path) -> None:
    """The empty tables are filled in the order of their keys, which InnoDB does at one go."""
    cursor.execute("SET unique_checks = 0, foreign_key_checks = 0")
    for name in OWNERS:
        cursor.execute(
            "INSERT INTO owners (id, name, created_at) VALUES (%s, %s, UTC_TIMESTAMP(6))", (name.encode(), name)
        )
    most = max(OWNERS.values())
    keys = [key_of(number) for number in range(most)]
    times = [uploaded_at(number).strftime("%Y-%m-%d %H:%M:%S").encode() for number in range(most)]
    images, terms, counts = folder / "images", folder / "terms", folder / "counts"
    _write(images, _image_lines(keys, times))
    _take(cursor, images, "images", _IMAGE_COLUMNS)
    postings = _postings(keys)
    _write(terms, _term_lines(postings, keys, times))
    _take(cursor, terms, "image_terms", "owner_id, term, created_at, image_key")
    _write(counts, _count_lines(keys))
    _take(cursor, counts, "owner_terms", "owner_id, term, images")
    cursor.execute("ANALYZE TABLE images, image_terms, owner_terms")


def _image_lines(keys: list[bytes], times: list[bytes]) -> Iterator[bytes]:
    for name in sorted(OWNERS):
        for place, number in enumerate(sorted(range(OWNERS[name]), key=keys.__getitem__)):
            yield b"%s\t%s\toriginals/%s/%08d\t%s\t%s\t5000\timage/jpeg\t64\t48\t1\n" % (
                name.encode(),
                keys[number],
                name.encode(),
                place,
                times[number],
                b"0" * 32,
            )


def _postings(keys: list[bytes]) -> dict[bytes, "array[int]"]:
    """For each term the numbers of the images that have it, ascending."""
    found: defaultdict[bytes, array[int]] = defaultdict(lambda: array("I"))
    for number, key in enumerate(keys):
        for term in terms_of(words_of(key.decode()), tags_of(number)):
            found[term].append(number)
    return found


def _term_lines(postings: dict[bytes, "array[int]"], keys: list[bytes], times: list[bytes]) -> Iterator[bytes]:
    ordered = sorted(postings)
    for name in sorted(OWNERS):
        most, owner = OWNERS[name], name.encode()
        for term in ordered:
            begin = b"%s\t%s\t" % (owner, term)
            yield b"".join(
                [b"%s%s\t%s\n" % (begin, times[number], keys[number]) for number in postings[term] if number < most]
            )


def _count_lines(keys: list[bytes]) -> Iterator[bytes]:
    for name in sorted(OWNERS):
        counts: Counter[bytes] = Counter()
        for number in range(OWNERS[name]):
            counts.update(whole_terms_of(words_of(keys[number].decode()), tags_of(number)))
        for term in sorted(counts):
            yield b"%s\t%s\t%d\n" % (name.encode(), term, counts[term])


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(lines)


def _take(cursor: Cursor, path: Path, table: str, columns: str) -> None:
    cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} CHARACTER SET binary ({columns})")
    path.unlink()


def _loading(maria: MariaDb) -> "pymysql.Connection[Cursor]":
    return pymysql.connect(
        host="127.0.0.1",
        port=maria.port,
        user=mariadb.MIGRATIONS_USER,
        password=maria.secrets["migrations_password"],
        database=mariadb.DATABASE,
        charset="utf8mb4",
        autocommit=True,
        local_infile=True,
        ssl_disabled=True,
        connect_timeout=5,
        read_timeout=_LOAD_SECONDS,
        write_timeout=_LOAD_SECONDS,
    )
