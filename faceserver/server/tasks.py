"""What is done for a request in a thread."""

from io import BytesIO
from typing import Any

from waitress.task import WSGITask

from faceserver.runtime import waiting
from faceserver.runtime.admission import JUDGED, REFUSAL


class RequestTask(WSGITask):
    """Has the application answer a request, or sends what is decided already.

    It hangs up afterwards if the server is stopping, or if the request's body did not come in.
    """

    def build_response_header(self) -> bytes:
        """The head of the answer."""
        server: Any = self.channel.server
        if server.is_draining:
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header

    def execute(self) -> None:
        """Answer."""
        own: Any = self
        if not own.request.completed:
            self.set_close_on_finish()
        if own.request.answer is not None:
            self._send(own.request.answer)
            return
        waiting.replaced.set(own.channel.server.task_dispatcher.replaced)
        waiting.place.set(own.channel.place if own.channel.is_one_place else "")
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        """The request as the application gets it."""
        own: Any = self
        environ: dict[str, Any] = super().get_environment()
        if own.request.judged:
            environ[JUDGED] = True
        if own.request.refusal is not None:
            environ[REFUSAL] = own.request.refusal
            environ["wsgi.input"] = BytesIO()
        return environ

    def _send(self, answer: Any) -> None:
        own: Any = self
        own.complete = True
        own.status = answer.status
        own.response_headers.extend(answer.headers)
        own.content_length = len(answer.body)
        own.write(b"" if own.request.command == "HEAD" else answer.body)
