"""Which browser the tests drive, and the application on fakes for it to look at."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ops.local.http_server import build_server
from tests.fakes import MemoryParts, memory_app

NAMES = ("chromium", "google-chrome", "chromium-browser")


def browser_path() -> str | None:
    """The first of the browsers that ops/setup.sh looks for; None if there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def served(parts: MemoryParts) -> Iterator[str]:
    """The application on these fakes, served on loopback; its address."""
    server = build_server(memory_app(parts.services()), "127.0.0.1", 0, max_body_bytes=1 << 20)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)
