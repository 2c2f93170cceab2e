"""Performs owed jobs. Each may be performed any number of times, late and at the same time as itself."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.domain import jobs, wire
from chalicelib.domain.errors import NodeError, StoreError
from chalicelib.domain.jobs import Job
from chalicelib.domain.ports import FleetMaps, JobQueue, JobRows, NodeCaches, Objects

logger = logging.getLogger(__name__)

RESEND_BATCH = 500


@dataclass(frozen=True, slots=True)
class Worker:
    """Does what job rows say, and sends again what the queue lost.

    `performers` do the jobs of further kinds, by kind; each finishes its job itself, in the transaction of its outcome.
    """

    job_rows: JobRows
    objects: Objects
    maps: FleetMaps
    caches: NodeCaches
    queue: JobQueue
    performers: Mapping[str, Callable[[Job], None]] = field(default_factory=dict)

    def perform(self, job_id: bytes) -> None:
        """Does the job if it is still owed. Raises UnavailableError: to be tried again."""
        job = self.job_rows.claim(job_id)
        if job is None:
            return
        if job.kind in self.performers:
            self.performers[job.kind](job)
        elif job.kind == jobs.REMOVE_OBJECTS:
            self._remove(jobs.removals_of(job))
            self.job_rows.finish(job_id)
        else:
            raise StoreError(f"job {job_id.hex()} is of an unknown kind: {job.kind}")
        logger.info("job %s done: %s", job_id.hex(), job.kind)

    def resend(self) -> int:
        """Sends the jobs that are due and not under way; how many were sent."""
        due = self.job_rows.due(RESEND_BATCH)
        if due:
            self.queue.send(due)
            self.job_rows.mark_sent(due)
        return len(due)

    def _remove(self, removals: Sequence[jobs.Removal]) -> None:
        free = self.job_rows.unreferenced([removal.object_key for removal in removals])
        removable = [removal for removal in removals if removal.object_key in free]
        if removable:  # the origin first: a reader that comes in between can then fill nothing
            self.objects.remove([removal.object_key for removal in removable])
            self._remove_cached(removable)

    def _remove_cached(self, removals: Sequence[jobs.Removal]) -> None:
        """Gives the nodes their space back. Nothing depends on it: no row names these bytes any more."""
        fleet_map = self.maps.current()
        for node in fleet_map.named:
            partitions = fleet_map.asked_for(node)
            wire_keys = [wire.wire_key(removal.object_key) for removal in removals if removal.partition in partitions]
            try:
                if wire_keys:
                    self.caches.of(node).remove(wire_keys)
            except NodeError as error:
                logger.warning("removed bytes stay on node %s until evicted: %s", node.id, error)
