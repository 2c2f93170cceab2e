"""Inspector that believes what it was told."""

from chalicelib.domain.errors import RequestError
from chalicelib.domain.images import ImageFacts
from tests.fakes.steps import Steps

SMALL_PNG = ImageFacts("image/png", width=3, height=2, frames=1)


class FixedInspector:
    """Inspector that gives the same facts of any bytes, or refuses all of them with `refusal`."""

    def __init__(self, facts: ImageFacts = SMALL_PNG, steps: Steps | None = None) -> None:
        self.facts = facts
        self.refusal: RequestError | None = None
        self._steps = steps or Steps()

    def inspect(self, data: bytes) -> ImageFacts:
        with self._steps.step("inspector.inspect"):
            if self.refusal is not None:
                raise self.refusal
            return self.facts
