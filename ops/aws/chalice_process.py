"""The `chalice` command in a process that ends with whoever started it, so that an operator's command that was killed
deploys nothing more.

    python -m ops.aws.chalice_process LONGEST_PAUSE_SECONDS deploy --stage NAME
"""

import os
import sys
import threading
import time
from collections.abc import Iterator


def main(longest_pause_seconds: float, arguments: list[str]) -> int:
    """Chalice's exit status. Its waiters pause for 5 s each, here at most so long as is said."""
    from chalice.cli import main as chalice
    from chalice.utils import OSUtils

    parent, pause, ended = os.getppid(), time.sleep, threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            if os.getppid() != parent:
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    time.sleep = lambda seconds: pause(min(float(seconds), longest_pause_seconds))
    # It knows a package that was made before by a hash over the files as they come: in their own order, in any folder.
    OSUtils.walk = lambda _self, path, followlinks=False: _sorted_walk(path, followlinks)  # type: ignore[assignment, method-assign]
    sys.argv = ["chalice", *arguments]
    try:
        return int(chalice() or 0)
    finally:
        ended.set()


def _sorted_walk(path: str, followlinks: bool) -> Iterator[tuple[str, list[str], list[str]]]:
    for root, folders, names in os.walk(path, followlinks=followlinks):
        folders.sort()
        yield root, folders, sorted(names)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
