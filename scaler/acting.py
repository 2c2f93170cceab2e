"""What a run of the scaler does to the fleet: publishes a map, launches and terminates instances."""

import logging
import secrets
from collections.abc import Sequence

from chalicelib.domain.decisions import Decision
from chalicelib.domain.errors import UnavailableError
from chalicelib.domain.fleet import FleetMap, Node
from scaler import resize
from scaler.instances import InstancesUnavailableError, LiveInstance
from scaler.observed import Seen, replaced
from scaler.parts import Parts
from scaler.reconcile import Steps

logger = logging.getLogger(__name__)


class Acting:
    """The hands of a run. Raises UnavailableError, and SupersededError where a later run has begun."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def publish(self, seen: Seen, current: FleetMap, spares: Sequence[Node]) -> FleetMap:
        """The fleet map that is in force afterwards."""
        wanted = resize.next_map(
            current,
            spares,
            seen.settings.num_nodes,
            seen.settings.assignment,
            self._parts.clock.now().timestamp(),
            seen.gone,
            seen.unfit,
        )
        if wanted == current:
            return current
        if not self._parts.rows.publish(seen.number, wanted):
            return self._parts.maps.current()
        said = f"fleet map {wanted.version}: {len(current.nodes)} -> {len(wanted.nodes)} nodes"
        if wanted.moving:
            said += f", {len(wanted.moving)} partitions move"
        logger.info("%s: %s", said, ", ".join(f"{node.id} at {node.address}" for node in wanted.nodes))
        seen.done.append(said)
        for reason in replaced(current, wanted, seen):
            target, now = seen.settings.num_nodes, self._parts.clock.now()
            self._parts.rows.note(Decision(None, now, seen.number, "replaced", reason, target, target, outcome=said))
        return wanted

    def apply(self, seen: Seen, todo: Steps, live: Sequence[LiveInstance]) -> None:
        parts = self._parts
        ending = [one.intent for one in live if one.id in todo.terminate and one.intent is not None]
        # Nobody's from now on: should this run sleep here, no later one gives them keys before they end.
        if forgotten := (*todo.forget, *ending):
            parts.rows.forget_launches(seen.number, forgotten)
        if ended := [
            one for one in todo.terminate if one not in seen.staying
        ]:  # no map that is in force names them now
            self._terminate(seen, ended)
        if todo.launch and not seen.refused:  # last: what EC2 refuses must hold up nothing else
            self._launch(seen, todo.launch, len(live))

    def _terminate(self, seen: Seen, instance_ids: Sequence[str]) -> None:
        logger.info("terminating %s", ", ".join(instance_ids))
        try:
            self._parts.instances.terminate(instance_ids)
        except InstancesUnavailableError as error:  # the next run tries again
            logger.warning("not terminated: %s", error)
            seen.notes.append(str(error))
            seen.staying.update(instance_ids)
        else:
            seen.done.append(f"terminated {', '.join(instance_ids)}")

    def _launch(self, seen: Seen, count: int, already: int) -> None:
        parts = self._parts
        intents = [secrets.token_bytes(16) for _ in range(count)]
        parts.rows.write_launches(seen.number, intents)
        for number, intent in enumerate(intents):
            try:
                instance_id = parts.instances.launch(intent, already + number)
            except UnavailableError as error:
                logger.warning("not launched: %s", error)
                seen.notes.append(f"EC2 refused to launch an instance: {error}")
                seen.refused = True
                parts.rows.forget_launches(seen.number, intents[number:])
                return
            if parts.rows.note_launched(intent, instance_id):
                seen.done.append(f"launched {instance_id}")
            else:  # a later run gave this launch up meanwhile, and counts on its own
                parts.instances.terminate([instance_id])
