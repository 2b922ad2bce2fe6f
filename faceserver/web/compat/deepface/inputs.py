"""Arguments in one of three forms: JSON, a form, a form with files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage, MultiDict

from faceserver.errors import InvalidRequest
from faceserver.web.compat.bodies import base64_bytes, json_object
from faceserver.web.compat.deepface.errors import MissingArgument
from faceserver.web.context import services
from faceserver.web.forms import file_bytes, form

ACTIONS = ("age", "gender", "emotion", "race")
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off", ""})
_MOST = 10_000


@dataclass(frozen=True, eq=False)
class Arguments:
    """What came with a request.

    Attributes:
        values: texts of a form; of JSON whatever it holds.
        files: pictures; if any is there, no picture is looked for among the values.
    """

    values: Mapping[str, Any]
    files: MultiDict[str, FileStorage]

    def picture(self, name: str) -> bytes:
        """A picture's bytes: a file, base64, a data URL, or what lies behind a URL.

        Raises:
            MissingArgument: it is not there.
            InvalidRequest: it is none of these; a path on the server is never read.
            FileTooLarge: it has too many bytes.
            FetchError: the URL gives none, or must not be asked.
        """
        if self.files:
            if name not in self.files:
                raise _missing(name)
            return file_bytes(self.files[name])
        value = self.values.get(name)
        if value is None or value == "":
            raise _missing(name)
        if not isinstance(value, str):
            raise InvalidRequest(f"'{name}' must be text: base64, a data URL, or an http URL")
        if value.lower().startswith(("http://", "https://")):
            return services().analysis.fetch(value)
        try:
            return base64_bytes(value)
        except InvalidRequest as error:
            raise InvalidRequest(
                f"'{name}' is not base64, a data URL or an http URL; paths on the server are "
                "not allowed"
            ) from error

    def text(self, name: str, default: str, *, among: Sequence[str] = ()) -> str:
        """A text.

        Raises:
            InvalidRequest: it is none, or not among those that there are.
        """
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise InvalidRequest(f"'{name}' must be text")
        if among and value not in among:
            raise InvalidRequest(f"'{name}' must be one of {', '.join(among)}, not {value!r}")
        return value

    def truth(self, name: str, *, default: bool) -> bool:
        """Yes or no; of a form the words for both, not whether there is a text.

        Raises:
            InvalidRequest: it is neither.
        """
        value = self.values.get(name, default)
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise InvalidRequest(f"'{name}' must be true or false, not {value!r}")
        return word in _TRUE

    def number(self, name: str, default: int) -> int:
        """A whole number from 1.

        Raises:
            InvalidRequest: it is none.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            found = int(str(value))
        except ValueError:
            found = 0
        if isinstance(value, bool) or not 1 <= found <= _MOST:
            raise InvalidRequest(f"'{name}' must be a whole number from 1 to {_MOST}")
        return found

    def actions(self) -> tuple[str, ...] | None:
        """What is to be told of faces: a list, or a text such as ``"[age,gender]"``; None for all.

        Raises:
            InvalidRequest: it is neither, or names what DeepFace does not know.
        """
        value = self.values.get("actions")
        if value is None:
            return None
        if isinstance(value, str):
            value = [name.strip(" \"'") for name in value.strip("[]() ").split(",")]
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise InvalidRequest("'actions' must be a list of texts")
        for name in value:
            if name not in ACTIONS:
                raise InvalidRequest(f"'actions' can hold {', '.join(ACTIONS)}, not {name!r}")
        return tuple(dict.fromkeys(value))


def arguments() -> Arguments:
    """What came with the current request.

    Raises:
        InvalidRequest: it is neither JSON nor a form.
        RequestTooLarge: it is over its limit.
    """
    if request.mimetype in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        fields, files = form()
        return Arguments(fields, files)
    if not request.get_data(parse_form_data=False).strip():
        return Arguments({}, MultiDict())
    return Arguments(json_object(request), MultiDict())


def _missing(name: str) -> MissingArgument:
    return MissingArgument(f"'{name}' not found in either json or form data request")
