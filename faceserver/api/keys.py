"""API keys: who may use the server."""

from typing import Annotated, Literal

from pydantic import Field

from faceserver.api.base import Answer, CollectionName, PageOf, Path, Request, Time

Scope = Literal["read", "write", "admin"]
"""What a key may do; each includes those before it."""


class NewKey(Request):
    """Who gets a key, and for what."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    scope: Scope = Field(description="Each includes those before it.")
    collection: CollectionName | None = Field(
        default=None, description="The only one that it reaches; null: all."
    )


class Key(Answer):
    """What is known of a key; the key itself is not."""

    id: str
    name: str
    scope: Scope
    collection: str | None = Field(description="The only one that it reaches; null: all.")
    created: Time
    last_used: Time | None = Field(description="To within a minute.")
    revoked: Time | None = Field(description="When it was; null while it is good.")
    own: bool = Field(description="Whether this request came with it.")


class MadeKey(Answer):
    """A new key."""

    key: Key
    token: str = Field(description="The key itself. It is told now and never again.")


class Keys(PageOf[Key]):
    """All keys, the revoked ones too, in the order they were made."""


class KeyPath(Path):
    """A key by its id."""

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] = Field(description="Its id.")
