"""What the HTTP server and the application tell each other about a request, in its environ.

A request whose body is large is judged twice: by its headers, before a byte of the body is taken
in, and as a whole. The names have no form that a client's header could get.
"""

HEADERS_ALONE = "faceserver.headers_alone"
"""True: judge the request by its headers; its body is not there, and may never be."""

ADMITTED = "faceserver.admitted"
"""Set by the application where a request may go on: how many bytes its body may have."""

JUDGED = "faceserver.judged"
"""True: the request's headers were judged before, so it must not be counted again."""

REFUSAL = "faceserver.refusal"
"""A :class:`~faceserver.errors.FaceServerError` that the server has found; to be answered."""
