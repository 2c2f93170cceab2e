"""Reads and changes the settings of the cache fleet; changes are all or nothing and survive restarts."""

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain import cache_settings
from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.errors import OverloadedError
from chalicelib.domain.ports import SettingsRows

NAME = "cache"
WRITE_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class CacheConfiguration:
    """The stored cache settings."""

    settings: SettingsRows
    fleet_nodes: int  # as the environment has it, until somebody chooses another number
    fleet_mode: str = "manual"

    def current(self) -> CacheSettings:
        """The settings in force."""
        return self._read()[1]

    def change(self, given: Mapping[str, str]) -> CacheSettings:
        """The settings after the change. Raises InvalidValueError, or OverloadedError if others change them at once."""
        for _ in range(WRITE_ATTEMPTS):
            version, before = self._read()
            after = cache_settings.changed(before, given)
            if after == before or self.settings.write(NAME, version, cache_settings.to_mapping(after)):
                return after
        raise OverloadedError("The settings are being changed by others at the same time; try again.")

    def _read(self) -> tuple[int, CacheSettings]:
        version, stored = self.settings.read(NAME)
        return version, cache_settings.from_mapping({"num_nodes": self.fleet_nodes, "mode": self.fleet_mode, **stored})
