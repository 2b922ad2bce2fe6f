"""FaceNet: one network turns a face's crop into a unit vector.

After F. Schroff, D. Kalenichenko, J. Philbin: FaceNet: A Unified Embedding for Face Recognition
and Clustering, CVPR 2015.
"""

from collections.abc import Sequence

import numpy as np

from faceserver.engines import Engine, Precision
from faceserver.errors import ModelError
from faceserver.models import EmbedderSpec, FixedNormalization, Normalization, SquareCrop
from faceserver.plugins.geometry import cut_out, resize
from faceserver.types import Detection, Floats, Image

_PER_CALL = 32  # crops in one call, to bound its memory
_SMALLEST_NORM = 1e-5  # TensorFlow's l2_normalize takes max(sum of squares, 1e-10)


class FaceNetEmbedder:
    """Turns faces into unit vectors; safe to call from several threads at once."""

    def __init__(self, spec: EmbedderSpec, engine: Engine, precision: Precision) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing, cannot be read, or is none with one input and one output.
        """
        self.name = spec.name
        self.dims = spec.dims
        self.distances = spec.distances
        self._spec = spec
        self._network = engine.load(spec.networks["embedder"], precision)
        if len(self._network.inputs) != 1 or len(self._network.outputs) != 1:
            raise ModelError(f"{spec.name} must have one input and one output")

    def crop(self, image: Image, detection: Detection) -> Image:
        """Cut a face out as the model wants it: uint8, shape (size, size, 3)."""
        return square_crop(image, detection, self._spec.crop)

    def embed(self, crops: Sequence[Image]) -> Floats:
        """Embed crops as one batch.

        Returns:
            float32, shape (number of crops, dims), each row of unit length.
        """
        if not crops:
            return np.empty((0, self.dims), np.float32)
        pixels = np.stack(crops)
        vectors = np.concatenate(
            [
                self._run(normalized(pixels[start : start + _PER_CALL], self._spec.normalization))
                for start in range(0, len(pixels), _PER_CALL)
            ]
        )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, _SMALLEST_NORM), np.float32)

    def _run(self, pixels: Floats) -> Floats:
        (name,), (output,) = self._network.inputs, self._network.outputs
        blob = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        answer = self._network.predict({name: blob})[output]
        return answer.reshape(len(pixels), self.dims)


def square_crop(image: Image, detection: Detection, recipe: SquareCrop) -> Image:
    """Cut a face out by a recipe: uint8, shape (size, size, 3), zero beyond the picture."""
    box = detection.box
    mean = (box.width + box.height) / 2
    side = max(round(recipe.side * mean), 1)
    left = round((box.x1 + box.x2 - side) / 2)
    top = round((box.y1 + box.y2 - side) / 2 + recipe.lowered * mean)
    return resize(cut_out(image, left, top, left + side, top + side), recipe.size, recipe.size)


def normalized(pixels: Image, how: Normalization) -> Floats:
    """Normalize pictures of shape (n, height, width, 3) to float32, each by itself.

    Whitening is (x - mean) / max(std, 1/sqrt(count)) over all of a picture's values, as in the
    ``prewhiten`` of the code that the 128-D model was trained with.
    """
    floats = pixels.astype(np.float32)
    if isinstance(how, FixedNormalization):
        return (floats - np.float32(how.mean)) * np.float32(how.scale)
    axes = (1, 2, 3)
    mean = floats.mean(axis=axes, keepdims=True)
    deviation = floats.std(axis=axes, keepdims=True)
    smallest = 1 / np.sqrt(floats[0].size)
    return np.asarray((floats - mean) / np.maximum(deviation, smallest), np.float32)
