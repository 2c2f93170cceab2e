import threading

from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node
from chalicelib.services.asking_nodes import asked_at_once

NODES = [Node(f"i-{number}", f"10.0.0.{number}", 11211) for number in range(4)]


def test_answers_come_in_the_nodes_order_with_the_errors_of_those_that_fail() -> None:
    error = NodeError("silent")

    def ask(node: Node) -> str:
        if node is NODES[1]:
            raise error
        return node.id

    assert asked_at_once(NODES, ask) == ["i-0", error, "i-2", "i-3"]


def test_all_are_asked_at_the_same_time() -> None:
    together = threading.Barrier(len(NODES))
    assert asked_at_once(NODES, lambda node: together.wait(20) >= 0) == [True] * len(NODES)


def test_nobody_is_asked_of_an_empty_fleet() -> None:
    assert asked_at_once([], lambda node: 1) == []
