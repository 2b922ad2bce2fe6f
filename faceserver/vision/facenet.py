"""FaceNet: one network turns a face's crop into a unit vector.

After F. Schroff, D. Kalenichenko, J. Philbin: FaceNet: A Unified Embedding for Face Recognition
and Clustering, CVPR 2015.
"""

from collections.abc import Sequence

import numpy as np

from faceserver.engines import Preprocessing
from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec
from faceserver.runtime import metrics
from faceserver.runtime.parallel import NOBODY
from faceserver.types import Detection, Floats, Image
from faceserver.vision.base import Loading, Options
from faceserver.vision.calls import calls
from faceserver.vision.crops import crop_of

_SMALLEST_NORM = 1e-5  # TensorFlow's l2_normalize takes max(sum of squares, 1e-10)


class FaceNetOptions(Options):
    """How the network is used.

    Attributes:
        mirror: a face's vector is the mean of its own and its mirror image's, which takes twice the
            time.
    """

    mirror: bool = False


class FaceNetEmbedder:
    """Turns faces into unit vectors; safe to call from several threads at once.

    Attributes:
        sizes: crops in one call. One of 8 takes about 5 times as long as one of 1; larger ones
            would save little.
        options: what ``model.toml`` may say of how the network is used.
    """

    sizes: tuple[int, ...] = (1, 2, 4, 8)
    options: type[FaceNetOptions] = FaceNetOptions

    def __init__(self, spec: EmbedderSpec, loading: Loading) -> None:
        """Load the network; helpers run parts of a large batch.

        Raises:
            ModelError: it is missing, cannot be read, or is none with one input and one output.
        """
        self.name = spec.name
        self.dims = spec.dims
        self.size = spec.crop.size
        self.distances = spec.distances
        self._crop, self._mirrors = spec.crop, self.options.of(spec).mirror
        self._network = loading.engine.load(
            spec.networks["embedder"], loading.precision, Preprocessing(spec.input.normalization)
        )
        self._swaps_colours = spec.input.channels == "bgr"
        self._helpers = loading.helpers if self._network.at_once > 1 else NOBODY
        if len(self._network.inputs) != 1 or len(self._network.outputs) != 1:
            raise ModelError(f"{spec.name} must have one input and one output")

    def crop(self, image: Image, detection: Detection) -> Image:
        """Cut a face out as the model wants it: uint8, shape (size, size, 3)."""
        return crop_of(image, detection, self._crop)

    def embed(self, crops: Sequence[Image]) -> Floats:
        """Embed crops as one batch.

        Returns:
            float32, shape (number of crops, dims), each row of unit length.
        """
        if not crops:
            return np.empty((0, self.dims), np.float32)
        metrics.batch(len(crops))
        vectors = self._unit_vectors(crops)
        if self._mirrors:
            vectors += self._unit_vectors([crop[:, ::-1] for crop in crops])
            _make_unit(vectors)
        return vectors

    def _unit_vectors(self, crops: Sequence[Image]) -> Floats:
        shared = calls(len(crops), self.sizes, parts=len(self._helpers) + 1, least=4)
        parts = [(crops[start : start + size], size) for start, size in shared]
        vectors = np.concatenate(self._helpers.map(lambda part: self._run(*part), parts))
        _make_unit(vectors)
        return vectors

    def warm_up(self) -> None:
        """Run the network in every size once, so that no request has to wait for that."""
        side = self._crop.size
        for count in self.sizes:
            self._run([np.zeros((side, side, 3), np.uint8)] * count, count)

    def _run(self, crops: Sequence[Image], count: int) -> Floats:
        """The network's answers for crops, of which it is given ``count``, the rest black."""
        (name,), (output,) = self._network.inputs, self._network.outputs
        pixels = np.zeros((count, *crops[0].shape), np.uint8)
        np.stack(crops, out=pixels[: len(crops)])
        if self._swaps_colours:
            pixels = np.ascontiguousarray(pixels[..., ::-1])
        answer = self._network.predict({name: pixels})[output]
        if answer.size != count * self.dims:
            raise ModelError(
                f"{self.name} gives vectors of {answer.size // count} numbers, not {self.dims}"
            )
        return answer.reshape(count, self.dims)[: len(crops)]


def _make_unit(vectors: Floats) -> None:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(lengths, _SMALLEST_NORM)


make = FaceNetEmbedder
"""How the registry of architectures makes one."""
