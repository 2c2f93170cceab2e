"""Whether nodes answer and are ready to be given keys, all asked at once."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import NodeAdmin, NodeAdmins

MOST_AT_ONCE = 32
T = TypeVar("T")


class NodeProber:
    """Prober by threads that end before it answers: nothing runs on between two runs."""

    def __init__(self, admins: NodeAdmins) -> None:
        self._admins = admins

    def answering(self, nodes: Collection[Node]) -> set[Node]:
        return self._those(nodes, lambda node: node.answers())

    def ready(self, nodes: Collection[Node]) -> set[Node]:
        return self._those(nodes, lambda node: node.is_ready())

    def delays(self, nodes: Collection[Node]) -> dict[Node, float]:
        said = self._asked(nodes, lambda node: node.delay_seconds())
        return {node: delay for node, delay in zip(nodes, said, strict=True) if delay is not None}

    def _those(self, nodes: Collection[Node], question: Callable[[NodeAdmin], bool]) -> set[Node]:
        return {node for node, yes in zip(nodes, self._asked(nodes, question), strict=True) if yes}

    def _asked(self, nodes: Collection[Node], question: Callable[[NodeAdmin], T]) -> list[T]:
        if not nodes:
            return []
        with ThreadPoolExecutor(min(MOST_AT_ONCE, len(nodes))) as pool:
            return list(pool.map(lambda node: question(self._admins.of(node)), nodes))
