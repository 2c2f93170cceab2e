"""SettingsRows in memory."""

from collections.abc import Mapping

from tests.fakes.store import MemoryStore


class MemorySettingsRows:
    """SettingsRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def read(self, name: str) -> tuple[int, Mapping[str, object]]:
        with self._store.steps.step("settings.read"), self._store.lock:
            return self._store.settings.get(name, (0, {}))

    def write(self, name: str, expected_version: int, values: Mapping[str, object]) -> bool:
        with self._store.steps.step("settings.write"), self._store.lock:
            version, stored = self._store.settings.get(name, (0, {}))
            if version == expected_version + 1 and stored == values:
                return True  # as a retry whose first answer was lost
            if version != expected_version:
                return False
            self._store.settings[name] = (version + 1, dict(values))
            return True
