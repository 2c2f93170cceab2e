"""Parts that are made when they are first used, once, also by many threads at once."""

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

T = TypeVar("T")

_making = threading.RLock()  # one for all: a part makes the parts that it is made of

if TYPE_CHECKING:
    made_once = functools.cached_property
else:

    class made_once(functools.cached_property):  # noqa: N801  # it is used as a decorator
        """A cached_property that two first uses at once make once; since Python 3.12 the library's own does not."""

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            with _making:
                return super().__get__(instance, owner)


class _AtFirstUse:
    """Stands in for a port until a method of it is asked for."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._built: object = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._built is None:
                self._built = self._build()
        return getattr(self._built, name)


def at_first_use(build: Callable[[], T]) -> T:
    """What `build` makes, made when a method of it is first asked for, once."""
    return cast(T, _AtFirstUse(build))
