"""Counted pairs and the figures from them, beside plain computations over all distances."""

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from faceserver.evaluation.data import Pair
from faceserver.evaluation.histograms import (
    BINS,
    WIDTH,
    PairCounts,
    bins_of,
    count_all,
    count_different,
    count_pairs,
    joined,
)
from faceserver.evaluation.identification import identify
from faceserver.evaluation.verification import (
    false_match_at,
    false_non_match_at,
    folds,
    per_comparison,
    threshold_beyond,
    verify,
)
from faceserver.types import Floats

Values = NDArray[np.float64]


def crowd(people: int, each: int, spread: float = 0.9, dims: int = 24) -> tuple[Floats, list[int]]:
    """Vectors around a centre for each person."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(people, 1, dims))
    around = centres + spread * random.normal(size=(people, each, dims))
    vectors = around.reshape(-1, dims).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, [person for person in range(people) for _ in range(each)]


def all_distances(vectors: Floats, people: list[int]) -> tuple[Values, Values]:
    """Squared distances of all pairs, of the same person and of different people, in float64."""
    exact = vectors.astype(np.float64)
    first, second = np.triu_indices(len(vectors), 1)
    apart = (2 - 2 * (exact @ exact.T))[first, second]
    same = np.array(people)[first] == np.array(people)[second]
    return apart[same], apart[~same]


@pytest.fixture(scope="module")
def counted() -> tuple[PairCounts, Values, Values]:
    vectors, people = crowd(60, 12)
    return count_all(vectors, people), *all_distances(vectors, people)


def test_three_thousand_vectors_are_counted_as_one_by_one_in_little_memory() -> None:
    vectors, people = crowd(300, 10)
    tracemalloc.start()
    counts = count_all(vectors, people)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    pairs = 3000 * 2999 // 2
    assert peak < 4 * pairs  # not even as much as the distances alone would take
    same, different = all_distances(vectors, people)
    assert (counts.same.sum(), counts.different.sum()) == (len(same), len(different))
    for found, values in ((counts.same, same), (counts.different, different)):
        expected = np.bincount(bins_of(values), minlength=BINS)
        # Products in single precision put a few into the next bin.
        assert np.abs(np.cumsum(found) - np.cumsum(expected)).max() <= 0.001 * len(values)


def test_memory_does_not_grow_with_the_pairs() -> None:
    peaks = []
    for each in (10, 40):  # sixteen times as many pairs
        vectors, people = crowd(50, each)
        tracemalloc.start()
        count_all(vectors, people)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.5 * peaks[0]


def test_the_worst_pairs_are_those_of_all() -> None:
    vectors, people = crowd(40, 8)
    counts = count_all(vectors, people)
    same, different = all_distances(vectors, people)
    far = [pair.distance for pair in counts.false_non_matches]
    near = [pair.distance for pair in counts.false_matches]
    assert np.allclose(far, np.sort(same)[::-1][: len(far)], atol=1e-5)
    assert np.allclose(near, np.sort(different)[: len(near)], atol=1e-5)
    assert all(people[pair.a] == people[pair.b] for pair in counts.false_non_matches)
    assert all(people[pair.a] != people[pair.b] for pair in counts.false_matches)


def test_a_list_of_pairs_is_counted_as_the_same_pairs_of_a_folder() -> None:
    vectors, people = crowd(20, 6)
    pairs = [Pair(a, b, people[a] == people[b]) for a, b in combinations(range(len(people)), 2)]
    listed, whole = count_pairs(vectors, pairs), count_all(vectors, people)
    for one, other in ((listed.same, whole.same), (listed.different, whole.different)):
        assert np.abs(np.cumsum(one) - np.cumsum(other)).max() <= 2
    assert listed.same_of.sum() == whole.same.sum()


def test_a_group_adds_the_pairs_of_its_faces() -> None:
    vectors, people = crowd(20, 6)
    counts = count_all(vectors[:12], people[:12])
    before = counts.different.sum()
    count_different(counts, vectors[12:16])
    count_different(counts, vectors[:1])
    assert counts.different.sum() == before + 6


def test_area_equal_error_and_true_accepts(counted: tuple[PairCounts, Values, Values]) -> None:
    counts, same, different = counted
    figures = verify(counts)
    ordered = np.sort(different)
    area = 1 - np.mean(np.searchsorted(ordered, same)) / len(ordered)
    assert figures.area == pytest.approx(area, abs=1e-3)
    thresholds = np.sort(np.concatenate([same, different]))
    matches = np.searchsorted(ordered, thresholds) / len(ordered)
    misses = 1 - np.searchsorted(np.sort(same), thresholds) / len(same)
    crossing = np.argmin(np.abs(matches - misses))
    rate = (matches[crossing] + misses[crossing]) / 2
    assert figures.equal_error_rate == pytest.approx(rate, abs=1e-3)
    assert figures.equal_error_threshold == pytest.approx(thresholds[crossing], abs=1e-3)
    assert [each.false_match_rate for each in figures.operating] == [1e-2, 1e-3, 1e-4]
    for point in figures.operating:
        threshold = ordered[int(point.false_match_rate * len(ordered))]
        assert point.true_accept_rate == pytest.approx(np.mean(same < threshold), abs=1e-3)
        assert point.threshold == pytest.approx(threshold, abs=1e-3)
        assert point.interval[0] <= point.true_accept_rate <= point.interval[1]
        assert point.interval[1] - point.interval[0] < 0.2


def test_rates_at_a_threshold(counted: tuple[PairCounts, Values, Values]) -> None:
    counts, same, different = counted
    for threshold in (0.4, 0.9, 1.5):
        assert false_match_at(counts, threshold) == pytest.approx(
            np.mean(different < threshold), abs=1e-3
        )
        assert false_non_match_at(counts, threshold) == pytest.approx(
            np.mean(same >= threshold), abs=1e-3
        )
    assert (false_match_at(counts, 0), false_non_match_at(counts, 0)) == (0, 1)
    assert (false_match_at(counts, 9), false_non_match_at(counts, 9)) == (1, 0)


def test_pairs_that_are_quite_apart_have_no_errors() -> None:
    vectors = np.repeat(np.eye(30, dtype=np.float32), 3, axis=0)
    figures = verify(count_all(vectors, np.repeat(np.arange(30), 3).tolist()))
    assert (figures.area, figures.equal_error_rate) == (1, 0)
    assert all(point.true_accept_rate == 1 for point in figures.operating)


def test_sets_are_joined() -> None:
    one, other = (count_all(*crowd(people, 4)) for people in (20, 30))
    both = joined([one, other])
    assert both.same.sum() == one.same.sum() + other.same.sum()
    assert both.different_of.shape[0] == 50


def test_identification_is_that_of_searching_among_all_others() -> None:
    vectors, people = crowd(120, 5, spread=1.1)
    vectors, people = vectors[:-4], people[:-4]  # the last one has a single photograph
    found = identify(vectors, people)
    assert found
    exact, owners = vectors.astype(np.float64), np.array(people)
    apart = np.square(exact[:, None] - exact[None]).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    own = owners[:, None] == owners[None]
    mate, other = (np.where(which, apart, np.inf).min(axis=1) for which in (own, ~own))
    searched = np.isfinite(mate)
    assert (found.people, found.enrolled, found.searches) == (120, 596, 595)
    assert found.rank_1 == pytest.approx(np.mean((mate < other)[searched]), abs=1e-3)
    assert [point.false_positive_rate for point in found.open_set] == [0.1, 0.01]
    for point in found.open_set:
        threshold = np.sort(other)[int(point.false_positive_rate * len(other))]
        assert np.mean(other < point.threshold - 1e-5) <= point.false_positive_rate
        missed = 1 - np.mean(((mate < other) & (mate < threshold))[searched])
        assert point.false_negative_rate == pytest.approx(missed, abs=2e-3)


def test_nobody_can_be_searched_for() -> None:
    vectors, _ = crowd(4, 1)
    assert identify(vectors, [0, 1, 2, 3]) is None
    assert identify(vectors, [0, 0, 0, 0]) is None


def test_folds_are_judged_by_the_threshold_of_the_others() -> None:
    vectors, people = crowd(100, 4, spread=1.2)
    random = np.random.default_rng(3)
    pairs = []
    for number in range(600):
        a, b = random.choice(len(people), 2, replace=False).tolist()
        if number % 2:
            b = a // 4 * 4 + (a + 1) % 4
        pairs.append(Pair(a, b, people[a] == people[b], number // 60))
    found = folds(vectors, pairs)
    assert found
    apart = np.array([np.square(vectors[pair.a] - vectors[pair.b]).sum() for pair in pairs])
    same, fold = np.array([pair.same for pair in pairs]), np.array([pair.fold for pair in pairs])
    scores = []
    for number in range(10):
        rest = fold != number
        steps = np.arange(0, 4, WIDTH)
        right = [np.mean((apart[rest] < step) == same[rest]) for step in steps[::40]]
        best = steps[::40][int(np.argmax(right))]
        scores.append(np.mean((apart[~rest] < best) == same[~rest]))
    # Where several thresholds are as good, either may be taken.
    assert found.accuracy == pytest.approx(np.mean(scores), abs=0.01)
    assert found.standard_error == pytest.approx(np.std(scores, ddof=1) / 10**0.5, abs=0.005)
    assert folds(vectors, [pair._replace(fold=0) for pair in pairs]) is None


def test_a_large_gallery_asks_for_a_rate_beyond_what_is_measured() -> None:
    rate = per_comparison(0.01, 100_000)
    assert 1 - (1 - rate) ** 100_000 == pytest.approx(0.01)
    # Distances of different people as a bell: there the rate is known however small it is.
    random = np.random.default_rng(5)
    few, many = (random.normal(1.9, 0.2, size) for size in (20_000, 4_000_000))
    counts = np.bincount(bins_of(few), minlength=BINS)
    exact = float(np.quantile(many, 1e-5))
    assert threshold_beyond(counts, 1e-5) == pytest.approx(exact, abs=0.12)
    assert threshold_beyond(counts, 1e-5) < threshold_beyond(counts, 1e-4)
