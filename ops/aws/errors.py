"""What can be wrong with what stands in the templates, was given for them, or is found on AWS."""


class StageError(Exception):
    """A stage cannot be made of what is known; the message says what lacks."""


class OperatorError(Exception):
    """A command cannot go on. `what` happened, `why`, and the `next` command or act that mends it."""

    def __init__(self, what: str, why: str = "", next_: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.next = what, why, next_

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, f"Next: {self.next}" if self.next else "") if part)


class UsageError(OperatorError):
    """What was asked for cannot be meant; the exit status is 2."""
