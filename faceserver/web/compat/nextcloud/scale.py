"""Our vectors and scores on the scales that the app's settings are made for."""

import math

import numpy as np

from faceserver.types import Floats

SENSITIVITY = 0.4
"""The app joins faces whose descriptors lie nearer than this, unless somebody has set it."""


def factor(threshold: float) -> float:
    """What a unit vector is multiplied with, so that the app joins what we take for one person.

    Args:
        threshold: the squared L2 distance below which two faces are one person.
    """
    return SENSITIVITY / math.sqrt(threshold)


def descriptor(vector: Floats, threshold: float) -> list[float]:
    """A unit vector of shape (dims,) as the app compares it: by Euclidean distance."""
    return [round(float(number), 7) for number in np.asarray(vector) * factor(threshold)]


def confidence(score: float) -> float:
    """A detector's score as the app filters it: it leaves out what is below 0.99.

    The reference's detector gives every clear face 1.0 and more. 1 - (1 - score)^2 keeps the order,
    and takes 0.9, from which our detectors are hardly ever wrong, to 0.99.
    """
    return round(1 - (1 - score) ** 2, 5)
