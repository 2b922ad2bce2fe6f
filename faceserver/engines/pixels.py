"""Preprocessing in numpy, for the runtimes that cannot do it inside the network."""

from collections.abc import Mapping
from typing import cast

import numpy as np

from faceserver.engines.base import Network, Preprocessing
from faceserver.models.spec import FixedNormalization, Normalization
from faceserver.types import Floats, Image


class PictureNetwork(Network):
    """Puts a preprocessing before a network."""

    takes = np.dtype(np.uint8)

    def __init__(self, network: Network, preprocessing: Preprocessing) -> None:
        """Take a network that takes float32."""
        self.inputs, self.outputs = network.inputs, network.outputs
        self.at_once = network.at_once
        self._network = network
        self._preprocessing = preprocessing

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        how = self._preprocessing
        return self._network.predict(
            {
                name: np.ascontiguousarray(
                    normalized(cast("Image", pictures), how.normalization).transpose(how.axes)
                )
                for name, pictures in feeds.items()
            }
        )


def with_preprocessing(network: Network, preprocessing: Preprocessing | None) -> Network:
    """The network itself, or one that takes pictures where a preprocessing is given."""
    return PictureNetwork(network, preprocessing) if preprocessing else network


def normalized(pixels: Image, how: Normalization) -> Floats:
    """Normalize pictures of shape (n, height, width, 3) to float32, each by itself.

    Whitening is (x - mean) / max(std, 1/sqrt(count)) over all of a picture's values, as in the
    ``prewhiten`` of the code that the 128-D model was trained with.
    """
    floats = pixels.astype(np.float32)
    if isinstance(how, FixedNormalization):
        floats -= np.asarray(how.mean, np.float32)
        floats *= np.asarray(how.scale, np.float32)
        return floats
    axes = (1, 2, 3)
    mean = floats.mean(axis=axes, keepdims=True)
    deviation = floats.std(axis=axes, keepdims=True)
    smallest = 1 / np.sqrt(floats[0].size)
    return np.asarray((floats - mean) / np.maximum(deviation, smallest), np.float32)
