"""Ids of rows in addresses and forms: 16 bytes as 32 hexadecimal digits."""

from chalicelib.domain.errors import (
    StoreError,
    UnknownAlbumError,
    UnknownDumpError,
    UnknownShareError,
    UnknownUploadError,
    UnknownUserError,
)

_DIGITS = 32


def id_of(text: str) -> bytes | None:
    """The id; None if the text is none."""
    fits = len(text) == _DIGITS and set(text) <= set("0123456789abcdef")
    return bytes.fromhex(text) if fits else None


def known_id_of(text: str, otherwise: StoreError) -> bytes:
    """The id. Raises `otherwise` if the text is none."""
    found = id_of(text)
    if found is None:
        raise otherwise
    return found


def album_id_of(text: str) -> bytes:
    """The album's id. Raises UnknownAlbumError."""
    return known_id_of(text, UnknownAlbumError("You have no such album."))


def share_id_of(text: str) -> bytes:
    """The link's id. Raises UnknownShareError."""
    return known_id_of(text, UnknownShareError("You have no such link."))


def shared_image_id_of(text: str) -> bytes:
    """The id of an image behind a link. Raises UnknownShareError."""
    return known_id_of(text, UnknownShareError("There is no such image behind this link."))


def user_id_of(text: str) -> bytes:
    """The id of an account's owner. Raises UnknownUserError."""
    return known_id_of(text, UnknownUserError("There is no such user."))


def dump_id_of(text: str) -> bytes:
    """The dump's id. Raises UnknownDumpError."""
    return known_id_of(text, UnknownDumpError("There is no such dump."))


def upload_id_of(text: str) -> bytes:
    """The upload's id. Raises UnknownUploadError."""
    return known_id_of(text, UnknownUploadError("There is no such upload."))
