"""Groups of vectors: who belongs together, who does not."""

import numpy as np
import pytest

from faceserver.errors import TimedOut
from faceserver.runtime.deadline import deadline
from faceserver.services.grouping import likely_people
from faceserver.types import Floats

DIMS = 128
THRESHOLD = 0.85


def crowd(count: int, each: int, *, noise: float = 0.6, seed: int = 0) -> Floats:
    """Unit vectors of people, those of one person together, shape (count * each, dims)."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.normal(size=(count, DIMS)), each, axis=0)
    vectors = centres + noise * rng.normal(size=(count * each, DIMS))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def in_plane(*degrees: float) -> Floats:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_people_are_told_apart_whatever_the_order() -> None:
    vectors = crowd(60, 5)
    shuffled = np.random.default_rng(1).permutation(len(vectors))
    groups = likely_people(vectors[shuffled], threshold=THRESHOLD)
    assert len(groups) == 60
    for rows in groups:
        assert len({int(shuffled[row]) // 5 for row in rows}) == 1
        assert len(rows) == 5


def test_each_row_is_in_one_group_and_the_largest_stands_first() -> None:
    vectors = np.concatenate([crowd(1, 2, seed=1), crowd(1, 9, seed=2), crowd(3, 1, seed=3)])
    groups = likely_people(vectors, threshold=THRESHOLD)
    assert [len(rows) for rows in groups] == [9, 2, 1, 1, 1]
    assert sorted(row for rows in groups for row in rows) == list(range(14))


def test_one_person_with_more_faces_than_neighbours_are_looked_at() -> None:
    assert [len(rows) for rows in likely_people(crowd(1, 600), threshold=THRESHOLD)] == [600]
    same = np.repeat(crowd(1, 1), 300, axis=0)
    assert [len(rows) for rows in likely_people(same, threshold=THRESHOLD)] == [300]


def test_a_chain_of_lookalikes_is_no_person() -> None:
    # Each is near the next, but the first and the last are opposites.
    chain = in_plane(*range(0, 181, 10))
    groups = likely_people(chain, threshold=0.2)
    assert len(groups) > 2
    for rows in groups:
        distances = np.square(chain[rows][:, None] - chain[rows][None]).sum(axis=2)
        assert distances.mean() < 0.2


def test_the_most_typical_face_stands_first() -> None:
    (rows,) = likely_people(in_plane(0, 10, 20, 5, 40), threshold=0.5)
    assert rows[0] in (1, 2)
    assert rows[-1] == 4


def test_nobody_and_one() -> None:
    assert likely_people(np.empty((0, DIMS), np.float32), threshold=THRESHOLD) == []
    assert likely_people(crowd(1, 1), threshold=THRESHOLD) == [[0]]


def test_it_ends_with_the_time_of_the_request() -> None:
    with deadline(-1), pytest.raises(TimedOut):
        likely_people(crowd(2, 2), threshold=THRESHOLD)


def test_two_faces_of_one_picture_are_two_people_however_near() -> None:
    vectors = in_plane(0, 1, 0.5, 60, 61)
    assert sorted(map(len, likely_people(vectors, threshold=0.3))) == [2, 3]
    groups = likely_people(vectors, threshold=0.3, pictures=["a", "a", "b", "a", "c"])
    assert sorted(map(sorted, groups)) in ([[0], [1, 2], [3, 4]], [[0, 2], [1], [3, 4]])


def test_groups_that_share_a_picture_stay_apart() -> None:
    twins = in_plane(0, 0, 1, 1)
    groups = likely_people(twins, threshold=0.3, pictures=["a", "b", "a", "b"])
    assert sorted(map(sorted, groups)) == [[0, 1], [2, 3]]
