"""A search by several pictures of one person."""

from typing import Annotated

from pydantic import Field

from faceserver.api.base import Answer
from faceserver.api.faces import Probe, Remembering
from faceserver.api.pictures import AnyPicture, DetectedFace

MAX_FRAMES = 32
"""Pictures of one search."""


class FramesRequest(Remembering):
    """The pictures, and how to search."""

    pictures: Annotated[tuple[AnyPicture, ...], Field(min_length=1, max_length=MAX_FRAMES)]


class Frame(Answer):
    """What became of one of the pictures."""

    face: DetectedFace | None = Field(description="The face that counts; null if none does.")
    distance: float | None = Field(
        description="Squared L2 distance of this face to the mean of all; null without one."
    )
    code: str | None = Field(
        description="Why none counts: `other_person`, `no_face`, or what is wrong with the picture."
    )
    reason: str | None = Field(description="The same in words; may change.")


class FramesAnswer(Answer):
    """One answer by the evidence of all pictures."""

    collection: str
    model: str
    threshold: float
    margin: float
    probe: Probe = Field(description="The person; `detection` is null.")
    frames: tuple[Frame, ...] = Field(description="In the order of the pictures.")
