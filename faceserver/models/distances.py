"""What the distances between a model's embeddings mean, as measured on labelled photographs."""

import math

from pydantic import Field

from faceserver.models.described import Described


class Rate(Described):
    """What a threshold would do, as counted on labelled pairs.

    Attributes:
        threshold: a squared L2 distance.
        false_match: share of the pairs of different people that lie below it.
        false_non_match: share of the pairs of the same person that do not.
    """

    threshold: float
    false_match: float
    false_non_match: float


_LARGEST_EXPONENT = 700.0  # math.exp overflows at 710


class SimilarityCurve(Described):
    """From a distance to a similarity: a logistic curve through labelled pairs.

    Attributes:
        midpoint: the squared L2 distance of similarity 0.5.
        steepness: how fast it falls there.
        same_pairs: how many pairs of the same person it comes from.
        different_pairs: how many pairs of different people.
        rates: of some thresholds, on the same pairs.
    """

    midpoint: float
    steepness: float = Field(gt=0)
    same_pairs: int
    different_pairs: int
    rates: tuple[Rate, ...]

    def of(self, distance: float) -> float:
        """The similarity of a distance, 0 to 1.

        Among as many pairs of the same person as of different people, it is the share of the
        same person at this distance (J. Platt: Probabilistic Outputs for Support Vector Machines,
        1999): 1 / (1 + exp(steepness * (distance - midpoint))).
        """
        exponent = self.steepness * (distance - self.midpoint)
        return 1 / (1 + math.exp(min(exponent, _LARGEST_EXPONENT)))


class Measured(Described):
    """How often a model was wrong on one set of labelled photographs, at its threshold.

    Attributes:
        name: of the set, which mostly is one group of people.
        photographs: how many it has.
        not_detected: share of them in which the detector found no face.
        same_pairs: how many pairs of the same person.
        different_pairs: how many pairs of different people.
        false_match: share of the latter that lie below the threshold.
        false_non_match: share of the former that do not.
        true_accept: share of the former that are found where 1 of 1,000 of the latter matches
            falsely; None where there are too few of them.
    """

    name: str
    photographs: int
    not_detected: float
    same_pairs: int
    different_pairs: int
    false_match: float
    false_non_match: float
    true_accept: float | None = None


class Distances(Described):
    """What this model's squared L2 distances mean.

    Attributes:
        threshold: pairs below it are taken for the same person.
        calibration: which labelled pairs the figures come from, and when they were measured.
        similarity: None until ``faceserver evaluate --save`` has measured it.
        measured: rates of error of each set, likewise.
    """

    threshold: float
    calibration: str
    similarity: SimilarityCurve | None = None
    measured: tuple[Measured, ...] = ()
