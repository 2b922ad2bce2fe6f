"""Requests that are not about faces, handed on to servers that the operator has named."""

from collections.abc import Mapping, Sequence

from faceserver.errors import NotServed
from faceserver.pictures.formbody import FormBody, FormFile
from faceserver.pictures.upstream import Answer, Upstream
from faceserver.services.context import Context

__all__ = ["UPSTREAMS", "Answer", "FormFile", "Relaying"]

UPSTREAMS = (
    "compare_detect_upstream",
    "compare_upstream",
    "deepstack_upstream",
    "immich_upstream",
)
"""The settings that name servers."""

MOST_SECONDS = 120.0
"""The other server may have to load a model first."""


class Relaying:
    """Hands requests on. Safe to call from several threads at once."""

    def __init__(self, context: Context, urls: Mapping[str, str | None], *, timeout: float) -> None:
        """Take what the use cases share, and the servers.

        Args:
            context: shared.
            urls: of the servers, by the settings that name them; None where one is not set.
            timeout: seconds for each request; more than :data:`MOST_SECONDS` are not waited.
        """
        self._context = context
        self._upstreams = {
            setting: Upstream(
                url, timeout=min(timeout, MOST_SECONDS), max_bytes=context.limits.max_bytes
            )
            for setting, url in urls.items()
            if url
        }

    def has(self, setting: str) -> bool:
        """Whether a server is named by a setting."""
        return setting in self._upstreams

    def post(self, setting: str, path: str, body: bytes, content_type: str) -> Answer:
        """Hand a body on.

        Raises:
            NotServed: no server is named.
            UpstreamFailed: it gave no proper answer.
            Busy: too many other servers are waited for already.
        """
        upstream = self._upstream(setting)
        with self._context.outside.waiting():
            return upstream.post(path, body, content_type)

    def post_form(
        self, setting: str, path: str, fields: Sequence[tuple[str, str]], files: Sequence[FormFile]
    ) -> Answer:
        """Hand a form on, whose files are read while they are sent.

        Raises:
            NotServed: no server is named.
            UpstreamFailed: it gave no proper answer.
            Busy: too many other servers are waited for already.
        """
        upstream = self._upstream(setting)
        body = FormBody(fields, files)
        with self._context.outside.waiting():
            return upstream.post(path, body, body.content_type)

    def _upstream(self, setting: str) -> Upstream:
        if setting not in self._upstreams:
            raise NotServed(
                "this server only answers requests about faces; configure another server "
                f"for the rest in FACESERVER_{setting.upper()}"
            )
        return self._upstreams[setting]
