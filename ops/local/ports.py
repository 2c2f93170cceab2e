"""TCP ports on loopback."""

import errno
import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

from ops.local.errors import LocalCloudError
from ops.local.state import write_whole

# Below the kernel's own range for outgoing connections (32768 to 60999), which could take a port between pick and use.
_PICK_FROM = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on at 127.0.0.1. Raises LocalCloudError if a hundred random ones are all taken."""
    for port in random.sample(_PICK_FROM, 100):  # spread, so that runs starting together do not meet
        if is_free("127.0.0.1", port):
            return port
    raise LocalCloudError("No free TCP port was found on 127.0.0.1.")


def kept_ports(file: Path, names: Iterable[str]) -> dict[str, int]:
    """A port for each name: the one of the last run, if nobody listens there, so that pages left open find it again.

    Raises LocalCloudError as `free_port`. A damaged file is made anew.
    """
    try:
        before = dict(json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        before = {}
    ports = {name: _again(before.get(name)) or free_port() for name in names}
    write_whole(file, json.dumps(ports))
    return ports


def _again(port: object) -> int | None:
    return port if isinstance(port, int) and port in _PICK_FROM and is_free("127.0.0.1", port) else None


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def public_port(wanted: int) -> int:
    """`wanted`, or a free port for 0. Raises LocalCloudError if it is taken."""
    if wanted == 0:
        return free_port()
    if not 1 <= wanted <= 65535:
        raise LocalCloudError(f"PORT must be from 1 to 65535, or 0 for any free one; it is {wanted}.")
    if not is_free("127.0.0.1", wanted):
        raise LocalCloudError(
            f"Port {wanted} on 127.0.0.1 is taken by another program or not allowed: choose another, for example "
            f"`make run PORT={wanted + 1000 if wanted < 64_000 else 8000}`."
        )
    return wanted
