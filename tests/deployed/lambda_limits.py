"""What a function may not do on Lambda, refused where it would be allowed here. Imported at the start of a function.

Only the temporary folder can be written, and there is no shared memory.
"""

import errno
import os
import sys
import tempfile

_WRITABLE = (os.path.realpath(tempfile.gettempdir()) + os.sep, "/dev/null", "/proc/self/")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS_CHANGED = {"os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.truncate": 1, "os.rename": 2, "os.link": 2}
_SHARED_MEMORY = {"multiprocessing.synchronize", "multiprocessing.shared_memory", "_posixshmem"}


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITES:
            _check(path)
    elif event in _PATHS_CHANGED:
        for path in arguments[: _PATHS_CHANGED[event]]:
            _check(path)
    elif event == "import" and arguments[0] in _SHARED_MEMORY:
        raise OSError(errno.ENOSYS, "Lambda has no shared memory", str(arguments[0]))


def _check(path: object) -> None:
    if isinstance(path, str | bytes) and not os.path.realpath(os.fsdecode(path)).startswith(_WRITABLE):
        raise OSError(errno.EROFS, "Only the temporary folder can be written on Lambda", os.fsdecode(path))


sys.addaudithook(_refuse)
