"""Which stored faces are meant, by what is told of them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from faceserver.api.base import Text
from faceserver.conditions import (
    CONDITION_PATTERN,
    RANGE_PATTERN,
    Condition,
    condition_on,
    parse_condition,
)
from faceserver.texts import check_text

MAX_CONDITIONS = 20


def _checked(text: str) -> str:
    parse_condition(check_text(text))
    return text


Range = Annotated[str, Field(pattern=RANGE_PATTERN)]
"""Of numbers, such as ``20-40`` or ``20-``; or one number."""

Where = Annotated[
    tuple[
        Annotated[
            str,
            AfterValidator(_checked),
            WithJsonSchema({"type": "string", "maxLength": 300, "pattern": CONDITION_PATTERN}),
        ],
        ...,
    ],
    Field(max_length=MAX_CONDITIONS),
]
"""Conditions on attributes, such as ``mask:without``; see :mod:`faceserver.conditions`."""


class AttributeFilter(BaseModel):
    """Only faces that were stored with attributes which fit all that is set."""

    age: Range | None = Field(default=None, description="Such as 20-40 or 65-.")
    gender: Text | None = Field(default=None, description="female or male.")
    min_quality: float | None = Field(default=None, ge=0, le=1, description="Least quality.")
    where: Where = Field(
        default=(),
        description="Conditions on any stored attribute, such as mask:without or pose_yaw:-30..30.",
    )


def conditions_of(only: AttributeFilter) -> tuple[Condition, ...]:
    """The conditions that a filter sets."""
    conditions = [parse_condition(text) for text in only.where]
    if only.age is not None:
        conditions.append(condition_on("age", only.age))
    if only.gender is not None:
        conditions.append(Condition("gender", only.gender))
    if only.min_quality is not None:
        conditions.append(Condition("quality", "", least=only.min_quality))
    return tuple(conditions)
