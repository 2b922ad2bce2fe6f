"""FaceNet: one network turns a face's crop into a unit vector.

After F. Schroff, D. Kalenichenko, J. Philbin: FaceNet: A Unified Embedding for Face Recognition
and Clustering, CVPR 2015.
"""

from collections.abc import Sequence

import numpy as np

from faceserver.engines import Engine, Precision, Preprocessing
from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec, SquareCrop
from faceserver.runtime import metrics
from faceserver.runtime.parallel import NOBODY, Helpers
from faceserver.types import Detection, Floats, Image
from faceserver.vision.calls import calls
from faceserver.vision.geometry import cut_out, resize
from faceserver.vision.orientation import turned, turned_picture, turns_to_upright

_SIZES = (1, 2, 4, 8)
"""Crops in one call. One of 8 takes about 5 times as long as one of 1; larger ones would save
little."""

_SMALLEST_NORM = 1e-5  # TensorFlow's l2_normalize takes max(sum of squares, 1e-10)


class FaceNetEmbedder:
    """Turns faces into unit vectors; safe to call from several threads at once."""

    def __init__(
        self,
        spec: EmbedderSpec,
        engine: Engine,
        precision: Precision,
        helpers: Helpers = NOBODY,
    ) -> None:
        """Load the network; helpers run parts of a large batch.

        Raises:
            ModelError: it is missing, cannot be read, or is none with one input and one output.
        """
        self.name = spec.name
        self.dims = spec.dims
        self.distances = spec.distances
        self._spec = spec
        self._network = engine.load(
            spec.networks["embedder"], precision, Preprocessing(spec.normalization)
        )
        self._helpers = helpers if self._network.at_once > 1 else NOBODY
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
        metrics.batch(len(crops))
        shared = calls(len(crops), _SIZES, parts=len(self._helpers) + 1, least=4)
        parts = [(crops[start : start + size], size) for start, size in shared]
        vectors = np.concatenate(self._helpers.map(lambda part: self._run(*part), parts))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(lengths, _SMALLEST_NORM)
        return vectors

    def warm_up(self) -> None:
        """Run the network in every size once, so that no request has to wait for that."""
        side = self._spec.crop.size
        for count in _SIZES:
            self._run([np.zeros((side, side, 3), np.uint8)] * count, count)

    def _run(self, crops: Sequence[Image], count: int) -> Floats:
        """The network's answers for crops, of which it is given ``count``, the rest black."""
        (name,), (output,) = self._network.inputs, self._network.outputs
        pixels = np.zeros((count, *crops[0].shape), np.uint8)
        np.stack(crops, out=pixels[: len(crops)])
        answer = self._network.predict({name: pixels})[output]
        return answer.reshape(count, self.dims)[: len(crops)]


def square_crop(image: Image, detection: Detection, recipe: SquareCrop) -> Image:
    """Cut a face out by a recipe: uint8, shape (size, size, 3), zero beyond the picture.

    A face that lies on its side or upside down, by its points, is turned upright.
    """
    turns = turns_to_upright(detection)
    if turns:
        height, width = image.shape[:2]
        image = turned_picture(image, turns)
        detection = turned(detection, turns, width, height)
    box = detection.box
    mean = (box.width + box.height) / 2
    side = max(round(recipe.side * mean), 1)
    left = round((box.x1 + box.x2 - side) / 2)
    top = round((box.y1 + box.y2 - side) / 2 + recipe.lowered * mean)
    return resize(cut_out(image, left, top, left + side, top + side), recipe.size, recipe.size)
