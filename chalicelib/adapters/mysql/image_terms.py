"""Keeps what images are found by, within the transaction that changes them. The owner's row is locked by then."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.domain.keys import text_of
from chalicelib.domain.search_terms import terms_of, whole_terms_of
from chalicelib.domain.words import words_of

_OF = "owner_id = %s AND image_key IN %s"


@dataclass(frozen=True, slots=True)
class _Indexed:
    """What one image is found by. None of the tags has a comma."""

    created_at: datetime
    words: tuple[str, ...]
    tags: tuple[str, ...]


def index(transaction: Transaction, owner_id: bytes, keys: Sequence[bytes]) -> None:
    """Makes these images found by what their rows say now, and not found at all where there is no row any more.

    To be called after every change of an image's key, time, caption or tags; called again it changes nothing.
    """
    if not keys:
        return
    before, after = _indexed(transaction, owner_id, keys), _to_index(transaction, owner_id, keys)
    changed = [key for key in keys if before.get(key) != after.get(key)]
    if not changed:
        return
    old, new = _rows(before, changed), _rows(after, changed)
    _take_out(transaction, owner_id, old - new)
    transaction.change_many(
        "INSERT INTO image_terms (owner_id, term, created_at, image_key) VALUES (%s, %s, %s, %s)",
        [(owner_id, *row) for row in sorted(new - old)],
    )
    _count(transaction, owner_id, _whole(before, changed), _whole(after, changed))
    transaction.change(f"DELETE FROM indexed_images WHERE {_OF}", (owner_id, tuple(changed)))
    transaction.change_many(
        "INSERT INTO indexed_images (owner_id, image_key, created_at, words, tags) VALUES (%s, %s, %s, %s, %s)",
        [
            (owner_id, key, one.created_at, " ".join(one.words), ",".join(one.tags))
            for key in changed
            if (one := after.get(key)) is not None
        ],
    )


def forget_all(transaction: Transaction, owner_id: bytes) -> None:
    """No image of the owner's is found any more."""
    for table in ("image_terms", "indexed_images", "owner_terms"):
        transaction.change(f"DELETE FROM {table} WHERE owner_id = %s", (owner_id,))


def _indexed(transaction: Transaction, owner_id: bytes, keys: Sequence[bytes]) -> dict[bytes, _Indexed]:
    found = transaction.select(
        f"SELECT image_key, created_at, words, tags FROM indexed_images WHERE {_OF} FOR UPDATE",
        (owner_id, tuple(keys)),
    )
    return {
        key: _Indexed(at, tuple(words.split()), tuple(tags.split(",")) if tags else ())
        for key, at, words, tags in found
    }


def _to_index(transaction: Transaction, owner_id: bytes, keys: Sequence[bytes]) -> dict[bytes, _Indexed]:
    """What the rows say."""
    images = transaction.select(
        "SELECT i.image_key, i.created_at, COALESCE(d.caption, '') FROM images i "
        "LEFT JOIN image_details d ON d.owner_id = i.owner_id AND d.image_key = i.image_key "
        "WHERE i.owner_id = %s AND i.image_key IN %s",
        (owner_id, tuple(keys)),
    )
    tags: defaultdict[bytes, list[str]] = defaultdict(list)
    for key, tag in transaction.select(
        f"SELECT image_key, tag FROM image_tags WHERE {_OF} AND removed = 0", (owner_id, tuple(keys))
    ):
        tags[key].append(tag)
    return {key: _Indexed(at, words_of(text_of(key), caption), tuple(sorted(tags[key]))) for key, at, caption in images}


_Row = tuple[bytes, datetime, bytes]  # term, time, key


def _rows(indexed: dict[bytes, _Indexed], keys: Iterable[bytes]) -> set[_Row]:
    found = ((key, indexed[key]) for key in keys if key in indexed)
    return {(term, one.created_at, key) for key, one in found for term in terms_of(one.words, one.tags)}


def _take_out(transaction: Transaction, owner_id: bytes, rows: set[_Row]) -> None:
    of_image: defaultdict[tuple[datetime, bytes], list[bytes]] = defaultdict(list)
    for term, at, key in rows:
        of_image[at, key].append(term)
    for (at, key), terms in sorted(of_image.items()):
        transaction.change(
            "DELETE FROM image_terms WHERE owner_id = %s AND term IN %s AND created_at = %s AND image_key = %s",
            (owner_id, tuple(sorted(terms)), at, key),
        )


def _whole(indexed: dict[bytes, _Indexed], keys: Iterable[bytes]) -> Counter[bytes]:
    found = (indexed[key] for key in keys if key in indexed)
    return Counter(term for one in found for term in whole_terms_of(one.words, one.tags))


def _count(transaction: Transaction, owner_id: bytes, before: Counter[bytes], after: Counter[bytes]) -> None:
    """Brings up to date how many images have each word and each tag."""
    by_change: defaultdict[int, list[bytes]] = defaultdict(list)
    for term in sorted({*before, *after}):
        by_change[after[term] - before[term]].append(term)
    for change, terms in sorted(by_change.items()):
        if change > 0:
            transaction.change_many(
                "INSERT INTO owner_terms (owner_id, term, images) VALUES (%s, %s, %s) "
                f"ON DUPLICATE KEY UPDATE images = images + {change:d}",
                [(owner_id, term, change) for term in terms],
            )
        elif change < 0:
            transaction.change(
                "UPDATE owner_terms SET images = images + %s WHERE owner_id = %s AND term IN %s",
                (change, owner_id, tuple(terms)),
            )
            transaction.change(
                "DELETE FROM owner_terms WHERE owner_id = %s AND term IN %s AND images <= 0", (owner_id, tuple(terms))
            )
