"""A form as ``multipart/form-data`` (RFC 7578), written piece by piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import SEEK_END
from secrets import token_hex
from typing import IO

_CHUNK_BYTES = 64 * 1024
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


@dataclass(frozen=True, eq=False)
class FormFile:
    """A file of a form.

    Attributes:
        field: the name of its field.
        name: of the file.
        stream: its content, which can be read from its beginning again.
    """

    field: str
    name: str
    stream: IO[bytes]


class FormBody:
    """The body of a request; its files are read when it is sent, not before.

    Attributes:
        content_type: that goes with it.
    """

    def __init__(self, fields: Sequence[tuple[str, str]], files: Sequence[FormFile]) -> None:
        """Take the texts, by the names of their fields, and the files."""
        boundary = token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._texts = b"".join(
            _head(boundary, name) + text.encode() + b"\r\n" for name, text in fields
        )
        self._files = [
            (_head(boundary, file.field, file.name or "file"), file.stream) for file in files
        ]
        self._end = f"--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        """How many bytes it has."""
        files = sum(len(head) + stream.seek(0, SEEK_END) + 2 for head, stream in self._files)
        return len(self._texts) + files + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """Yield it."""
        yield self._texts
        for head, stream in self._files:
            yield head
            stream.seek(0)
            while piece := stream.read(_CHUNK_BYTES):
                yield piece
            yield b"\r\n"
        yield self._end


def _head(boundary: str, field: str, file: str | None = None) -> bytes:
    lines = f'--{boundary}\r\nContent-Disposition: form-data; name="{field.translate(_ESCAPES)}"'
    if file is not None:
        lines += f'; filename="{file.translate(_ESCAPES)}"'
        lines += "\r\nContent-Type: application/octet-stream"
    return f"{lines}\r\n\r\n".encode()
