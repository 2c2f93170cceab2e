"""The HTTP application: every route of the table, and what is done around each request."""

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from chalice.app import Chalice, Request, Response

from chalicelib.config import ConfigError
from chalicelib.web import cdn
from chalicelib.web.access import MODULES
from chalicelib.web.faces import face_of
from chalicelib.web.http import answering_as, finishing
from chalicelib.web.looks import looks_of
from chalicelib.web.observing import request_observer
from chalicelib.web.session import Door, OpenTo

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services

View = Callable[..., Any]


def create_app(services: "Callable[[], Services]") -> Chalice:
    """An application that calls `services` in each request and not before; event handlers are app.py's to add."""
    # `env`: Chalice makes a variable of its environment longer with each application.
    app = Chalice(app_name="elastic-images", configure_logs=False, env={})
    app.api.binary_types = ["*/*"]  # API Gateway looks at the first Accept type only; browsers send many
    finish = finishing(
        face_of,
        door=lambda: _door(services()),
        has_route=lambda path, method: method in app.routes.get(path, {}),
        staleness=lambda: services().staleness,
        arrive=lambda request: _arrive(request, services()),
    )
    app.register_middleware(request_observer(lambda: environment_of(services)), "http")
    app.register_middleware(finish, "http")

    def request() -> Request:
        return cast(Request, app.current_request)  # views are called while there is one

    for module, paths in MODULES.items():
        views = _Later(module, services, request)
        for path, methods in paths.items():
            for method in methods:
                app.route(path, methods=[method], content_types=[])(views.at(path, method))
    return app


def environment_of(services: "Callable[[], Services]") -> str:
    """The environment's name; "unknown" while the settings cannot be read, which each answer says."""
    try:
        return services().config.environment
    except ConfigError:
        return "unknown"


class _Later:
    """The views of a module that is imported when the first of them is called.

    A function on Lambda serves few of the routes, and the queues' functions none: importing them all is most of what
    a cold process would do.
    """

    def __init__(self, module: str, services: "Callable[[], Services]", request: Callable[[], Request]) -> None:
        self._module = module
        self._services = services
        self._request = request
        self._views: Mapping[tuple[str, str], View] | None = None

    def at(self, path: str, method: str) -> View:
        """The view of the path and the method. It answers its errors in the form of the path's face."""

        def view(**parameters: str) -> Response:
            called = self._loaded()[path, method]
            answer: Response = answering_as(face_of(path, lambda: looks_of(self._request())))(called)(**parameters)
            return answer

        return view

    def _loaded(self) -> Mapping[tuple[str, str], View]:
        if self._views is None:  # two first calls at once make them twice, and either will do
            module = importlib.import_module(f"chalicelib.web.{self._module}")
            self._views = module.views(self._services, self._request).by_route
        return self._views


def _arrive(request: Request, services: "Services") -> None:
    cdn.arrive(request, services.config.site_address, services.form_key)


def _door(services: "Services") -> Door:
    config = services.config
    return Door(services.accounts, config.signed_in_as, OpenTo(config.open_to), services.form_key)
