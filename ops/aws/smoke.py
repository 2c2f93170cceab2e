"""What a deployed application is asked before it is trusted: that it lives, is ready, and keeps an image."""

import os
import struct
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable

from ops.aws.errors import OperatorError

# Method, path and body; the status, 0 if there was no answer, and the body of the answer.
Ask = Callable[[str, str, bytes | None], tuple[int, bytes]]
REQUEST_SECONDS = 29.0
_KEY = "smoke-test"  # always the same, so that no test leaves more than one image behind


def keeps_an_image(address: str, token: str, say: Callable[[str], None], wait: Callable[[], bool]) -> None:
    """Asks until all is well or `wait` says that it was long enough. Raises OperatorError. `address` ends with a slash;
    `token` is one of an owner who has nothing else to lose.
    """

    def ask(method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        return _asked(method, address + path, token if path.startswith("api/") else "", body)

    while said := fault_of(ask, small_png(os.urandom(3))):
        if not wait():
            raise OperatorError(f"{address} does not pass the smoke test.", said, "`./ops/store logs NAME` tells why")
    say(f"{address} lives, is ready, and keeps an image")


def fault_of(ask: Ask, image: bytes) -> str:
    """What the first thing is that is not as it should be; empty if nothing is."""
    place = f"api/v1/image?key={_KEY}"
    asked: list[tuple[str, str, bytes | None, tuple[int, ...], bytes | None]] = [
        ("GET", "healthz", None, (200,), None),
        ("GET", "readyz", None, (200,), None),
        ("PUT", place, image, (200, 201), None),
        ("GET", place, None, (200,), image),
        ("DELETE", place, None, (204,), None),
        ("GET", place, None, (404,), None),
    ]
    for method, path, body, wanted, content in asked:
        status, answer = ask(method, path, body)
        if status not in wanted:
            return f"{method} {path} answered {status or 'nothing'}: {answer[:300].decode(errors='replace')}"
        if content is not None and answer != content:
            return f"{method} {path} gave {len(answer)} other bytes than were put."
    return ""


def small_png(colour: bytes) -> bytes:
    """Eight by eight points of one colour, three bytes."""
    rows = zlib.compress((b"\0" + colour * 8) * 8)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _asked(method: str, address: str, token: str, body: bytes | None) -> tuple[int, bytes]:
    headers = {"Accept": "*/*"} | ({"Content-Type": "application/octet-stream"} if body else {})
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310  # ours, http or https
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read(4000)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return 0, str(error).encode()
