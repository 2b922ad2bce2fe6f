"""What the operations take, as Rekognition's service model describes it.

Members that are not known are passed over, as Amazon's service does, and a null is no member.
"""

from typing import Annotated, Any, Literal, TypeVar

from flask import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_pascal

from faceserver.api.pictures import Base64
from faceserver.errors import InvalidRequest
from faceserver.web.compat.rekognition.errors import s3_not_served
from faceserver.web.compat.rekognition.quality import QualityFilter
from faceserver.web.compat.rekognition.similarity import DEFAULT
from faceserver.web.guard.bodies import check_values
from faceserver.web.jsontext import one_large_at_a_time, utf8_json
from faceserver.web.problems import invalid_fields

FACE_PAGE = 1_000
USER_PAGE = 100
_MOST = 4_096
_MOST_FACES_OF_A_USER = 100
_MATCHES = 80
_ASSOCIATION = 75.0

CollectionId = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.\-]{1,255}$")]
FaceId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
UserId = Annotated[str, Field(min_length=1, max_length=200)]
"""As long as a person's name may be: whom other clients have named is a user, too."""

USER_ID = r"^[a-zA-Z0-9_.\-:]{1,128}$"
NewUserId = Annotated[str, Field(pattern=USER_ID)]
Percentage = Annotated[float, Field(ge=0, le=100)]
Attribute = Literal[
    "DEFAULT",
    "ALL",
    "AGE_RANGE",
    "BEARD",
    "EMOTIONS",
    "EYE_DIRECTION",
    "EYEGLASSES",
    "EYES_OPEN",
    "GENDER",
    "MOUTH_OPEN",
    "MUSTACHE",
    "FACE_OCCLUDED",
    "SMILE",
    "SUNGLASSES",
]


class Asked(BaseModel):
    """The members of a request, whose names begin with capitals."""

    model_config = ConfigDict(
        alias_generator=to_pascal, extra="ignore", frozen=True, strict=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if value is not None}
        return given


Model = TypeVar("Model", bound=Asked)


class Image(Asked):
    """A picture: its bytes, or where it is in S3, which is not served."""

    content: Base64 = Field(b"", alias="Bytes")
    s3_object: Any = Field(None, alias="S3Object")

    @property
    def data(self) -> bytes:
        """The picture's bytes.

        Raises:
            InvalidFields: it is in S3.
            InvalidRequest: there are none.
        """
        if self.content:
            return self.content
        if self.s3_object is not None:
            raise s3_not_served()
        raise InvalidRequest("the image has no Bytes")


class OfCollection(Asked):
    """A collection."""

    collection_id: CollectionId


class NewCollection(OfCollection):
    """A collection to be made; its tags are not kept."""

    tags: dict[str, str] = Field(default_factory=dict)


class CollectionPage(Asked):
    """A page of the list of collections."""

    next_token: str | None = Field(None, max_length=255)
    max_results: int = Field(_MOST, ge=0, le=_MOST)


class OfPicture(Asked):
    """A picture, and how good its faces must be."""

    image: Image
    quality_filter: QualityFilter = "NONE"


class NewFaces(OfCollection):
    """A picture whose faces are to be stored."""

    image: Image
    external_image_id: str | None = Field(None, pattern=r"^[a-zA-Z0-9_.\-:]{1,255}$")
    max_faces: int = Field(_MOST, ge=1)
    quality_filter: QualityFilter = "AUTO"
    detection_attributes: list[Attribute] = Field(default_factory=list, max_length=100)


class FacePage(OfCollection):
    """A page of the list of faces."""

    user_id: UserId | None = None
    face_ids: list[FaceId] | None = Field(None, min_length=1, max_length=_MOST)
    next_token: str | None = None
    max_results: int = Field(FACE_PAGE, ge=0, le=_MOST)


class OldFaces(OfCollection):
    """Faces to be deleted."""

    face_ids: list[FaceId] = Field(min_length=1, max_length=_MOST)


class FaceSearch(OfCollection):
    """A stored face to search for."""

    face_id: FaceId
    max_faces: int = Field(_MATCHES, ge=1, le=_MOST)
    face_match_threshold: Percentage = DEFAULT


class PictureSearch(OfCollection, OfPicture):
    """A picture whose largest face is to be searched for."""

    max_faces: int = Field(_MATCHES, ge=1, le=_MOST)
    face_match_threshold: Percentage = DEFAULT


class Comparison(Asked):
    """Two pictures."""

    source_image: Image
    target_image: Image
    similarity_threshold: Percentage = DEFAULT
    quality_filter: QualityFilter = "NONE"


class Detection(Asked):
    """A picture, and what is to be told of its faces."""

    image: Image
    attributes: list[Attribute] = Field(default_factory=list, max_length=100)


class Repeatable(OfCollection):
    """A request that a client may send again; what it does is done once in any case."""

    client_request_token: str | None = Field(None, pattern=r"^[a-zA-Z0-9\-_]{1,64}$")


class NewUser(Repeatable):
    """A user to be made."""

    user_id: NewUserId


class OldUser(Repeatable):
    """A user to be deleted."""

    user_id: UserId


class UserPage(OfCollection):
    """A page of the list of users."""

    next_token: str | None = Field(None, max_length=255)
    max_results: int = Field(USER_PAGE, ge=1, le=500)


class Dissociation(Repeatable):
    """Faces that are no user's any more."""

    user_id: UserId
    face_ids: list[FaceId] = Field(min_length=1, max_length=_MOST_FACES_OF_A_USER)


class Association(Dissociation):
    """Faces that are to be a user's."""

    user_match_threshold: Percentage = _ASSOCIATION


class UserSearch(OfCollection):
    """A user or a face to search users for."""

    user_id: UserId | None = None
    face_id: FaceId | None = None
    max_users: int = Field(_MATCHES, ge=1, le=500)
    user_match_threshold: Percentage = DEFAULT


class UserPictureSearch(OfCollection, OfPicture):
    """A picture whose largest face users are searched for by."""

    max_users: int = Field(_MATCHES, ge=1, le=500)
    user_match_threshold: Percentage = DEFAULT


def parsed(request: Request, model: type[Model]) -> Model:
    """The members of a request, whatever its ``Content-Type``.

    Raises:
        InvalidRequest: it is in no charset that is known.
        InvalidFields: it is not what the model describes.
        RequestTooLarge: it has too many values.
    """
    body = utf8_json(request.get_data()) or b"{}"
    with one_large_at_a_time(body):
        check_values(body)
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise invalid_fields(error) from error
