"""An independent look at both sides of the store, rows and objects: what one has and the other does not."""

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.sweeping import MARKER
from ops.database import from_environ
from ops.local.bootstrap import client

READERS = 4
ON_ARRIVAL = ("thumbnail", "preview")


@dataclass(frozen=True)
class Sides:
    """Rows as the primary has them, and every object by its key, with its size in bytes."""

    images: Mapping[str, tuple[Any, ...]]  # by object key: owner, key, sha256, size
    renditions: list[tuple[Any, ...]]  # owner, key, kind, state, source's object key, own object key, sha256, size
    tags: set[tuple[bytes, bytes]]  # owner and key
    counted: Mapping[bytes, int]  # by owner: how many images, as its row says
    spent: Mapping[bytes, int]  # by owner: bytes that count against the quota, as its row says
    trashed: Mapping[bytes, int]  # by owner: bytes of originals in the trash
    waiting: set[str]  # incoming keys of uploads that wait for their bytes
    owed: str  # the bodies of all jobs
    objects: Mapping[str, int]


def look(environ: Mapping[str, str]) -> Sides:
    """Both sides, while nothing is written."""
    images = rows(environ, "SELECT object_key, owner_id, image_key, sha256, size FROM images")
    return Sides(
        images={row[0]: tuple(row[1:]) for row in images},
        renditions=rows(
            environ,
            "SELECT owner_id, image_key, kind, state, source_object_key, object_key, sha256, size FROM renditions",
        ),
        tags=set(rows(environ, "SELECT DISTINCT owner_id, image_key FROM image_tags")),
        counted=dict(rows(environ, "SELECT id, images FROM owners")),
        spent=dict(rows(environ, "SELECT id, bytes FROM owners")),
        trashed={
            owner: int(size)
            for owner, size in rows(environ, "SELECT owner_id, SUM(size) FROM trashed_images GROUP BY owner_id")
        },
        waiting={row[0] for row in rows(environ, "SELECT incoming_key FROM uploads WHERE state = 'waiting'")},
        owed=" ".join(row[0] for row in rows(environ, "SELECT body FROM jobs")),
        objects=_objects(environ),
    )


def dangling(sides: Sides) -> list[str]:
    """What has no counterpart, in words; nothing of it may be."""
    named = {(owner, key): object_key for object_key, (owner, key, _, _) in sides.images.items()}
    made = {row[5]: row for row in sides.renditions if row[3] == "ready"}
    wrong = [f"image without object: {key}" for key in sides.images if key not in sides.objects]
    wrong += [f"ready rendition without object: {key}" for key in made if key not in sides.objects]
    wrong += [
        f"{kind} without its parent: {own}"
        for owner, key, kind, _, source, own, _, _ in sides.renditions
        if named.get((owner, key)) != source
    ]
    there = Counter(owner for owner, _ in named)
    wrong += [
        f"{owner.hex()} has {there[owner]} images, its row says {count}"
        for owner, count in sides.counted.items()
        if there[owner] != count
    ]
    added = Counter(sides.trashed)
    for owner, _, _, size in sides.images.values():
        added[owner] += size
    for row in made.values():
        added[row[0]] += row[7]
    wrong += [
        f"{owner.hex()} has {added[owner]} bytes, its row says {spent}"
        for owner, spent in sides.spent.items()
        if added[owner] != spent
    ]
    wrong += [f"tags without an image: {key!r}" for owner, key in sides.tags if (owner, key) not in named]
    sizes = {key: row[3] for key, row in sides.images.items()}
    sizes |= {key: row[7] for key, row in made.items()}
    wrong += [
        f"{key} has {sides.objects[key]} bytes, its row says {size}"
        for key, size in sizes.items()
        if sides.objects.get(key, size) != size
    ]
    wrong += [
        f"object without row or announcement: {key}"
        for key in sides.objects
        if key not in sides.images and key not in made and key not in sides.waiting and key not in sides.owed
    ]
    return wrong


def unfinished(sides: Sides) -> list[str]:
    """What is not done yet, in words: renditions that are not ready, uploads that wait, objects that are to go."""
    wrong = [f"{row[2]} of {row[1]!r} is {row[3]}" for row in sides.renditions if row[3] != "ready"]
    wrong += [f"an upload waits: {key}" for key in sides.waiting]
    there = {(row[4], row[2]) for row in sides.renditions}
    wrong += [f"{key} has no {kind}" for key in sides.images for kind in ON_ARRIVAL if (key, kind) not in there]
    made = {row[5] for row in sides.renditions}
    wrong += [f"object that nothing names: {key}" for key in sides.objects.keys() - sides.images.keys() - made]
    return wrong


def other_bytes(environ: Mapping[str, str], digests: Iterable[tuple[str, bytes]]) -> list[str]:
    """Those objects whose bytes are not of that SHA-256, read from the object store itself."""
    s3 = _s3(environ["AWS_ENDPOINT_URL"])

    def differs(one: tuple[str, bytes]) -> str | None:
        data = s3.get_object(Bucket=environ["BUCKET"], Key=one[0])["Body"].read()
        return None if hashlib.sha256(data).digest() == one[1] else f"{one[0]} has other bytes than its row says"

    with ThreadPoolExecutor(READERS) as pool:
        return [found for found in pool.map(differs, digests) if found is not None]


def rows(environ: Mapping[str, str], sql: str, args: Sequence[object] = ()) -> list[Any]:
    """The rows of one statement, as the application's user."""
    with closing(from_environ(environ).connect()) as connection, connection.cursor() as cursor:
        cursor.execute(sql, args)
        return list(cursor.fetchall())


def change(environ: Mapping[str, str], sql: str) -> None:
    """One statement, committed at once."""
    rows(environ, sql)


def _objects(environ: Mapping[str, str]) -> dict[str, int]:
    s3 = _s3(environ["AWS_ENDPOINT_URL"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=environ["BUCKET"])
    found = {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}
    return {key: size for key, size in found.items() if key != MARKER}  # the sweeper's own, which no row names


@functools.lru_cache(maxsize=1)
def _s3(endpoint: str) -> Any:
    """Making one takes longer than most questions."""
    return client("s3", endpoint)
