"""What telling owners by mail, and looking at images for labels, need of the world, as narrow protocols."""

from typing import Protocol

from chalicelib.domain.notices import NoticeText, Told


class EditNotices(Protocol):
    """A topic, and who gets what of it by mail. Calls raise NoticesUnavailableError; refusals NoticeRefusedError."""

    def publish(self, notice: NoticeText) -> None:
        """Sends it to whoever subscribed to that account's notices."""

    def subscribe(self, email: str, account: str) -> str:
        """Asks the address whether it wants the account's notices; the subscription's name. Asked twice, it is one."""

    def state(self, subscription: str) -> Told:
        """OFF if there is no such subscription any more."""

    def unsubscribe(self, subscription: str) -> None:
        """Ends it. One that is not confirmed yet may be refused: it ends by itself in two days."""


class Labels(Protocol):
    """Names what an image shows."""

    def of(self, jpeg: bytes) -> list[str]:
        """Names as they come, most certain first. Raises LabelsUnavailableError, or LabelsRefusedError for good."""
