"""The ports on AWS's services, each made when it is first used. Nothing is connected before that."""

from typing import TYPE_CHECKING

from chalicelib.config import Config
from chalicelib.wiring.made_once import at_first_use, made_once

if TYPE_CHECKING:
    from chalicelib.adapters.s3_objects import S3Objects
    from chalicelib.adapters.secrets_manager import Secret
    from chalicelib.adapters.sqs_queue import SqsQueue
    from chalicelib.domain.account_ports import Mail
    from chalicelib.domain.notice_ports import EditNotices, Labels
    from chalicelib.domain.ports import ImageAddresses, ScalerWaker, SecretText


def secret(secret_arn: str) -> "Secret":
    """What Secrets Manager keeps under the ARN, read at first use."""

    def build() -> "Secret":
        from chalicelib.adapters import aws_clients
        from chalicelib.adapters.secrets_manager import Secret

        return Secret(aws_clients.secrets(), secret_arn)

    return at_first_use(build)


class AwsPorts:
    """Objects, queues, mail, notices, labels and secrets."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @made_once
    def form_secret(self) -> "SecretText":
        return secret(str(self._config.form_secret_arn))

    # boto3 and its clients take 200 ms of a cold process, and a cached GET needs none of them.
    @made_once
    def objects(self) -> "S3Objects":
        def build() -> "S3Objects":
            from chalicelib.adapters import aws_clients
            from chalicelib.adapters.s3_objects import S3Objects

            return S3Objects(aws_clients.s3(), self._config.bucket)

        return at_first_use(build)

    @made_once
    def image_addresses(self) -> "ImageAddresses":
        """At the CDN where it has a key of ours, else at the object store itself."""
        config = self._config
        site, key_id, key_arn = config.site_address, config.image_signing_key_id, config.image_signing_secret_arn
        if site is None or key_id is None or key_arn is None:
            return self.objects
        from chalicelib.adapters.cloudfront_addresses import CloudFrontAddresses
        from chalicelib.adapters.system_clock import SystemClock

        return CloudFrontAddresses(site, key_id, secret(key_arn), SystemClock().now)

    @property
    def incoming(self) -> "S3Objects":
        """The same bucket, as uploads come to it."""
        return self.objects

    @made_once
    def queue(self) -> "SqsQueue":
        def build() -> "SqsQueue":
            from chalicelib.adapters import aws_clients
            from chalicelib.adapters.sqs_queue import SqsQueue
            from chalicelib.services.tracing import request_id

            return SqsQueue(aws_clients.sqs(), self._config.job_queue_url, request_id)

        return at_first_use(build)

    @made_once
    def waker(self) -> "ScalerWaker":
        def build() -> "ScalerWaker":
            from chalicelib.adapters import aws_clients
            from chalicelib.adapters.sqs_queue import SqsScalerWaker

            return SqsScalerWaker(aws_clients.sqs(), self._config.fleet_queue_url)

        return at_first_use(build)

    @property
    def parted_objects(self) -> "S3Objects":
        """The same bucket, as dumps and zips are written to it."""
        return self.objects

    @property
    def erased_objects(self) -> "S3Objects":
        """The same bucket, as an owner's objects leave it for good."""
        return self.objects

    @property
    def swept_objects(self) -> "S3Objects":
        """The same bucket, as the sweeper looks through it."""
        return self.objects

    @made_once
    def mail(self) -> "Mail":
        def build() -> "Mail":
            from chalicelib.adapters import aws_clients
            from chalicelib.adapters.ses_mail import SesMail

            return SesMail(aws_clients.ses(), self._config.mail_sender)

        return at_first_use(build)

    @made_once
    def notices(self) -> "EditNotices | None":
        topic_arn = self._config.notice_topic_arn
        if topic_arn is None:
            return None

        def build() -> "EditNotices":
            from chalicelib.adapters import aws_clients
            from chalicelib.adapters.sns_notices import SnsNotices

            return SnsNotices(aws_clients.sns(), topic_arn)

        return at_first_use(build)

    @made_once
    def labels(self) -> "Labels | None":
        if self._config.labels == "off":
            return None

        def build() -> "Labels":
            from chalicelib.adapters import aws_clients
            from chalicelib.adapters.rekognition_labels import RekognitionLabels

            return RekognitionLabels(aws_clients.rekognition())

        return at_first_use(build)
