"""Tries out a model that was described: it must run, and make the vectors that it should."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceserver.conversion.checks.judge import run_openvino
from faceserver.conversion.checks.whole_way import check_whole_way
from faceserver.engines import EngineOptions, make_engine
from faceserver.errors import FaceServerError, InvalidRequest, ModelError
from faceserver.models.spec import DetectorSpec, EmbedderSpec, Spec, load_any_spec
from faceserver.types import Box, Detection, Floats
from faceserver.vision import architectures
from faceserver.vision.base import Loading

_PICTURE = (480, 640, 3)


def try_out(folder: Path) -> Spec:
    """Load a described model and run it once on a black picture.

    Raises:
        ModelError: it cannot be loaded, or what it gives is not what its architecture needs.
    """
    spec = load_any_spec(folder)
    loading = Loading(make_engine("openvino", EngineOptions()))
    image = np.zeros(_PICTURE, np.uint8)
    five = ((40.0, 40.0), (80.0, 40.0), (60.0, 65.0), (45.0, 85.0), (75.0, 85.0))
    face = Detection(Box(20, 10, 100, 110), five, 1.0)
    try:
        if isinstance(spec, DetectorSpec):
            architectures.make_detector(spec, loading).detect(image)
        elif isinstance(spec, EmbedderSpec):
            embedder = architectures.make_embedder(spec, loading)
            embedder.embed([embedder.crop(image, face)] * 2)
        else:
            attribute = architectures.make_attribute(spec, loading)
            attribute.tell([attribute.cut(image, face)] * 2)
    except FaceServerError:
        raise
    except (RuntimeError, ValueError, KeyError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{spec.name} does not run: {lines[0]}") from error
    return spec


def compare_vectors(folder: Path, pictures: Sequence[Path], expected: Path) -> float:
    """Compare a described embedder's vectors of pictures with those of its own program.

    Args:
        folder: with the files and their ``model.toml``.
        pictures: of faces, cut out as the network takes them.
        expected: a .npy or .json file with a vector for each.

    Returns:
        The largest difference of any value of the unit vectors.

    Raises:
        InvalidRequest: the model is no embedder.
        ModelError: they differ; the message says which normalization would agree, if one does.
    """
    spec = load_any_spec(folder)
    onnx = spec.networks["embedder"].onnx if isinstance(spec, EmbedderSpec) else None
    if not isinstance(spec, EmbedderSpec) or onnx is None:
        raise InvalidRequest(f"{spec.name} is not an embedder, so it makes no vectors to compare")

    def embed(blob: Floats) -> Floats:
        rows = [next(iter(run_openvino(onnx, each[None]).values())) for each in blob]
        return np.concatenate([row.reshape(1, -1) for row in rows])

    size = (spec.crop.size, spec.crop.size)
    how = spec.input
    return check_whole_way(embed, expected, pictures, size, how.normalization, how.channels)
