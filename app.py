"""The Chalice application: the faces' routes, and the handlers of the schedule and of the queue."""

from chalice.app import CloudWatchEvent, Rate, SQSEvent

from chalicelib.bootstrap import Services, services
from chalicelib.web.application import create_app
from chalicelib.web.faces import gateway_answer
from scaler.run import Scaler

__all__ = ["app", "gateway_answer", "perform_job", "resend_jobs", "scale_fleet"]

JOB_QUEUE = "image-jobs"

app = create_app(services)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def scale_fleet(event: CloudWatchEvent) -> None:
    """Keeps the fleet at its size and the fleet map true."""
    _scaler(services()).run()


@app.schedule(Rate(1, unit=Rate.MINUTES))
def resend_jobs(event: CloudWatchEvent) -> None:
    """Sends the jobs that are due and that the queue lost or never had."""
    services().worker.resend()


@app.on_sqs_message(queue=JOB_QUEUE, batch_size=1)
def perform_job(event: SQSEvent) -> None:
    """Performs the job whose row the message names."""
    for record in event:
        services().worker.perform(bytes.fromhex(record.body))


def _scaler(parts: Services) -> Scaler:
    from chalicelib.adapters import aws_clients  # only the schedule needs these
    from scaler.ec2 import Ec2Instances
    from scaler.probe import answers

    config = parts.config
    return Scaler(
        instances=Ec2Instances(aws_clients.ec2(), config.environment, config.node_launch_template, config.node_subnets),
        maps=parts.maps,
        answers=answers,
        exclusive=parts.exclusive,
        clock=parts.clock,
        wanted=config.fleet_nodes,
        port=config.node_port,
    )
