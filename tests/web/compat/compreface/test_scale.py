"""CompreFace's similarities."""

import math

import pytest

from faceserver.models.distances import SimilarityCurve
from faceserver.web.compat.compreface.scale import Coefficients, rounded

CURVE = SimilarityCurve(midpoint=1.0, steepness=5, same_pairs=9, different_pairs=9, rates=())


@pytest.mark.parametrize("curve", [CURVE, None])
def test_half_lies_at_the_threshold_and_nearer_is_more_similar(
    curve: SimilarityCurve | None,
) -> None:
    scale = Coefficients.of(0.85, curve)
    assert scale.similarity(0.85) == 0.5
    found = [scale.similarity(number / 10) for number in range(41)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.99
    assert 0 <= found[-1] < 0.01


def test_the_formula_is_that_of_the_coefficients() -> None:
    scale = Coefficients.of(0.81, CURVE)
    assert scale.middle == pytest.approx(0.9)
    assert scale.steepness == pytest.approx(4.5)
    expected = (math.tanh((0.9 - 0.7) * 4.5) + 1) / 2
    assert scale.similarity(0.49) == pytest.approx(expected, abs=1e-5)


def test_the_slope_at_the_threshold_is_that_of_the_calibration() -> None:
    scale = Coefficients.of(0.81, CURVE)
    step = 0.01
    slope = (scale.similarity(0.81 + step) - scale.similarity(0.81 - step)) / (2 * step)
    assert slope == pytest.approx(-CURVE.steepness / 4, rel=0.01)  # of a logistic curve's middle


@pytest.mark.parametrize(
    ("value", "expected"), [(0.123455, 0.12346), (0.5, 0.5), (0.999995, 1.0), (0.0000049, 0.0)]
)
def test_halves_are_rounded_up(value: float, expected: float) -> None:
    assert rounded(value) == expected


def test_a_distance_below_nothing_is_nothing() -> None:
    scale = Coefficients.of(0.85, CURVE)
    assert scale.similarity(-1e-9) == scale.similarity(0.0)
