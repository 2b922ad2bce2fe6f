"""What stands in the body: a picture, or pictures in JSON, as its first byte tells.

The clients say nothing of its type, or something wrong: ``curl -T`` sends none, ``curl -d`` sends
that of a form.
"""

from dataclasses import dataclass

from flask import request

from faceserver.errors import InvalidRequest, NoFile
from faceserver.web.compat.bodies import base64_bytes, parsed_object
from faceserver.web.forms import within_limit
from faceserver.web.guard.bodies import check_values
from faceserver.web.jsontext import utf8_json

_JSON_BEGINS = (b"{", b"\xef\xbb\xbf{", b"\xff\xfe{", b"\xfe\xff\x00{")
_PAIR = 2


@dataclass(frozen=True)
class Sent:
    """What a client has sent.

    Attributes:
        picture: where it is one alone, and nothing else.
        texts: of the pictures in JSON, in base64; whether they are that is not known yet.
    """

    picture: bytes | None
    texts: tuple[object, ...] = ()

    def pair(self) -> tuple[bytes, bytes] | None:
        """The two pictures; None where there are not two, or one is no base64."""
        if len(self.texts) != _PAIR:
            return None
        try:
            one, other = map(base64_bytes, self.texts)
        except InvalidRequest:
            return None
        return one, other

    def first(self) -> bytes:
        """The picture, or the first one.

        Raises:
            NoFile: there is none.
            InvalidRequest: it is no base64.
        """
        if self.picture is not None:
            return self.picture
        if not self.texts:
            raise NoFile("send a picture, or JSON with a list of pictures in base64")
        return base64_bytes(self.texts[0])


def sent() -> Sent:
    """The body of the current request.

    Raises:
        NoFile: it is empty.
        InvalidRequest: it begins as JSON, and is none.
        RequestTooLarge: it holds too many values.
        FileTooLarge: it is a picture of too many bytes.
    """
    body = request.get_data(parse_form_data=False)
    if not body:
        raise NoFile("send a picture, or JSON with a list of pictures in base64, as the body")
    if not body.lstrip(b" \t\r\n").startswith(_JSON_BEGINS):
        return Sent(within_limit(body))
    text = utf8_json(body)
    check_values(text)
    lists = [value for value in parsed_object(text).values() if isinstance(value, list)]
    return Sent(None, tuple(lists[0]) if len(lists) == 1 else ())
