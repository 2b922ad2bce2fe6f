"""What a client of the Open Inference Protocol offers, over gRPC as over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from faceserver.errors import LibraryMissing, ModelError
from faceserver.types import Floats


class UnknownModel(ModelError):
    """The server has no model of that name and version, now."""


class Client(Protocol):
    """One inference server. Safe to call from several threads at once.

    Every call takes the seconds that it may last, and raises:

    - EngineUnavailable: the server does not answer in that time, is overloaded, or failed.
    - UnknownModel: it has no such model.
    - ModelError: it refused what was sent.
    """

    def metadata(self, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        """What the protocol says of a model: its inputs and outputs."""
        ...

    def config(self, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        """A model's configuration, an extension of Triton; empty where the server has none."""
        ...

    def infer(
        self,
        model: str,
        version: str,
        feeds: Mapping[str, Floats],
        outputs: Sequence[str],
        seconds: float,
    ) -> dict[str, Floats]:
        """Run a model once; the server, too, is told how long it may take."""
        ...


@dataclass(frozen=True)
class Form:
    """What a model on a server takes and gives.

    Attributes:
        inputs: names of its inputs.
        outputs: names of its outputs.
        batch: rows that it takes at once; None for any number.
        always: whether it takes no fewer either.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    batch: int | None
    always: bool


def form_of(model: str, metadata: Mapping[str, Any], config: Mapping[str, Any]) -> Form:
    """What a server says of a model.

    Raises:
        ModelError: a tensor is not of 32-bit floating point.
    """
    tensors = [*metadata.get("inputs", ()), *metadata.get("outputs", ())]
    for tensor in tensors:
        if tensor.get("datatype") != "FP32":
            raise ModelError(
                f"the model {model} of the inference server has {tensor.get('name')} as "
                f"{tensor.get('datatype')}, not as FP32"
            )
    most = int(config.get("max_batch_size", 0))
    firsts = [int(tensor["shape"][0]) for tensor in tensors if tensor.get("shape")]
    fixed = max(firsts, default=-1) if not most else -1
    return Form(
        inputs=tuple(tensor["name"] for tensor in metadata.get("inputs", ())),
        outputs=tuple(tensor["name"] for tensor in metadata.get("outputs", ())),
        batch=most or (fixed if fixed > 0 else None),
        always=fixed > 0,
    )


def missing_library(error: Exception) -> LibraryMissing:
    """The error that says how to get the client's library."""
    return LibraryMissing(
        f'the engine oip needs tritonclient: pip install "faceserver[oip]" ({error})'
    )
