"""Changes to many images at once, each one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.idempotency_rows import keep_answer
from chalicelib.adapters.mysql.image_rows import bump, drop_images, images_under, locked_owner
from chalicelib.adapters.mysql.image_terms import index
from chalicelib.adapters.mysql.tag_rows import put_by_hand, take_off
from chalicelib.adapters.mysql.trash_rows import MANY_SECONDS, are_due
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.idempotency import Note
from chalicelib.domain.trash_ports import Gone, Refused


class MySqlManyRows:
    """ManyRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def delete(self, principal: Principal, keys: Sequence[bytes], seed: bytes, note: Note[Gone] | None = None) -> Gone:
        tried: list[Gone] = []

        def work(transaction: Transaction) -> Gone:
            owner = locked_owner(transaction, principal)
            if tried and are_due(transaction, tried[-1]):
                return tried[-1]  # committed, its answer was lost
            images = images_under(transaction, owner, keys)
            due = drop_images(transaction, owner, images, seed)
            tried.append(Gone(tuple(image.key for image in images), due))
            if note is not None:
                keep_answer(transaction, owner.id, note.asked, note.answer_of(tried[-1]))
            return tried[-1]

        return self._database.transaction(work, patience_seconds=MANY_SECONDS)

    def add_tag(
        self,
        principal: Principal,
        keys: Sequence[bytes],
        tag: str,
        most: int,
        note: Note[Mapping[bytes, Refused]] | None = None,
    ) -> Mapping[bytes, Refused]:
        def work(transaction: Transaction) -> Mapping[bytes, Refused]:
            owner = locked_owner(transaction, principal)
            there = [image.key for image in images_under(transaction, owner, keys)]
            counts, tagged = _tags_of(transaction, owner, there, tag)
            refused = dict.fromkeys(set(keys) - set(there), "not-found")
            refused |= {key: "too-many-tags" for key in there if counts[key] >= most and key not in tagged}
            wanted = [key for key in there if key not in refused and tagged.get(key) in (None, "automatic")]
            if wanted:
                put_by_hand(transaction, owner, wanted, tag)
                index(transaction, owner.id, wanted)
                bump(transaction, owner)
            if note is not None:
                keep_answer(transaction, owner.id, note.asked, note.answer_of(refused))
            return refused

        return self._database.transaction(work, patience_seconds=MANY_SECONDS)

    def remove_tag(
        self, principal: Principal, keys: Sequence[bytes], tag: str, note: Note[Mapping[bytes, Refused]] | None = None
    ) -> Mapping[bytes, Refused]:
        tried: list[Mapping[bytes, Refused]] = []

        def work(transaction: Transaction) -> Mapping[bytes, Refused]:
            owner = locked_owner(transaction, principal)
            _, tagged = _tags_of(transaction, owner, keys, tag)
            if not tagged and tried:
                return tried[-1]  # committed, its answer was lost
            if tagged:
                take_off(transaction, owner, sorted(tagged), tag)
                index(transaction, owner.id, sorted(tagged))
                bump(transaction, owner)
            refused = dict.fromkeys(set(keys) - tagged.keys(), "not-found")
            if note is not None:
                keep_answer(transaction, owner.id, note.asked, note.answer_of(refused))
            tried.append(refused)
            return refused

        return self._database.transaction(work, patience_seconds=MANY_SECONDS)


def _tags_of(
    transaction: Transaction, owner: Owner, keys: Sequence[bytes], tag: str
) -> tuple[Counter[bytes], dict[bytes, str]]:
    """How many tags each of the images has, and where those that have this one have it from."""
    if not keys:
        return Counter(), {}
    found = transaction.select(
        "SELECT image_key, tag, source FROM image_tags "
        "WHERE owner_id = %s AND image_key IN %s AND removed = 0 FOR UPDATE",
        (owner.id, tuple(keys)),
    )
    return Counter(key for key, _, _ in found), {key: source for key, one, source in found if one == tag}
