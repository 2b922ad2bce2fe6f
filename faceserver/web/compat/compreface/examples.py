"""CompreFace's examples: the faces by which it knows a subject."""

import math
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from faceserver.errors import NotFound
from faceserver.runtime import metrics
from faceserver.services.context import Choice
from faceserver.services.named import NamedFace
from faceserver.services.outcomes import NewPicture
from faceserver.web.compat.compreface import bodies, inputs, shown
from faceserver.web.compat.compreface.base import Answer, route
from faceserver.web.compat.compreface.scale import Coefficients
from faceserver.web.context import services
from faceserver.web.guard.auth import own_collection
from faceserver.web.guard.scopes import scope
from faceserver.web.pictures import send_picture
from faceserver.web.protocol import KEY_VARIABLE

_YEAR = 31_536_000


@route("POST", "/recognition/faces")
@scope("write", reach="own", body="picture")
def add() -> ResponseReturnValue:
    """Store the one face of a picture as an example of a subject, who is made if need be."""
    given = inputs.parameters(request)
    subject, sure = inputs.subject(given), Choice(min_score=inputs.min_score(given))
    upload = inputs.picture(request)
    picture = NewPicture(upload.name, lambda: upload.data, person=subject, choice=sure)
    added = services().registering.add(own_collection(), picture, update=True)
    return {"image_id": str(UUID(added.faces[0].id)), "subject": subject}, 201


@route("GET", "/recognition/faces")
@scope("read", reach="own")
def list_some() -> Answer:
    """A page of the examples, of all subjects or of one."""
    given = inputs.parameters(request)
    number, size = inputs.page(given)
    found = services().named.page(
        own_collection(), number=number, size=size, of=given.get("subject") or None
    )
    return {
        "faces": [_example(item) for item in found.items],
        "page_number": number,
        "page_size": size,
        "total_pages": math.ceil(found.total / size),
        "total_elements": found.total,
    }


@route("DELETE", "/recognition/faces")
@scope("write", reach="own")
def delete_of_subject() -> Answer:
    """Delete a subject with all examples; without one, all subjects."""
    given = inputs.parameters(request)
    if "subject" not in given:
        return {"deleted": services().named.delete_all(own_collection())[1]}
    name = inputs.not_blank(given["subject"])
    return {"deleted": services().named.delete_person(own_collection(), name)}


@route("DELETE", "/recognition/faces/<image_id>")
@scope("write", reach="own")
def delete(image_id: str) -> Answer:
    """Delete an example."""
    for found in services().named.delete(own_collection(), [bodies.image_id(image_id)]):
        return _example(found)
    raise NotFound(f"there is no face {image_id!r}")


@route("POST", "/recognition/faces/delete")
@scope("write", reach="own", body="ids")
def delete_some() -> ResponseReturnValue:
    """Delete examples; answer with those that there were."""
    found = services().named.delete(own_collection(), bodies.image_ids(request))
    return [_example(item) for item in found]


@route("POST", "/recognition/faces/<image_id>/verify")
@scope("read", reach="own", body="picture")
def verify(image_id: str) -> Answer:
    """Compare each face of a picture with an example."""
    options = inputs.options(request)
    look, collection = shown.look_of(options), own_collection()
    face_id = bodies.image_id(image_id)
    data = inputs.picture(request).data
    with metrics.listening() as times:
        found = services().verifying.picture(
            collection, face_id, data, attributes=look.attributes, choice=options.choice
        )
    scale = Coefficients.of(*services().verifying.calibration(collection))
    result = shown.embedded(found.picture, look, times)
    for answer, distance in zip(result, found.distances, strict=True):
        answer |= {"subject": found.name, "similarity": scale.similarity(distance)}
    return {"result": result, **look.versions()}


@route("GET", "/recognition/faces/<image_id>/img")
@scope("read", reach="own")
def image(image_id: str) -> Response:
    """The picture of an example."""
    return _picture(image_id, "private")


@route("GET", f"/static/<{KEY_VARIABLE}>/images/<image_id>")
@scope("read", reach="own")
def image_with_key(image_id: str, **_: str) -> Response:
    """The picture of an example, by an address that holds the key."""
    return _picture(image_id, "public")


def _picture(image_id: str, who: str) -> Response:
    """A picture, and who may keep it: shared caches only where the address holds the key."""
    face_id = bodies.image_id(image_id)
    answer = send_picture(services().named.open_picture(own_collection(), face_id), version=face_id)
    answer.mimetype = "application/octet-stream"
    answer.headers["Cache-Control"] = f"{who}, max-age={_YEAR}"
    return answer


def _example(found: NamedFace) -> Answer:
    return {"image_id": str(UUID(found.face.id)), "subject": found.name}
