"""Reads and changes the settings of the cache fleet; changes are all or nothing, survive restarts, and are logged."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.domain import cache_settings
from chalicelib.domain.accounts import Principal
from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import Decision
from chalicelib.domain.errors import OverloadedError
from chalicelib.domain.ports import Clock, DecisionRows, SettingsRows

NAME = "cache"
WRITE_ATTEMPTS = 20
CHANGE = "change"  # beside the settings: the name of the change that stored them
BY_HAND = "by-hand"  # the rule of a decision that a person made

Choice = Callable[[CacheSettings], Mapping[str, str]]
"""What is to be changed, by the contract's names, given the settings as they are; may raise InvalidValueError."""


@dataclass(frozen=True, slots=True)
class CacheConfiguration:
    """The stored cache settings. `shown` is where they are read to be shown, if not where they are changed."""

    settings: SettingsRows
    shown: SettingsRows
    decisions: DecisionRows
    clock: Clock
    defaults: CacheSettings  # until somebody chooses others

    def current(self) -> CacheSettings:
        """The settings in force."""
        return self._whole(self.shown.read(NAME)[1])

    def change(self, principal: Principal, choose: Choice) -> tuple[CacheSettings, CacheSettings]:
        """The settings before and after. The change and its decision are stored in one transaction, or nothing is.

        Raises InvalidValueError, or OverloadedError if others change them at the same time.
        """
        for _ in range(WRITE_ATTEMPTS):
            version, before = self._read()
            after = cache_settings.changed(before, choose(before))
            if after == before:
                return before, after
            reason = f"{principal.name} changed {_difference(before, after)}."
            if self._store(version, before, after, reason):
                return before, after
        raise OverloadedError("The settings are being changed by others at the same time; try again.")

    def note(self, principal: Principal, what: str, outcome: str) -> None:
        """Logs what somebody did that changes no setting."""
        settings = self._read()[1]
        self.decisions.note(self._decision(settings, settings, f"{principal.name} {what}.", outcome))

    def _store(self, version: int, before: CacheSettings, after: CacheSettings, reason: str) -> bool:
        # A write tried again knows itself by this name; two that are otherwise the same, such as +1 and +1, are two.
        values = {**cache_settings.to_mapping(after), CHANGE: secrets.token_hex(8)}
        return self.decisions.change_by_hand(self._decision(before, after, reason, "stored"), version, values)

    def _decision(self, before: CacheSettings, after: CacheSettings, reason: str, outcome: str) -> Decision:
        return Decision(
            minute=None,
            decided_at=self.clock.now(),
            run=0,
            rule=BY_HAND,
            reason=reason,
            before=before.num_nodes,
            target=after.num_nodes,
            settings=cache_settings.to_mapping(after),
            outcome=outcome,
        )

    def _read(self) -> tuple[int, CacheSettings]:
        version, stored = self.settings.read(NAME)
        return version, self._whole(stored)

    def _whole(self, stored: Mapping[str, object]) -> CacheSettings:
        return cache_settings.from_mapping({**cache_settings.to_mapping(self.defaults), **stored})


def _difference(before: CacheSettings, after: CacheSettings) -> str:
    names_before = cache_settings.by_name(before)
    changes = [
        f"{name} from {names_before[name]} to {value}"
        for name, value in cache_settings.by_name(after).items()
        if value != names_before[name]
    ]
    return ", ".join(changes)
