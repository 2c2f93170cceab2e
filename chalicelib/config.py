"""The application's settings, read from an environment that is passed in; loud when something is missing or wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain.cache_settings import MAX_NODES, MIN_NODES
from chalicelib.domain.images import MAX_BYTES

T = TypeVar("T")
MIN_SECRET_CHARACTERS = 32


class ConfigError(Exception):
    """A setting is missing or not what it should be; the message names it."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that differs from one environment to another."""

    environment: str
    bucket: str
    job_queue_url: str
    database_host: str
    database_port: int
    database_user: str  # empty, as the password, where a secret tells both
    database_password: str
    database_secret_arn: str | None  # in Secrets Manager, JSON with username and password; None: they are given here
    database_name: str
    database_tls: bool
    database_ca_file: str | None  # who vouches for the database, below the project; None: whom the machine trusts
    database_reader_host: str | None  # a replica for reads while the primary is down; None: there is none
    database_reader_port: int
    fleet_nodes: int  # the target until somebody or a decision chooses another
    fleet_mode: str  # "manual" or "auto", until somebody chooses the other
    fleet_queue_url: str
    node_launch_template: str
    node_subnets: tuple[str, ...]
    node_port: int
    node_item_bytes: int
    cache_timeout_seconds: float
    max_upload_bytes: int
    inline_bytes: int  # larger images are answered by a redirect: an answer through Lambda has at most 6 MB
    inspect_seconds: float
    erase_grace_days: int  # in which the erasure of an account can be withdrawn
    secret_key: str  # signs the tokens of forms; empty where a secret tells it
    form_secret_arn: str | None  # in Secrets Manager; None: it is given here
    image_signing_key_id: str | None  # the CDN's name for the key that signs addresses; None: S3 signs them
    image_signing_secret_arn: str | None  # that key, in Secrets Manager
    signed_in_as: str | None  # the built-in owner that everyone is who neither signs in nor has a token; None: nobody
    open_to: str  # for what: "compatible-api" or "everything"
    mail_sender: str
    notice_topic_arn: str | None  # the topic by which owners are told of finished edits; None: nobody is told
    labels: str  # who names what images show: "off" or "rekognition"
    site_address: str | None  # where people reach the store; None: where the request came


def config_from(environ: Mapping[str, str]) -> Config:
    """The settings in the environment. Raises ConfigError."""

    def value(name: str, cast: Callable[[str], T], default: str | None = None) -> T:
        text = environ.get(name, default)
        if not text:
            raise ConfigError(f"The environment variable {name} is not set.")
        try:
            return cast(text)
        except ValueError as error:
            raise ConfigError(f"The environment variable {name} is “{text}”: {error}") from error

    database_secret_arn = environ.get("DATABASE_SECRET_ARN") or None
    form_secret_arn = environ.get("FORM_SECRET_ARN") or None
    return Config(
        environment=value("ENVIRONMENT", str),
        bucket=value("BUCKET", str),
        job_queue_url=value("JOB_QUEUE_URL", str),
        database_host=value("DATABASE_HOST", str),
        database_port=value("DATABASE_PORT", _whole(1, 65535), "3306"),
        database_user="" if database_secret_arn else value("DATABASE_USER", str),
        database_password="" if database_secret_arn else value("DATABASE_PASSWORD", str),
        database_secret_arn=database_secret_arn,
        database_name=value("DATABASE_NAME", str, "images"),
        database_tls=value("DATABASE_TLS", _switch, "on"),
        database_ca_file=environ.get("DATABASE_CA_FILE") or None,
        database_reader_host=environ.get("DATABASE_READER_HOST") or None,
        database_reader_port=value("DATABASE_READER_PORT", _whole(1, 65535), "3306"),
        fleet_nodes=value("FLEET_NODES", _whole(MIN_NODES, MAX_NODES), "2"),
        fleet_mode=value("FLEET_MODE", _one_of("manual", "auto"), "auto"),
        fleet_queue_url=value("FLEET_QUEUE_URL", str),
        node_launch_template=value("NODE_LAUNCH_TEMPLATE", str, "cache-node"),
        node_subnets=value("NODE_SUBNETS", _names),
        node_port=value("NODE_PORT", _whole(1, 65535), "11211"),
        node_item_bytes=value("NODE_ITEM_BYTES", _whole(1024, 1 << 30), str(8 * 1024 * 1024)),
        cache_timeout_seconds=value("CACHE_TIMEOUT_MS", _number(1, 60_000), "50") / 1000,
        max_upload_bytes=value("MAX_UPLOAD_BYTES", _whole(1, MAX_BYTES), str(MAX_BYTES)),
        inline_bytes=value("INLINE_BYTES", _whole(0, MAX_BYTES), str(4 * 1024 * 1024)),
        inspect_seconds=value("INSPECT_SECONDS", _number(0.1, 29), "5"),
        erase_grace_days=value("ERASE_GRACE_DAYS", _whole(0, 365), "7"),
        secret_key="" if form_secret_arn else value("SECRET_KEY", secret_key),
        form_secret_arn=form_secret_arn,
        image_signing_key_id=environ.get("IMAGE_SIGNING_KEY_ID") or None,
        image_signing_secret_arn=environ.get("IMAGE_SIGNING_SECRET_ARN") or None,
        signed_in_as=environ.get("SIGNED_IN_AS") or None,
        open_to=value("OPEN_TO", _one_of("compatible-api", "everything"), "compatible-api"),
        mail_sender=value("MAIL_SENDER", str, "images@localhost"),
        notice_topic_arn=environ.get("NOTICE_TOPIC_ARN") or None,
        labels=value("LABELS", _one_of("off", "rekognition"), "off"),
        site_address=(environ.get("SITE_ADDRESS") or "").rstrip("/") or None,
    )


def secret_key(text: str) -> str:
    """The key, if it is long enough. Raises ConfigError, which does not tell it."""
    if len(text) < MIN_SECRET_CHARACTERS:
        raise ConfigError(f"The environment variable SECRET_KEY must have at least {MIN_SECRET_CHARACTERS} characters.")
    return text


def _whole(low: int, high: int) -> Callable[[str], int]:
    def cast(text: str) -> int:
        if not low <= int(text) <= high:
            raise ValueError(f"it must be from {low} to {high}")
        return int(text)

    return cast


def _number(low: float, high: float) -> Callable[[str], float]:
    def cast(text: str) -> float:
        if not low <= float(text) <= high:  # false for NaN too
            raise ValueError(f"it must be from {low:g} to {high:g}")
        return float(text)

    return cast


def _one_of(*choices: str) -> Callable[[str], str]:
    def cast(text: str) -> str:
        if text not in choices:
            raise ValueError(f"it must be {' or '.join(choices)}")
        return text

    return cast


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError("it must be names with commas between them")
    return names


def _switch(text: str) -> bool:
    try:
        return {"on": True, "off": False}[text]
    except KeyError:
        raise ValueError("it must be on or off") from None
