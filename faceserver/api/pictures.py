"""Pictures on their way in, and where in them a face is."""

import base64
import re
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    FailFast,
    Field,
    JsonValue,
    RootModel,
    Tag,
    WithJsonSchema,
)

from faceserver.api.base import Answer, Request, Url
from faceserver.types import FARTHEST

MAX_DIMS = 4096

Which = Literal["all", "largest"]
"""Which of a picture's faces are meant."""


def _listed(value: object) -> object:
    """A list as it is, a text as a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _names(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The names in texts, with commas or blanks between them, each once."""
    return tuple(dict.fromkeys(name for text in texts for name in re.split("[, ]+", text) if name))


_NAMES = r"^[A-Za-z0-9._@, -]*$"
_NAMES_SCHEMA = {"type": "string", "maxLength": 200, "pattern": _NAMES}

AttributeNames = Annotated[
    tuple[Annotated[str, Field(max_length=200, pattern=_NAMES)], ...],
    BeforeValidator(_listed),
    Field(max_length=20),
    AfterValidator(_names),
    WithJsonSchema(
        {"anyOf": [{"type": "array", "items": _NAMES_SCHEMA, "maxItems": 20}, _NAMES_SCHEMA]}
    ),
]
"""What is to be told of faces: such as ``age,gender``, or a list of such texts."""

ATTRIBUTES = "What else is to be told of each face: age, gender, landmarks, pose, quality, ..."

Attributes = dict[str, dict[str, JsonValue]]
"""What was asked for of a face, by the attributes' names."""

_DATA_URL = re.compile(r"(?i)\s*data:[^,]{0,500};\s*base64\s*,")
_BLANKS = str.maketrans("-_", "+/", " \t\r\n\f\v")


def _decoded(value: object) -> object:
    """Bytes from base64 of either alphabet: in lines, without padding, or as a data URL."""
    if not isinstance(value, str):
        return value
    start = _DATA_URL.match(value)
    if start:
        value = unquote(value[start.end() :], errors="strict")
    text = value.translate(_BLANKS).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise ValueError("this is not base64") from error


Base64 = Annotated[
    bytes,
    BeforeValidator(_decoded),
    WithJsonSchema({"type": "string", "format": "byte", "minLength": 1}),
]
"""Bytes; in JSON as RFC 4648's base64, of either alphabet."""

Embedding = Annotated[
    tuple[Annotated[float, Field(ge=-1.001, le=1.001)], ...],
    Field(min_length=1, max_length=MAX_DIMS),
    FailFast(),
]
"""A unit vector of the collection's model."""


def by_key(*keys: str) -> Discriminator:
    """Choose among models by which of these keys is there; the first one if none is."""

    def chosen(value: object) -> str:
        held = value if isinstance(value, dict) else getattr(value, "__dict__", ())
        return f"<{next((key for key in keys if key in held), keys[0])}>"

    return Discriminator(chosen)


class Base64Picture(Request):
    """A picture as base64."""

    base64: Base64 = Field(description="JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or JPEG XL.")


_TYPED = r"^[^\x00-\x1f\x7f]*$"


class Credentials(Request):
    """Credentials for a camera or a NAS.

    They are only sent to the URL's own host, never to a redirect's.
    """

    username: str = Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f:]*$", repr=False)
    password: str = Field(
        max_length=1024,
        pattern=_TYPED,
        repr=False,
        json_schema_extra={"format": "password", "writeOnly": True},
    )
    scheme: Literal["auto", "basic", "digest"] = Field(
        default="auto",
        description="auto uses the scheme that the host asks for, and prefers digest, which hides "
        "the password; basic sends it immediately.",
    )


class UrlPicture(Request):
    """A picture that the server fetches."""

    url: Url = Field(description="http or https, on a public address.")
    auth: Credentials | None = Field(default=None, description="Credentials for the URL's host.")


AnyPicture = Annotated[
    Annotated[Base64Picture, Tag("<base64>")] | Annotated[UrlPicture, Tag("<url>")],
    by_key("base64", "url"),
]


class Describing(Request):
    """What is to be told of the faces."""

    attributes: AttributeNames = Field(default=(), description=ATTRIBUTES)


class DetectBase64(Describing, Base64Picture):
    """In a picture as base64."""


class DetectUrl(Describing, UrlPicture):
    """In a picture that the server fetches."""


class DetectRequest(
    RootModel[
        Annotated[
            Annotated[DetectBase64, Tag("<base64>")] | Annotated[DetectUrl, Tag("<url>")],
            by_key("base64", "url"),
        ]
    ]
):
    """The picture, and what is to be told of its faces."""


class _Embed(Describing):
    faces: Which = Field(default="all", description="All faces, or only the largest.")


class EmbedBase64(_Embed, Base64Picture):
    """Of a picture as base64."""


class EmbedUrl(_Embed, UrlPicture):
    """Of a picture that the server fetches."""


class EmbedRequest(
    RootModel[
        Annotated[
            Annotated[EmbedBase64, Tag("<base64>")] | Annotated[EmbedUrl, Tag("<url>")],
            by_key("base64", "url"),
        ]
    ]
):
    """The picture, and which of its faces."""


class CompareRequest(Request):
    """Two pictures."""

    a: AnyPicture
    b: AnyPicture
    faces: Which = Field(
        default="all", description="All faces, or only the largest of each picture."
    )


_Pixels = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]


class _Place(Request):
    # An answer's face may be sent back as it is, whatever else is in it.
    model_config = ConfigDict(extra="ignore")


class FaceBox(_Place):
    """Pixels of the upright picture; may reach beyond its edges, but is not empty."""

    x1: _Pixels
    y1: _Pixels
    x2: _Pixels = Field(description="Greater than `x1`.")
    y2: _Pixels = Field(description="Greater than `y1`.")


class FacePoint(_Place):
    """Pixels of the upright picture."""

    x: _Pixels
    y: _Pixels


class FacePoints(_Place):
    """Facial landmarks, left and right as seen by the viewer."""

    left_eye: FacePoint
    right_eye: FacePoint
    nose: FacePoint
    left_mouth: FacePoint
    right_mouth: FacePoint


class FacePlace(_Place):
    """Where in a picture a face is, as the sender knows it."""

    box: FaceBox
    points: FacePoints
    score: float = Field(ge=0, le=1, description="Confidence of the detector.")


class Box(Answer):
    """Pixels of the upright picture; may reach beyond its edges."""

    x1: float
    y1: float
    x2: float
    y2: float


class Point(Answer):
    """Pixels of the upright picture."""

    x: float
    y: float


class Points(Answer):
    """Facial landmarks, left and right as seen by the viewer."""

    left_eye: Point
    right_eye: Point
    nose: Point
    left_mouth: Point
    right_mouth: Point


class DetectedFace(Answer):
    """A face in a picture."""

    box: Box
    points: Points
    score: float = Field(ge=0, le=1, description="Confidence of the detector.")


Notes = Annotated[
    tuple[Literal["picture_incomplete", "further_pages_ignored", "picture_scaled_down"], ...],
    Field(
        description="Remarks on the picture: its last bytes are missing; the file contains further "
        "pictures, which were ignored; it was processed, and is kept, at half its size."
    ),
]


class DescribedFace(DetectedFace):
    """A face in a picture, and what was asked for of it."""

    attributes: Attributes | None = Field(
        default=None, description="What was asked for; null where nothing was."
    )


class PictureSize(Answer):
    """Of the upright picture as it was sent, in pixels."""

    width: int
    height: int
    notes: Notes = ()


class DetectAnswer(PictureSize):
    """Every face of a picture."""

    faces: tuple[DescribedFace, ...] = Field(description="Largest first.")


class EmbeddedFace(DescribedFace):
    """A face and its vector."""

    embedding: Embedding


class EmbedAnswer(PictureSize):
    """Faces of a picture and their vectors."""

    model: str
    dims: int
    faces: tuple[EmbeddedFace, ...] = Field(description="Largest first.")


class ComparedPicture(PictureSize):
    """One of the two pictures."""

    faces: tuple[DetectedFace, ...] = Field(description="Largest first.")


class Pair(Answer):
    """A face of the one picture and a face of the other."""

    a: int = Field(description="Index of a face in picture a.")
    b: int = Field(description="Index of a face in picture b.")
    distance: float = Field(description="Squared L2 distance of the embeddings, 0 to 4.")
    similarity: float | None = Field(
        ge=0, le=1, description="Calibrated; null if the model is not calibrated."
    )
    same: bool = Field(description="Whether the distance is below the threshold.")


class CompareAnswer(Answer):
    """Every face of one picture against every face of the other."""

    model: str
    threshold: float = Field(description="Faces closer than this are considered the same person.")
    a: ComparedPicture
    b: ComparedPicture
    pairs: tuple[Pair, ...] = Field(description="Nearest first.")
