"""What the smoke test of a deployed application sees."""

import pytest

from ops.aws.smoke import fault_of, small_png

IMAGE = small_png(b"\x10\x20\x30")


class Application:
    """One that keeps one image. `wrong` are answers, by method and path, that are given instead of its own."""

    def __init__(self, wrong: dict[tuple[str, str], tuple[int, bytes]]) -> None:
        self.wrong, self.kept = wrong, b""

    def __call__(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        path = path.partition("?")[0]
        if (method, path) in self.wrong:
            return self.wrong[method, path]
        if path in {"healthz", "readyz"}:
            return 200, b""
        if method == "PUT":
            status, self.kept = (200 if self.kept else 201), body or b""
            return status, b""
        if method == "DELETE":
            self.kept = b""
            return 204, b""
        return (200, self.kept) if self.kept else (404, b"")


def test_one_that_serves_has_no_fault_and_keeps_nothing() -> None:
    application = Application({})
    assert fault_of(application, IMAGE) == ""
    assert application.kept == b""
    application.kept = b"left by a test that was killed"
    assert fault_of(application, IMAGE) == ""


@pytest.mark.parametrize(
    ("method", "path", "answer", "words"),
    [
        ("GET", "healthz", (502, b""), "GET healthz answered 502"),
        ("GET", "readyz", (503, b"not ready"), "GET readyz answered 503: not ready"),
        ("GET", "readyz", (0, b"refused"), "GET readyz answered nothing: refused"),
        ("PUT", "api/v1/image", (500, b""), "PUT api/v1/image?key=smoke-test answered 500"),
        ("GET", "api/v1/image", (200, b"another"), "GET api/v1/image?key=smoke-test gave 7 other bytes"),
        ("DELETE", "api/v1/image", (500, b""), "DELETE api/v1/image?key=smoke-test answered 500"),
        ("GET", "api/v1/image", (200, IMAGE), "GET api/v1/image?key=smoke-test answered 200"),  # after its deletion
    ],
)
def test_whatever_is_wrong_is_told(method: str, path: str, answer: tuple[int, bytes], words: str) -> None:
    assert fault_of(Application({(method, path): answer}), IMAGE).startswith(words)
