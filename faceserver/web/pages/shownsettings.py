"""The settings as a page shows them: what is secret is not among them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from faceserver.config import Settings

_SECRET = re.compile(r"secret|password|token|credential|(?:^|_)key$")
_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@")
_HIDDEN = "***"


@dataclass(frozen=True)
class ShownSetting:
    """A setting in words.

    Attributes:
        name: of its environment variable.
        value: as it would be set; empty if it is not set.
        default: likewise.
        description: its help text, in English.
    """

    name: str
    value: str
    default: str
    description: str

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the default."""
        return self.value != self.default


def shown_settings(settings: Settings) -> Iterator[ShownSetting]:
    """All of them, in the order of their documentation."""
    for name, field in type(settings).model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        yield ShownSetting(
            name=f"FACESERVER_{name.upper()}",
            value=_text(name, getattr(settings, name)),
            default="" if default is PydanticUndefined else _text(name, default),
            description=field.description or "",
        )


def _text(name: str, value: object) -> str:
    if value in (None, "", (), {}):
        return ""
    if isinstance(value, SecretStr) or _SECRET.search(name):
        return _HIDDEN
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return _PASSWORD_IN_URL.sub(f"{_HIDDEN}@", text)
