"""What every part of a model's description has in common."""

from pydantic import BaseModel, ConfigDict


class Described(BaseModel):
    """A part of a ``model.toml``: it never changes, and knows no other fields than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
