"""The environment handed to the application, and its file in the state folder."""

from collections.abc import Sequence
from pathlib import Path

from ops.database import Database
from ops.local.bootstrap import (
    ACCESS_KEY_ID,
    BUCKET,
    LAUNCH_TEMPLATE,
    MAIL_SENDER,
    REGION,
    SECRET_ACCESS_KEY,
    Endpoints,
)

NODE_PORT = 11211
NODE_ITEM_BYTES = 8 * 1024 * 1024


def app_environ(
    database: Database,
    endpoints: Endpoints,
    queue_urls: tuple[str, str],
    subnets: Sequence[str],
    fleet_nodes: int,
    fleet_mode: str,
    secret_key: str,
    cache_timeout_ms: str,
    open_to: str,
    notice_topic_arn: str = "",
    erase_grace_days: str = "7",
    site_address: str = "",
) -> dict[str, str]:
    """The same names as on AWS; only the endpoints and addresses differ."""
    return {
        "ENVIRONMENT": "local",
        "BUCKET": BUCKET,
        "JOB_QUEUE_URL": queue_urls[0],
        "FLEET_QUEUE_URL": queue_urls[1],
        "DATABASE_HOST": database.host,
        "DATABASE_PORT": str(database.port),
        "DATABASE_USER": database.user,
        "DATABASE_PASSWORD": database.password,
        "DATABASE_NAME": database.name,
        "DATABASE_TLS": "on" if database.tls else "off",
        "FLEET_NODES": str(fleet_nodes),
        "FLEET_MODE": fleet_mode,
        "NODE_LAUNCH_TEMPLATE": LAUNCH_TEMPLATE,
        "NODE_SUBNETS": ",".join(subnets),
        "NODE_PORT": str(NODE_PORT),
        "NODE_ITEM_BYTES": str(NODE_ITEM_BYTES),
        "CACHE_TIMEOUT_MS": cache_timeout_ms,
        "SECRET_KEY": secret_key,
        "SIGNED_IN_AS": "demo",  # who calls without a token; only this machine reaches the store
        "OPEN_TO": open_to,
        "MAIL_SENDER": MAIL_SENDER,
        "NOTICE_TOPIC_ARN": notice_topic_arn,
        "ERASE_GRACE_DAYS": erase_grace_days,
        "SITE_ADDRESS": site_address,  # links in mails lead here, whatever the Host of the request that asked for one
        "AWS_ENDPOINT_URL": endpoints.default,
        "AWS_ENDPOINT_URL_EC2": endpoints.ec2,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def reader_environ(host: str, port: int) -> dict[str, str]:
    """What is added where there is a replica."""
    return {"DATABASE_READER_HOST": host, "DATABASE_READER_PORT": str(port)}


def to_lines(environ: dict[str, str]) -> str:
    """KEY=value lines; a shell reads them with `set -a; . .local/app.env`."""
    return "".join(f"{name}={value}\n" for name, value in environ.items())


def read(path: Path) -> dict[str, str]:
    """What `to_lines` wrote. Raises OSError or ValueError."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)
