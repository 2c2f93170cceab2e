"""The Chalice application: the faces' routes, and the handlers of the schedule and of the queues."""

import os
from typing import TYPE_CHECKING

from chalice.app import CloudWatchEvent, Rate, SQSEvent

from chalicelib.bootstrap import Services, services
from chalicelib.web.application import create_app, environment_of
from chalicelib.web.faces import gateway_answer
from chalicelib.web.observing import run_observer

if TYPE_CHECKING:
    from scaler.run import Scaler

__all__ = [
    "app",
    "change_fleet",
    "gateway_answer",
    "ingest_images",
    "perform_job",
    "resend_jobs",
    "scale_fleet",
    "scaler_of",
    "sweep",
]

# Two environments in one account have each its own. Chalice takes the names when this is loaded, so they are read here.
QUEUE_PREFIX = os.environ.get("QUEUE_PREFIX", "")
JOB_QUEUE = f"{QUEUE_PREFIX}image-jobs"
INCOMING_QUEUE = f"{QUEUE_PREFIX}incoming-images"
FLEET_QUEUE = f"{QUEUE_PREFIX}fleet-changes"
TURN_SECONDS = 10.0  # what a change by hand waits for a run that is under way: that one may not have seen it

app = create_app(services)
for kind in ("scheduled", "sqs"):
    app.register_middleware(run_observer(lambda: environment_of(services)), kind)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def scale_fleet(event: CloudWatchEvent) -> None:
    """Decides how many nodes there should be, and brings the fleet nearer to it."""
    scaler_of(services()).run()


@app.on_sqs_message(queue=FLEET_QUEUE, batch_size=1)
def change_fleet(event: SQSEvent) -> None:
    """Makes a run of the scaler at once, since somebody changed the settings."""
    scaler_of(services()).run(TURN_SECONDS)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def resend_jobs(event: CloudWatchEvent) -> None:
    """Sends the jobs that are due and that the queue lost or never had; writes the beat that tells a replica's lag.

    It also deletes for ever what has been in the trash for longer than it is kept.
    """
    services().replica.beat()
    services().worker.resend()
    services().trash.purge()


@app.schedule(Rate(10, unit=Rate.MINUTES))
def sweep(event: CloudWatchEvent) -> None:
    """Goes on with looking for what does not belong together; begins anew a day after it began last."""
    services().sweeping.run()


@app.on_sqs_message(queue=JOB_QUEUE, batch_size=1)
def perform_job(event: SQSEvent) -> None:
    """Performs the job whose row the message names."""
    from chalicelib.adapters.sqs_queue import request_id_of
    from chalicelib.services.tracing import traced

    for record in event:
        with traced(request_id_of(record.to_dict())):  # of the request that the job comes from
            services().worker.perform(bytes.fromhex(record.body))


@app.on_sqs_message(queue=INCOMING_QUEUE, batch_size=1)
def ingest_images(event: SQSEvent) -> None:
    """Makes images of what browsers uploaded straight to the object store, as its own events tell."""
    from chalicelib.adapters.s3_events import incoming_keys

    for record in event:
        for incoming_key in incoming_keys(record.body):
            services().uploads.arrived(incoming_key)


def scaler_of(parts: Services) -> "Scaler":
    """The scaler on the real parts."""
    from chalicelib.adapters import aws_clients  # only the scaler's functions need these
    from scaler.cloudwatch import CloudWatchSamples
    from scaler.ec2 import Ec2Instances
    from scaler.measures import log_line
    from scaler.parts import Parts
    from scaler.probe import NodeProber
    from scaler.run import Scaler

    config = parts.config
    return Scaler(
        Parts(
            instances=Ec2Instances(
                aws_clients.ec2(), config.environment, config.node_launch_template, config.node_subnets
            ),
            rows=parts.scaler_rows,
            maps=parts.maps,
            samples=CloudWatchSamples(aws_clients.cloudwatch(), config.environment),
            prober=NodeProber(parts.admins),
            admins=parts.admins,
            exclusive=parts.exclusive,
            clock=parts.clock,
            port=config.node_port,
            defaults=parts.cache_configuration.defaults,
            # A line of the function's log, of which CloudWatch makes metrics.
            tell=lambda told: print(log_line(config.environment, told, parts.clock.now()), flush=True),
        )
    )
