"""An image's bytes as the worker needs them: those that were stored, and no others."""

import hashlib
import logging

from chalicelib.domain.errors import ObjectsUnavailableError, UnreadableImageError
from chalicelib.domain.images import Image
from chalicelib.domain.ports import Objects

logger = logging.getLogger(__name__)


def stored_bytes(objects: Objects, image: Image) -> bytes:
    """The bytes. Raises ObjectsUnavailableError: to be tried again; or UnreadableImageError if they are damaged."""
    data = objects.get(image.object_key)
    if data is None:  # deleted meanwhile, which the next try sees
        raise ObjectsUnavailableError(f"The object {image.object_key} is not there.")
    if hashlib.sha256(data).digest() != image.sha256:  # they are never changed, so another try would find the same
        logger.error("the bytes of object %s are not those that were stored", image.object_key)
        raise UnreadableImageError("The image's bytes in the store are damaged: upload it again.")
    return data
