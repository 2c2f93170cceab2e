"""The views of the faces' modules: which answers which path by which method."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


class Views:
    """One module's views. They raise what goes wrong; who registers them says it in the path's own form."""

    def __init__(self) -> None:
        self._views: dict[tuple[str, str], Callable[..., Any]] = {}

    def route(self, path: str, *methods: str) -> Callable[[View], View]:
        """Takes the decorated view for the path and the methods."""

        def take(view: View) -> View:
            self._views.update({(path, method): view for method in methods})
            return view

        return take

    @property
    def by_route(self) -> Mapping[tuple[str, str], Callable[..., Any]]:
        """Each view by its path and method."""
        return self._views
