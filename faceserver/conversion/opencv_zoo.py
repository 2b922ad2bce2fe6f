"""YuNet and SFace of OpenCV's model zoo, from ONNX with weights in 8-bit blocks into Caffe.

YuNet's last steps, which move axes and squeeze scores into 0 to 1, stay outside of the network, so
that it takes pictures of any size; :mod:`faceserver.vision.yunet` does them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import TensorProto, helper

from faceserver.conversion.checks.judge import run_openvino
from faceserver.conversion.graph.simplify import simplify
from faceserver.conversion.readers.onnx_constants import load_folded
from faceserver.conversion.readers.onnx_source import read_onnx
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.conversion.writers.to_caffe import to_caffe
from faceserver.types import Floats

_YUNET = {
    f"{what}_{stride}": str(first + 2 * level)
    for what, first in (("cls", 258), ("bbox", 264), ("obj", 270), ("kps", 276))
    for level, stride in enumerate((8, 16, 32))
}
"""The tensors with what each place of a picture says, by our names."""


@dataclass(frozen=True)
class Recipe:
    """How one network is converted.

    Attributes:
        source: the ONNX file's name.
        net_name: the network's name.
        size: the input's rows and columns; YuNet takes any multiple of it.
        outputs: our name for each tensor of the file that the network is to give.
    """

    source: str
    net_name: str
    size: int
    outputs: Mapping[str, str]


RECIPES = {
    "yunet": Recipe(
        source="face_detection_yunet_2023mar_int8bq.onnx",
        net_name="YuNet",
        size=64,
        outputs={tensor: name for name, tensor in _YUNET.items()},
    ),
    "sface": Recipe(
        source="face_recognition_sface_2021dec_int8bq.onnx",
        net_name="SFace",
        size=112,
        outputs={"fc1": "embeddings"},
    ),
}


def convert(source: Path, recipe: Recipe) -> CaffeFiles:
    """Convert one network from its ONNX file.

    Raises:
        ModelError: the file cannot be read, or holds another network than the recipe's.
    """
    size = (recipe.size, recipe.size)
    layers = simplify(read_onnx(source).layers(size, recipe.outputs, by_tensor=True))
    names = list(recipe.outputs.values())
    if len(names) == 1:  # what was folded into the last layer has left it its own name
        layers[-1] = replace(layers[-1], name=names[0])
    net, weights = to_caffe(layers, recipe.net_name)
    return CaffeFiles.of(net, weights, "Written by `faceserver models build`; do not edit.")


def run(source: Path, recipe: Recipe, blob: Floats) -> dict[str, Floats]:
    """Compute the wanted tensors of the published file with OpenVINO, by our names.

    Args:
        source: the file.
        recipe: which tensors.
        blob: float32, shape (batch, 3, rows, columns).

    Raises:
        ModelError: the file cannot be read.
    """
    model = load_folded(source)
    del model.graph.output[:]
    model.graph.output.extend(
        helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None) for tensor in recipe.outputs
    )
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"axis{axis}"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "wanted.onnx"
        onnx.save(model, path)
        found = run_openvino(path, blob)
    return {name: found[tensor] for tensor, name in recipe.outputs.items()}
