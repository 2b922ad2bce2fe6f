"""HTTP: everything that knows requests, statuses, JSON bodies and pages."""

from flask import Flask

from faceserver.web import errors, health, inputs, pages, security
from faceserver.web.compat import original
from faceserver.web.context import backend_of


def init_app(app: Flask) -> None:
    """Give the app its routes, limits, headers and error answers.

    ``app.extensions["faceserver"]`` must hold a :class:`~faceserver.web.context.Backend`.
    """
    settings = backend_of(app).settings
    inputs.set_limits(app, settings)
    security.guard(app, settings.host)
    errors.register(app)
    for blueprint in (pages.blueprint, health.blueprint, original.blueprint):
        app.register_blueprint(blueprint)
