"""Whose answer a list is, when a replica stands beside the primary."""

from enum import Enum


class ListSource(Enum):
    """Who gave a list, and if not the replica, why."""

    REPLICA = "the replica"
    BEHIND = "the primary, because the replica is behind"
    SILENT = "the primary, because the replica does not answer"
    PRIMARY = "the primary"  # there is no replica

    @property
    def server(self) -> str:
        """Which of the two gave it: “replica” or “primary”."""
        return "replica" if self is ListSource.REPLICA else "primary"


def source_of(needed_version: int, shown_version: int | None) -> ListSource:
    """Whether rows that the replica gave may be shown.

    `needed_version` is the owner's at the primary, read after the request began; `shown_version` is the one that came
    with the rows in one statement, None if the replica does not know the owner yet.
    """
    if shown_version is not None and shown_version >= needed_version:
        return ListSource.REPLICA
    return ListSource.BEHIND
