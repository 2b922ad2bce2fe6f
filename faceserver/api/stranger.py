"""A stranger, as searches and lists tell of one."""

from pydantic import Field

from faceserver.api.base import Answer, Id, Time


class Stranger(Answer):
    """Somebody whom nobody has named."""

    id: Id = Field(description="Lasting; the person whom the stranger becomes has it too.")
    seen: int = Field(ge=1, description="Number of pictures in which the stranger was remembered.")
    first: Time = Field(description="When the stranger was first seen.")
    last: Time = Field(description="When the stranger was last seen.")
    until: Time | None = Field(
        description="When the stranger is forgotten, unless seen before; null for never."
    )
