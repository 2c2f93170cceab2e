"""moto, which stands in for EC2. Everything in it is in memory: a restart begins with no instance at all."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ops.local.ministack import answers
from ops.local.parts import Part

# Its request log would grow by a line for every poll of the supervisor.
_QUIET_SERVER = (
    "import logging, sys; logging.getLogger('werkzeug').setLevel(logging.WARNING); "
    "from moto.server import main; main(sys.argv[1:])"
)


def part(port: int, environments: Path, environ: Mapping[str, str], prepare: Callable[[], None]) -> Part:
    """`prepare` makes the network and the launch template."""
    return Part(
        name="moto",
        title="EC2 (moto)",
        command=(
            str(environments / "moto" / "bin" / "python"),
            "-c",
            _QUIET_SERVER,
            "-H",
            "127.0.0.1",
            "-p",
            str(port),
        ),
        environ={**environ, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"},  # 1,300 images that take a second to load
        is_ready=lambda: answers(f"http://127.0.0.1:{port}/moto-api/data.json"),
        prepare=prepare,
        ready_seconds=30,
        stop_seconds=3,
    )
