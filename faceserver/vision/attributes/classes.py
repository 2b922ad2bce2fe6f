"""A network that says which of a few things a face is: gender, mask, liveness and the like.

Its outputs are named by ``labels`` in ``model.toml``, in order. Networks that end with a softmax
give probabilities; for those that do not, the option ``softmax`` does it here. A network with one
output gives the probability of the second of two labels.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from faceserver.errors import ModelError
from faceserver.models.spec import AttributeSpec
from faceserver.types import Detection, Floats, Image
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.attributes.network import CropNetwork, NetworkOptions, present
from faceserver.vision.base import Loading
from faceserver.vision.crops import crop_of

_DECIMALS = 4


class ClassesOptions(NetworkOptions):
    """How the network's answer is read.

    Attributes:
        ends: what the network's answer is: probabilities, or what a softmax or a sigmoid makes
            probabilities of.
    """

    ends: Literal["probabilities", "softmax", "sigmoid"] = "probabilities"


class Classes:
    """Tells the likeliest label and its probability; safe to call from several threads at once."""

    def __init__(self, spec: AttributeSpec, loading: Loading) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing or cannot be read, or there are fewer than two labels.
        """
        if len(spec.labels) < 2:
            raise ModelError(f"{spec.name} needs labels: one for each output of its network")
        self.name = spec.name
        self._spec = spec
        self._options = ClassesOptions.of(spec)
        self._network = CropNetwork(spec, loading, self._options)

    def cut(self, image: Image, detection: Detection) -> Cut:
        """The crop that the network wants."""
        return Cut(detection, crop_of(image, detection, self._spec.crop))

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """The likeliest label of each face, and how likely it is, 0 to 1.

        Raises:
            ModelError: the network has another number of outputs than there are labels.
        """
        if not cuts:
            return []
        rows = self._probabilities(self._network.run(present([cut.crop for cut in cuts])))
        best = rows.argmax(axis=1)
        return [
            {
                "value": self._spec.labels[place],
                "probability": round(float(row[place]), _DECIMALS),
            }
            for row, place in zip(rows, best, strict=True)
        ]

    def _probabilities(self, answers: Floats) -> Floats:
        ends = self._options.ends
        if ends == "softmax":
            powers = np.exp(answers - answers.max(axis=1, keepdims=True))
            answers = powers / powers.sum(axis=1, keepdims=True)
        elif ends == "sigmoid":
            answers = np.asarray(0.5 * (1 + np.tanh(0.5 * answers)), np.float32)
        if answers.shape[1] == 1:
            answers = np.hstack([1 - answers, answers])
        if answers.shape[1] != len(self._spec.labels):
            raise ModelError(
                f"{self.name} has {len(self._spec.labels)} labels, its network "
                f"{answers.shape[1]} outputs"
            )
        return answers


make = Classes
"""How the registry of architectures makes one."""
