"""What the scaler needs of the world, as narrow protocols."""

from collections.abc import Collection, Sequence
from typing import Protocol

from chalicelib.domain.decisions import Sample
from chalicelib.domain.fleet import Node
from scaler.instances import LiveInstance


class Instances(Protocol):
    """What the scaler needs of EC2. Raises UnavailableError."""

    def live(self) -> list[LiveInstance]:
        """Each instance of this fleet that is pending or running, oldest first."""

    def launch(self, intent: bytes, number: int) -> str:
        """Launches one instance and tags it with the intent; its id. `number` spreads them over the subnets."""

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Ends those of the instances that carry this fleet's tags."""


class Samples(Protocol):
    """The measured minutes of nodes. Raises UnavailableError."""

    def read(self, node_ids: Sequence[str], minutes: Sequence[int]) -> list[Sample]: ...


class Prober(Protocol):
    """Asks nodes whether they are ready to be given keys."""

    def answering(self, nodes: Collection[Node]) -> set[Node]:
        """Those that take a value and give it back; all are asked at once."""

    def delays(self, nodes: Collection[Node]) -> dict[Node, float]:
        """The seconds that a round trip took at best, of those that answer."""

    def ready(self, nodes: Collection[Node]) -> set[Node]:
        """Those that answer and say themselves that they are the node of that id."""
