"""Renderer that makes renditions of nothing but their names."""

from collections.abc import Sequence

from chalicelib.domain.errors import StoreError
from chalicelib.domain.renditions import Kind, Rendered, Seen
from tests.fakes.steps import Steps


class FixedRenderer:
    """Renderer that sees the same in any bytes, or fails all of them with `failure`."""

    def __init__(self, seen: Seen | None = None, steps: Steps | None = None) -> None:
        self.seen = seen or Seen(width=3, height=2, colours=((208, 28, 28, 1.0),), taken="2024:05:17 08:30:00")
        self.failure: StoreError | None = None
        self._steps = steps or Steps()

    def render(self, data: bytes, media_type: str, kinds: Sequence[Kind]) -> tuple[Seen, list[Rendered]]:
        with self._steps.step("renderer.render"):
            if self.failure is not None:
                raise self.failure
            return self.seen, [
                Rendered(kind, self.seen.width, self.seen.height, f"{kind.name} of {media_type}".encode() + data[:16])
                for kind in kinds
            ]
