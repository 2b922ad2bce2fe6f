"""HTTP: everything that knows requests, statuses, JSON bodies and pages."""

from flask import Flask
from flask_openapi3 import OpenAPI

from faceserver.access.addresses import Proxies
from faceserver.access.guard import open_gate
from faceserver.config import Settings
from faceserver.web import compat, errors, protocol, v1
from faceserver.web.compat.original import inputs
from faceserver.web.context import backend_of
from faceserver.web.doors import Entrance
from faceserver.web.guard import (
    audit,
    auth,
    bodies,
    cors,
    draining,
    limits,
    roles,
    scopes,
    security,
)
from faceserver.web.guard.auth import gate_of
from faceserver.web.multipart import FormRequest
from faceserver.web.ops import health, metrics
from faceserver.web.pages import assets, chosen, frame, gallerypages, languages, signin
from faceserver.web.pages import routes as pages
from faceserver.web.pages.errors import PAGES
from faceserver.web.v1 import make_app

__all__ = ["gate_of", "init_app", "make_app"]

_BLUEPRINTS = (
    assets.blueprint,
    pages.blueprint,
    gallerypages.blueprint,
    languages.blueprint,
    health.blueprint,
    metrics.blueprint,
    signin.blueprint,
)


def init_app(app: OpenAPI) -> None:
    """Give an app of :func:`make_app` its routes, limits, headers and error answers.

    ``app.extensions["faceserver"]`` must hold a :class:`~faceserver.lifecycle.Backend`.
    """
    settings = backend_of(app).settings
    app.extensions["faceserver_gate"] = open_gate(settings)
    app.request_class = FormRequest
    inputs.set_limits(app, settings)
    protocol.register(app, default=PAGES)
    _guard(app, settings)
    errors.register(app)
    signin.register(app)
    languages.register(app)
    chosen.register(app)
    frame.register(app)
    assets.register(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    v1.register(app)
    compat.register(app, settings.compat)
    scopes.mark(app, "static", "public")
    scopes.check(app)
    app.wsgi_app = Entrance(  # type: ignore[method-assign]
        app.wsgi_app, Proxies(settings.trusted_proxies), settings.request_timeout
    )


def _guard(app: Flask, settings: Settings) -> None:
    """Put up what each request passes, in this order, before it reaches its view."""
    metrics.register(app)
    audit.register(app)
    security.guard(app, settings)
    cors.allow(app, frozenset(settings.cors_origins))
    draining.register(app)
    roles.register(app)
    auth.identify(app)
    limits.limit_rate(app, settings)
    auth.authorize(app)
    bodies.register(app)
