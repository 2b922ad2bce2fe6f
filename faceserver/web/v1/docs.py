"""The API's own description, and a page to try it on; nothing is loaded from other hosts."""

from importlib.resources import files
from pathlib import Path
from typing import cast

import flask_openapi3_swagger
from flask import Blueprint, Response, current_app, jsonify, render_template, request, send_file
from flask_openapi3 import OpenAPI

from faceserver.errors import NotFound
from faceserver.web.guard.scopes import scope

blueprint = Blueprint("v1_docs", __name__)

_UI = Path(str(files(flask_openapi3_swagger))) / "templates" / "swagger"
_UI_FILES = {
    "swagger-ui.css": (_UI / "css" / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_UI / "js" / "swagger-ui-bundle.js", "text/javascript"),
}
"""Of Swagger UI's files those that a page needs; the script that starts it is our own, because
Swagger UI's page has it inline."""

_DAY = 86_400


@blueprint.get("/v1/openapi.json")
@scope("public")
def description() -> Response:
    """Describe the API: OpenAPI 3.1, made from the routes and their models."""
    told = cast("OpenAPI", current_app).api_doc
    return jsonify({**told, "servers": [{"url": request.script_root or "/"}]})


@blueprint.get("/docs")
@scope("public")
def page() -> Response:
    """Show the description, to read and to try."""
    return Response(render_template("docs.html"))


@blueprint.get("/docs/ui/<name>")
@scope("public")
def ui_file(name: str) -> Response:
    """Send a file of Swagger UI."""
    if name not in _UI_FILES:
        raise NotFound(f"there is no file {name!r}")
    path, mimetype = _UI_FILES[name]
    return send_file(path, mimetype=mimetype, max_age=_DAY)
