"""What goes into a download beside the images: captions, tags, and the albums that they are in."""

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.mysql.database import Selecting
from chalicelib.domain.downloads import AlbumPlace, Source
from chalicelib.domain.images import Image
from chalicelib.domain.stored_renditions import ImageTag


def sources_of(database: Selecting, owner_id: bytes, images: Sequence[Image]) -> list[Source]:
    """The owner's images, in the same order, each with what is kept of it. Raises RowsUnavailableError."""
    keys = [image.key for image in images]
    captions, tags = _captions(database, owner_id, keys), _tags(database, owner_id, keys)
    albums = _albums(database, owner_id, keys)
    return [
        Source(image, tuple(tags.get(image.key, ())), captions.get(image.key, ""), tuple(albums.get(image.key, ())))
        for image in images
    ]


def _captions(database: Selecting, owner_id: bytes, keys: Sequence[bytes]) -> dict[bytes, str]:
    return dict(
        _of_keys(
            database,
            "SELECT owner_id, image_key, caption FROM image_details WHERE owner_id = %s AND image_key IN %s",
            owner_id,
            keys,
        )
    )


def _albums(database: Selecting, owner_id: bytes, keys: Sequence[bytes]) -> dict[bytes, list[AlbumPlace]]:
    albums: dict[bytes, list[AlbumPlace]] = {}
    for key, album_id, title, place in _of_keys(
        database,
        "SELECT x.owner_id, x.image_key, l.id, l.title, x.place FROM album_images x "
        "JOIN albums l ON l.id = x.album_id AND l.owner_id = x.owner_id "
        "WHERE x.owner_id = %s AND x.image_key IN %s ORDER BY x.image_key, l.created_at, l.id",
        owner_id,
        keys,
    ):
        albums.setdefault(key, []).append(AlbumPlace(album_id, title, place))
    return albums


def _tags(database: Selecting, owner_id: bytes, keys: Sequence[bytes]) -> dict[bytes, list[ImageTag]]:
    tags: dict[bytes, list[ImageTag]] = {}
    for key, tag, source in _of_keys(
        database,
        "SELECT owner_id, image_key, tag, source FROM image_tags "
        "WHERE owner_id = %s AND image_key IN %s AND removed = 0 ORDER BY image_key, tag",
        owner_id,
        keys,
    ):
        tags.setdefault(key, []).append(ImageTag(tag, source == "automatic"))
    return tags


def _of_keys(database: Selecting, statement: str, owner_id: bytes, keys: Sequence[bytes]) -> list[tuple[Any, ...]]:
    """The rows, without the owner that each begins with, of a statement that asks for the owner and the keys."""
    if not keys:
        return []
    found = database.select(
        statement,
        (owner_id, tuple(keys)),
        belongs=lambda rows: all(row[0] == owner_id for row in rows),
    )
    return [row[1:] for row in found]
