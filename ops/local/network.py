"""The private network of the local cloud: a /16 of loopback addresses, so that EC2's private addresses really exist."""

import socket
from dataclasses import dataclass

from ops.local.errors import LocalCloudError

_RESERVATION_PORT = 11211
_SECOND_OCTETS = range(16, 251)


@dataclass(frozen=True, slots=True)
class Network:
    """127.N.0.0/16. `reservation` listens on 127.N.0.1 and keeps other local clouds out while it is open."""

    second_octet: int
    reservation: socket.socket

    @property
    def cidr(self) -> str:
        return f"127.{self.second_octet}.0.0/16"

    @property
    def subnet_cidrs(self) -> tuple[str, str]:
        return f"127.{self.second_octet}.1.0/24", f"127.{self.second_octet}.2.0/24"


def reserve() -> Network:
    """The first network that no other local cloud of this machine has. Raises LocalCloudError if all are taken."""
    for second_octet in _SECOND_OCTETS:
        listener = socket.socket()
        try:
            listener.bind((f"127.{second_octet}.0.1", _RESERVATION_PORT))
            listener.listen(1)
        except OSError:
            listener.close()
            continue
        return Network(second_octet, listener)
    raise LocalCloudError("All loopback networks from 127.16.0.0/16 to 127.250.0.0/16 are in use.")
