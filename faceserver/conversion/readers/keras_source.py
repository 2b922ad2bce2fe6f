"""Reads a Keras file, .h5 or .keras, with TensorFlow, and its graph by way of OpenVINO."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.readers.frozen import layers_of_frozen
from faceserver.conversion.readers.opening import OneFile, Opening
from faceserver.conversion.readers.tensorflow_library import tensorflow
from faceserver.errors import ModelError
from faceserver.types import Floats


@dataclass(frozen=True)
class KerasSource(OneFile):
    """A network in a Keras file.

    Attributes:
        model: the ``keras.Model``.
        size: rows and columns of the input.
        outputs: names for what it makes.
    """

    model: Any
    size: tuple[int, int]
    outputs: tuple[str, ...]

    @property
    def judge(self) -> str:
        """Say who runs it to compare."""
        return "Keras"

    def layers(self, size: tuple[int, int] | None) -> list[Layer]:
        """Return its layers.

        Raises:
            ModelError: ops are not supported; the message names all of them.
        """
        rows, columns = size or self.size
        try:
            return layers_of_frozen(self._frozen(rows, columns), (rows, columns), self.outputs)
        except ModelError as error:
            raise ModelError(f"{self.path}: {error}") from error

    def run(self, blob: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """Compute the outputs of one picture (1, 3, rows, columns) with Keras."""
        made = self.model(np.ascontiguousarray(blob.transpose(0, 2, 3, 1)), training=False)
        each = made if isinstance(made, list | tuple) else [made]
        found = dict(zip(self.outputs, (np.asarray(array) for array in each), strict=True))
        return {name: np.moveaxis(found[name], -1, 1) for name in names if name in found}

    def _frozen(self, rows: int, columns: int) -> bytes:
        library = tensorflow(f"to read {self.path.name}")
        from tensorflow.python.framework import convert_to_constants  # noqa: PLC0415

        spec = library.TensorSpec([1, rows, columns, 3], library.float32)
        call = library.function(lambda x: self.model(x, training=False)).get_concrete_function(spec)
        frozen = convert_to_constants.convert_variables_to_constants_v2(call)
        content: bytes = frozen.graph.as_graph_def().SerializeToString()
        return content


def read_keras(path: Path, opening: Opening) -> KerasSource:
    """Read a Keras file; code that it may hold is not run.

    Raises:
        ModelError: it is damaged, holds code, takes no picture or leaves its size open.
        SetupError: TensorFlow is not installed.
    """
    library = tensorflow(f"to read {path.name}")
    named = path
    with TemporaryDirectory() as folder:
        if path.suffix not in (".h5", ".hdf5", ".keras"):  # Keras goes by the name
            named = Path(folder) / f"model{'.h5' if _is_h5(path) else '.keras'}"
            named.symlink_to(path.resolve())
        try:
            model = library.keras.models.load_model(str(named), compile=False, safe_mode=True)
        except Exception as error:  # Keras lets through whatever its parts raise
            line = next((each for each in str(error).splitlines() if each.strip()), "")
            raise ModelError(
                f"{path} is damaged, holds weights or code alone, or layers that Keras does not "
                f"know: {line or type(error).__name__}"
            ) from error
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3:
        raise ModelError(f"{path} takes {shape}, not (batch, rows, columns, 3)")
    size = opening.size or (shape[1], shape[2])
    if None in size:
        raise ModelError(f"{path} does not fix the size of its input: give it")
    outputs = _outputs(path, model, opening.output)
    if opening.output:
        model = library.keras.Model(model.input, model.get_layer(opening.output).output)
    return KerasSource(path, model, size, outputs)


def _outputs(path: Path, model: Any, output: str | None) -> tuple[str, ...]:
    if output is None:
        count = len(model.outputs)
        return ("output",) if count == 1 else tuple(f"output{index}" for index in range(count))
    if output not in [layer.name for layer in model.layers]:
        raise ModelError(f"{path} has no layer {output!r}; its last is {model.layers[-1].name!r}")
    return (output,)


def _is_h5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x89HDF"
