"""The only place where the parts are put together."""

import logging

from flask import Flask

from faceserver import web
from faceserver.app.galleries import open_gallery, picture_place
from faceserver.app.models import (
    crops_fit,
    detector_spec,
    embedder_spec,
    embedder_specs,
    loading,
    make_analyzer,
    make_attributes,
    make_detector,
    make_embedder,
    model_folder,
)
from faceserver.app.services import open_services, services_of
from faceserver.config import Settings
from faceserver.engines import engines
from faceserver.errors import InvalidSetting
from faceserver.lifecycle import Backend
from faceserver.store import opening
from faceserver.store.pictures.places import places

__all__ = [
    "create_app",
    "crops_fit",
    "detector_spec",
    "embedder_spec",
    "embedder_specs",
    "loading",
    "make_analyzer",
    "make_attributes",
    "make_detector",
    "make_embedder",
    "model_folder",
    "open_gallery",
    "open_services",
    "picture_place",
    "services_of",
]


_log = logging.getLogger(__name__)


def _refuse_unknown_names(settings: Settings) -> None:
    named = [("ENGINE", engines, settings.engine)]
    if address := settings.store.get_secret_value():
        named.append(("STORE", opening.stores, opening.scheme_of(address)))
    if settings.pictures:
        named.append(("PICTURES", places, opening.scheme_of(settings.pictures)))
    for setting, registry, name in named:
        if name not in registry.names():
            known = ", ".join(registry.names())
            raise InvalidSetting(f"FACESERVER_{setting}: there is no {name!r}; there are: {known}")


def create_app(settings: Settings) -> Flask:
    """Make the web application and begin to load the models.

    Its ``extensions["faceserver"]`` is the :class:`~faceserver.lifecycle.Backend`, which the caller
    closes.

    Raises:
        InvalidSetting: a setting names what there is not, the settings do not go together, or a
            role that shares work has nothing to share it through.
    """
    _refuse_unknown_names(settings)
    if settings.role != "all" and not settings.shared_database:
        raise InvalidSetting(
            f"FACESERVER_ROLE={settings.role} needs a database that the other servers share: set "
            "FACESERVER_STORE, or FACESERVER_ROLE=all"
        )
    app = web.make_app()
    backend = Backend(settings, open_services, crops_fit)
    app.extensions["faceserver"] = backend
    web.init_app(app)
    if web.gate_of(app).is_open():
        _log.warning(
            "no API key exists: anyone who can reach this server can use it; "
            "`faceserver keys create` creates one"
        )
    backend.start()
    return app
