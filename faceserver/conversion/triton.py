"""A model repository for NVIDIA Triton: the networks that ``model.toml`` expects on a server."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx

from faceserver.conversion.files import write_together
from faceserver.errors import AlreadyExists, InvalidRequest, ModelError
from faceserver.models.files import FoundModel
from faceserver.models.remote import RemoteNetwork

Backend = Literal["onnxruntime", "python"]

_PYTHON = Path(__file__).with_name("triton_model.txt")
_FIRST = "1"
"""The version of a model that names none."""

_CONFIG = """\
# Written by `faceserver models export-triton`.
name: "{name}"
backend: "{backend}"
max_batch_size: {most}
{tensors}
{batching}"""

# What came too late is refused: faceserver says with each request how long it may take.
_BATCHING = """\
dynamic_batching {
  max_queue_delay_microseconds: 500
  default_queue_policy {
    timeout_action: REJECT
    allow_timeout_override: true
  }
}
"""
_ON_PROCESSORS = """\
instance_group [ { kind: KIND_CPU } ]
"""


@dataclass(frozen=True)
class Exported:
    """A network that was written; ``most`` are the rows that it takes at once, 0 for its own."""

    name: str
    version: str
    most: int


@dataclass(frozen=True)
class _Wanted:
    """A network that a server is to have, and the file that it is made of."""

    remote: RemoteNetwork
    onnx: Path


def export_triton(
    models: Iterable[FoundModel], folder: Path, *, backend: Backend, most: int
) -> list[Exported]:
    """Write every network that has a name on the server, each with its configuration.

    Args:
        models: their networks without such a name are passed over; several may share one.
        folder: the repository; it is made where it is missing.
        backend: ``onnxruntime``, or ``python`` for a Triton that lacks it.
        most: rows that a network takes at once, where its file does not say.

    Raises:
        InvalidRequest: no network has a name on the server.
        AlreadyExists: the folder has a model of that name.
        ModelError: an ONNX file is missing or cannot be read, or two networks have one name.
    """
    wanted = _wanted(models)
    if not wanted:
        raise InvalidRequest(
            'no network has a name on the server: give it `remote = "NAME"` in its model.toml'
        )
    for each in wanted:
        if (folder / each.remote.model).exists():
            raise AlreadyExists(f"{folder} has a model {each.remote.model} already")
    return [_export(each, folder, backend, most) for each in wanted]


def _wanted(models: Iterable[FoundModel]) -> list[_Wanted]:
    found: dict[str, _Wanted] = {}
    for model in models:
        for name, files in model.spec.networks.items():
            if files.remote is None:
                continue
            if files.onnx is None or not files.onnx.is_file():
                raise ModelError(
                    f"{model.name}: the ONNX file of {name} is missing: "
                    "run `faceserver models build`"
                )
            one = _Wanted(files.remote, files.onnx.resolve())
            other = found.setdefault(files.remote.model, one)
            if other.onnx != one.onnx:
                raise ModelError(f"{other.onnx} and {one.onnx} are both called {one.remote.model}")
    return list(found.values())


def _export(wanted: _Wanted, folder: Path, backend: Backend, most: int) -> Exported:
    content = wanted.onnx.read_bytes()
    try:
        graph = onnx.load_from_string(content).graph
    except Exception as error:  # protobuf's own, of several kinds
        raise ModelError(f"{wanted.onnx} cannot be read: {error}") from error
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {each.name: _shape(each) for each in graph.input if each.name not in weights}
    outputs = {each.name: _shape(each) for each in graph.output}
    # With a batch of its own in the file, Triton must not put one before it.
    free = all(shape and shape[0] == -1 for shape in (*inputs.values(), *outputs.values()))
    limit = most if free else 0
    remote = wanted.remote
    config = _CONFIG.format(
        name=remote.model,
        backend=backend,
        most=limit,
        tensors="\n".join(
            [
                *_tensors("input", inputs, remote.inputs, free),
                *_tensors("output", outputs, remote.outputs, free),
            ]
        ),
        batching=(_BATCHING if free else "") + (_ON_PROCESSORS if backend == "python" else ""),
    )
    version = remote.version or _FIRST
    files = {f"{version}/model.onnx": content, "config.pbtxt": config.encode()}
    if backend == "python":
        files[f"{version}/model.py"] = _PYTHON.read_bytes()
    _write(folder / remote.model, files)
    return Exported(remote.model, version, limit)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path in sorted({(folder / name).parent for name in files}, reverse=True):
        inside = {name: data for name, data in files.items() if (folder / name).parent == path}
        write_together(path, {Path(name).name: data for name, data in inside.items()})


def _tensors(
    side: str, shapes: Mapping[str, tuple[int, ...]], names: Mapping[str, str], free: bool
) -> list[str]:
    """The lines of a configuration for inputs or outputs; a name of the server's must be theirs."""
    for here, there in names.items():
        if there not in shapes:
            raise ModelError(f"the network has no {side} {there!r}, which {here!r} is to be")
    return [
        f'{side} [ {{ name: "{name}" data_type: TYPE_FP32 '
        f"dims: [ {', '.join(map(str, shape[1:] if free else shape))} ] }} ]"
        for name, shape in shapes.items()
    ]


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """The axes of a tensor; -1 for any number."""
    return tuple(axis.dim_value or -1 for axis in value.type.tensor_type.shape.dim)
