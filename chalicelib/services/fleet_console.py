"""The manager's console: what the fleet is and does, and what may be changed. Its values are in fleet_views.py."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.cache_settings import MOST_NODES, CacheSettings
from chalicelib.domain.decisions import minute_of
from chalicelib.domain.errors import InvalidValueError, NodeError, QueueUnavailableError, RowsUnavailableError
from chalicelib.domain.fleet import Node
from chalicelib.domain.fleet_report import FleetReport
from chalicelib.domain.ports import (
    Clock,
    DecisionRows,
    FleetMaps,
    FleetReports,
    NodeAdmins,
    NodeOrders,
    ScalerWaker,
)
from chalicelib.services.asking_nodes import asked_at_once
from chalicelib.services.cache_configuration import CacheConfiguration, Choice
from chalicelib.services.fleet_history import by_minute
from chalicelib.services.fleet_nodes import Answers, counts_wanted, move_views, node_views, rates_of
from chalicelib.services.fleet_preview import previewed
from chalicelib.services.fleet_status import FleetStatus
from chalicelib.services.fleet_views import (
    Changed,
    Cleared,
    ContentsPage,
    DecisionPage,
    FleetView,
    MinuteView,
    Notice,
    Preview,
    Told,
)
from chalicelib.services.node_contents import NodeContents

HISTORY_MINUTES = 30
DECISIONS_LIMIT, CONTENTS_LIMIT = 50, 100
OVERDUE_SECONDS = 180  # since the scaler's last run
MIB = 1 << 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FleetConsole:
    """Services().console. Every call raises RowsUnavailableError while the database does not answer."""

    maps: FleetMaps
    status: FleetStatus
    configuration: CacheConfiguration
    decision_rows: DecisionRows
    reports: FleetReports
    waker: ScalerWaker
    admins: NodeAdmins
    contained: NodeContents
    clock: Clock

    def view(self) -> FleetView:
        """The fleet as it is now; every node is asked at once, so that a hung one costs its timeout and no more."""
        fleet_map, report = self.maps.current(), self.reports.last()
        named = fleet_map.named
        states = asked_at_once(named, lambda node: self.admins.of(node).state())
        counts = asked_at_once(named, lambda node: self.status.counts_of(node, counts_wanted(fleet_map, node)))
        answers = [Answers(*said) for said in zip(states, counts, strict=True)]
        return FleetView(
            settings=self.configuration.current(),
            map_version=fleet_map.version,
            serving=len(fleet_map.nodes),
            nodes=node_views(fleet_map, report, answers),
            owners=tuple(None if node is None else node.id for node in fleet_map.owners),
            moving=move_views(fleet_map, answers),
            moved_at=fleet_map.moved_at,
            rates=rates_of(fleet_map, answers),
            reported_at=None if report is None else report.at,
            reported_run=None if report is None else report.run,
            notes=_notes(report, self.clock.now().timestamp()),
        )

    def notice(self) -> Notice:
        """What a page needs to tell of a resize; one SELECT, and no node is asked."""
        fleet_map = self.maps.current()
        return Notice(fleet_map.version, len(fleet_map.nodes), fleet_map.moved_at)

    def change(self, principal: Principal, given: Mapping[str, str]) -> Changed:
        """Changes settings, by the contract's names. Raises InvalidValueError (nothing changed), OverloadedError."""
        return self._change(principal, lambda settings: given)

    def step(self, principal: Principal, by: int) -> Changed:
        """One node more (+1) or fewer (-1). Raises InvalidValueError: in automatic mode, and beyond the bounds."""

        def choose(settings: CacheSettings) -> Mapping[str, str]:
            if by not in (1, -1):
                raise InvalidValueError("change", "change must be 1 or -1.")
            _refuse_automatic(settings, "change")
            wanted = settings.num_nodes + by
            if not settings.min_nodes <= wanted <= settings.max_nodes:
                raise InvalidValueError(
                    "change",
                    f"The fleet is to have {settings.num_nodes} nodes already, and may have "
                    f"{settings.min_nodes} to {settings.max_nodes}.",
                )
            return {"numNodes": str(wanted)}

        return self._change(principal, choose)

    def resize(self, principal: Principal, nodes: int) -> Changed:
        """So many nodes. Raises InvalidValueError as `step` does."""

        def choose(settings: CacheSettings) -> Mapping[str, str]:
            _refuse_automatic(settings, "nodes")
            if not settings.min_nodes <= nodes <= settings.max_nodes:
                bounds = f"{settings.min_nodes} to {settings.max_nodes}"
                raise InvalidValueError("nodes", f"nodes must be a whole number from {bounds}.")
            return {"numNodes": str(nodes)}

        return self._change(principal, choose)

    def history(self, minutes: int = HISTORY_MINUTES) -> tuple[MinuteView, ...]:
        """The last closed minutes, oldest first; those that nobody reported are gaps."""
        last = minute_of(self.clock.now()) - 1
        first = last - minutes + 1
        return by_minute(self.decision_rows.since(first), first, last)

    def decisions(self, limit: int = DECISIONS_LIMIT, before_id: int | None = None) -> DecisionPage:
        """A page of the decision log, newest first."""
        found = self.decision_rows.latest(limit + 1, before_id)
        shown = tuple(found[:limit])
        return DecisionPage(shown, shown[-1].id if len(found) > limit else None)

    def preview(self, nodes: int) -> Preview:
        """What a change to so many nodes would move. Raises InvalidValueError."""
        if not 1 <= nodes <= MOST_NODES:
            raise InvalidValueError("nodes", f"nodes must be a whole number from 1 to {MOST_NODES}.")
        return previewed(self.maps.current(), nodes, self.configuration.current().assignment)

    def contents(
        self, principal: Principal, node_id: str, after: str = "", limit: int = CONTENTS_LIMIT
    ) -> ContentsPage:
        """A page of what the node holds: own images, for an admin everybody's.

        Raises UnknownNodeError if the map names no such node, NodeError if it does not answer.
        """
        return self.contained.page(principal, node_id, after, limit)

    def clear_cache(self, principal: Principal) -> Cleared:
        """Empties every node and notes it in the decision log. Raises RowsUnavailableError, perhaps when it is done."""
        nodes = self.maps.current().named
        told = _told(nodes, asked_at_once(nodes, lambda node: self.admins.of(node).clear()))
        done = sum(each.done for each in told)
        silent = [f"{each.node_id}: {each.why}" for each in told if not each.done]
        outcome = "; ".join([f"cleared {done} of {len(told)}", *silent])
        try:
            self.configuration.note(principal, "cleared the cache", outcome)
        except RowsUnavailableError as error:
            raise RowsUnavailableError(
                f"The cache is empty ({outcome}); that could not be written into the log."
            ) from error
        return Cleared(told)

    def _change(self, principal: Principal, choose: Choice) -> Changed:
        before, after = self.configuration.change(principal, choose)
        if after == before:
            return Changed(after, before, woken=False)
        woken = self._wake()
        orders: tuple[Told, ...] = ()
        if (after.capacity_mb, after.policy) != (before.capacity_mb, before.policy):
            orders = self._order(NodeOrders(after.capacity_mb * MIB, after.policy))
        return Changed(after, before, woken, orders)

    def _wake(self) -> bool:
        try:
            self.waker.wake()
        except QueueUnavailableError as error:
            logger.warning("the scaler was not woken and follows at its next minute: %s", error)
            return False
        return True

    def _order(self, orders: NodeOrders) -> tuple[Told, ...]:
        nodes = self.maps.current().named
        return _told(nodes, asked_at_once(nodes, lambda node: self.admins.of(node).tell(orders)))


def _told(nodes: tuple[Node, ...], answers: list[NodeError | None]) -> tuple[Told, ...]:
    return tuple(
        Told(node.id, done=answer is None, why="" if answer is None else str(answer))
        for node, answer in zip(nodes, answers, strict=True)
    )


def _refuse_automatic(settings: CacheSettings, field: str) -> None:
    if settings.mode == "auto":
        raise InvalidValueError(
            field,
            "The fleet is in automatic mode, in which the scaler chooses the number of nodes. Change the mode to "
            "manual first.",
        )


def _notes(report: FleetReport | None, now: float) -> tuple[str, ...]:
    if report is None:
        return ("The scaler has not run yet.",)
    silent_seconds = now - report.at
    if silent_seconds < OVERDUE_SECONDS:
        return report.notes
    return (f"The scaler has not run for {int(silent_seconds // 60)} minutes.", *report.notes)
