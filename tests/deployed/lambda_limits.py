"""What a function may not do on Lambda, refused where it would be allowed here. Imported at the start of a function.

Only the temporary folder can be written, and there is no shared memory. That folder is `tmp` in the environment's own.
"""

import errno
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

_TEMPORARY = f"{sys.prefix}/tmp"
_WRITABLE = (os.path.realpath(_TEMPORARY) + os.sep, "/dev/null/")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS_CHANGED = {"os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.truncate": 1, "os.rename": 2, "os.link": 2}


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITES:
            _check(path)
    elif event in _PATHS_CHANGED:
        for path in arguments[: _PATHS_CHANGED[event]]:
            _check(path)


def _check(path: object) -> None:
    if isinstance(path, str | bytes) and not f"{os.path.realpath(os.fsdecode(path))}/".startswith(_WRITABLE):
        raise OSError(errno.EROFS, "Only the temporary folder can be written on Lambda", os.fsdecode(path))


def _no_shared_memory(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSYS, "Lambda has no shared memory")


os.environ["TMPDIR"] = _TEMPORARY
sys.addaudithook(_refuse)
_shared_memory: Any = import_module("_posixshmem")
_shared_memory.shm_open = _no_shared_memory
_semaphores: Any = import_module("_multiprocessing")
_semaphores.SemLock = type("SemLock", (_semaphores.SemLock,), {"__new__": _no_shared_memory})
