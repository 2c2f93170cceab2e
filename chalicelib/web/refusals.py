"""What the web refuses before any use case is asked."""

from chalicelib.domain.errors import StoreError


class NotAllowedError(StoreError):
    """Whoever it comes from may not do this."""


class ForeignOriginError(StoreError):
    """A page of another site sent a change."""


class ForgedFormError(StoreError):
    """A form was sent that was not given to this browser, or too long ago."""
