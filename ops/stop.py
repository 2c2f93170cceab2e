"""`make stop`: end the local cloud of the state folder, from another terminal or after its parent was killed."""

import os
import signal
import sys
import time

from ops.local import processes, state
from ops.local.errors import LocalCloudError
from ops.run import PROJECT

_ORDERLY_SECONDS = 120.0  # a database with much to write may take a minute
_BEGIN_SECONDS = 5.0


def stop(folder: state.StateFolder) -> str:
    """What was done, in one sentence. Raises LocalCloudError if the run that holds the folder cannot be ended."""
    if not folder.root.exists():
        return "Not running."
    lock = state.take_lock(folder)
    if lock is None:
        _end_holder(folder)
        processes.kill_marked(folder.root)
        return "Stopped."
    killed = processes.kill_marked(folder.root)
    os.close(lock)
    return f"Ended {killed} processes left by a run that was killed." if killed else "Not running."


def _end_holder(folder: state.StateFolder) -> None:
    descriptor = _holder(folder)
    if descriptor is None:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if not processes.exited(descriptor, _ORDERLY_SECONDS):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            processes.exited(descriptor, _BEGIN_SECONDS)
    except ProcessLookupError:
        return  # ended by itself meanwhile
    except PermissionError as error:
        raise LocalCloudError("It was started by another user: stop it as that user, or as root.") from error
    finally:
        os.close(descriptor)


def _holder(folder: state.StateFolder) -> int | None:
    """A pidfd of the process that has the lock; None if it has ended meanwhile."""
    deadline = time.monotonic() + _BEGIN_SECONDS
    while time.monotonic() < deadline:  # it writes its pid just after taking the lock
        run = state.read_run(folder)
        descriptor = processes.open_process(run.pid, run.started_ticks) if run else None
        if descriptor is not None:
            return descriptor
        lock = state.take_lock(folder)
        if lock is not None:
            os.close(lock)
            return None
        time.sleep(0.05)
    raise LocalCloudError(
        f"Something holds {folder.lock}, but {folder.run} does not say which process: end it by hand."
    )


def main() -> int:
    """The command; its exit status."""
    try:
        print(stop(state.state_folder(os.environ.get("STATE_DIR"), PROJECT)))
    except LocalCloudError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
