"""Ids of rows in addresses and forms: 16 bytes as 32 hexadecimal digits."""

from chalicelib.domain.errors import UnknownAlbumError, UnknownShareError

_DIGITS = 32


def album_id_of(text: str) -> bytes:
    """The album's id. Raises UnknownAlbumError."""
    found = _id_of(text)
    if found is None:
        raise UnknownAlbumError("You have no such album.")
    return found


def share_id_of(text: str) -> bytes:
    """The link's id. Raises UnknownShareError."""
    found = _id_of(text)
    if found is None:
        raise UnknownShareError("You have no such link.")
    return found


def shared_image_id_of(text: str) -> bytes:
    """The id of an image behind a link. Raises UnknownShareError."""
    found = _id_of(text)
    if found is None:
        raise UnknownShareError("There is no such image behind this link.")
    return found


def _id_of(text: str) -> bytes | None:
    fits = len(text) == _DIGITS and set(text) <= set("0123456789abcdef")
    return bytes.fromhex(text) if fits else None
