"""What can go wrong while the local cloud starts or runs."""


class LocalCloudError(Exception):
    """Its message is one or two plain sentences for the person at the terminal: what is wrong and what to do."""


class StopRequestedError(Exception):
    """A signal asked for an orderly stop while something was being awaited."""


class ChildEndedError(Exception):
    """A process ended while something was being awaited; `name` is what it was called by."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} ended")
        self.name = name
