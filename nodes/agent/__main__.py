"""The agent: python -m nodes.agent, with its settings in the environment.

LISTEN_ADDRESS, NODE_PORT, INSTANCE_ID, ENVIRONMENT, NODE_MEMORY_MB, NODE_ITEM_BYTES; AWS's own names for boto3.
"""

import logging
import os
import random
import signal
import sys
import threading
from collections.abc import Callable

from nodes.agent.keeping import Keeping
from nodes.agent.node import Node
from nodes.agent.orders import LRU, MEGABYTE, Orders
from nodes.agent.publishing import CloudWatch
from nodes.agent.reporting import Reporting

_END_SECONDS, _LOOK_SECONDS = 2.0, 1.0


def main() -> int:
    """Until SIGTERM (0), or until one of the two loops breaks (1): whoever started it starts it again."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    environ = os.environ
    address, port = environ["LISTEN_ADDRESS"], int(environ.get("NODE_PORT", "11211"))
    item_bytes = int(environ.get("NODE_ITEM_BYTES", str(8 * MEGABYTE)))
    otherwise = Orders(int(environ.get("NODE_MEMORY_MB", "64")) * MEGABYTE, LRU)
    name = environ["INSTANCE_ID"]
    keeping = Keeping(Node(address, port), name, otherwise, item_bytes, random.Random())  # noqa: S311  # who is evicted
    reporting = Reporting(Node(address, port), CloudWatch(environ["ENVIRONMENT"], name), keeping)

    stop, broken = threading.Event(), threading.Event()

    def whole(loop: Callable[[threading.Event], None]) -> None:
        broke = True
        try:
            loop(stop)
            broke = False
        finally:
            if broke:
                broken.set()
            stop.set()

    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # they are waited for, so that no handler meets a held lock
    loops = [threading.Thread(target=whole, args=(one.run,), daemon=True) for one in (keeping, reporting)]
    for loop in loops:
        loop.start()
    while not stop.is_set() and signal.sigtimedwait(ends, _LOOK_SECONDS) is None:
        continue
    stop.set()
    for loop in loops:
        loop.join(_END_SECONDS)
    return 1 if broken.is_set() else 0


if __name__ == "__main__":
    sys.exit(main())
