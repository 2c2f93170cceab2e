"""Whether nodes answer and are ready to be given keys, all asked at once."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import NodeAdmin, NodeAdmins

MOST_AT_ONCE = 32


class NodeProber:
    """Prober by threads that end before it answers: nothing runs on between two runs."""

    def __init__(self, admins: NodeAdmins) -> None:
        self._admins = admins

    def answering(self, nodes: Collection[Node]) -> set[Node]:
        return self._those(nodes, lambda node: node.answers())

    def ready(self, nodes: Collection[Node]) -> set[Node]:
        return self._those(nodes, lambda node: node.is_ready())

    def _those(self, nodes: Collection[Node], question: Callable[[NodeAdmin], bool]) -> set[Node]:
        if not nodes:
            return set()
        with ThreadPoolExecutor(min(MOST_AT_ONCE, len(nodes))) as pool:
            said = pool.map(lambda node: question(self._admins.of(node)), nodes)
            return {node for node, yes in zip(nodes, said, strict=True) if yes}
