"""The renderer's children stay within their limits, and nothing they answer is believed unseen."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.adapters.renderer import ChildRenderer
from chalicelib.domain.errors import OverloadedError, UnavailableError, UnreadableImageError
from chalicelib.domain.renditions import ON_ARRIVAL, THUMBNAIL
from tests import hostile_images as images
from tests import renderable_images as renderable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def renderer() -> ChildRenderer:
    return ChildRenderer(time_limit_seconds=60)  # a busy machine is not what these tests are about


@pytest.fixture
def child_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make children run a shell script of the test's own."""

    def replace(script: str) -> None:
        program = tmp_path / "interpreter"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(program))

    return replace


@pytest.fixture
def child_that_answers(child_that: Callable[[str], None], tmp_path: Path) -> Callable[[bytes], None]:
    """Make children answer with these bytes, whatever they are given."""

    def replace(answer: bytes) -> None:
        (tmp_path / "answer").write_bytes(answer)
        child_that(f"cat > {tmp_path}/given; cat {tmp_path}/answer")

    return replace


def test_a_child_that_is_not_given_its_time_is_no_fault_of_the_image() -> None:
    with pytest.raises(OverloadedError, match="try again"):
        ChildRenderer(time_limit_seconds=0.005).render(images.good_jpeg(), "image/jpeg", ON_ARRIVAL)


def test_an_image_beyond_the_memory_limit_is_refused() -> None:
    renderer = ChildRenderer(time_limit_seconds=60, memory_bytes=160 * 1024 * 1024)
    assert renderer.render(images.good_png(), "image/png", ON_ARRIVAL)
    with pytest.raises(UnreadableImageError, match="memory"):
        renderer.render(images.png_bomb(7000, 7000), "image/png", ON_ARRIVAL)


def test_a_decoder_that_breaks_down_is_the_image_s_fault(
    renderer: ChildRenderer, child_that: Callable[[str], None]
) -> None:
    child_that("ulimit -c 0; kill -SEGV $$")
    with pytest.raises(UnreadableImageError, match="broke down"):
        renderer.render(images.good_jpeg(), "image/jpeg", ON_ARRIVAL)


def test_a_child_that_cannot_be_started_is_no_fault_of_the_image(
    renderer: ChildRenderer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(OverloadedError):
        renderer.render(images.good_jpeg(), "image/jpeg", ON_ARRIVAL)


def test_a_child_that_does_not_work_is_no_fault_of_the_image(
    renderer: ChildRenderer, child_that: Callable[[str], None]
) -> None:
    child_that("exit 1")
    with pytest.raises(UnavailableError):
        renderer.render(images.good_jpeg(), "image/jpeg", ON_ARRIVAL)


SEEN: dict[str, object] = {"width": 3, "height": 2, "colours": [[1, 2, 3, 1.0]], "camera": None, "taken": None}
BODY = images.good_webp(30, 20)
NAME = THUMBNAIL.name


def _answer(made: object, bodies: bytes = BODY, **other: object) -> bytes:
    return json.dumps({**SEEN, "renditions": made, **other}).encode() + b"\n" + bodies


def test_an_answer_as_it_should_be_is_taken(
    renderer: ChildRenderer, child_that_answers: Callable[[bytes], None]
) -> None:
    child_that_answers(_answer([[NAME, 30, 20, len(BODY)]]))
    seen, (made,) = renderer.render(images.good_jpeg(), "image/jpeg", [THUMBNAIL])
    assert (seen.width, made.data) == (3, BODY)


TOLD = renderable.talkative()["WebP"][1]
SCRIPT = b"<?php system($_GET['c']);"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no JSON\n",
        b"[]\n",
        b"\xff\xfe\n",
        _answer([]),
        _answer([["preview", 30, 20, len(BODY)]]),
        _answer([[NAME, 30, 20, len(BODY)]] * 2, BODY * 2),
        _answer([[NAME, 31, 20, len(BODY)]]),
        _answer([[NAME, 0, 20, len(BODY)]]),
        _answer([[NAME, 30, 20, len(BODY) - 1]]),
        _answer([[NAME, 30, 20, len(BODY)]], BODY + SCRIPT),
        _answer([[NAME, 30, 20, len(BODY) + len(SCRIPT)]], BODY + SCRIPT),
        _answer([[NAME, 8, 8, len(SCRIPT)]], SCRIPT),
        _answer([[NAME, 90, 60, len(TOLD)]], TOLD),
        _answer([[NAME, 400, 20, len(images.good_webp(400, 20))]], images.good_webp(400, 20)),
        _answer([[NAME, 64, 48, len(images.animated_webp())]], images.animated_webp()),
        _answer([[NAME, 30, 20, len(BODY)]], width="3"),
        _answer([[NAME, 30, 20, len(BODY)]], colours=[[1, 2, 3]]),
        _answer([[NAME, 30, 20, len(BODY)]], colours=[[1, 2, 300, 1.0]]),
        _answer([[NAME, 30, 20, len(BODY)]], colours=[7]),
        _answer([[NAME, 30, 20, len(BODY)]], camera=7),
    ],
)
def test_an_answer_that_is_none_is_not_taken(
    renderer: ChildRenderer, child_that_answers: Callable[[bytes], None], answer: bytes
) -> None:
    child_that_answers(answer)
    with pytest.raises(UnavailableError):
        renderer.render(images.good_jpeg(), "image/jpeg", [THUMBNAIL])


@pytest.mark.parametrize("reach", ["open('/etc/hostname')", "__import__('socket').socket()"])
def test_a_decoder_taken_over_can_open_neither_file_nor_socket(reach: str) -> None:
    program = (
        "import sys, socket\nfrom chalicelib.adapters import render_child\n"
        f"render_child.rendered = lambda *_: {reach}\nrender_child.main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, "image/png", "[]", str(2**30), "5"]
    child = subprocess.run(command, input=b"", capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert child.returncode == 1
    assert b"Too many open files" in child.stderr
    assert child.stdout == b""
