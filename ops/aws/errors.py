"""What can be wrong with what stands in the templates, or was given for them."""


class StageError(Exception):
    """A stage cannot be made of what is known; the message says what lacks."""
