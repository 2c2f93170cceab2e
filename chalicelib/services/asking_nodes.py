"""Asks many nodes at once, so that a hung one costs its own small timeout and not one for each of the others."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node

MOST_AT_ONCE = 16
T = TypeVar("T")


def asked_at_once(nodes: Sequence[Node], ask: Callable[[Node], T]) -> list[T | NodeError]:
    """What `ask` returned for each node, in their order, or the NodeError that it raised.

    `ask` must have a timeout of its own.
    """
    if len(nodes) < 2:
        return [_asked(ask, node) for node in nodes]
    with ThreadPoolExecutor(min(len(nodes), MOST_AT_ONCE), "asking-nodes") as threads:
        return list(threads.map(lambda node: _asked(ask, node), nodes))


def _asked(ask: Callable[[Node], T], node: Node) -> T | NodeError:
    try:
        return ask(node)
    except NodeError as error:
        return error
