"""Where a network is on an inference server, as ``model.toml`` says it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class RemoteNetwork(BaseModel):
    """A network on an inference server; a text alone is the model's name there.

    Attributes:
        model: its name there.
        version: of it; empty for the one that the server chooses.
        inputs: the server's names of the inputs, by ours; those that are the same can be left out.
        outputs: likewise of the outputs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(default="", pattern=r"^[0-9]*$")
    inputs: Mapping[str, str] = Field(default_factory=dict)
    outputs: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_a_name(cls, given: Any) -> Any:
        return {"model": given} if isinstance(given, str) else given
