"""The Open Inference Protocol over HTTP: NVIDIA's client makes and reads the messages.

It does not send them: its connections belong to one thread, and know no time limit of one request.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import requests
from requests.adapters import HTTPAdapter

from faceserver.engines.oip.client import UnknownModel, missing_library
from faceserver.errors import EngineUnavailable, ModelError
from faceserver.pictures.direct import direct_session
from faceserver.types import Floats

try:
    from tritonclient import http as triton
    from tritonclient.utils import InferenceServerException
except (ImportError, RuntimeError) as error:  # the latter where it is there without HTTP
    raise missing_library(error) from error

_CONNECT_SECONDS = 3.0
_CONNECTIONS = 32
_HEADER_LENGTH = "Inference-Header-Content-Length"
_UNKNOWN = ("unknown model", "no available versions", "is not found", "not found")


class HttpClient:
    """See :class:`~faceserver.engines.oip.client.Client`."""

    def __init__(self, url: str) -> None:
        """Take the address; connect to nothing yet."""
        self._url = url.rstrip("/")
        self._session = direct_session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))

    def metadata(self, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        """See :meth:`.client.Client.metadata`."""
        return self._described("", model, version, seconds)

    def config(self, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        """See :meth:`.client.Client.config`."""
        try:
            return self._described("/config", model, version, seconds)
        except UnknownModel:  # the model is there: its metadata were asked for before
            return {}

    def infer(
        self,
        model: str,
        version: str,
        feeds: Mapping[str, Floats],
        outputs: Sequence[str],
        seconds: float,
    ) -> dict[str, Floats]:
        """See :meth:`.client.Client.infer`."""
        inputs = []
        for name, array in feeds.items():
            tensor = triton.InferInput(name, list(array.shape), "FP32")
            tensor.set_data_from_numpy(array)
            inputs.append(tensor)
        body, length = triton.InferenceServerClient.generate_request_body(
            inputs,
            outputs=[triton.InferRequestedOutput(name) for name in outputs],
            timeout=int(seconds * 1e6),
        )
        answer = self._ask(
            "POST",
            f"{_path(model, version)}/infer",
            seconds,
            data=body,
            headers={_HEADER_LENGTH: str(length), "Content-Type": "application/octet-stream"},
        )
        return self._tensors(answer, outputs)

    def _tensors(self, answer: requests.Response, outputs: Sequence[str]) -> dict[str, Floats]:
        length = answer.headers.get(_HEADER_LENGTH)
        try:
            result = triton.InferenceServerClient.parse_response_body(
                answer.content, header_length=int(length) if length else None
            )
            found = {name: result.as_numpy(name) for name in outputs}
        except (InferenceServerException, ValueError, KeyError) as error:
            raise EngineUnavailable(f"{self._url} gives an invalid answer: {error}") from error
        missing = [name for name, array in found.items() if array is None]
        if missing:
            raise ModelError(f"{self._url} gives no {missing[0]!r}")
        return {name: np.array(array, np.float32) for name, array in found.items()}

    def _described(self, what: str, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        answer = self._ask("GET", f"{_path(model, version)}{what}", seconds)
        try:
            found = answer.json()
        except requests.JSONDecodeError as error:
            raise EngineUnavailable(f"{self._url} gives an invalid answer: {error}") from error
        if not isinstance(found, dict):
            raise EngineUnavailable(f"{self._url} does not answer with a JSON object")
        return found

    def _ask(self, method: str, path: str, seconds: float, **arguments: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                f"{self._url}{path}",
                timeout=(min(_CONNECT_SECONDS, seconds), seconds),
                allow_redirects=False,
                **arguments,
            )
        except requests.RequestException as error:
            raise EngineUnavailable(f"{self._url} does not answer: {error}") from error
        if answer.status_code == 200:
            return answer
        raise self._meant(answer)

    def _meant(self, answer: requests.Response) -> EngineUnavailable | ModelError:
        told = f"{self._url} answers {answer.status_code}: {answer.text[:500]}"
        if answer.status_code == 404 or any(text in answer.text for text in _UNKNOWN):
            return UnknownModel(told)
        if answer.status_code == 429 or answer.status_code >= 500:
            return EngineUnavailable(told)
        return ModelError(told)


def _path(model: str, version: str) -> str:
    return f"/v2/models/{model}" + (f"/versions/{version}" if version else "")
