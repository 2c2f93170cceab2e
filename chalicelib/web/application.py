"""The HTTP application: every face's routes and what is done around each request."""

from collections.abc import Callable

from chalice.app import Chalice, Request

from chalicelib.bootstrap import Services
from chalicelib.web import (
    account_pages,
    admin_api,
    admin_pages,
    api,
    cdn,
    compat,
    console,
    fleet_api,
    pages,
    rendition_pages,
    renditions_api,
    replica_api,
    uploads_api,
)
from chalicelib.web.faces import face_of
from chalicelib.web.http import finishing
from chalicelib.web.session import Door, OpenTo


def create_app(services: Callable[[], Services]) -> Chalice:
    """An application that calls `services` in each request and not before; event handlers are app.py's to add."""
    app = Chalice(app_name="elastic-images")
    app.api.binary_types = ["*/*"]  # API Gateway looks at the first Accept type only; browsers send many
    finish = finishing(
        face_of,
        door=lambda: _door(services()),
        has_route=lambda path, method: method in app.routes.get(path, {}),
        staleness=lambda: services().images.staleness,
        arrive=lambda request: _arrive(request, services()),
    )
    app.register_middleware(finish, "http")
    app.register_blueprint(pages.blueprint(services))
    app.register_blueprint(rendition_pages.blueprint(services))
    app.register_blueprint(account_pages.blueprint(services))
    app.register_blueprint(console.blueprint(services))
    app.register_blueprint(admin_pages.blueprint(services))
    app.register_blueprint(api.blueprint(services))
    app.register_blueprint(uploads_api.blueprint(services))
    app.register_blueprint(renditions_api.blueprint(services))
    app.register_blueprint(fleet_api.blueprint(services))
    app.register_blueprint(replica_api.blueprint(services))
    app.register_blueprint(admin_api.blueprint(services))
    app.register_blueprint(compat.blueprint(services))
    return app


def _arrive(request: Request, services: Services) -> None:
    cdn.arrive(request, services.config.site_address, services.form_key)


def _door(services: Services) -> Door:
    config = services.config
    return Door(services.accounts, config.signed_in_as, OpenTo(config.open_to), services.form_key)
