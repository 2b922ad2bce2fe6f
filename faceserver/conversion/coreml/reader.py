"""Reads CoreML files back with code that is not this project's, so that it can be compared.

An older network (.mlmodel) is translated to ONNX by onnxmltools, and ONNX Runtime runs it. A
program (.mlpackage) is read by coremltools, which gives its operations and their weights.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceserver.conversion.coreml.library import load
from faceserver.conversion.coreml.network import INPUT, OUTPUT
from faceserver.types import Floats

Pictures = NDArray[np.uint8]
"""RGB pictures, shape (pictures, rows, columns, 3)."""

_FLOAT32 = 65568  # of CoreML's enum ArrayDataType


def run_neural_network(path: Path, pictures: Pictures, output: str = OUTPUT) -> Floats:
    """Run an ``.mlmodel`` away from macOS.

    onnxmltools knows no picture inputs and no 16-bit weights, so two things are done here as the
    CoreML format defines them: the scale and bias that the file states for its picture are applied
    beforehand, and 16-bit weights are widened, which changes no value.

    Returns:
        The values of an output, shape (pictures, values): the embeddings.
    """
    spec = load("coremltools").utils.load_spec(str(path))
    blob = _preprocessed(spec, pictures)
    _widen(spec)
    _take_array(spec, blob.shape[1:])
    with _repaired_onnxmltools() as onnxmltools:
        model = onnxmltools.convert_coreml(spec, path.stem)
    session = load("onnxruntime").InferenceSession(model.SerializeToString())
    rows = [session.run([output], {INPUT: picture[None]})[0].reshape(-1) for picture in blob]
    return np.stack(rows)


def read_program(package: Path) -> Any:
    """Read the program of an ``.mlpackage`` with coremltools' own reader, weights included."""
    ct = load("coremltools")
    model = ct.models.MLModel(str(package), skip_model_load=True)
    spec = model.get_spec()
    reader = load("coremltools.converters.mil.frontend.milproto.load")
    return reader.load(spec, spec.specificationVersion, model.weights_dir)


def predict(path: Path, pictures: Pictures, output: str = OUTPUT) -> Floats:
    """Run a CoreML file itself, which macOS alone can.

    Returns:
        The values of an output, shape (pictures, values).
    """
    model = load("coremltools").models.MLModel(str(path))
    rows = [model.predict({INPUT: Image.fromarray(each)})[output].reshape(-1) for each in pictures]
    return np.stack(rows).astype(np.float32)


def _preprocessed(spec: Any, pictures: Pictures) -> Floats:
    (step,) = spec.neuralNetwork.preprocessing
    scaler = step.scaler
    bias = np.array([scaler.redBias, scaler.greenBias, scaler.blueBias], np.float32)
    values = pictures.astype(np.float32) * np.float32(scaler.channelScale) + bias
    image = spec.description.input[0].type.imageType
    if image.colorSpace == image.BGR:
        values = values[..., ::-1]
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def _widen(spec: Any) -> None:
    for layer in spec.neuralNetwork.layers:
        if layer.WhichOneof("layer") != "convolution":
            continue
        for values in (layer.convolution.weights, layer.convolution.bias):
            if values.float16Value:
                values.floatValue.extend(np.frombuffer(values.float16Value, np.float16).tolist())


def _take_array(spec: Any, shape: tuple[int, ...]) -> None:
    """Let the network take what its picture becomes."""
    spec.neuralNetwork.ClearField("preprocessing")
    array = spec.description.input[0].type.multiArrayType
    array.shape.extend(shape)
    array.dataType = _FLOAT32


@contextmanager
def _repaired_onnxmltools() -> Iterator[ModuleType]:
    """Give onnxmltools with what its CoreML part needs to be imported at all.

    In release 1.16 that part asks for names that were removed or moved elsewhere in the package,
    and does not import its own translators. How a layer is translated is not touched.
    """
    types = load("onnxmltools.convert.common.data_types")
    utils = load("onnxmltools.convert.common.utils")
    checks = load("onnxmltools.convert.common.shape_calculator")
    onnx = load("onnx")
    with (
        mock.patch.object(types, "find_type_conversion", _identity, create=True),
        mock.patch.object(onnx, "onnx_proto", onnx, create=True),
        mock.patch.multiple(
            utils,
            create=True,
            check_input_and_output_numbers=checks.check_input_and_output_numbers,
            check_input_and_output_types=checks.check_input_and_output_types,
        ),
    ):
        load("onnxmltools.convert.coreml.operator_converters.neural_network")
        load("onnxmltools.convert.coreml.shape_calculators.neural_network")
        yield load("onnxmltools")


def _identity(source_type: object, target_type: object) -> str:  # noqa: ARG001 - called by name
    return "identity"
