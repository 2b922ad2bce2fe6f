"""The models that a server has."""

from pydantic import Field

from faceserver.api.base import Answer


class GroupErrors(Answer):
    """How often a model was wrong on one set of labelled photographs, at its threshold."""

    name: str = Field(description="Of the set, which mostly is one group of people.")
    photographs: int
    not_detected: float = Field(ge=0, le=1, description="Share of them without a face found.")
    same_pairs: int = Field(description="Pairs of the same person.")
    different_pairs: int = Field(description="Pairs of different people.")
    false_match: float = Field(
        ge=0, le=1, description="Share of the pairs of different people below the threshold."
    )
    false_non_match: float = Field(
        ge=0, le=1, description="Share of the pairs of the same person that are not below it."
    )
    true_accept: float | None = Field(
        ge=0,
        le=1,
        description="Share of the pairs of the same person that are found where 1 of 1,000 pairs "
        "of different people matches; null where there are too few.",
    )


class Model(Answer):
    """A model, what it may be used for, and how often it is wrong."""

    name: str = Field(description="By which collections name it.")
    folder: str = Field(description="By which settings name it.")
    kind: str = Field(description="`detector`, `embedder` or `attribute`.")
    dims: int | None = Field(description="Length of its vectors; null where it makes none.")
    licence: str = Field(description="Of the weights.")
    source: str = Field(description="Where the weights come from.")
    trained_on: str
    not_for: str = Field(description="What it must not be used for.")
    threshold: float | None = Field(
        description="Below this distance two faces are taken for one person."
    )
    calibration: str | None = Field(description="What the figures were measured on, and when.")
    measured: tuple[GroupErrors, ...] = Field(description="Rates of error by group.")
    built: bool = Field(description="Whether its files are there.")
    loaded: bool = Field(description="Whether it is in memory; others load when first used.")
    default: bool = Field(description="Whether the server is set to it.")
    proposed: bool = Field(
        description="The most accurate embedder, to be named for new collections."
    )


class Models(Answer):
    """All models, by their folders."""

    items: tuple[Model, ...]
