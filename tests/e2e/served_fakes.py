"""The application on fakes, over HTTP on loopback, for a browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.bootstrap import Services
from chalicelib.web.faces import gateway_answer
from ops.local.http_server import build_server
from tests.fakes import memory_app


@contextmanager
def served(services: Services) -> Iterator[str]:
    """Its address, for as long as the context lasts."""
    app = memory_app(services)
    server = build_server(app, "127.0.0.1", 0, max_body_bytes=1 << 20, gateway_answer=gateway_answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
