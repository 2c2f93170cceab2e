"""Objects in memory."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from chalicelib.domain.errors import PartsLostError, TooLargeError
from chalicelib.domain.sweeping import Listed
from chalicelib.domain.uploads import UploadForm
from tests.fakes.steps import Steps

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class MemoryObjects:
    """Every port of objects in a dictionary, as (bytes, media type). `put` never changes what is there."""

    def __init__(self, steps: Steps | None = None) -> None:
        self.stored: dict[str, tuple[bytes, str]] = {}
        self.parted: dict[str, tuple[str, str, dict[int, bytes]]] = {}  # uploads in parts that are under way
        self.stored_at: dict[str, datetime] = {}  # of those that were not stored long ago
        self.versions: dict[str, tuple[bytes, str]] = {}  # that are kept of objects which are gone
        self._steps = steps or Steps()

    def put(self, object_key: str, data: bytes, media_type: str) -> None:
        with self._steps.step("objects.put"):
            assert self.stored.get(object_key, (data, media_type)) == (data, media_type), "object keys are used once"
            self.stored[object_key] = (data, media_type)

    def get(self, object_key: str) -> bytes | None:
        with self._steps.step("objects.get"):
            found = self.stored.get(object_key)
            return None if found is None else found[0]

    def form(
        self, object_key: str, media_type: str, most_bytes: int, seconds: int, leads_to: str | None = None
    ) -> UploadForm:
        fields = {"key": object_key, "Content-Type": media_type, "most": str(most_bytes), "seconds": str(seconds)}
        if leads_to is not None:
            fields["success_action_redirect"] = leads_to
        return UploadForm("https://objects.test/", fields)

    def arrive(self, object_key: str, data: bytes) -> None:
        """What a browser does with a form. It may do so again."""
        self.stored[object_key] = (data, "image/png")

    def fetch(self, object_key: str, most_bytes: int) -> bytes | None:
        with self._steps.step("objects.fetch"):
            found = self.stored.get(object_key)
            if found is not None and len(found[0]) > most_bytes:
                raise TooLargeError(f"The file has {len(found[0])} bytes; at most {most_bytes} were agreed.")
            return None if found is None else found[0]

    def remove(self, object_keys: Sequence[str]) -> None:
        assert 0 < len(object_keys) <= 1000, "S3 takes 1 to 1000 in one call"
        with self._steps.step("objects.remove"):
            for object_key in object_keys:
                self.stored.pop(object_key, None)

    def signed_address(self, object_key: str, media_type: str, seconds: int) -> str:
        query = urlencode({"response-content-type": media_type, "X-Amz-Expires": seconds})
        return f"https://objects.test/{object_key}?{query}"

    def listed(self, prefix: str, after: str, limit: int) -> list[Listed]:
        with self._steps.step("objects.listed"):
            keys = sorted(key for key in self.stored if key.startswith(prefix) and key > after)[:limit]
            return [Listed(key, len(self.stored[key][0]), self.stored_at.get(key, LONG_AGO)) for key in keys]

    def is_there(self, object_key: str) -> bool:
        with self._steps.step("objects.is_there"):
            return object_key in self.stored

    def copy(self, source: str, target: str) -> bool:
        with self._steps.step("objects.copy"):
            if source in self.stored:
                self.stored[target] = self.stored[source]
            return source in self.stored

    def revive(self, object_key: str) -> bool:
        with self._steps.step("objects.revive"):
            if object_key in self.versions:
                self.stored[object_key] = self.versions[object_key]
            return object_key in self.versions

    def erase(self, prefix: str, limit: int) -> tuple[int, int]:
        with self._steps.step("objects.erase"):
            kept = [(one, key) for one in (self.stored, self.versions) for key in one if key.startswith(prefix)][:limit]
            for one, key in kept:
                del one[key]
            return len(kept), 0

    def marked(self, marker: str) -> int:
        with self._steps.step("objects.marked"):
            return int(self.stored.get(marker, (b"0", ""))[0])

    def mark(self, marker: str, number: int) -> None:
        with self._steps.step("objects.mark"):
            self.stored[marker] = (str(number).encode(), "text/plain")

    def begin_parts(self, object_key: str, media_type: str) -> str:
        with self._steps.step("objects.begin_parts"):
            upload_id = f"upload-{len(self.parted)}"
            self.parted[upload_id] = (object_key, media_type, {})
            return upload_id

    def put_part(self, object_key: str, upload_id: str, number: int, data: bytes) -> str:
        with self._steps.step("objects.put_part"):
            self._parts_of(object_key, upload_id)[number] = data
            return hashlib.md5(data, usedforsecurity=False).hexdigest()

    def end_parts(self, object_key: str, upload_id: str, tags: Sequence[str]) -> None:
        with self._steps.step("objects.end_parts"):
            parts = self._parts_of(object_key, upload_id)
            found = [hashlib.md5(parts.get(n, b""), usedforsecurity=False).hexdigest() for n in range(1, len(tags) + 1)]
            if found != list(tags):
                raise PartsLostError("other parts")
            data = b"".join(parts[number] for number in range(1, len(tags) + 1))
            self.stored[object_key] = (data, self.parted.pop(upload_id)[1])

    def drop_parts(self, object_key: str, upload_id: str) -> None:
        with self._steps.step("objects.drop_parts"):
            self._parts_of(object_key, upload_id)
            del self.parted[upload_id]

    def _parts_of(self, object_key: str, upload_id: str) -> dict[int, bytes]:
        if upload_id not in self.parted:
            raise PartsLostError("no such upload")
        assert self.parted[upload_id][0] == object_key
        return self.parted[upload_id][2]
