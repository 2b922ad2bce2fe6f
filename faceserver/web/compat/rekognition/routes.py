"""Where the operations are called: one address, a header says which one is meant."""

from flask import Blueprint, Response, request

from faceserver.web.compat.rekognition import (
    collections,
    faces,
    operations,
    searching,
    stateless,
    users,
)
from faceserver.web.compat.rekognition.credentials import (
    HEADERS,
    authenticate,
    credentials,
    is_signed,
)
from faceserver.web.compat.rekognition.errors import answer, render
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

PARTS = (collections, faces, searching, stateless, users)
"""The modules whose operations are in the table once they are imported."""

blueprint = Blueprint("rekognition", __name__)
speaks(
    blueprint,
    Protocol(
        "rekognition",
        render,
        credentials,
        authenticate=authenticate,
        key_in_body=is_signed,
        key_place="Authorization: AWS4-HMAC-SHA256 ...",
        challenge=None,
        headers=HEADERS,
    ),
)


# boto3 leaves the last slash of a path out, others do not.
@blueprint.post("/", strict_slashes=False)
@scope("read", reach="view", body="two pictures")
def call() -> Response:
    """Run the operation that the header ``X-Amz-Target`` names."""
    return answer(operations.run(request))
