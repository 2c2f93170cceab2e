"""Objects in memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlencode

from tests.fakes.steps import Steps


class MemoryObjects:
    """Objects in a dictionary, as (bytes, media type). A key used twice for other bytes is a fault of the caller's."""

    def __init__(self, steps: Steps | None = None) -> None:
        self.stored: dict[str, tuple[bytes, str]] = {}
        self._steps = steps or Steps()

    def put(self, object_key: str, data: bytes, media_type: str) -> None:
        with self._steps.step("objects.put"):
            assert self.stored.get(object_key, (data, media_type)) == (data, media_type), "object keys are used once"
            self.stored[object_key] = (data, media_type)

    def get(self, object_key: str) -> bytes | None:
        with self._steps.step("objects.get"):
            found = self.stored.get(object_key)
            return None if found is None else found[0]

    def remove(self, object_keys: Sequence[str]) -> None:
        assert 0 < len(object_keys) <= 1000, "S3 takes 1 to 1000 in one call"
        with self._steps.step("objects.remove"):
            for object_key in object_keys:
                self.stored.pop(object_key, None)

    def signed_address(self, object_key: str, media_type: str, seconds: int) -> str:
        query = urlencode({"response-content-type": media_type, "X-Amz-Expires": seconds})
        return f"https://objects.test/{object_key}?{query}"

    @contextmanager
    def writing(self, object_key: str, media_type: str) -> Iterator[Callable[[bytes], None]]:
        pieces: list[bytes] = []
        yield pieces.append
        with self._steps.step("objects.write"):
            self.stored[object_key] = (b"".join(pieces), media_type)
