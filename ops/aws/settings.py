"""The application's settings that an operator may choose for a stage (`--setting NAME=VALUE`). Pure.

Everything else that chalicelib/config.py reads is told by the stacks.
"""

from collections.abc import Iterable, Mapping

from chalicelib.config import ConfigError, config_from
from ops.aws.errors import UsageError

SETTINGS = {
    "ERASE_GRACE_DAYS": "days in which the erasure of an account can be withdrawn, 0 to 365; 7",
    "LABELS": "who names what images show: off or rekognition, which AWS takes money for; off",
    "FLEET_MODE": "who sizes the fleet until somebody chooses at /manager: auto or manual; auto",
    "FLEET_NODES": "how many nodes there are until somebody or a decision chooses another number; 2",
    "NODE_ITEM_BYTES": "the largest value that a node takes, 1024 to 1073741824; 8388608",
    "NODE_PORT": "where nodes listen; 11211",
    "CACHE_TIMEOUT_MS": "what a node may take before the origin is asked; 50",
    "MAX_UPLOAD_BYTES": "the largest image that is taken; 67108864",
    "INLINE_BYTES": "larger images are given by a signed address, not through the function; 4194304",
    "INSPECT_SECONDS": "what looking at an image's bytes may take; 5",
    "SIGNED_IN_AS": "the built-in owner that everybody is who does not sign in, to try the store out; nobody",
    "OPEN_TO": "for what that owner is: compatible-api or everything; compatible-api",
    "SITE_ADDRESS": "where people reach the store, for links in mails; where the request came, or the CDN",
    "DATABASE_TLS": "on or off, for a database of your own; on",
    "DATABASE_CA_FILE": "who vouches for a database of your own; Amazon's certificates",
    "DATABASE_READER_HOST": "a replica of your own; the data stack's",
    "DATABASE_READER_PORT": "its port; 3306",
}
_ENDPOINTS = "AWS_ENDPOINT_URL"  # of stand-ins, one for each service
# What the stacks tell, so that the rest can be looked at.
_TOLD = {
    "ENVIRONMENT": "blue",
    "BUCKET": "images",
    "JOB_QUEUE_URL": "https://sqs.test/jobs",
    "FLEET_QUEUE_URL": "https://sqs.test/fleet",
    "DATABASE_HOST": "database.test",
    "DATABASE_SECRET_ARN": "arn",
    "FORM_SECRET_ARN": "arn",
    "NODE_SUBNETS": "subnet-1",
}


def check_settings(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Them. Raises UsageError for one that is none, or has a value that the application would refuse to start with."""
    settings: Mapping[str, str] = dict(given)
    unknown = sorted(name for name in settings if name not in SETTINGS and not name.startswith(_ENDPOINTS))
    if unknown:
        raise UsageError(f"There is no setting {', '.join(unknown)}.", next_="`./ops/store parameters` lists them")
    try:
        config_from({**_TOLD, **settings})
    except ConfigError as error:
        raise UsageError(str(error), next_="another value") from error
    return dict(settings)
