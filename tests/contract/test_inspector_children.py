"""The inspector's children stay within their limits, see no secrets, and leave no process behind."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.inspector import ChildInspector
from chalicelib.domain.errors import OverloadedError, TooLargeError, UnavailableError, UnreadableImageError
from chalicelib.domain.images import ImageFacts
from tests import hostile_images as images

ROOT = Path(__file__).parents[2]


@pytest.fixture
def inspector() -> ChildInspector:
    return ChildInspector(time_limit_seconds=20)  # a busy machine is not what these tests are about


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Every process started during the test."""
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    yield started


def _is_gone(child: subprocess.Popen[bytes]) -> bool:
    """Ended and reaped: not even a zombie has its number."""
    try:
        os.kill(child.pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make children run a shell script of the test's own."""

    def replace(script: str) -> None:
        program = tmp_path / "interpreter"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(program))

    return replace


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/gif", "image/webp"])
def test_a_claim_beyond_the_limit_starts_no_child(
    inspector: ChildInspector, children: list[subprocess.Popen[bytes]], media_type: str
) -> None:
    with pytest.raises(TooLargeError):
        inspector.inspect(images.claiming_65535(media_type))
    assert children == []


def test_a_child_that_is_not_given_its_time_is_gone_and_no_fault_of_the_image(
    children: list[subprocess.Popen[bytes]],
) -> None:
    with pytest.raises(OverloadedError, match="try again"):
        ChildInspector(time_limit_seconds=0.005).inspect(images.good_jpeg())
    (child,) = children
    assert _is_gone(child)


def test_a_child_is_gone_when_the_parent_fails(
    children: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    inspector = ChildInspector(max_children=1, wait_seconds=0)
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "communicate", fail)
        with pytest.raises(KeyboardInterrupt):
            inspector.inspect(images.good_jpeg())
    (child,) = children
    assert _is_gone(child)
    assert inspector.inspect(images.good_jpeg()).frames == 1  # and its turn was given back


def test_an_image_beyond_the_memory_limit_is_refused() -> None:
    inspector = ChildInspector(time_limit_seconds=20, memory_bytes=160 * 1024 * 1024)
    assert inspector.inspect(images.good_png()).frames == 1
    with pytest.raises(UnreadableImageError, match="memory"):
        inspector.inspect(images.good_png(7000, 7000))


@pytest.mark.parametrize("signal_name", ["SEGV", "ABRT", "KILL", "BUS"])
def test_a_decoder_that_breaks_down_is_the_image_s_fault(
    inspector: ChildInspector, interpreter: Callable[[str], None], signal_name: str
) -> None:
    interpreter(f"ulimit -c 0; kill -{signal_name} $$")
    with pytest.raises(UnreadableImageError, match="broke down"):
        inspector.inspect(images.good_jpeg())


@pytest.mark.parametrize("script", ["exit 1", "kill -TERM $$", "kill -INT $$", "echo 7", "echo not json", "true"])
def test_a_child_that_does_not_work_is_not_the_image_s_fault(
    inspector: ChildInspector, interpreter: Callable[[str], None], script: str
) -> None:
    interpreter(script)
    with pytest.raises(UnavailableError):
        inspector.inspect(images.good_jpeg())


def test_a_child_that_cannot_be_started_is_an_overload(
    inspector: ChildInspector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(OverloadedError):
        inspector.inspect(images.good_jpeg())


def test_a_child_sees_no_secret_of_the_environment(
    inspector: ChildInspector, interpreter: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    interpreter(f"env > {tmp_path}/seen; exit 1")
    with pytest.raises(UnavailableError):
        inspector.inspect(images.good_jpeg())
    assert "a-secret" not in (tmp_path / "seen").read_text()


def test_any_working_directory_and_environment_will_do(
    inspector: ChildInspector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert inspector.inspect(images.good_jpeg()).frames == 1


def test_no_more_children_than_allowed_at_once(children: list[subprocess.Popen[bytes]]) -> None:
    inspector = ChildInspector(time_limit_seconds=30, max_children=2, wait_seconds=60)
    most = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.001):
            most = max(most, sum(child.returncode is None for child in list(children)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(20) as pool:
            facts = list(pool.map(inspector.inspect, [images.good_jpeg(70, 50, seed) for seed in range(20)]))
    finally:
        done.set()
        watcher.join()
    assert facts == [ImageFacts("image/jpeg", 70, 50, 1)] * 20
    assert 1 <= most <= 2
    assert all(_is_gone(child) for child in children)


def test_who_gets_no_turn_in_time_is_told_to_come_back(interpreter: Callable[[str], None], tmp_path: Path) -> None:
    interpreter(f"touch {tmp_path}/begun; exec sleep 60")
    inspector = ChildInspector(time_limit_seconds=3, max_children=1, wait_seconds=0)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(inspector.inspect, images.good_jpeg())
        while not (tmp_path / "begun").exists() and not first.done():
            threading.Event().wait(0.01)
        with pytest.raises(OverloadedError, match="try again"):
            inspector.inspect(images.good_jpeg())
        assert isinstance(first.exception(), OverloadedError)


def _child_alone(before: str = "") -> list[str]:
    """The command of a child, with one second to live and a line of the test's own run first."""
    program = f"from chalicelib.adapters import inspect_child\n{before}\ninspect_child.main(sys.argv[1:])"
    return [sys.executable, "-c", f"import sys\n{program}", "image/png", "1000000", "200", str(2**30), "1"]


def test_an_image_that_needs_more_of_the_processor_ends_its_child(interpreter: Callable[[str], None]) -> None:
    looping = _child_alone("inspect_child._DECODERS['image/png'] = lambda *_: any(iter(int, 1))")
    child = subprocess.run(looping, input=b"", capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert child.returncode in (-signal.SIGXCPU, -signal.SIGALRM), "the latter on a machine that is busy"
    interpreter("kill -XCPU $$")
    with pytest.raises(UnreadableImageError, match="too long"):
        ChildInspector(time_limit_seconds=20).inspect(images.good_jpeg())


def test_a_child_whose_parent_fell_silent_ends_by_itself() -> None:
    with subprocess.Popen(_child_alone(), stdin=subprocess.PIPE, cwd=ROOT) as child:
        try:
            assert child.wait(timeout=60) == -signal.SIGALRM  # its input is still open
        finally:
            child.kill()


@pytest.mark.parametrize("reach", ["open('/etc/hostname')", "__import__('socket').socket()"])
def test_a_decoder_taken_over_can_open_neither_file_nor_socket(reach: str) -> None:
    taken_over = f"import socket; inspect_child._DECODERS['image/png'] = lambda *_: {reach}"
    child = subprocess.run(_child_alone(taken_over), input=b"", capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert child.returncode == 1
    assert b"Too many open files" in child.stderr
    assert child.stdout == b""
