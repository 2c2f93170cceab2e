"""One run of the scaler: gathers what there is, lets the pure parts decide, does what they say.

May be run twice at once: a named lock lets one through, and every write checks that no later run has begun, so one that
slept through its lock changes nothing. Killed at any step it leaves launches that are written down, a target that is
stored, and a map that is whole: the next run goes on from there.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from chalicelib.domain import cache_settings, fleet
from chalicelib.domain.decisions import Decision, minute_of
from chalicelib.domain.errors import NodeError, UnavailableError
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.domain.launches import SupersededError
from chalicelib.domain.ports import NodeOrders
from scaler import decision as deciding
from scaler import resize
from scaler.acting import Acting
from scaler.decision import (
    DUE_MINUTES,
    LATE_MINUTES,
    Situation,
    idle_minutes_before,
    minutes_due,
    newest_complete,
    newest_measured,
)
from scaler.instances import InstancesUnavailableError, LiveInstance
from scaler.measures import measures
from scaler.observed import (
    MUTE_MINUTES,
    Seen,
    There,
    mute_nodes,
    nobody_reports,
    report_of,
    slow_nodes,
    under_way,
    unfinished,
)
from scaler.parts import Parts
from scaler.reconcile import Steps, steps, unseen

logger = logging.getLogger(__name__)

KEPT_DAYS = 90
MIB = 1024 * 1024


class Scaler:
    """Keeps the fleet at its target, and the target at what was measured."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._acting = Acting(parts)

    def run(self, turn_seconds: float = 0.0) -> FleetMap:
        """The fleet map after this run. Raises UnavailableError if a part that is needed does not answer.

        `turn_seconds` is how long to wait for a run that is under way; after that nothing is done.
        """
        clock = self._parts.clock
        deadline = clock.monotonic() + turn_seconds
        while (after := self._run_if_alone()) is None:
            if clock.monotonic() >= deadline:
                logger.info("another run is under way")
                return self._parts.maps.current()
            clock.sleep(self._parts.timing.poll_seconds)
        return after

    def _run_if_alone(self) -> FleetMap | None:
        with self._parts.exclusive("scaler") as alone:
            if not alone:
                return None
            try:
                return self._alone()
            except SupersededError:
                logger.warning("a later run has begun; this one ends")
                return self._parts.maps.current()

    def _alone(self) -> FleetMap:
        parts = self._parts
        number = parts.rows.begin_run()
        seen = self._with_settings(Seen(number, parts.defaults, 0))
        self._gather(seen)
        decisions = self._decide(seen)
        self._end_handoff(seen)
        fleet_map, live = self._settle_if_told(seen)
        self._give_up_growth(seen, fleet_map)
        self._tell(seen, fleet_map)
        self._report(seen, fleet_map, live)
        for one in decisions:
            if one.minute is not None and one.target != one.before:
                parts.rows.note_outcome(one.minute, "; ".join(seen.done + seen.notes) or "stored")
        parts.rows.prune(KEPT_DAYS)
        return fleet_map

    def _with_settings(self, seen: Seen) -> Seen:
        version, stored = self._parts.rows.settings()
        settings = cache_settings.from_mapping({**asdict(self._parts.defaults), **stored})
        return replace(seen, settings=settings, settings_version=version)

    def _gather(self, seen: Seen) -> None:
        """Samples of the last closed minutes, and which nodes do not answer, or answer and report nothing."""
        parts, fleet_map = self._parts, self._parts.maps.current()
        seen.fleet_map = fleet_map
        now = minute_of(parts.clock.now())
        minutes = range(now - max(DUE_MINUTES, MUTE_MINUTES + LATE_MINUTES - 1), now)
        if fleet_map.nodes:
            try:
                seen.samples = parts.samples.read([node.id for node in fleet_map.named], minutes)
            except UnavailableError as error:
                seen.samples_known = False
                seen.notes.append(str(error))
        mute = mute_nodes(fleet_map, seen.samples, now) if seen.samples_known else set()
        if seen.samples_known and nobody_reports(fleet_map, seen.samples, now):
            seen.notes.append("No node's measurements arrived for three minutes: nothing can be decided.")
        seen.heard = self._heard(self._there(seen))
        seen.gone = {node.id for node in fleet_map.named} - seen.heard
        slow = self._slow([node for node in fleet_map.nodes if node.id in seen.heard])
        seen.unfit = {**dict.fromkeys(mute - seen.gone, "its agent reports nothing"), **slow}

    def _there(self, seen: Seen) -> list[Node]:
        """The nodes of the map whose instances run; all of them while EC2 does not tell."""
        try:
            live = {one.id for one in self._parts.instances.live()}
        except InstancesUnavailableError as error:
            seen.instances_known = False
            seen.notes.append(str(error))
            return list(seen.fleet_map.named)
        return [node for node in seen.fleet_map.named if node.id in live]

    def _heard(self, nodes: Sequence[Node]) -> set[str]:
        """Those that answer, each asked again until all do or patience ends."""
        clock, heard = self._parts.clock, set[str]()
        deadline = clock.monotonic() + self._parts.timing.patience_seconds
        while True:
            waiting = [node for node in nodes if node.id not in heard]
            heard |= {node.id for node in self._parts.prober.answering(waiting)}
            if len(heard) == len(nodes) or clock.monotonic() >= deadline:
                return heard
            clock.sleep(self._parts.timing.poll_seconds)

    def _slow(self, nodes: Sequence[Node]) -> dict[str, str]:
        """Those that answer slowly however often they are asked, until patience ends; each with why."""
        clock, timing = self._parts.clock, self._parts.timing
        deadline = clock.monotonic() + timing.patience_seconds
        least: dict[Node, float] = {}
        asked = list(nodes)
        while asked:
            for node, delay in self._parts.prober.delays(asked).items():
                least[node] = min(delay, least.get(node, delay))
            asked = [node for node in asked if least.get(node, 0.0) >= timing.slow_seconds]
            if clock.monotonic() >= deadline:
                break
            if asked:
                clock.sleep(timing.poll_seconds)
        return slow_nodes(least, timing.slow_seconds)

    def _decide(self, seen: Seen) -> list[Decision]:
        """Decides the minutes that are due; changes the target in `seen` and in the rows."""
        parts, now = self._parts, self._parts.clock.now()
        due = minutes_due(now, parts.rows.decided(minute_of(now) - DUE_MINUTES))
        if not due or not seen.fleet_map.nodes:  # nobody served yet: there is nothing to decide on
            return []
        log = parts.rows.log(due[0] - seen.settings.idle_minutes)
        changed_at = parts.rows.changed_at()
        complete = newest_complete([self._situation(seen, minute, changed_at, log, None) for minute in due])
        newest = max((one for one in (complete, newest_measured(log)) if one is not None), default=None)
        made: list[Decision] = []
        for minute in due:
            newer = newest if newest is not None and newest > minute else None
            one = deciding.decide(self._situation(seen, minute, changed_at, log, newer), seen.number, now)
            if one is None:
                continue  # a newer minute may be complete already
            changes = one.target != one.before
            one = replace(one, outcome="" if changes else "held")
            after = replace(seen.settings, num_nodes=one.target)
            if not parts.rows.record(one, seen.settings_version, asdict(after) if changes else None):
                break  # somebody changed the settings at this moment: the next run decides
            logger.info("minute %s: %s, %s -> %s: %s", minute, one.rule, one.before, one.target, one.reason)
            if changes:
                seen.settings, seen.settings_version, changed_at = after, seen.settings_version + 1, now
            made.append(one)
            log = [*log, one]
        return made

    def _situation(
        self, seen: Seen, minute: int, changed_at: datetime | None, log: Sequence[Decision], newer: int | None
    ) -> Situation:
        return Situation(
            minute=minute,
            settings=seen.settings,
            fleet_map=seen.fleet_map,
            samples=seen.samples,
            failing=seen.failing,
            resizing=under_way(seen.fleet_map, seen.settings.num_nodes),
            changed_at=None if changed_at is None else changed_at.timestamp(),
            idle_before=idle_minutes_before(minute, log),
            newer=newer,
        )

    def _end_handoff(self, seen: Seen) -> None:
        current, now = seen.fleet_map, self._parts.clock.now().timestamp()
        failing = seen.failing
        why = resize.handoff_over(current, seen.samples, failing, now, self._parts.timing.handoff_ceiling_seconds)
        if why is not None and self._parts.rows.publish(seen.number, fleet.settled(current)):
            logger.info("the handoff is over: %s", why)
            seen.done.append(f"the handoff ended: {why}")

    def _settle_if_told(self, seen: Seen) -> tuple[FleetMap, list[LiveInstance]]:
        """What `_settle` answers; while EC2 does not tell what there is, nothing is begun and nothing ended."""
        if seen.instances_known:
            try:
                return self._settle(seen)
            except InstancesUnavailableError as error:
                seen.instances_known = False
                seen.notes.append(str(error))
        return self._parts.maps.current(), []

    def _give_up_growth(self, seen: Seen, fleet_map: FleetMap) -> None:
        """What EC2 has refused for minutes is not waited for in automatic mode: it would stop every other decision."""
        now, before = self._parts.clock.now(), seen.settings.num_nodes
        target = max(len(fleet_map.nodes), seen.settings.min_nodes)
        if seen.settings.mode != "auto" or not seen.refused or target >= before:
            return
        changed_at = self._parts.rows.changed_at()
        if changed_at is not None and now - changed_at < timedelta(seconds=self._parts.timing.refused_seconds):
            return
        reason = f"EC2 launches no further instance: {target} in place of {before} nodes are the target for now."
        one = Decision(None, now, seen.number, "refused", reason, before, target, outcome="; ".join(seen.notes))
        after = replace(seen.settings, num_nodes=target)
        if self._parts.rows.record(one, seen.settings_version, asdict(after)):
            logger.warning(reason)

    def _settle(self, seen: Seen) -> tuple[FleetMap, list[LiveInstance]]:
        """Takes steps until the target serves or patience ends."""
        parts, timing = self._parts, self._parts.timing
        deadline = parts.clock.monotonic() + timing.patience_seconds
        launched = False
        while True:
            late = seen.refused or parts.clock.monotonic() >= deadline
            there = self._look(seen)
            todo = self._steps(seen, there)
            # One publication for all that are coming, unless one of them takes too long.
            if late or (len(there.spares) == there.coming and not (todo.launch and not launched)):
                there = replace(there, fleet_map=self._acting.publish(seen, there.fleet_map, there.spares))
                todo = replace(self._steps(seen, there), launch=todo.launch)
            if launched:
                todo = replace(todo, launch=0)  # one launch a run, even if some died meanwhile
            launched = launched or todo.launch > 0
            self._acting.apply(seen, todo, there.live)
            if not unfinished(there.fleet_map, seen) or late:
                return there.fleet_map, there.live
            parts.clock.sleep(timing.poll_seconds)

    def _look(self, seen: Seen) -> There:
        """What there is now. Spares are nodes that answer and serve nothing, oldest first."""
        parts = self._parts
        current, live, launches = parts.maps.current(), parts.instances.live(), parts.rows.launches()
        serving, named = {node.id for node in current.nodes}, {node.id for node in current.named}
        known = {launch.intent for launch in launches}
        able = [one for one in live if one.id not in serving and one.intent in known]
        able = [one for one in able if one.id not in seen.failing]
        nodes = [Node(one.id, one.address, parts.port) for one in able if one.address]
        ready = parts.prober.ready(nodes)
        spares = [node for node in nodes if node in ready]
        seen.heard |= {node.id for node in spares}
        leaving = sum(one.id in named for one in able)
        coming = len(able) - leaving + sum(node.id in named for node in spares) + len(unseen(live, launches))
        return There(current, live, launches, spares, coming)

    def _steps(self, seen: Seen, there: There) -> Steps:
        booted_before = self._parts.clock.now() - timedelta(seconds=self._parts.timing.boot_seconds)
        named = {node.id for node in there.fleet_map.named}
        never = {
            one.id
            for one in there.live
            if one.id not in named and one.id not in seen.heard and one.launched_at < booted_before
        }
        target = seen.settings.num_nodes
        return steps(there.fleet_map, there.live, there.launches, target, seen.gone | never, seen.unfit)

    def _tell(self, seen: Seen, fleet_map: FleetMap) -> None:
        """Leaves the orders on every node that answers: an agent that started anew finds them."""
        orders = NodeOrders(seen.settings.capacity_mb * MIB, seen.settings.policy)
        for node in fleet_map.named:
            if node.id in seen.gone:
                continue
            try:
                self._parts.admins.of(node).tell(orders)
            except NodeError as error:
                logger.warning("orders not left: %s", error)

    def _report(self, seen: Seen, fleet_map: FleetMap, live: Sequence[LiveInstance]) -> None:
        now = self._parts.clock.now()
        self._parts.rows.keep_report(seen.number, report_of(seen, fleet_map, live, now.timestamp()))
        self._parts.tell(measures(seen, fleet_map, now))
