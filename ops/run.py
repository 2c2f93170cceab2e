"""`make run`: the whole product on this machine, until Ctrl-C or `make stop`.

    python -m ops.run [--port 8000] [--parts mariadb,ministack,moto,nodes,web,events] [--fleet-nodes 2]
                      [--replica] [--replica-delay 3]

STATE_DIR names another state folder than .local.
"""

import argparse
import contextlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from ops.local import processes, state
from ops.local.cloud import Cloud
from ops.local.errors import LocalCloudError, StopRequestedError
from ops.local.parts import ALL_PARTS, FOUNDATIONS, ORDER, REPLICA
from ops.local.ports import public_port
from ops.local.startup import Wanted, start
from ops.local.waiting import StopSignals
from ops.migrate import MigrationError

PROJECT = Path(__file__).resolve().parents[1]
WITHOUT_APP = frozenset((*FOUNDATIONS, "nodes"))


def say(line: str) -> None:
    """Print at once; a terminal that has gone away must not stop an orderly end."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def main(arguments: list[str]) -> int:
    """The command; its exit status: 0 after an orderly stop, 1 with one plain sentence on standard error."""
    wanted = _wanted(arguments)
    signals = StopSignals()
    _forget_own_settings()
    folder = state.state_folder(os.environ.get("STATE_DIR"), PROJECT)
    try:
        return _run(folder, wanted, signals)
    except LocalCloudError as error:
        with contextlib.suppress(OSError):
            print(error, file=sys.stderr, flush=True)
        return 1


def _run(folder: state.StateFolder, wanted: Wanted, signals: StopSignals) -> int:
    if state.take_lock(folder) is None:
        run = state.read_run(folder)
        raise LocalCloudError(f"Already running at {run.address if run else '?'} (`make stop` ends it).")
    killed = processes.kill_marked(folder.root)
    if killed:
        say(f"Ended {killed} processes left by a run that was killed.")
    state.prepare(folder)
    port = public_port(wanted.port)
    address = f"http://127.0.0.1:{port}/"
    state.write_run(folder, state.Run(os.getpid(), processes.started_ticks(os.getpid()) or 0, address))
    cloud = Cloud(folder, PROJECT, signals, say)
    began = time.monotonic()
    try:
        say(f"Starting the local cloud in {folder.root}")
        start(cloud, replace(wanted, port=port))
        what = address if "web" in wanted.parts else "without the application"
        say(f"Ready: {what}  ({time.monotonic() - began:.1f} s; Ctrl-C or `make stop` ends it, your data stays)")
        cloud.watch()
    except StopRequestedError:
        say("Stopping")
    except (MigrationError, pymysql.err.Error, BotoCoreError, ClientError) as error:
        raise LocalCloudError(f"The start failed: {error}") from error
    finally:
        cloud.stop(ORDER)
        folder.run.unlink(missing_ok=True)
    say("Stopped.")
    return 0


def _wanted(arguments: list[str]) -> Wanted:
    parser = argparse.ArgumentParser(prog="python -m ops.run", description="Run the whole product on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="of the web pages; 0 picks a free one")
    parser.add_argument("--parts", default=",".join(ALL_PARTS), help="names, separated by commas")
    parser.add_argument("--without-app", action="store_true", help="all parts but the HTTP server and the event pump")
    parser.add_argument(
        "--fleet-nodes", type=int, default=2, help="how many cache nodes the application wants at first"
    )
    parser.add_argument("--fleet-mode", choices=("auto", "manual"), default="auto", help="who sets their number then")
    parser.add_argument(
        "--replica", action="store_true", help="a second MariaDB, which gives lists, and all reads without the first"
    )
    parser.add_argument(
        "--open-to",
        choices=("compatible-api", "everything"),
        default="compatible-api",
        help="what may be used as the owner demo without signing in or a token",
    )
    parser.add_argument("--replica-delay", type=int, default=0, metavar="SECONDS", help="how far it stays behind")
    given = parser.parse_args(arguments)
    parts = WITHOUT_APP if given.without_app else frozenset(given.parts.split(","))
    if given.replica:
        parts |= {REPLICA}
    unknown = parts - set(ORDER)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(ORDER)}")
    if REPLICA in parts and "mariadb" not in parts:
        parser.error("a replica needs mariadb, which it follows")
    return Wanted(given.port, parts, given.fleet_nodes, given.fleet_mode, given.replica_delay, given.open_to)


def _forget_own_settings() -> None:
    """The person's AWS profile and proxies are about real places: nothing of them may reach the local cloud."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower() in {"http_proxy", "https_proxy", "all_proxy"}:
            del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
