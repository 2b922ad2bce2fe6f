"""The v1 API: everything that the server can do, described by itself."""

from flask_openapi3 import Info, OpenAPI
from pydantic import ValidationError

from faceserver import __version__
from faceserver.api.base import Problem
from faceserver.web.problems import invalid_fields
from faceserver.web.protocol import speaks
from faceserver.web.v1 import (
    collections,
    docs,
    faces,
    jobs,
    keys,
    models,
    query,
    refusals,
    searching,
    stateless,
    status,
    strangers,
    subjects,
    suggestions,
    unnamed,
    webhooks,
)
from faceserver.web.v1.errors import V1

_ABOUT = """\
Face detection, 1:1 verification and 1:N identification in photographs.

Distances are squared L2 distances between unit vectors, from 0 (identical) to 4. Similarities, from
0 to 1, are distances calibrated on labelled pairs. Coordinates are pixels of the upright picture.
Times are in UTC. Errors are problem details (RFC 9457); their `code` is stable.
"""

_BLUEPRINTS = (
    stateless.blueprint,
    collections.blueprint,
    subjects.blueprint,
    refusals.blueprint,
    faces.blueprint,
    searching.blueprint,
    strangers.blueprint,
    jobs.blueprint,
    unnamed.blueprint,
    suggestions.blueprint,
    status.blueprint,
    models.blueprint,
    keys.blueprint,
    webhooks.blueprint,
)

for _blueprint in _BLUEPRINTS:
    speaks(_blueprint, V1)


def make_app() -> OpenAPI:
    """A Flask application that can describe its API; see :func:`faceserver.web.init_app`."""
    return OpenAPI(
        "faceserver",
        info=Info(title="faceserver", version=__version__, description=_ABOUT),
        security_schemes={"key": {"type": "http", "scheme": "bearer"}},
        validation_error_status=400,
        validation_error_model=Problem,
        validation_error_callback=_refuse,
        doc_ui=False,
    )


def register(app: OpenAPI) -> None:
    """Give the app the routes of the API, its description, and the rule for their queries."""
    query.register(app)
    for blueprint in _BLUEPRINTS:
        app.register_api(blueprint)
    app.register_blueprint(docs.blueprint)


def _refuse(error: ValidationError) -> None:
    raise invalid_fields(error)
