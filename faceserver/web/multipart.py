"""Forms, as clients really send them: ``multipart/form-data`` by RFC 7578, read leniently.

Werkzeug's decoder takes the body apart. What is added here keeps what it would lose:

- names in another charset than UTF-8, which make it drop the whole form;
- pictures without a file name, which it takes for texts;
- file names as ``filename*`` in any charset (RFC 2231) and as encoded words (RFC 2047);
- parts in base64, as mail has them (``Content-Transfer-Encoding``, which RFC 7578 deprecates);
- parts without ``Content-Disposition``, or with one that has no name.

A form that breaks off, or whose boundary is not told, stays unreadable.
"""

import binascii
import re
import typing as t
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from types import MappingProxyType

from flask import Request
from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser, default_stream_factory
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from faceserver.web import charsets
from faceserver.web.partheaders import file_name, parameters, printed

_CHUNK_BYTES = 64 * 1024
_PEEKED_BYTES = 32
"""So many decide whether a part is a text: no picture is shorter."""

_MAX_HEADER_BYTES = 8 * 1024  # of all headers of a part
_MAX_HEADERS = 50

_CHARSET_FIELD = "_charset_"
_CONTINUATION = re.compile(rb"(?:\r\n|\n|\r)[ \t]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_TEXT_TYPES = re.compile(r"text/.*|application/(json|xml|x-www-form-urlencoded)|multipart/.*")

_new_stream = partial(default_stream_factory, None, None, None)
"""In memory, or on the disk where it grows large; Flask closes it with the request."""

Fields = MultiDict[str, str]
Files = MultiDict[str, FileStorage]


class FormRequest(Request):
    """A request whose forms are read leniently.

    Attributes:
        form_problem: why its form could not be read, once somebody has asked for its fields.
    """

    form_problem: str | None = None

    def make_form_data_parser(self) -> FormDataParser:
        """The parser; how much it takes in is set by Flask's settings."""
        return _Parser(
            self,
            stream_factory=self._get_file_stream,
            max_form_memory_size=self.max_form_memory_size,
            max_content_length=self.max_content_length,
            max_form_parts=self.max_form_parts,
            cls=self.parameter_storage_class,
        )


class _Unreadable(ValueError):
    """The form cannot be read, for the reason in the message."""


class _Parser(FormDataParser):
    def __init__(self, request: FormRequest, **options: t.Any) -> None:
        super().__init__(**options)
        self._request = request

    def parse(
        self,
        stream: t.IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[t.IO[bytes], Fields, Files]:
        if mimetype != "multipart/form-data":
            return super().parse(stream, mimetype, content_length, options)
        try:
            with ExitStack() as undo:  # of a form that cannot be read, nothing stays open
                fields, files = self._read(stream, options or {}, undo)
                undo.pop_all()
        except ValueError as error:
            told = isinstance(error, _Unreadable)
            self._request.form_problem = str(error) if told else "the form breaks off"
            return stream, self.cls(), self.cls()
        return stream, self.cls(fields), self.cls(files)

    def _read(
        self, stream: t.IO[bytes], options: dict[str, str], undo: ExitStack
    ) -> tuple[list[tuple[str, str]], list[tuple[str, FileStorage]]]:
        fields, files = list[tuple[str, str]](), list[tuple[str, FileStorage]]()
        for part in self._parts(stream, options, undo):
            found = part.file()
            if found is not None:
                # A browser sends a file field that was left empty without a name and bytes.
                if found.filename or _has_bytes(found):
                    files.append((part.name, found))
                else:
                    part.close()
            elif part.name != _CHARSET_FIELD:
                fields.append((part.name, part.text()))
        return fields, files

    def _parts(
        self, stream: t.IO[bytes], options: dict[str, str], undo: ExitStack
    ) -> t.Iterator["_Part"]:
        """Each part of the form when it is complete."""
        boundary = options.get("boundary", "").encode("ascii")
        if not boundary:
            raise _Unreadable(
                "the Content-Type lacks the form's boundary: let your HTTP library set this header"
            )
        decoder = _Decoder(boundary, self.max_form_memory_size, max_parts=self.max_form_parts)
        decoder.charset = options.get("charset")
        part: _Part | None = None
        for data in _chunks(stream):
            decoder.receive_data(data)
            while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
                if isinstance(event, Field | File):
                    part = _Part(event.headers, decoder, self.max_form_memory_size)
                    undo.callback(part.close)
                elif isinstance(event, Data) and part is not None:
                    part.write(event.data)
                    if not event.more_data:
                        if part.name == _CHARSET_FIELD:
                            decoder.charset = part.text()
                        yield part


class _Decoder(MultipartDecoder):
    """Werkzeug's, with headers in any charset.

    Attributes:
        charset: what the form's other texts are in, once one of them is no UTF-8.
        disposition: the parameters of the last part's ``Content-Disposition``. Werkzeug does not
            get to see them: it would lose some, and take long over bad ones.
    """

    charset: str | None = None
    disposition: Mapping[str, str] = MappingProxyType({})

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        if len(data) > _MAX_HEADER_BYTES:
            raise _Unreadable(f"a part's header has more than {_MAX_HEADER_BYTES} bytes")
        headers = Headers()
        lines = _CONTINUATION.sub(b" ", bytes(data)).splitlines()
        if len(lines) > _MAX_HEADERS:
            raise _Unreadable(f"a part has more than {_MAX_HEADERS} headers")
        for line in lines:
            name, _, value = self.read(line).partition(":")
            if name.strip():
                headers.add(name.strip(), printed(value.strip()))
        self.disposition = parameters(headers.get("Content-Disposition", ""))
        headers["Content-Disposition"] = "form-data"
        return headers

    def read(self, data: bytes, charset: str | None = None) -> str:
        """A text of the form; all that is no UTF-8 is in one charset."""
        try:
            return data.decode()
        except UnicodeDecodeError:
            if charset is None:
                self.charset = self.charset or charsets.likely_charset(data)
        return charsets.decode(data, charset or self.charset)


class _Part:
    """A part of a form, as it comes in: a text, or a file.

    Attributes:
        name: of its field; empty where it has none.
    """

    def __init__(self, headers: Headers, decoder: _Decoder, text_limit: int | None) -> None:
        self._headers = headers
        self._encoding = headers.get("Content-Transfer-Encoding", "").lower()
        self._decoder = decoder
        self._limit = text_limit
        self._held = bytearray()
        self._stream: t.IO[bytes] | None = None
        self._file_name = file_name(decoder.disposition)
        self.name = decoder.disposition.get("name", "")
        media_type = headers.get("Content-Type", "")
        self._charset = parameters(media_type).get("charset")
        self._is_file = True if self._file_name is not None else _is_file_type(media_type)

    def write(self, data: bytes) -> None:
        """Take in more of it."""
        if self._stream is not None:
            self._stream.write(data)
            return
        self._held += data
        if self._is_file is None and len(self._held) >= _PEEKED_BYTES:
            self._is_file = _CONTROL.search(self._held) is not None
        if self._is_file:
            self._stream = _new_stream()
            self._stream.write(self._held)
        elif self._limit is not None and len(self._held) > self._limit:
            raise RequestEntityTooLarge

    def file(self) -> FileStorage | None:
        """The complete part as a file, None if it is a text."""
        if self._stream is None:
            return None
        self._stream.seek(0)
        if self._encoding == "base64":
            self._stream = _from_base64(self._stream)
        return FileStorage(self._stream, self._file_name or "", self.name, headers=self._headers)

    def text(self) -> str:
        """The complete part as a text."""
        data = bytes(self._held)
        if self._encoding == "base64":
            data = binascii.a2b_base64(data)
        elif self._encoding == "quoted-printable":
            data = binascii.a2b_qp(data)
        return self._decoder.read(data, self._charset)

    def close(self) -> None:
        """Let go of what a file of it is kept in."""
        if self._stream is not None:
            self._stream.close()


def _is_file_type(media_type: str) -> bool | None:
    """Whether a part is a file by its type; None where that has to be seen from its bytes."""
    kind = media_type.partition(";")[0].strip().lower()
    return True if kind and not _TEXT_TYPES.fullmatch(kind) else None


def _from_base64(stream: t.IO[bytes]) -> t.IO[bytes]:
    """What a stream holds in base64; the stream itself, if it holds something else."""
    decoded = _new_stream()
    rest = b""
    try:
        for chunk in _chunks(stream):
            rest += (chunk or b"").translate(None, b" \t\r\n")
            whole = len(rest) if chunk is None else len(rest) // 4 * 4
            decoded.write(binascii.a2b_base64(rest[:whole], strict_mode=True))
            rest = rest[whole:]
    except binascii.Error:
        decoded.close()
        stream.seek(0)
        return stream
    stream.close()
    decoded.seek(0)
    return decoded


def _chunks(stream: t.IO[bytes]) -> t.Iterator[bytes | None]:
    """What is read from a stream, and None at its end."""
    while data := stream.read(_CHUNK_BYTES):
        yield data
    yield None


def _has_bytes(file: FileStorage) -> bool:
    found = file.stream.read(1) != b""
    file.stream.seek(0)
    return found


def form_problem(request: Request) -> str | None:
    """Why a request's form could not be read; None if it could, or if it has none."""
    return getattr(request, "form_problem", None)
