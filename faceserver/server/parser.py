"""A request as it comes in, refused where it is malformed, ambiguous or too much.

Stricter than waitress where programs before the server could read the same bytes differently, and
where few bytes would cost much time.
"""

from typing import Any

from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest

from faceserver.errors import FaceServerError
from faceserver.server.answer import Answer

MAX_HEADER_BYTES = 32_768
MAX_HEADERS = 100

UNJUDGED_BYTES = 65_536
"""Of a body that is taken in at once; before a larger one the application is asked."""

_MAX_ERROR = 200
"""Characters of what is said about a malformed request, which may quote it."""

_SLICE = 4_096
_MAX_CHUNK_LINE = 1_024
_MAX_TRAILER = 8_192
_MANY_CHUNKS = 10_000
_MEAN_CHUNK = 16
"""Bytes that many chunks must have on average: each costs as much time as a kilobyte."""


class Parser(HTTPRequestParser):
    """What has come of a request.

    Attributes:
        judged: the application was asked about its headers.
        body_limit: bytes that the application takes of its body.
        refusal: why it is not served; the application words the answer.
        answer: given by the application to its headers.
    """

    def __init__(self, adj: Adjustments) -> None:
        """Take waitress's settings."""
        super().__init__(adj)
        self.judged = False
        self.body_limit = 0
        self.refusal: FaceServerError | None = None
        self.answer: Answer | None = None

    @property
    def has_body_to_come(self) -> bool:
        """Whether its headers are there, and the application must see them before its body."""
        return (
            self.headers_finished
            and not self.completed
            and not self.judged
            and (self.expect_continue or self.chunked or self.content_length > UNJUDGED_BYTES)
        )

    @property
    def is_decided(self) -> bool:
        """Whether nobody needs to work on it any more."""
        return bool(self.error or self.refusal or self.answer)

    def body_bytes(self) -> int:
        """How much its body takes, or will."""
        own: Any = self
        return max(self.content_length, len(own.body_rcv or b""))

    def received(self, data: bytes) -> int:
        """Take in what has come; return how many bytes of it."""
        taken: int = super().received(data)
        error: Any = self.error
        if error is not None:
            error.body = error.body[:_MAX_ERROR]
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers.

        Raises:
            ParsingError: they are malformed, too many, or can be read in several ways.
        """
        if header_plus.count(b"\r\n") > MAX_HEADERS:
            raise ParsingError(f"There are more than {MAX_HEADERS} headers.")
        if b"\r\n " in header_plus or b"\r\n\t" in header_plus:
            raise ParsingError("A header continues on the next line.")
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a number of more digits than Python reads
            raise ParsingError("A header is invalid.") from error
        self._refuse_ambiguous()
        if self.chunked:
            own: Any = self
            own.body_rcv = _Chunks(_Pieces(own.adj.inbuf_overflow))

    def _refuse_ambiguous(self) -> None:
        headers: Any = self.headers
        if self.chunked and "CONTENT_LENGTH" in headers:
            raise ParsingError("There are both Content-Length and Transfer-Encoding.")
        if self.version != "1.1" and "TRANSFER_ENCODING" in headers:
            raise ParsingError("Transfer-Encoding needs HTTP/1.1.")
        if self.version == "1.1" and "HOST" not in headers:
            raise ParsingError("HTTP/1.1 needs a Host.")
        if "," in headers.get("HOST", ""):
            raise ParsingError("There is more than one Host header.")


class _Pieces(OverflowableBuffer):
    """A body in which the pieces are counted that it came in."""

    pieces = 0

    def append(self, data: bytes) -> None:
        self.pieces += 1
        super().append(data)


class _Chunks(ChunkedReceiver):
    """Takes a chunked body in little by little: waitress copies what is left at each chunk."""

    def received(self, data: bytes) -> int:
        own: Any = self
        taken: int = super().received(data[: max(own.chunk_remainder, _SLICE)])
        if not own.error:
            own.error = self._fault()
        return taken

    def _fault(self) -> BadRequest | None:
        own: Any = self
        if len(own.control_line) > _MAX_CHUNK_LINE or len(own.trailer) > _MAX_TRAILER:
            return BadRequest("A chunk header or trailer is too long.")
        if own.buf.pieces > _MANY_CHUNKS and len(own.buf) < _MEAN_CHUNK * own.buf.pieces:
            return BadRequest("The chunks are too small.")
        return None
