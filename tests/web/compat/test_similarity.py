"""Similarities of other programs: the threshold lies where their users expect it."""

import pytest

from faceserver.models.distances import SimilarityCurve
from faceserver.web.compat.similarity import Scale

CURVE = SimilarityCurve(midpoint=1.4, steepness=17, same_pairs=9, different_pairs=9, rates=())


@pytest.mark.parametrize("curve", [CURVE, None])
@pytest.mark.parametrize("at", [0.5, 0.67, 0.8])
def test_the_threshold_has_the_similarity_that_is_wanted(
    curve: SimilarityCurve | None, at: float
) -> None:
    scale = Scale.fitted(1.1, curve, at=at)
    assert scale.similarity(1.1) == pytest.approx(at)
    assert scale.distance(at) == pytest.approx(1.1)
    assert scale.similarity(0.5) > 0.95
    assert scale.similarity(1.9) < 0.05


def test_nearer_is_more_similar_and_every_similarity_has_its_distance() -> None:
    scale = Scale.fitted(0.85, None, at=0.8)
    steps = [number / 20 for number in range(81)]
    similarities = [scale.similarity(distance) for distance in steps]
    assert similarities == sorted(similarities, reverse=True)
    assert all(0 <= similarity <= 1 for similarity in similarities)
    for distance in steps[4:30]:
        assert scale.distance(scale.similarity(distance)) == pytest.approx(distance)
    assert (scale.distance(1), scale.distance(0), scale.distance(-3)) == (0, 4, 4)
