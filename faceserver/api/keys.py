"""API keys: who may use the server."""

from typing import Annotated, Literal

from pydantic import Field

from faceserver.api.base import Answer, CollectionName, Name, PageOf, Path, Request, Time

Scope = Literal["read", "write", "admin"]
"""What a key may do; each includes those before it."""


class NewKey(Request):
    """The key to create."""

    name: Name
    scope: Scope = Field(description="Each scope includes the previous ones.")
    collection: CollectionName | None = Field(
        default=None, description="The only collection it can access; null means all."
    )


class Key(Answer):
    """A key, without its secret."""

    id: str
    name: str
    scope: Scope
    collection: str | None = Field(description="The only collection it can access; null means all.")
    created: Time
    last_used: Time | None = Field(description="Accurate to a minute.")
    revoked: Time | None = Field(description="Time of revocation; null if the key is valid.")
    own: bool = Field(description="Whether this request used this key.")


class MadeKey(Answer):
    """A new key."""

    key: Key
    token: str = Field(description="The key itself. It is only returned once.")


class Keys(PageOf[Key]):
    """All keys, the revoked ones too, in the order they were made."""


class KeyPath(Path):
    """A key by its id."""

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] = Field(description="Id of the key.")
