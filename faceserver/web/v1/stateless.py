"""Detect, embed, compare: nothing is stored."""

from collections.abc import Mapping

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from faceserver.api.base import Form
from faceserver.api.pictures import (
    ATTRIBUTES,
    AttributeNames,
    Base64Picture,
    CompareAnswer,
    ComparedPicture,
    CompareRequest,
    DetectAnswer,
    DetectBase64,
    DetectRequest,
    DetectUrl,
    EmbedAnswer,
    EmbedBase64,
    EmbeddedFace,
    EmbedRequest,
    EmbedUrl,
    Pair,
    UrlPicture,
    Which,
)
from faceserver.services.analysis import Compared, Detected
from faceserver.services.context import ALL_FACES, LARGEST, Choice
from faceserver.web.context import services
from faceserver.web.forms import file_bytes
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import PICTURE, answers, reply
from faceserver.web.v1.bodies import form_body, is_form, json_body, takes
from faceserver.web.v1.files import File

blueprint = APIBlueprint(
    "v1_stateless",
    __name__,
    url_prefix="/v1",
    abp_security=[{"key": []}],
    abp_tags=[
        Tag(
            name="pictures",
            description="Detection, embeddings and 1:1 verification; nothing is stored.",
        )
    ],
)


CHOICES: Mapping[Which, Choice] = {"all": ALL_FACES, "largest": LARGEST}
"""What requests mean by their field ``faces``."""


class DetectForm(Form):
    """The picture, and what is to be told of its faces."""

    file: File
    attributes: AttributeNames = Field(default=(), description=ATTRIBUTES)


class EmbedForm(DetectForm):
    """The picture, and which of its faces."""

    faces: Which = Field(default="all", description="All faces, or only the largest.")


class CompareForm(Form):
    """Two pictures."""

    a: File
    b: File
    faces: Which = Field(
        default="all", description="All faces, or only the largest of each picture."
    )


@blueprint.post(
    "/detect",
    operation_id="detect",
    responses=answers(*PICTURE, "unknown_attribute", ok=DetectAnswer),
    openapi_extensions=takes(blueprint, DetectRequest, DetectForm),
)
@scope("read", reach="none", body="picture")
def detect() -> Response:
    """Detect all faces in a picture."""
    options: DetectForm | DetectBase64 | DetectUrl
    if is_form():
        options = form_body(DetectForm)
        data = file_bytes(options.file)
    else:
        options = json_body(DetectRequest).root
        data = picture_bytes(options)
    found = services().analysis.detect(data, attributes=options.attributes)
    faces = tuple(
        shown.described(face, told)
        for face, told in zip(found.faces, found.attributes, strict=True)
    )
    return reply(
        DetectAnswer(width=found.width, height=found.height, notes=found.notes, faces=faces)
    )


@blueprint.post(
    "/embed",
    operation_id="embed",
    responses=answers(*PICTURE, "unknown_attribute", ok=EmbedAnswer),
    openapi_extensions=takes(blueprint, EmbedRequest, EmbedForm),
)
@scope("read", reach="none", body="picture")
def embed() -> Response:
    """Detect the faces in a picture and embed each."""
    options: EmbedForm | EmbedBase64 | EmbedUrl
    if is_form():
        options = form_body(EmbedForm)
        data = file_bytes(options.file)
    else:
        options = json_body(EmbedRequest).root
        data = picture_bytes(options)
    analysis = services().analysis
    found = analysis.embed(data, choice=CHOICES[options.faces], attributes=options.attributes)
    faces = tuple(
        EmbeddedFace(**dict(shown.described(face, told)), embedding=tuple(vector.tolist()))
        for face, told, vector in zip(found.faces, found.attributes, found.vectors, strict=True)
    )
    return reply(
        EmbedAnswer(
            width=found.width,
            height=found.height,
            notes=found.notes,
            model=analysis.model,
            dims=analysis.dims,
            faces=faces,
        )
    )


@blueprint.post(
    "/compare",
    operation_id="compare",
    responses=answers(*PICTURE, "no_face", ok=CompareAnswer),
    openapi_extensions=takes(blueprint, CompareRequest, CompareForm),
)
@scope("read", reach="none", body="two pictures")
def compare() -> Response:
    """Compare every face in one picture with every face in another."""
    if is_form():
        form = form_body(CompareForm)
        a, b, which = file_bytes(form.a), file_bytes(form.b), form.faces
    else:
        body = json_body(CompareRequest)
        a, b, which = picture_bytes(body.a), picture_bytes(body.b), body.faces
    found = services().analysis.compare(a, b, choices=(CHOICES[which],) * 2)
    return reply(_compared(found))


def picture_bytes(picture: Base64Picture | UrlPicture) -> bytes:
    """The bytes of a picture that came in JSON.

    Raises:
        FetchError: its URL gives none, or must not be asked.
        NotReady: the server is still starting.
    """
    if isinstance(picture, Base64Picture):
        return picture.base64
    return services().analysis.fetch(picture.url, picture.auth)


def _compared(found: Compared) -> CompareAnswer:
    analysis = services().analysis
    return CompareAnswer(
        model=analysis.model,
        threshold=analysis.threshold,
        a=_compared_picture(found.a),
        b=_compared_picture(found.b),
        pairs=tuple(
            Pair(
                a=pair.a,
                b=pair.b,
                distance=shown.distance(pair.distance),
                similarity=shown.similarity(analysis.distances.similarity, pair.distance),
                same=pair.distance < analysis.threshold,
            )
            for pair in found.pairs
        ),
    )


def _compared_picture(found: Detected) -> ComparedPicture:
    return ComparedPicture(
        width=found.width,
        height=found.height,
        notes=found.notes,
        faces=tuple(shown.detected(face) for face in found.faces),
    )
