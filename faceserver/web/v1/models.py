"""Models: what there are, what they may be used for, how often they are wrong."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.api.models import Models
from faceserver.web.context import backend, services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import answers, reply

blueprint = APIBlueprint(
    "v1_models",
    __name__,
    url_prefix="/v1/models",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="models", description="What finds, embeds and describes faces.")],
)


@blueprint.get("", operation_id="list_models", responses=answers(ok=Models))
@scope("read", reach="none")
def models() -> Response:
    """List the models: licence, threshold, rates of error by group, what is loaded."""
    settings = backend().settings
    found = services().models.listed(
        settings.models_dir, set_to=(settings.detector, settings.model)
    )
    return reply(Models(items=tuple(map(shown.model, found))))
