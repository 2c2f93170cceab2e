"""Whether what a request was answered from may be old."""

import threading


class Staleness(threading.local):
    """A note that each thread keeps for the request it serves: whether rows of a replica went into the answer.

    A request is served from its beginning to its end by one thread. Whoever serves requests calls `begin` first.
    """

    noted = False

    def begin(self) -> None:
        """A new request: nothing old has been seen yet."""
        self.noted = False

    def note(self) -> None:
        """Rows that may be old have been read."""
        self.noted = True
