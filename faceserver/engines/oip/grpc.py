"""The Open Inference Protocol over gRPC, by NVIDIA's client."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from faceserver.engines.oip.client import UnknownModel, missing_library
from faceserver.errors import EngineUnavailable, ModelError
from faceserver.types import Floats

# The index is saved by a copy of the process, which never calls gRPC: nothing need be made ready.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

try:
    from tritonclient import grpc as triton
    from tritonclient.utils import InferenceServerException
except (ImportError, RuntimeError) as error:  # the latter where it is there without gRPC
    raise missing_library(error) from error

_CHANNEL = [
    ("grpc.enable_http_proxy", 0),  # faces go to the server that is named, and nowhere else
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A server that was away is found again soon; gRPC itself would wait up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]

_REFUSED = {"INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNIMPLEMENTED"}
_NOT_ALLOWED = {"UNAUTHENTICATED", "PERMISSION_DENIED"}


class GrpcClient:
    """See :class:`~faceserver.engines.oip.client.Client`."""

    def __init__(self, address: str, *, secure: bool) -> None:
        """Take host and port; connect to nothing yet."""
        self._address = address
        self._client = triton.InferenceServerClient(address, ssl=secure, channel_args=_CHANNEL)

    def metadata(self, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        """See :meth:`.client.Client.metadata`."""
        found: Mapping[str, Any] = self._ask(
            "get_model_metadata", model, version, as_json=True, client_timeout=seconds
        )
        return found

    def config(self, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        """See :meth:`.client.Client.config`."""
        try:
            found = self._ask(
                "get_model_config", model, version, as_json=True, client_timeout=seconds
            )
        except _NotOffered:
            return {}
        config: Mapping[str, Any] = found.get("config", {})
        return config

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
        answer = self._ask(
            "infer",
            model,
            inputs,
            version,
            outputs=[triton.InferRequestedOutput(name) for name in outputs],
            timeout=int(seconds * 1e6),
            client_timeout=seconds,
        )
        return {name: np.array(answer.as_numpy(name), np.float32) for name in outputs}

    def _ask(self, method: str, *given: Any, **named: Any) -> Any:
        try:
            return getattr(self._client, method)(*given, **named)
        except InferenceServerException as error:
            raise self._meant(error) from error

    def _meant(self, error: InferenceServerException) -> EngineUnavailable | ModelError:
        status = str(error.status()).removeprefix("StatusCode.")
        told = f"the inference server at {self._address}: {error.message()} ({status})"
        if status == "NOT_FOUND":
            return UnknownModel(told)
        if status == "UNIMPLEMENTED":
            return _NotOffered(told)
        return ModelError(told) if status in _REFUSED | _NOT_ALLOWED else EngineUnavailable(told)


class _NotOffered(ModelError):
    """The server does not know the call."""
